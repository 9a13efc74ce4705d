use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::ParseStream;
use syn::{Attribute, Error, ForeignItemFn, Ident, Item, ItemFn, LitStr, Meta, Path, Signature, parse_quote};

use crate::args::{self, Arg, Args, SpanAttribute};
use crate::errors::Errors;
use crate::expand::{Callee, Scope, Traced};
use crate::names::is_called;

/// The arguments of `#[trace_fn]`.
pub(crate) struct FunctionArgs {
    pub(crate) name: Arg<LitStr>,
    pub(crate) attributes: Arg<Vec<SpanAttribute>>,
    krate: Arg<Path>,
}

impl Default for FunctionArgs {
    fn default() -> Self {
        Self { name: Arg::new("name"), attributes: Arg::new("attributes"), krate: Arg::new("crate") }
    }
}

impl Args for FunctionArgs {
    const ACCEPTED: &'static str = "`name`, `attributes(...)`, `crate`";

    fn accept(&mut self, key: &Ident, input: ParseStream<'_>) -> Option<syn::Result<()>> {
        Some(match key.to_string().as_str() {
            "name" => args::text(&mut self.name, key, input),
            "attributes" => args::attributes(&mut self.attributes, key, input),
            "crate" => args::krate(&mut self.krate, key, input),
            _ => return None,
        })
    }
}

pub(crate) fn trace_fn(args: TokenStream, item: TokenStream) -> TokenStream {
    if args.to_string() == DONE {
        return item;
    }
    let mut errors = Errors::default();
    let args = FunctionArgs::parse(args, &mut errors);
    let krate = args::krate_path(&args.krate);

    let Ok(mut function) = syn::parse2::<ItemFn>(item.clone()) else {
        return not_a_function(item, errors);
    };
    match refuse(&function.sig) {
        Some(error) => errors.push(error),
        None if errors.is_empty() => {
            let traced = Traced {
                krate: &krate,
                callee: Callee::of_function(&function.sig, args.name.value.as_ref()),
                attributes: args.attributes.value.as_deref().unwrap_or_default(),
                scope: &Scope::unknown(),
            };
            traced.write(&mut function.attrs, &mut function.sig, &mut function.block);
        }
        None => {}
    }
    let mut tokens = errors.into_tokens();
    function.to_tokens(&mut tokens);
    tokens
}

/// Why a function cannot open a span, said at the token that is the reason.
fn refuse(signature: &Signature) -> Option<Error> {
    signature.constness.map(|constness| {
        Error::new(
            constness.span,
            "a `const fn` may run while compiling, where no span can be opened; remove `const` or this attribute",
        )
    })
}

/// What is no function is emitted as it stands. If it is one that the author is in the middle of typing, the compiler
/// says better what is missing.
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

/// Whether the author may yet make an item of it that one of the words begins.
pub(crate) fn is_half_typed(item: &TokenStream, words: &[&str]) -> bool {
    let word = |token| matches!(token, TokenTree::Ident(ident) if words.iter().any(|word| ident == word));
    matches!(syn::parse2(item.clone()), Err(_) | Ok(Item::Verbatim(_))) && item.clone().into_iter().any(word)
}

/// The argument of an attribute whose work is done.
const DONE: &str = "__done";

/// The arguments of `#[trace_fn(...)]` on a method of an annotated block. They count, and the attribute does no more,
/// or it would open a second span; it stays, or its import would be unused.
pub(crate) fn take_arguments(attributes: &mut [Attribute], errors: &mut Errors) -> Option<FunctionArgs> {
    let attribute = attributes.iter_mut().find(|attribute| is_called(attribute.path(), "trace_fn"))?;
    let arguments = match &attribute.meta {
        Meta::List(list) => list.tokens.clone(),
        Meta::Path(_) => TokenStream::new(),
        Meta::NameValue(meta) => {
            errors.push(Error::new_spanned(meta, "write `#[trace_fn(name = \"...\")]`"));
            TokenStream::new()
        }
    };
    let (path, done) = (attribute.path(), Ident::new(DONE, Span::call_site()));
    attribute.meta = parse_quote!(#path(#done));
    Some(FunctionArgs::parse(arguments, errors))
}
