//! Functions that always call themselves. The compiler warns about them (`unconditional_recursion`), but not if the call is
//! in a closure, so their body stays in the function itself.
//!
//! The result only decides where the body is; the warning is the compiler's own.

use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Arm, BinOp, Block, Expr, ExprBinary, Item, Local, Signature};

use super::Scope;
use crate::tokens::has_any;

/// Returns true if the body should stay in the function, because it always calls the function, as far as tokens tell.
///
/// In the function, a `return` or `?` passes by the place where the returned value is looked at. That is no loss if the call
/// comes first, because then nothing returns. But if the call may be that of another function with the same name, as in the
/// block of a trait, there may be no such exit. A macro may contain one.
pub(super) fn always_calls_itself(signature: &Signature, scope: &Scope, block: &Block) -> bool {
    let in_block = signature.receiver().is_some() || !scope.is_unknown();
    let is_certain = !(scope.is_of_trait_block() || scope.is_unknown() && in_block);
    let mut way = Way { signature, in_block, end: End::Open };
    way.visit_block(block);
    way.end == End::Call && (is_certain || !has_any(block, &["return", "?", "!"]))
}

/// The evaluation of a body, up to the first call of the function itself or the first exit.
struct Way<'a> {
    signature: &'a Signature,
    in_block: bool,
    end: End,
}

/// The end of a [`Way`]. Of the branches of an expression, the least end counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Exit,
    Open,
    Call,
}

impl Way<'_> {
    fn end_with(&mut self, end: End) {
        if self.end == End::Open {
            self.end = end;
        }
    }

    fn end_of(&self, visit: impl FnOnce(&mut Self)) -> End {
        let mut branch = Self { end: End::Open, ..*self };
        visit(&mut branch);
        branch.end
    }

    /// Follows an expression that may be skipped.
    fn visit_optional(&mut self, value: &Expr) {
        self.end_with(self.end_of(|way| way.visit_expr(value)).min(End::Open));
    }

    /// Returns true for `self.name(...)` and `Self::name(...)`; outside of a block, for `name(...)`.
    fn is_it(&self, call: &Expr) -> bool {
        let name = &self.signature.ident;
        let (callee, arguments) = match call {
            Expr::MethodCall(call) if self.in_block && call.method == *name => {
                (call.receiver.to_token_stream(), call.args.len() + 1)
            }
            Expr::Call(call) => (call.func.to_token_stream(), call.args.len()),
            _ => return false,
        };
        let callee = callee.to_string().replace(' ', "");
        let is_named = if self.in_block {
            callee == "self" || callee == format!("Self::{name}")
        } else {
            *name == callee
        };
        is_named && arguments == self.signature.inputs.len()
    }
}

impl<'ast> Visit<'ast> for Way<'_> {
    fn visit_expr(&mut self, value: &'ast Expr) {
        match value {
            _ if self.end != End::Open => {}
            Expr::Closure(_) | Expr::Async(_) => {}
            // The compiler does not warn about a call that comes after a loop.
            Expr::Loop(_) | Expr::While(_) | Expr::ForLoop(_) | Expr::Break(_) => self.end = End::Exit,
            Expr::If(branches) => {
                self.visit_expr(&branches.cond);
                let other = branches.else_branch.as_ref();
                let other = other.map_or(End::Open, |(_, other)| self.end_of(|way| way.visit_expr(other)));
                self.end_with(self.end_of(|way| way.visit_block(&branches.then_branch)).min(other));
            }
            Expr::Match(branches) => {
                self.visit_expr(&branches.expr);
                let arm = |arm: &'ast Arm| self.end_of(|way| way.visit_arm(arm));
                self.end_with(branches.arms.iter().map(arm).min().unwrap_or(End::Open));
            }
            Expr::Binary(ExprBinary { left, op: BinOp::And(_) | BinOp::Or(_), right, .. }) => {
                self.visit_expr(left);
                self.visit_optional(right);
            }
            other => {
                visit::visit_expr(self, other);
                match other {
                    Expr::Return(_) | Expr::Try(_) => self.end_with(End::Exit),
                    call if self.is_it(call) => self.end_with(End::Call),
                    _ => {}
                }
            }
        }
    }

    fn visit_local(&mut self, local: &'ast Local) {
        if let Some(init) = &local.init {
            self.visit_expr(&init.expr);
            if let Some((_, otherwise)) = &init.diverge {
                self.visit_optional(otherwise);
            }
        }
    }

    fn visit_item(&mut self, _: &'ast Item) {}
}

#[cfg(test)]
mod tests {
    use syn::parse_str;

    use super::*;

    fn found(block: Option<&str>, function: &str) -> bool {
        let scope = block.map_or_else(Scope::unknown, |block| Scope::of_block(&parse_str(block).unwrap()));
        let function: syn::ItemFn = parse_str(function).unwrap();
        always_calls_itself(&function.sig, &scope, &function.block)
    }

    #[test]
    fn a_call_on_every_way_is_found() {
        for recursion in [
            "fn f(x: u8) -> R { f(x) }",
            "fn f(x: u8) -> R { return f(x); }",
            "fn f(x: u8) -> R { let y = f(x)?; Ok(y) }",
            "fn f(x: u8) -> R { println!(); if x == 1 { f(1) } else { return f(2).map(g); } }",
            "fn f(x: u8) -> R { match x { 1 => Ok(1 + f(x)?), _ => f(2) } }",
            "fn f(x: u8) -> R { let true = x == 0 && g(x) else { return f(x) }; f(x - 1) }",
        ] {
            assert!(found(None, recursion), "{recursion}");
        }
        for recursion in [
            "fn f(&self, x: u8) -> R { self.f(x) }",
            "fn f(&self, x: u8) -> R { (&Self::f(self, x)?).clone() }",
            "fn f(x: u8) -> R { Self::f(x)?.g() }",
        ] {
            assert!(found(Some("impl Unit {}"), recursion), "{recursion}");
        }
    }

    #[test]
    fn a_way_without_a_call_is_found() {
        for other in [
            "fn f(x: u8) -> R { if x == 0 { return Ok(1); } f(x - 1) }",
            "fn f(x: u8) -> R { if x == 0 { Ok(1) } else { f(x - 1) } }",
            "fn f(x: u8) -> R { let y = g()?; f(y) }",
            "fn f(x: u8) -> R { f(g()?) }",
            "fn f(x: u8) -> R { match x { 0 => Ok(0), _ => f(1) } }",
            "fn f(x: u8) -> R { (0..x).map(|y| f(y)).collect() }",
            "fn f(x: u8) -> R { for y in 0..x { f(y)?; } Ok(()) }",
            "fn f(x: u8) -> R { g(x) && f(x) }",
            "fn f(x: u8) -> R { let Some(y) = g(x) else { return R }; f(y) }",
            "fn f(x: u8) -> R { inner::f(x) }",
            "fn f(x: u8) -> R { f(x, 1) }",
            "fn f(x: u8) -> R { fn f(x: u8) -> R { f(x) } R }",
            "fn f(&self) -> R { f(self) }",
            "fn f(&self) -> R { self.0.f() }",
            "fn f(&self) -> R { self.f(1) }",
        ] {
            assert!(!found(None, other), "{other}");
        }
    }

    #[test]
    fn where_the_call_may_be_another_functions_no_error_may_pass_by() {
        let (trait_block, function) = (Some("impl Parse for Unit {}"), "fn f(&self) -> R { self.f() }");
        assert!(found(trait_block, function) && found(None, function));
        for exit in ["self.f()?; Ok(())", "return self.f();", "bail!(self.f())"] {
            let function = format!("fn f(&self) -> R {{ {exit} }}");
            assert!(!found(trait_block, &function) && !found(None, &function), "{function}");
        }
    }
}
