use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::punctuated::Punctuated;
use syn::{Attribute, Ident, ItemImpl, Meta, Path, Token, parse_quote};

/// Returns an `allow` for the clippy lint that expects one form of body in `Clone` or `PartialOrd`, if the author's body has
/// that form, because the traced body has not.
///
/// In all other blocks nothing is allowed, because an author may forbid it.
pub(crate) fn allowed_form(block: &ItemImpl) -> Option<Attribute> {
    let text: String = block.to_token_stream().to_string().split_whitespace().collect();
    match block.trait_.as_ref()?.0.segments.last()?.ident.to_string().as_str() {
        "Clone" if text.contains("{*self}") => Some(parse_quote!(#[allow(clippy::non_canonical_clone_impl)])),
        "PartialOrd" if text.contains(".cmp(") || text.contains("::cmp(") => {
            Some(parse_quote!(#[allow(clippy::non_canonical_partial_ord_impl)]))
        }
        _ => None,
    }
}

/// Turns `expect` into `allow`, because the traced body may not trigger the lint that the author's body triggers.
pub(crate) fn allow_expected(attributes: &mut [Attribute]) {
    for attribute in attributes {
        let Meta::List(list) = &mut attribute.meta else { continue };
        if let Some(expect) = list.path.get_ident().filter(|name| *name == "expect") {
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

    #[test]
    fn only_the_form_that_clippy_wants_is_allowed_to_be_another() {
        let allowed = |block: ItemImpl| allowed_form(&block).is_some();
        assert!(allowed(parse_quote!(impl Clone for Unit { fn clone(&self) -> Self { *self } })));
        assert!(!allowed(parse_quote!(impl Clone for Unit { fn clone(&self) -> Self { Self(self.0) } })));
        assert!(allowed(parse_quote! {
            impl PartialOrd for Unit {
                fn partial_cmp(&self, other: &Self) -> Option<Ordering> { Some(self.cmp(other)) }
            }
        }));
        assert!(!allowed(parse_quote! {
            impl PartialOrd for Unit {
                fn partial_cmp(&self, other: &Self) -> Option<Ordering> { self.0.partial_cmp(&other.0) }
            }
        }));
        assert!(!allowed(parse_quote!(impl Unit { fn clone(&self) -> Self { *self } })));
    }
}
