use syn::{Attribute, Ident, Meta, Path};

/// Turns `expect` into `allow`, because the traced body may not trigger the lint that the author's body triggers.
pub(crate) fn allow_expected(attributes: &mut [Attribute]) {
    for attribute in attributes {
        if let Meta::List(list) = &mut attribute.meta
            && let Some(expect) = list.path.get_ident().filter(|name| *name == "expect")
        {
            list.path = Path::from(Ident::new("allow", expect.span()));
        }
    }
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;
    use syn::{ItemImpl, parse_quote};

    use super::*;

    #[test]
    fn what_is_expected_is_allowed_for_the_same_reason() {
        let mut block: ItemImpl = parse_quote! {
            #[expect(dead_code, reason = "it is old")]
            #[warn(clippy::pedantic)]
            impl Unit {}
        };
        allow_expected(&mut block.attrs);
        let attributes: Vec<_> =
            block.attrs.iter().map(|attribute| attribute.to_token_stream().to_string()).collect();
        assert_eq!(
            attributes,
            ["# [allow (dead_code , reason = \"it is old\")]", "# [warn (clippy :: pedantic)]"]
        );
    }
}
