//! Lints that look at how a body is written, which the attributes change.

use syn::{Attribute, Ident, ItemImpl, Meta, Path, parse_quote};

/// Of some traits clippy compares the bodies with its own idea of them, which a traced body cannot be.
pub(crate) fn allowed(block: &ItemImpl) -> Option<Attribute> {
    match block.trait_.as_ref()?.0.segments.last()?.ident.to_string().as_str() {
        "Clone" => Some(parse_quote!(#[allow(clippy::non_canonical_clone_impl)])),
        "PartialOrd" => Some(parse_quote!(#[allow(clippy::non_canonical_partial_ord_impl)])),
        _ => None,
    }
}

/// What the author's body is expected to draw, the traced one may not draw: `expect` becomes `allow`.
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
