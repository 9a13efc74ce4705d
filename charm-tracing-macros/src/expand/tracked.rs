use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, ExprReturn, ExprTry, Ident, Item, Stmt};

use super::{located, tail};

/// Returns the statements of a body that has to stay in its function; every returned value passes through the closure
/// `__notice`. A `return` inside a macro is not seen.
pub(super) fn noticing(krate: &TokenStream, mut block: Block) -> Vec<Stmt> {
    Exits { krate }.visit_block_mut(&mut block);
    tail::wrap(&mut block, &noticed);
    block.stmts
}

/// Writes the call of `__notice` at the place of the value, because a lint about the value is shown there.
fn noticed(value: &TokenStream) -> TokenStream {
    let place = Span::mixed_site().located_at(value.span());
    quote_spanned!(place=> __notice(#value))
}

/// Rewrites the exits of a function, `return` and `?`, but not those in a closure, an async block or an item.
struct Exits<'a> {
    krate: &'a TokenStream,
}

impl VisitMut for Exits<'_> {
    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        if matches!(expression, Expr::Closure(_) | Expr::Async(_) | Expr::Const(_) | Expr::TryBlock(_)) {
            return;
        }
        visit_mut::visit_expr_mut(self, expression);
        let krate = self.krate;
        match expression {
            // A value that never exists is not passed on, because that would cause a warning.
            Expr::Return(ExprReturn { expr: Some(value), return_token, .. }) if !tail::diverges(value) => {
                return_token.span = Span::mixed_site().located_at(return_token.span);
                **value = Expr::Verbatim(noticed(&value.to_token_stream()));
            }
            Expr::Try(ExprTry { expr: value, question_token, .. }) => {
                // The conversion has the span of the `?`, because an error may record that place, and because the
                // compiler shows a missing conversion there. The compiler would show it elsewhere if any token of the
                // call were ours.
                let residual = Ident::new("__residual", question_token.span);
                let located = located(krate, question_token.span);
                let convert = quote_spanned! {question_token.span=>
                    #located::__private::FromResidual::from_residual(#residual)
                };
                let value = quote_spanned! {Span::mixed_site()=>
                    match #krate::__private::Try::branch(#value) {
                        #krate::__private::ControlFlow::Continue(__value) => __value,
                        #krate::__private::ControlFlow::Break(#residual) => return __notice(#convert),
                    }
                };
                *expression = Expr::Verbatim(quote_spanned!(Span::mixed_site()=> (#value)));
            }
            _ => {}
        }
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}
}
