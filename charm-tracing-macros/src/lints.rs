//! Lints that look at the form of a body, which the attributes change.

use quote::ToTokens;
use syn::{Attribute, Ident, ImplItem, ItemImpl, Meta, Path, Stmt, parse_quote};

/// Returns an `allow` for a clippy lint that expects one form of body in `Clone` or `PartialOrd`. It is needed only if
/// the author's body has that form, because the traced body has not.
///
/// In all other blocks nothing is allowed, because an author may forbid it.
pub(crate) fn allowed(block: &ItemImpl) -> Option<Attribute> {
    let only = |name: &str| {
        let method = block.items.iter().find_map(|item| match item {
            ImplItem::Fn(method) if method.sig.ident == name => Some(method),
            _ => None,
        })?;
        let [Stmt::Expr(value, None)] = method.block.stmts.as_slice() else { return None };
        Some(value.to_token_stream().to_string().replace(' ', ""))
    };
    match block.trait_.as_ref()?.0.segments.last()?.ident.to_string().as_str() {
        "Clone" if only("clone")? == "*self" => {
            Some(parse_quote!(#[allow(clippy::non_canonical_clone_impl)]))
        }
        "PartialOrd" if only("partial_cmp")?.contains("cmp(") => {
            Some(parse_quote!(#[allow(clippy::non_canonical_partial_ord_impl)]))
        }
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
        let allowed = |block: ItemImpl| allowed(&block).is_some();
        assert!(allowed(parse_quote!(impl Clone for Unit { fn clone(&self) -> Self { *self } })));
        assert!(!allowed(parse_quote!(impl Clone for Unit { fn clone(&self) -> Self { Self(self.0) } })));
        assert!(allowed(parse_quote! {
            impl PartialOrd for Unit {
                fn partial_cmp(&self, other: &Self) -> Option<Ordering> { Some(self.cmp(other)) }
            }
        }));
        assert!(!allowed(parse_quote!(impl Unit { fn clone(&self) -> Self { *self } })));
    }
}
