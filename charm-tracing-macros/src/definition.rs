use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{ItemTrait, TraitItem};

use crate::block::{Methods, TypeArgs, refuse_another};
use crate::errors::Errors;
use crate::last::Owner;
use crate::lints;
use crate::selection::Candidate;

/// Expands `#[trace_type]` on a trait definition: its methods with a body open spans for every type that does not
/// override them.
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
    refuse_another(&mut item.attrs, &mut errors);
    let methods = Methods::new(krate, args, Owner::of_trait(&item, args.name.as_ref()));
    for member in &mut item.items {
        if let TraitItem::Fn(method) = member
            && let Some(block) = &mut method.default
            && errors.is_empty()
        {
            methods.trace(&mut method.attrs, &mut method.sig, block);
        }
    }
    lints::allow_expected(&mut item.attrs);
    let mut tokens = errors.into_tokens();
    item.to_tokens(&mut tokens);
    tokens
}
