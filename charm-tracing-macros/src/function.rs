use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Error, ForeignItemFn, ItemFn, LitStr, Path, Signature};

use crate::args::{self, Accept, Args, SpanAttribute};
use crate::errors::{Errors, refuse_item};
use crate::expand::{Callee, Owner, Traced};
use crate::last::{self, Last};

/// The arguments of `#[trace_fn]`.
#[derive(Default)]
struct FunctionArgs {
    name: Option<LitStr>,
    attributes: Vec<SpanAttribute>,
    err_is_off: bool,
    krate: Option<Path>,
    last: Option<Last>,
}

impl Args for FunctionArgs {
    const ACCEPTED: &'static [(&'static str, Accept<Self>)] = &[
        ("name", |given, key, input| args::text(key, input).map(|name| given.name = Some(name))),
        ("attributes", |given, key, input| args::attributes(key, input).map(|list| given.attributes = list)),
        ("err", |given, key, input| args::off(key, input).map(|()| given.err_is_off = true)),
        ("crate", |given, key, input| args::krate(key, input).map(|path| given.krate = Some(path))),
        (last::KEY, |given, _, input| last::argument(input).map(|last| given.last = Some(last))),
    ];
}

impl FunctionArgs {
    fn krate(&self, errors: &mut Errors) -> TokenStream {
        let handed_on = self.last.as_ref().map(|last| &last.krate);
        args::krate_path(self.krate.as_ref().or(handed_on), errors)
    }

    fn owner(&self) -> &Owner {
        self.last.as_ref().map_or(&Owner::Unknown, |last| &last.owner)
    }

    fn trace(&self, krate: &TokenStream, function: &mut ItemFn) {
        let owner = self.owner();
        let traced = Traced {
            krate,
            callee: Callee::of(&function.sig, self.name.as_ref(), owner),
            attributes: &self.attributes,
            records_errors: !self.err_is_off,
            scope: &owner.scope(),
        };
        traced.write(&mut function.attrs, &mut function.sig, &mut function.block);
    }
}

pub(crate) fn trace_fn(arguments: &TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = FunctionArgs::parse(arguments.clone(), &mut errors);
    let Ok(mut function) = syn::parse2::<ItemFn>(item.clone()) else {
        if syn::parse2::<ForeignItemFn>(item.clone()).is_err() {
            let why = "`#[trace_fn]` goes on a function with a body; for an `impl` block use `#[trace_type]`";
            return refuse_item(item, errors, &["fn"], why);
        }
        let why = "`#[trace_fn]` needs a function with a body; put it on the implementation";
        errors.push(Error::new(Span::call_site(), why));
        return quote!(#errors #item);
    };
    errors.extend(refuse(&function.sig));
    let is_last = args.last.is_some() || !last::may_be_rewritten(&function.attrs);
    if errors.is_empty() && !is_last && last::hand_on(&mut function.attrs, arguments) {
        return function.into_token_stream();
    }
    let krate = args.krate(&mut errors);
    if !errors.is_empty() {
        last::remove(&mut function.attrs);
    } else if is_last {
        args.trace(&krate, &mut function);
    } else {
        function.attrs.push(last::attribute(&krate, args.owner(), arguments));
    }
    quote!(#errors #function)
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
