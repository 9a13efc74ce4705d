use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::parse::ParseStream;
use syn::{Error, Ident, ImplItem, ItemImpl, Path};

use crate::args::{self, Arg, Args};
use crate::errors::Errors;
use crate::expand::{self, Callee, Traced};
use crate::function;
use crate::marker::marker;
use crate::names::type_name;

struct TypeArgs {
    skip: Arg<Vec<Ident>>,
    krate: Arg<Path>,
}

impl Default for TypeArgs {
    fn default() -> Self {
        Self { skip: Arg::new("skip"), krate: Arg::new("crate") }
    }
}

impl Args for TypeArgs {
    const ACCEPTED: &'static str = "`skip(...)`, `crate`";

    fn accept(&mut self, key: &Ident, input: ParseStream<'_>) -> Option<syn::Result<()>> {
        Some(match key.to_string().as_str() {
            "skip" => args::methods(&mut self.skip, key, input),
            "crate" => args::krate(&mut self.krate, key, input),
            _ => return None,
        })
    }
}

pub(crate) fn trace_type(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = TypeArgs::parse(args, &mut errors);
    let krate = args::krate_path(&args.krate);

    let Ok(mut block) = syn::parse2::<ItemImpl>(item.clone()) else {
        return not_a_block(item, errors, "#[trace_type]");
    };
    let skip = args.skip.value.unwrap_or_default();
    for name in &skip {
        if !methods(&block).any(|method| method.sig.ident == *name) {
            errors.push(Error::new(name.span(), format!("no method `{name}` in this block")));
        }
    }
    let marker = marker(&krate, &block);
    trace_methods(&krate, &mut block, &skip, &mut errors);
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

/// Gives every method of the block its span, except `skip` and what cannot have one.
pub(crate) fn trace_methods(krate: &TokenStream, block: &mut ItemImpl, skip: &[Ident], errors: &mut Errors) {
    let owner = type_name(&block.self_ty);
    for item in &mut block.items {
        let ImplItem::Fn(method) = item else { continue };
        let own = function::take_attribute(&mut method.attrs, errors);
        if method.sig.constness.is_some() || skip.contains(&method.sig.ident) {
            continue;
        }
        let name = own.as_ref().and_then(|own| own.name.value.as_ref());
        let traced = Traced {
            krate,
            callee: Callee::of_method(&owner, &method.sig, name),
            attributes: own.as_ref().and_then(|own| own.attributes.value.as_deref()).unwrap_or_default(),
        };
        method.block = traced.body(&mut method.sig, &method.attrs, &method.block);
        expand::inner_attributes_outside(&mut method.attrs);
    }
}

/// What did not parse is emitted as it stands. If it is a block that the author is in the middle of typing, the
/// compiler says better what is missing.
pub(crate) fn not_a_block(item: TokenStream, mut errors: Errors, attribute: &str) -> TokenStream {
    if !function::contains_word(&item, "impl") {
        errors.push(Error::new(
            Span::call_site(),
            format!("`{attribute}` goes on an `impl` block; for a function use `#[trace_fn]`"),
        ));
    }
    let mut tokens = errors.into_tokens();
    tokens.extend(item);
    tokens
}
