use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::ParseStream;
use syn::{Error, ForeignItemFn, Ident, Item, ItemFn, LitStr, Path, Signature};

use crate::args::{self, Arg, Args, SpanAttribute};
use crate::errors::Errors;
use crate::expand::Traced;
use crate::last::{self, Last, Owner};

/// The arguments of `#[trace_fn]`.
struct FunctionArgs {
    name: Arg<LitStr>,
    attributes: Arg<Vec<SpanAttribute>>,
    err: Arg<()>,
    krate: Arg<Path>,
    last: Arg<Last>,
}

impl Default for FunctionArgs {
    fn default() -> Self {
        Self {
            name: Arg::new("name"),
            attributes: Arg::new("attributes"),
            err: Arg::new("err"),
            krate: Arg::new("crate"),
            last: Arg::new(last::KEY),
        }
    }
}

impl Args for FunctionArgs {
    const ACCEPTED: &'static str = "`name`, `attributes(...)`, `err = off`, `crate`";

    fn accept(&mut self, key: &Ident, input: ParseStream<'_>) -> Option<syn::Result<()>> {
        Some(match key.to_string().as_str() {
            "name" => args::text(&mut self.name, key, input),
            "attributes" => args::attributes(&mut self.attributes, key, input),
            "err" => args::off(&mut self.err, key, input),
            "crate" => args::krate(&mut self.krate, key, input),
            last::KEY => last::argument(&mut self.last, key, input),
            _ => return None,
        })
    }
}

impl FunctionArgs {
    fn krate(&self) -> TokenStream {
        match (&self.krate.value, &self.last.value) {
            (None, Some(Last { krate, .. })) => krate.to_token_stream(),
            _ => args::krate_path(&self.krate),
        }
    }

    fn owner(&self) -> &Owner {
        self.last.value.as_ref().map_or(&Owner::Unknown, |last| &last.owner)
    }

    fn trace(&self, krate: &TokenStream, function: &mut ItemFn) {
        let owner = self.owner();
        let traced = Traced {
            krate,
            callee: owner.callee(&function.sig, self.name.value.as_ref()),
            attributes: self.attributes.value.as_deref().unwrap_or_default(),
            records_errors: self.err.value.is_none(),
            scope: &owner.scope(),
        };
        traced.write(&mut function.attrs, &mut function.sig, &mut function.block);
    }
}

pub(crate) fn trace_fn(arguments: &TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = FunctionArgs::parse(arguments.clone(), &mut errors);
    let Ok(mut function) = syn::parse2::<ItemFn>(item.clone()) else {
        return not_a_function(item, errors);
    };
    errors.extend(refuse(&function.sig));
    let krate = args.krate();
    if !errors.is_empty() {
        last::remove(&mut function.attrs);
    } else if args.last.value.is_some() || !last::may_be_rewritten(&function.attrs) {
        args.trace(&krate, &mut function);
    } else if !last::hand_on(&mut function.attrs, arguments) {
        function.attrs.push(last::attribute(&krate, args.owner(), arguments));
    }
    let mut tokens = errors.into_tokens();
    function.to_tokens(&mut tokens);
    tokens
}

/// Returns the reason why a function cannot open a span, at its token; `None` if it can.
fn refuse(signature: &Signature) -> Option<Error> {
    signature.constness.map(|constness| {
        Error::new(
            constness.span,
            "a `const fn` may run while compiling, where no span can be opened; remove `const` or this attribute",
        )
    })
}

/// Emits an item that is no function as it is, with an error. If the author is still typing it, there is no error,
/// because the compiler explains better what is missing.
fn not_a_function(item: TokenStream, mut errors: Errors) -> TokenStream {
    if syn::parse2::<ForeignItemFn>(item.clone()).is_ok() {
        errors.push(Error::new(
            Span::call_site(),
            "`#[trace_fn]` needs a function with a body; put it on the implementation",
        ));
    } else if !is_half_typed(&item, &["fn"]) {
        errors.push(Error::new(
            Span::call_site(),
            "`#[trace_fn]` goes on a function with a body; for an `impl` block use `#[trace_type]`",
        ));
    }
    let mut tokens = errors.into_tokens();
    tokens.extend(item);
    tokens
}

/// Returns true if the author may still be typing an item that begins with one of the words.
pub(crate) fn is_half_typed(item: &TokenStream, words: &[&str]) -> bool {
    let word = |token| matches!(token, TokenTree::Ident(ident) if words.iter().any(|word| ident == word));
    matches!(syn::parse2(item.clone()), Err(_) | Ok(Item::Verbatim(_))) && item.clone().into_iter().any(word)
}
