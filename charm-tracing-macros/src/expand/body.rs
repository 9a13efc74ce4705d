use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{AttrStyle, Attribute, Block, ReturnType, Signature, Type, parse_quote};

use super::arguments::{Owning, owning};
use super::place::{as_written, end_of, leading_items, located, with_braces_of};
use super::recursion::always_calls_itself;
use super::returns::{Returning, inferred};
use super::{Callee, Scope};
use crate::args::SpanAttribute;
use crate::lints;
use crate::tokens::has_any;

/// The input for the span of one function.
pub(crate) struct Traced<'a> {
    pub(crate) krate: &'a TokenStream,
    pub(crate) callee: Callee,
    /// The attributes that the author wants on the span.
    pub(crate) attributes: &'a [SpanAttribute],
    /// True if an `Err` marks the span as failed.
    pub(crate) records_errors: bool,
    pub(crate) scope: &'a Scope,
}

impl Traced<'_> {
    /// Adds the span to the function.
    ///
    /// The author's statements keep their tokens, so the compiler shows errors in them at the usual place.
    pub(crate) fn write(
        &self,
        attributes: &mut Vec<Attribute>,
        signature: &mut Signature,
        block: &mut Block,
    ) {
        let returning = Returning::of(signature, attributes);
        let allowed: Option<Attribute> = match returning {
            // Clippy accepts any size of error in the block of a trait, but not in the closure that the body becomes.
            Returning::MayFail(_) if self.scope.is_of_trait_block() => {
                Some(parse_quote!(#[allow(clippy::result_large_err)]))
            }
            // Clippy asks whether to await a future that an async block yields, but not if an `async fn` yields it.
            Returning::Async { yields_future: true, .. } => {
                Some(parse_quote!(#[allow(clippy::async_yields_async)]))
            }
            _ => None,
        };
        *block = self.body(returning, signature, block);
        for attribute in &mut *attributes {
            // An inner attribute applies to the whole body, but may only be at its start.
            attribute.style = AttrStyle::Outer;
        }
        lints::allow_expected(attributes);
        attributes.extend(allowed);
    }

    fn body(&self, returning: Returning, signature: &mut Signature, block: &Block) -> Block {
        let tokens = match returning {
            Returning::Async { fails, .. } => self.asynchronous(signature, fails, block),
            Returning::Plain => self.in_place(block),
            Returning::MayFail(output) => self.returning(&output, signature, block),
            Returning::Future(output) => self.returning_future(&output, signature, block),
        };
        with_braces_of(block, tokens)
    }

    /// Writes the body of a function whose result is not looked at: the body stays where it is, under a guard.
    fn in_place(&self, block: &Block) -> TokenStream {
        let at = end_of(block);
        let (items, statements) = leading_items(block);
        let enter = self.enter();
        quote_spanned! {at=>
            #(#items)*
            let __span = #enter;
            #(#statements)*
        }
    }

    /// Writes the body as a closure, so that `return` and `?` leave only the author's body. A body that always calls its
    /// function stays in it, so that the compiler warns.
    fn returning(&self, output: &Type, signature: &mut Signature, block: &Block) -> TokenStream {
        let (krate, at) = (self.krate, end_of(block));
        let scope = self.scope.of(signature);
        let failure = self.failure(&scope, signature);
        // If the future cannot be boxed again, its span ends when it is returned.
        let last =
            if scope.output_may_not_last(output) { quote_spanned!(at=> &) } else { quote_spanned!(at=> &&) };
        let leave = quote_spanned! {at=>
            |__span, __returned| {
                use #krate::__private::leave::*;
                (#last #krate::__private::Returns::of(&__returned)).__leave(__span, __returned, #failure)
            }
        };
        if always_calls_itself(signature, self.scope, block) && inferred(output).is_none() {
            let enter = self.enter();
            // A body that ends with a `return` or `panic!` yields no value.
            let may_diverge = has_any(block, &["return", "!"]);
            let allowed = may_diverge.then(|| quote!(#[allow(clippy::diverging_sub_expression)]));
            let allowed_after = may_diverge.then(|| quote!(#[allow(unreachable_code)]));
            return quote_spanned! {at=>
                let __span = #enter;
                #allowed
                let __returned: #output = #block;
                #allowed_after
                return #krate::__private::Entered::leave((__span, __returned), #leave);
            };
        }
        let closure = quote_spanned!(as_written(block)=> move ||);
        let Owning { body, binds_later } = owning(signature, block, None, self.add_attributes().as_ref());
        // No variable here: clippy would say that a guard in its type can be dropped earlier.
        let (infer, returns, output) = if inferred(output).is_some() {
            let infer = infer_return_type(krate, at);
            let infer = quote_spanned! {at=>
                let __returns = #krate::__private::Returns::inferred();
                #infer
            };
            (Some(infer), quote_spanned!(at=> __returns), None)
        } else {
            let returns = quote_spanned!(at=> #krate::__private::Returns::<#output>::inferred());
            (None, returns, Some(quote_spanned!(at=> -> #output)))
        };
        if self.attributes.is_empty() {
            let callee = self.callee.to_tokens(krate);
            return quote_spanned! {at=>
                #infer
                let __body = #returns.body(#closure #output #body);
                if !#krate::__private::is_enabled() {
                    return __body();
                }
                let (__callee, __leave) = (#callee, #returns.leave(#leave));
                if #krate::__private::RUN_IN_PLACE {
                    let __span = #krate::__private::enter(__callee);
                    return #krate::__private::Entered::leave((__span, __body()), __leave);
                }
                return #krate::__private::run(__callee, __body, __leave);
            };
        }
        // The attributes use the arguments before the body owns them.
        let enter = self.enter_before(binds_later);
        quote_spanned! {at=>
            #enter
            #infer
            let __body = #returns.body(#closure #output #body);
            return #krate::__private::Entered::leave((__span, __body()), #leave);
        }
    }

    /// Writes the body of a function that returns `impl Future`: the span ends with the future.
    fn returning_future(&self, output: &Type, signature: &mut Signature, block: &Block) -> TokenStream {
        let (krate, at) = (self.krate, end_of(block));
        let closure = quote_spanned!(as_written(block)=> move ||);
        let failure = self.failure(&self.scope.of(signature), signature);
        let Owning { body, binds_later } = owning(signature, block, None, self.add_attributes().as_ref());
        let enter = self.enter_before(binds_later);
        // The compiler shows an error about the future at the body.
        let located = located(krate, at);
        let call = match inferred(output) {
            None => quote_spanned!(at=> call_for_future::<#output, _>),
            Some(output) => quote_spanned!(at=> call_for_future_of::<#output, _>),
        };
        quote_spanned! {at=>
            #enter
            return #located::__private::#call(__span, #closure #body, #failure);
        }
    }

    fn asynchronous(&self, signature: &mut Signature, fails: bool, block: &Block) -> TokenStream {
        let (krate, at) = (self.krate, end_of(block));
        let callee = self.callee.to_tokens(krate);
        let failure = if fails {
            self.failure(&self.scope.of(signature), signature)
        } else {
            quote_spanned!(at=> #krate::__private::never_fails)
        };
        // The type is written as far as possible, because another attribute may turn this body into an async block,
        // whose return type the compiler does not know yet. Inside it is inferred, so that the compiler says the same
        // as without the attribute: about a body that yields another type, and about one that never ends.
        let inferring = |place: Span| Some(infer_return_type(krate, Span::mixed_site().located_at(place)));
        let (written, infer, infer_inside) = match &signature.output {
            ReturnType::Default => (Some(quote_spanned!(at=> ::<()>)), None, inferring(at)),
            // `!` may not be written here.
            ReturnType::Type(_, ty) if matches!(**ty, Type::Never(_)) => (None, inferring(at), None),
            ReturnType::Type(_, ty) => match inferred(ty) {
                None => (Some(quote_spanned!(at=> ::<#ty>)), None, inferring(ty.span())),
                Some(written) => {
                    (Some(quote_spanned!(at=> ::<#written>)), inferring(at), inferring(ty.span()))
                }
            },
        };
        let Owning { body, binds_later } =
            owning(signature, block, infer_inside.as_ref(), self.add_attributes().as_ref());
        let attributes = self
            .evaluate_attributes()
            .filter(|_| !binds_later)
            .unwrap_or_else(|| quote_spanned!(at=> #krate::__private::no_attributes));
        let opened = if binds_later { self.opened() } else { None };
        let future = quote_spanned!(as_written(block)=> async move #body);
        quote_spanned! {at=>
            let __returns = #krate::__private::Returns #written::inferred();
            #infer
            let __span = #krate::__private::open_future(#callee, #attributes, __returns, #failure);
            #opened
            return #krate::__private::trace_future(__span, #future).await;
        }
    }

    fn enter(&self) -> TokenStream {
        let krate = self.krate;
        let callee = self.callee.to_tokens(krate);
        match self.evaluate_attributes() {
            None => quote_spanned!(Span::mixed_site()=> #krate::__private::enter(#callee)),
            Some(attributes) => {
                quote_spanned!(Span::mixed_site()=> #krate::__private::enter_with(#callee, #attributes))
            }
        }
    }

    /// Writes the statement that opens the span before a body that owns the arguments. If the body binds them again,
    /// the span gets its attributes [there](Self::add_attributes).
    fn enter_before(&self, binds_later: bool) -> TokenStream {
        if !binds_later || self.attributes.is_empty() {
            let enter = self.enter();
            return quote_spanned!(Span::mixed_site()=> let __span = #enter;);
        }
        let (krate, opened) = (self.krate, self.opened());
        let callee = self.callee.to_tokens(krate);
        quote_spanned! {Span::mixed_site()=>
            let __span = #krate::__private::enter(#callee);
            #opened
        }
    }

    /// Writes the variable by which a body adds attributes to the span; `None` if it adds none.
    fn opened(&self) -> Option<TokenStream> {
        let opened = quote_spanned!(Span::mixed_site()=> let __opened = __span.opened(););
        (!self.attributes.is_empty()).then_some(opened)
    }

    /// Writes the statement that adds the author's attributes to the open span; `None` if there are none.
    fn add_attributes(&self) -> Option<TokenStream> {
        let attributes = self.evaluate_attributes()?;
        Some(quote_spanned!(Span::mixed_site()=> __opened.add(#attributes);))
    }

    /// Writes a closure that evaluates the author's attributes; `None` if there are none. The expressions are outside
    /// the scope of our traits, because they might call the traits' methods by mistake.
    fn evaluate_attributes(&self) -> Option<TokenStream> {
        if self.attributes.is_empty() {
            return None;
        }
        let krate = self.krate;
        let add = self.attributes.iter().map(|SpanAttribute { key, value }| {
            quote_spanned! {Span::mixed_site()=>
                __attributes.add(#key, || match &(#value) {
                    __value => {
                        use #krate::__private::value::*;
                        (&&&#krate::__private::value::Evaluated(__value)).__value()
                    }
                });
            }
        });
        Some(quote_spanned!(Span::mixed_site()=> |__attributes| { #(#add)* }))
    }

    /// Writes a closure that finds the failure in a returned value, with the bounds that hold here.
    fn failure(&self, scope: &Scope, signature: &Signature) -> TokenStream {
        let krate = self.krate;
        if !self.records_errors {
            return quote_spanned!(Span::mixed_site()=> #krate::__private::never_fails);
        }
        let may_borrow = match &signature.output {
            ReturnType::Type(_, ty) => scope.error_may_borrow(ty),
            ReturnType::Default => false,
        };
        // For an error that may borrow, only its text is read.
        let references = if may_borrow { quote!(&&&&) } else { quote!(&&&&&&&) };
        quote_spanned! {Span::mixed_site()=>
            |__returned| {
                use #krate::__private::probe::*;
                (#references #krate::__private::probe::Returned(__returned)).__failure()
            }
        }
    }
}

/// Writes a statement that tells the compiler that `__returns` has the function's return type. An async block has no
/// place to write the type, and `impl Trait` cannot be written, but a body may depend on it, for example with `?` or
/// `collect`.
fn infer_return_type(krate: &TokenStream, at: Span) -> TokenStream {
    quote_spanned! {at=>
        if let #krate::__private::Option::Some(__returned) = __returns.nothing() {
            return __returned;
        }
    }
}
