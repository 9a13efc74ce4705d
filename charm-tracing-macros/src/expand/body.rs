use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{AttrStyle, Attribute, Block, ReturnType, Signature, Type};

use super::arguments::{Owning, owning};
use super::place::{as_written, end_of, leading_items, located, with_braces_of};
use super::recursion::always_calls_itself;
use super::returns::{Returning, inferred};
use super::{Callee, Scope, tail, tracked};
use crate::args::SpanAttribute;
use crate::lints;

/// What an attribute is about to write: the span of one function.
pub(crate) struct Traced<'a> {
    pub(crate) krate: &'a TokenStream,
    pub(crate) callee: Callee,
    /// The attributes that the author wants on the span.
    pub(crate) attributes: &'a [SpanAttribute],
    /// Whether an `Err` is a failure.
    pub(crate) records_errors: bool,
    pub(crate) scope: &'a Scope,
}

impl Traced<'_> {
    /// Gives the function its span.
    ///
    /// The author's statements keep their tokens, so errors in them point where they always did.
    pub(crate) fn write(
        &self,
        attributes: &mut Vec<Attribute>,
        signature: &mut Signature,
        block: &mut Block,
    ) {
        let returning = Returning::of(signature, attributes);
        let fails = matches!(returning, Returning::MayFail(_) | Returning::Tracked(_));
        *block = self.body(returning, signature, block);
        for attribute in &mut *attributes {
            // An inner attribute of the body holds for all of it, and may only stand at its start.
            attribute.style = AttrStyle::Outer;
        }
        lints::allow_expected(attributes);
        if self.scope.is_of_trait_block() && fails {
            attributes.push(lints::allowed_in_trait_block());
        }
    }

    fn body(&self, returning: Returning, signature: &mut Signature, block: &Block) -> Block {
        let tokens = match returning {
            Returning::Async { fails, yields_future } => {
                self.asynchronous(signature, fails, yields_future, block)
            }
            Returning::Plain => self.in_place(block),
            Returning::Tracked(output) => self.in_place_noticing(&output, signature, block),
            Returning::MayFail(output) if always_calls_itself(signature, self.scope.is_unknown(), block) => {
                self.in_place_noticing(&output, signature, block)
            }
            Returning::MayFail(output) => self.returning(&output, signature, block),
            Returning::Future(output) => self.returning_future(&output, signature, block),
        };
        with_braces_of(block, tokens)
    }

    /// Nothing to look at when it returns: the body stays where it is, under a guard.
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

    /// `#[track_caller]` holds for the function and not for a closure in it, and so does what the compiler says about
    /// recursion: the body stays, its exits are rewritten.
    fn in_place_noticing(&self, output: &Type, signature: &Signature, block: &Block) -> TokenStream {
        let (krate, at) = (self.krate, end_of(block));
        let (items, _) = leading_items(block);
        let statements = tracked::noticing(krate, block.clone());
        let statements = &statements[items.len()..];
        let (enter, failure) = (self.enter(), self.failure(&self.scope.of(signature), signature));
        let returns = match inferred(output) {
            None => quote_spanned!(at=> let __returns = #krate::__private::Returns::<#output>::inferred();),
            Some(_) => self.returns_inferred(at),
        };
        quote_spanned! {at=>
            #(#items)*
            let __span = #enter;
            #returns
            let __notice = |__returned| {
                #krate::__private::Entered::notice(&__span, __returns, __returned, #failure)
            };
            #(#statements)*
        }
    }

    /// `return` and `?` leave the author's body, not ours: it becomes a closure.
    fn returning(&self, output: &Type, signature: &mut Signature, block: &Block) -> TokenStream {
        let (krate, at) = (self.krate, end_of(block));
        let closure = quote_spanned!(as_written(block)=> move ||);
        let scope = self.scope.of(signature);
        let failure = self.failure(&scope, signature);
        // A future that may not be boxed again ends its span when it is returned.
        let last =
            if scope.output_may_not_last(output) { quote_spanned!(at=> &) } else { quote_spanned!(at=> &&) };
        let Owning { body, binds_later } = owning(signature, block, None, self.add_attributes().as_ref());
        let leave = quote_spanned! {at=>
            |__span, __returned| {
                use #krate::__private::leave::*;
                (#last #krate::__private::Returns::of(&__returned)).__leave(__span, __returned, #failure)
            }
        };
        // Not a variable: clippy would say of a guard in its type that it can be dropped before.
        let (infer, returns, output) = match inferred(output) {
            None => {
                let returns = quote_spanned!(at=> #krate::__private::Returns::<#output>::inferred());
                (None, returns, Some(quote_spanned!(at=> -> #output)))
            }
            Some(_) => (Some(self.returns_inferred(at)), quote_spanned!(at=> __returns), None),
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
        // They use the arguments before the body owns them.
        let enter = self.enter_before(binds_later);
        quote_spanned! {at=>
            #enter
            #infer
            let __body = #returns.body(#closure #output #body);
            return #krate::__private::Entered::leave((__span, __body()), #leave);
        }
    }

    /// The span goes on in the future.
    fn returning_future(&self, output: &Type, signature: &mut Signature, block: &Block) -> TokenStream {
        let (krate, at) = (self.krate, end_of(block));
        let closure = quote_spanned!(as_written(block)=> move ||);
        let failure = self.failure(&self.scope.of(signature), signature);
        let Owning { body, binds_later } = owning(signature, block, None, self.add_attributes().as_ref());
        let enter = self.enter_before(binds_later);
        // An error about the future is shown at the body.
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

    fn asynchronous(
        &self,
        signature: &mut Signature,
        fails: bool,
        yields_future: bool,
        block: &Block,
    ) -> TokenStream {
        let (krate, at) = (self.krate, end_of(block));
        let callee = self.callee.to_tokens(krate);
        let failure = if fails {
            self.failure(&self.scope.of(signature), signature)
        } else {
            quote_spanned!(at=> #krate::__private::never_fails)
        };
        // The type is written as far as it can be, because another attribute may make an async block of this body, of
        // which the compiler does not know yet what it returns. Inside it is inferred: of a body that yields another type
        // the compiler then says the same as without the attribute, and of one that never ends it does not say that
        // what follows is unreachable.
        let inferring = |place: Span| Some(infer_return_type(krate, Span::mixed_site().located_at(place)));
        let (written, infer, infer_inside) = match &signature.output {
            ReturnType::Default => (Some(quote_spanned!(at=> ::<()>)), None, inferring(at)),
            // It may not be written here.
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
        let body = if yields_future && tail::may_have_value(block) {
            // Clippy would ask whether it should be awaited, of a block that ends with it.
            with_braces_of(block, quote_spanned!(at=> return #body;))
        } else {
            body
        };
        let future = quote_spanned!(as_written(block)=> async move #body);
        quote_spanned! {at=>
            let __returns = #krate::__private::Returns #written::inferred();
            #infer
            let __span = #krate::__private::open_future(#callee, #attributes, __returns, #failure);
            #opened
            return #krate::__private::trace_future(__span, #future).await;
        }
    }

    /// Declares `__returns` for a type that cannot be written.
    fn returns_inferred(&self, at: Span) -> TokenStream {
        let (krate, infer) = (self.krate, infer_return_type(self.krate, at));
        quote_spanned! {at=>
            let __returns = #krate::__private::Returns::inferred();
            #infer
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

    /// Opens the span before a body that owns the arguments. If it binds them again, the span gets its attributes
    /// [there](Self::add_attributes).
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

    /// What a body needs to add attributes to the span; nothing if it adds none.
    fn opened(&self) -> Option<TokenStream> {
        let opened = quote_spanned!(Span::mixed_site()=> let __opened = __span.opened(););
        (!self.attributes.is_empty()).then_some(opened)
    }

    /// The statement in a body that adds the author's attributes to the span that is open.
    fn add_attributes(&self) -> Option<TokenStream> {
        let attributes = self.evaluate_attributes()?;
        Some(quote_spanned!(Span::mixed_site()=> __opened.add(#attributes);))
    }

    /// A closure that evaluates the author's attributes, if there are any. The expressions stand outside of what our traits
    /// are imported into, or they might mean those.
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

    /// A closure that finds the failure in a returned value, with the bounds that hold here.
    fn failure(&self, scope: &Scope, signature: &Signature) -> TokenStream {
        let krate = self.krate;
        if !self.records_errors {
            return quote_spanned!(Span::mixed_site()=> #krate::__private::never_fails);
        }
        let may_borrow = match &signature.output {
            ReturnType::Type(_, ty) => scope.error_may_borrow(ty),
            ReturnType::Default => false,
        };
        // An error that may borrow is asked for its text only.
        let references = if may_borrow { quote!(&&&&) } else { quote!(&&&&&&) };
        quote_spanned! {Span::mixed_site()=>
            |__returned| {
                use #krate::__private::probe::*;
                (#references #krate::__private::probe::Returned(__returned)).__failure()
            }
        }
    }
}

/// Tells the compiler that `__returns` is about the type that the function returns: an async block has no place to
/// write it, and `impl Trait` cannot be written. A body may depend on it, as `?` and `collect` do.
fn infer_return_type(krate: &TokenStream, at: Span) -> TokenStream {
    quote_spanned! {at=>
        if let #krate::__private::Option::Some(__returned) = __returns.nothing() {
            return __returned;
        }
    }
}
