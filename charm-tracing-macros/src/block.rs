use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Attribute, Block, Error, Ident, ImplItem, Item, ItemImpl, LitStr, Path, Signature};

use crate::args::{self, Arg, Args};
use crate::definition::on_trait;
use crate::errors::Errors;
use crate::expand::{Callee, Scope, Traced};
use crate::function;
use crate::lints;
use crate::marker::marker;
use crate::names::type_name;
use crate::selection::{Candidate, Selection};

/// The arguments of `#[trace_type]`.
pub(crate) struct TypeArgs {
    pub(crate) name: Arg<LitStr>,
    pub(crate) selection: Selection,
    krate: Arg<Path>,
}

impl Default for TypeArgs {
    fn default() -> Self {
        Self { name: Arg::new("name"), selection: Selection::default(), krate: Arg::new("crate") }
    }
}

impl Args for TypeArgs {
    const ACCEPTED: &'static str = "`name`, `only(...)`, `skip(...)`, `crate`";

    fn accept(&mut self, key: &Ident, input: ParseStream<'_>) -> Option<syn::Result<()>> {
        Some(match key.to_string().as_str() {
            "name" => args::text(&mut self.name, key, input),
            "crate" => args::krate(&mut self.krate, key, input),
            _ => return self.selection.accept(key, input),
        })
    }
}

pub(crate) fn trace_type(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = TypeArgs::parse(args, &mut errors);
    let krate = args::krate_path(&args.krate);
    match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Impl(block)) => on_block(&krate, &args, block, errors),
        Ok(Item::Trait(definition)) => on_trait(&krate, &args, definition, errors),
        _ => not_a_block(
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
    let marker = marker(krate, &block);
    let allowed = lints::allowed(&block);
    trace_methods(krate, args, &mut block, &mut errors);
    block.attrs.extend(allowed);
    let mut tokens = errors.into_tokens();
    block.to_tokens(&mut tokens);
    tokens.extend(marker);
    tokens
}

pub(crate) fn methods(block: &ItemImpl) -> impl Iterator<Item = &syn::ImplItemFn> {
    block.items.iter().filter_map(|item| match item {
        ImplItem::Fn(method) => Some(method),
        _ => None,
    })
}

/// Gives the methods of the block their spans.
pub(crate) fn trace_methods(krate: &TokenStream, args: &TypeArgs, block: &mut ItemImpl, errors: &mut Errors) {
    let owner = type_name(&block.self_ty);
    let scope = Scope::of_block(block);
    for item in &mut block.items {
        let ImplItem::Fn(method) = item else { continue };
        let callee = |signature: &_, name: Option<&_>| Callee::of_method(&owner, signature, name);
        let method = (&mut method.attrs, &mut method.sig, &mut method.block);
        trace_method(krate, args, callee, &scope, method, errors);
    }
    lints::allow_expected(&mut block.attrs);
}

/// Gives one method its span, if it is to have one.
pub(crate) fn trace_method(
    krate: &TokenStream,
    args: &TypeArgs,
    callee: impl FnOnce(&Signature, Option<&LitStr>) -> Callee,
    scope: &Scope,
    (attributes, signature, block): (&mut Vec<Attribute>, &mut Signature, &mut Block),
    errors: &mut Errors,
) {
    if !args.selection.takes(signature) {
        // A `#[trace_fn]` of its own still holds.
        return;
    }
    let own = function::take_arguments(attributes, errors).unwrap_or_default();
    if !errors.is_empty() {
        return;
    }
    let of_type = |name: &LitStr| {
        let method = signature.ident.unraw();
        LitStr::new(&format!("method call: {}.{method}", name.value()), name.span())
    };
    let name = own.name.value.or_else(|| args.name.value.as_ref().map(of_type));
    let traced = Traced {
        krate,
        callee: callee(signature, name.as_ref()),
        attributes: own.attributes.value.as_deref().unwrap_or_default(),
        scope,
    };
    traced.write(attributes, signature, block);
}

/// What is no such item is emitted as it stands. If it is one that the author is in the middle of typing, the compiler
/// says better what is missing.
pub(crate) fn not_a_block(item: TokenStream, mut errors: Errors, words: &[&str], place: &str) -> TokenStream {
    if !function::is_half_typed(&item, words) {
        errors.push(Error::new(Span::call_site(), place));
    }
    let mut tokens = errors.into_tokens();
    tokens.extend(item);
    tokens
}
