use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{AttrStyle, Attribute, Block, Expr, ReturnType, Signature, Stmt, Type};

use super::Callee;
use super::returns::{fallible, nameable, tracks_caller};

/// The body of a traced function.
///
/// The author's statements keep their tokens, so errors in them point where they always did.
pub(crate) fn body(
    krate: &TokenStream,
    callee: &Callee,
    signature: &Signature,
    attributes: &[Attribute],
    block: &Block,
) -> Block {
    let callee = callee.to_tokens(krate);
    let tokens = if signature.asyncness.is_some() {
        asynchronous(krate, &callee, &signature.output, block)
    } else {
        match fallible(&signature.output) {
            Some(output) if !tracks_caller(attributes) => returning(krate, &callee, output, block),
            _ => in_place(krate, &callee, block),
        }
    };
    // The author's braces, for the spans of what the compiler says about the whole body.
    Block { brace_token: block.brace_token, stmts: vec![Stmt::Expr(Expr::Verbatim(tokens), None)] }
}

/// An inner attribute of the body holds for all of it, and may only stand at its start: it moves to the function.
pub(crate) fn inner_attributes_outside(attributes: &mut [Attribute]) {
    for attribute in attributes {
        attribute.style = AttrStyle::Outer;
    }
}

/// Nothing to look at when it returns: the body stays where it is, under a guard.
fn in_place(krate: &TokenStream, callee: &TokenStream, block: &Block) -> TokenStream {
    let (items, statements) = leading_items(block);
    quote_spanned! {Span::mixed_site()=>
        #(#items)*
        let _span = #krate::__private::enter(#callee);
        #(#statements)*
    }
}

/// The items that the body starts with stay first: what is after a statement draws a lint of clippy's.
fn leading_items(block: &Block) -> (&[Stmt], &[Stmt]) {
    let items = block.stmts.iter().take_while(|statement| matches!(statement, Stmt::Item(_))).count();
    block.stmts.split_at(items)
}

/// `return` and `?` leave the author's body, not ours: it becomes a closure. `call` has the bound `FnOnce`, without
/// which a closure could not return what it borrows from an argument.
fn returning(krate: &TokenStream, callee: &TokenStream, output: &Type, block: &Block) -> TokenStream {
    let output = nameable(output);
    let failure = failure(krate);
    quote_spanned! {Span::mixed_site()=>
        let span = #krate::__private::enter(#callee);
        let returned = #krate::__private::call(move || -> #output #block);
        span.returned(&returned, #failure);
        returned
    }
}

fn asynchronous(
    krate: &TokenStream,
    callee: &TokenStream,
    output: &ReturnType,
    block: &Block,
) -> TokenStream {
    let failure = if fallible(output).is_some() {
        failure(krate)
    } else {
        quote_spanned!(Span::mixed_site()=> #krate::__private::never_fails)
    };
    let typed = typed(krate, output);
    let (items, statements) = leading_items(block);
    quote_spanned! {Span::mixed_site()=>
        #krate::__private::trace_future(#callee, async move { #(#items)* #typed #(#statements)* }, #failure).await
    }
}

/// An async block has no place for the type it returns, which `?` and `collect` in it need to know: a `return` that
/// is never reached tells it.
fn typed(krate: &TokenStream, output: &ReturnType) -> TokenStream {
    let ReturnType::Type(_, ty) = output else { return TokenStream::new() };
    if matches!(**ty, Type::Never(_) | Type::ImplTrait(_)) {
        return TokenStream::new();
    }
    let ty = nameable(ty);
    quote_spanned! {Span::mixed_site()=>
        #[allow(clippy::diverging_sub_expression, clippy::needless_return, unreachable_code)]
        if false {
            let returned: #ty = #krate::__private::never();
            return returned;
        }
    }
}

/// A closure that finds the failure in a returned value, with the bounds that hold here.
fn failure(krate: &TokenStream) -> TokenStream {
    let references = quote!(&&&&&&);
    quote_spanned! {Span::mixed_site()=>
        |returned| {
            #[allow(unused_imports)]
            use #krate::__private::probe::*;
            (#references #krate::__private::probe::Returned(returned)).failure()
        }
    }
}
