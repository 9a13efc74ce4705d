use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::punctuated::Punctuated;
use syn::{Attribute, Ident, ItemImpl, Meta, Path, Token, parse_quote};

/// Returns an `allow` for a trait whose method has one form that clippy accepts, which a traced body has not; `None` for
/// other traits.
pub(crate) fn allowed_form(block: &ItemImpl) -> Option<Attribute> {
    match block.trait_.as_ref()?.0.segments.last()?.ident.to_string().as_str() {
        "Clone" => Some(parse_quote!(#[allow(clippy::non_canonical_clone_impl)])),
        "PartialOrd" => Some(parse_quote!(#[allow(clippy::non_canonical_partial_ord_impl)])),
        _ => None,
    }
}

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

/// Returns an `allow` for each lint that the author allows on a block or type, because other code that names the type
/// must allow them as well. A deprecated type is an example.
///
/// Lints about unused code are left out, because to allow them would count as a use of the type.
pub(crate) fn allowed_by(attributes: &[Attribute]) -> Vec<TokenStream> {
    let allowed = attributes.iter().filter(|attribute| {
        let path = attribute.path();
        path.is_ident("allow") || path.is_ident("expect")
    });
    let lints = allowed
        .filter_map(|attribute| {
            attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok()
        })
        .flatten()
        .filter(|lint| !["dead_code", "unused", "warnings"].iter().any(|unused| lint.path().is_ident(unused)))
        .filter(|lint| !lint.path().is_ident("reason"));
    // Always `allow`: the author's block fulfils an `expect`.
    lints.map(|lint| quote_spanned!(Span::mixed_site()=> #[allow(#lint)])).collect()
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
