use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{ItemTrait, LitStr, TraitItem};

use crate::block::{TypeArgs, trace_method};
use crate::errors::Errors;
use crate::expand::{Callee, Scope};
use crate::lints;
use crate::selection::Candidate;

/// `#[trace_type]` on the definition of a trait: the methods that have a body open spans for whatever type does not
/// write its own.
pub(crate) fn on_trait(
    krate: &TokenStream,
    args: &TypeArgs,
    mut item: ItemTrait,
    mut errors: Errors,
) -> TokenStream {
    let candidates = item.items.iter().filter_map(|item| match item {
        TraitItem::Fn(method) => {
            Some(Candidate { signature: &method.sig, has_body: method.default.is_some() })
        }
        _ => None,
    });
    args.selection.check(candidates, &mut errors);
    let scope = Scope::of_trait(&item.generics);
    for member in &mut item.items {
        let TraitItem::Fn(method) = member else { continue };
        let Some(block) = &mut method.default else { continue };
        let callee =
            |signature: &_, name: Option<&LitStr>| Callee::of_default_method(&item.ident, signature, name);
        let method = (&mut method.attrs, &mut method.sig, block);
        trace_method(krate, args, callee, &scope, method, &mut errors);
    }
    lints::allow_expected(&mut item.attrs);
    let mut tokens = errors.into_tokens();
    item.to_tokens(&mut tokens);
    tokens
}
