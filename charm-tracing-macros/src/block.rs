use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Attribute, Block, Error, ImplItem, Item, ItemImpl, ItemTrait, LitStr, Path, Signature, TraitItem,
    TraitItemFn,
};

use crate::args::{self, Accept, Args};
use crate::errors::{Errors, refuse_item};
use crate::expand::{Callee, Owner, Scope, Traced};
use crate::last;
use crate::lints;
use crate::marker::marker;
use crate::names::is_called;
use crate::selection::{Candidate, Selection};

/// The arguments of `#[trace_type]`.
#[derive(Default)]
pub(crate) struct TypeArgs {
    pub(crate) name: Option<LitStr>,
    pub(crate) selection: Selection,
    krate: Option<Path>,
}

impl Args for TypeArgs {
    const ACCEPTED: &'static [(&'static str, Accept<Self>)] = &[
        ("name", |given, key, input| args::text(key, input).map(|name| given.name = Some(name))),
        ("only", |given, key, input| given.selection.only(key, input)),
        ("skip", |given, key, input| given.selection.skip(key, input)),
        ("crate", |given, key, input| args::krate(key, input).map(|path| given.krate = Some(path))),
    ];
}

pub(crate) fn trace_type(args: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = TypeArgs::parse(args, &mut errors);
    let krate = args::krate_path(args.krate.as_ref(), &mut errors);
    match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Impl(block)) => on_block(&krate, &args, block, errors),
        Ok(Item::Trait(definition)) => on_trait(&krate, &args, definition, errors),
        _ => refuse_item(
            item,
            errors,
            &["impl", "trait"],
            "`#[trace_type]` goes on an `impl` block or on a `trait`; for a function use `#[trace_fn]`",
        ),
    }
}

fn on_block(krate: &TokenStream, args: &TypeArgs, mut block: ItemImpl, mut errors: Errors) -> TokenStream {
    let candidates = methods(&block).map(|method| Candidate { signature: &method.sig, has_body: true });
    args.selection.check(candidates, &mut errors);
    refuse_another(&mut block.attrs, &mut errors);
    let marker = marker(krate, &block);
    let allowed = lints::allowed_form(&block);
    trace_methods(krate, args, &mut block, &errors);
    block.attrs.extend(allowed);
    quote!(#errors #block #marker)
}

/// Expands `#[trace_type]` on a trait definition: its methods with a body open spans for every type that does not
/// override them.
fn on_trait(krate: &TokenStream, args: &TypeArgs, mut item: ItemTrait, mut errors: Errors) -> TokenStream {
    let candidates = item.items.iter().filter_map(|item| match item {
        TraitItem::Fn(method) => {
            Some(Candidate { signature: &method.sig, has_body: method.default.is_some() })
        }
        _ => None,
    });
    args.selection.check(candidates, &mut errors);
    refuse_another(&mut item.attrs, &mut errors);
    let methods = Methods::new(krate, args, Owner::of_trait(&item, args.name.as_ref()));
    if errors.is_empty() {
        for member in &mut item.items {
            if let TraitItem::Fn(TraitItemFn { attrs, sig, default: Some(block), .. }) = member {
                methods.trace(attrs, sig, block);
            }
        }
    }
    lints::allow_expected(&mut item.attrs);
    quote!(#errors #item)
}

pub(crate) fn methods(block: &ItemImpl) -> impl Iterator<Item = &syn::ImplItemFn> {
    block.items.iter().filter_map(|item| match item {
        ImplItem::Fn(method) => Some(method),
        _ => None,
    })
}

/// Notes an error for each attribute that would trace the methods of an item a second time, and removes it.
pub(crate) fn refuse_another(attributes: &mut Vec<Attribute>, errors: &mut Errors) {
    attributes.retain(|attribute| {
        let path = attribute.path();
        let another = ["trace_charm", "trace_type"].into_iter().find(|name| is_called(path, name));
        if let Some(name) = another {
            let message =
                format!("the attribute above gives the methods their spans; remove this `#[{name}]`");
            errors.push(Error::new_spanned(path, message));
        }
        another.is_none()
    });
}

/// Adds spans to the methods of the block; does nothing if there are errors.
pub(crate) fn trace_methods(krate: &TokenStream, args: &TypeArgs, block: &mut ItemImpl, errors: &Errors) {
    lints::allow_expected(&mut block.attrs);
    if !errors.is_empty() {
        return;
    }
    let methods = Methods::new(krate, args, Owner::of_block(block, args.name.as_ref()));
    for item in &mut block.items {
        if let ImplItem::Fn(method) = item {
            methods.trace(&mut method.attrs, &mut method.sig, &mut method.block);
        }
    }
}

/// The facts that all methods of one item share.
struct Methods<'a> {
    krate: &'a TokenStream,
    selection: &'a Selection,
    scope: Scope,
    owner: Owner,
}

impl<'a> Methods<'a> {
    fn new(krate: &'a TokenStream, args: &'a TypeArgs, owner: Owner) -> Self {
        Self { krate, selection: &args.selection, scope: owner.scope(), owner }
    }

    /// Adds a span to one method if the selection contains it.
    fn trace(&self, attributes: &mut Vec<Attribute>, signature: &mut Signature, block: &mut Block) {
        let Self { krate, selection, scope, owner } = self;
        if !selection.takes(signature) {
            // Its own `#[trace_fn]` still works.
            return;
        }
        if last::may_be_rewritten(attributes) {
            attributes.push(last::attribute(krate, owner, &TokenStream::new()));
            return;
        }
        let callee = Callee::of(signature, None, owner);
        Traced { krate, callee, attributes: &[], records_errors: true, scope }
            .write(attributes, signature, block);
    }
}
