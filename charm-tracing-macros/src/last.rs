//! Order among attributes: a function with attributes of other crates gets its span after they have run.
//!
//! Attribute macros are expanded from the outside in, and each sees the output of those before it. A span that is
//! written around the author's body too early would change what the later macros produce: an async block has no written
//! return type, and a closure inside a closure captures by value what the outer one only borrows. So `#[trace_fn]`
//! moves below all other attributes, as `#[charm_tracing::trace_fn(__last(...), ...)]`, and a traced block writes the
//! same attribute on such a method. `__last(...)` holds what the block knows of the method. If the function has a
//! second `#[trace_fn]`, under any imported name, that one passes its arguments to the attribute with `__last`, so that
//! there is one span.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, Ident, Item, LitStr, Meta, Path, Token, parenthesized, parse_quote};

use crate::expand::Owner;
use crate::names::is_called;

/// The key of the argument that says that all other attributes have run.
pub(crate) const KEY: &str = "__last";

/// The content of `__last(...)`.
pub(crate) struct Last {
    pub(crate) krate: Path,
    pub(crate) owner: Owner,
}

impl Parse for Last {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let krate = input.call(Path::parse_mod_style)?;
        if input.is_empty() {
            return Ok(Self { krate, owner: Owner::Unknown });
        }
        input.parse::<Token![,]>()?;
        let name = input.parse::<Option<LitStr>>()?;
        let owner = match input.parse()? {
            Item::Impl(block) => Owner::Block(Box::new(block), name),
            Item::Trait(definition) => Owner::Trait(Box::new(definition), name),
            other => return Err(Error::new_spanned(other, "expected a block or the definition of a trait")),
        };
        Ok(Self { krate, owner })
    }
}

/// Parses the argument `__last(...)`.
pub(crate) fn argument(input: ParseStream<'_>) -> syn::Result<Last> {
    let content;
    parenthesized!(content in input);
    content.parse()
}

/// Returns the attribute that traces a function after all others have run.
pub(crate) fn attribute(krate: &TokenStream, owner: &Owner, arguments: &TokenStream) -> Attribute {
    let owner = owner.to_tokens();
    let last = Ident::new(KEY, Span::mixed_site());
    let comma = quote_spanned!(Span::mixed_site()=> ,);
    let comma = (!arguments.is_empty()).then_some(comma);
    parse_quote!(#[#krate::trace_fn(#last(#krate #owner) #comma #arguments)])
}

/// Adds the arguments to the function's `__last` attribute; returns false if it has none.
pub(crate) fn hand_on(attributes: &mut [Attribute], arguments: &TokenStream) -> bool {
    for attribute in attributes.iter_mut().filter(|attribute| is_last(attribute)) {
        if let Meta::List(list) = &mut attribute.meta {
            let tokens = &list.tokens;
            let ends_with_comma = matches!(
                tokens.clone().into_iter().last(),
                Some(TokenTree::Punct(last)) if last.as_char() == ','
            );
            let comma = (!ends_with_comma).then(|| quote_spanned!(Span::mixed_site()=> ,));
            list.tokens = quote!(#tokens #comma #arguments);
            return true;
        }
    }
    false
}

/// Removes the `__last` attribute, which would only repeat a mistake.
pub(crate) fn remove(attributes: &mut Vec<Attribute>) {
    attributes.retain(|attribute| !is_last(attribute));
}

fn is_last(attribute: &Attribute) -> bool {
    let Meta::List(list) = &attribute.meta else { return false };
    is_called(&list.path, "trace_fn")
        && matches!(list.tokens.clone().into_iter().next(), Some(TokenTree::Ident(key)) if key == KEY)
}

/// Returns true if one of the attributes may be a macro that writes another body around the author's.
///
/// Attributes that make tests of a function do not change its body, but move its attributes to functions without
/// arguments; with one of them this returns false.
pub(crate) fn may_be_rewritten(attributes: &[Attribute]) -> bool {
    let makes_tests = |attribute: &Attribute| MAKE_TESTS.iter().any(|name| is_called(attribute.path(), name));
    !attributes.iter().any(makes_tests) && attributes.iter().any(may_rewrite)
}

fn may_rewrite(attribute: &Attribute) -> bool {
    meta_may_rewrite(&attribute.meta)
}

fn meta_may_rewrite(meta: &Meta) -> bool {
    let path = meta.path();
    if let Some(name) = path.get_ident() {
        let inert = INERT.iter().any(|inert| name == inert) || name.to_string().starts_with("rustc_");
        let conditional = if name == "cfg_attr" { conditional(meta) } else { None };
        return match conditional {
            Some(attributes) => attributes.iter().any(meta_may_rewrite),
            None => !inert,
        };
    }
    !path.segments.first().is_some_and(|tool| TOOLS.iter().any(|known| tool.ident == known))
}

/// Returns the attributes in a `#[cfg_attr(...)]`; `None` if they cannot be parsed.
fn conditional(meta: &Meta) -> Option<Vec<Meta>> {
    let Meta::List(list) = meta else { return None };
    let metas = Punctuated::<Meta, Token![,]>::parse_terminated.parse2(list.tokens.clone()).ok()?;
    Some(metas.into_iter().skip(1).collect())
}

/// The built-in attributes that do not change a function. `test` is missing, because another macro may be imported
/// under this name.
const INERT: [&str; 25] = [
    "allow",
    "automatically_derived",
    "cfg",
    "cold",
    "coverage",
    "deny",
    "deprecated",
    "doc",
    "expect",
    "export_name",
    "forbid",
    "ignore",
    "inline",
    "instruction_set",
    "link_name",
    "link_section",
    "must_use",
    "naked",
    "no_mangle",
    "optimize",
    "should_panic",
    "target_feature",
    "track_caller",
    "unsafe",
    "warn",
];

/// The attributes of the crates `rstest`, `rstest_reuse`, `test-case` and `parameterized` that make tests of a
/// function.
const MAKE_TESTS: [&str; 7] =
    ["apply", "fixture", "parameterized", "rstest", "template", "test_case", "test_matrix"];

/// The tools whose attributes the compiler knows.
const TOOLS: [&str; 5] = ["clippy", "diagnostic", "miri", "rust_analyzer", "rustfmt"];

#[cfg(test)]
mod tests {
    use quote::ToTokens;

    use super::*;

    #[test]
    fn what_leaves_a_function_as_it_is_is_known() {
        for inert in [
            parse_quote!(#[doc = "a"]),
            parse_quote!(#[allow(dead_code)]),
            parse_quote!(#[cfg(unix)]),
            parse_quote!(#[unsafe(no_mangle)]),
            parse_quote!(#[rustfmt::skip]),
            parse_quote!(#[cfg_attr(unix, inline, must_use = "a")]),
            parse_quote!(#[cfg_attr(all(unix, feature = "a"), doc(cfg(unix)), unsafe(no_mangle))]),
            parse_quote!(#[cfg_attr(unix, cfg_attr(windows, cold))]),
        ] {
            assert!(!may_rewrite(&inert), "{}", inert.to_token_stream());
        }
        for other in [
            parse_quote!(#[tokio::main]),
            parse_quote!(#[test]),
            parse_quote!(#[trace_fn]),
            parse_quote!(#[context("a {b}")]),
            parse_quote!(#[case(1, "a")]),
            parse_quote!(#[cfg_attr(unix, trace_fn(name = "a"))]),
            parse_quote!(#[cfg_attr(unix, inline, cfg_attr(windows, a::b))]),
        ] {
            assert!(may_rewrite(&other), "{}", other.to_token_stream());
        }
    }
}
