//! Detection of functions that always call themselves: the compiler warns about them (`unconditional_recursion`), but
//! not if the call is in a closure.

use syn::visit::{self, Visit};
use syn::{BinOp, Block, Expr, ExprClosure, ExprReturn, ExprTry, Ident, Item, Signature, Stmt};

/// Returns true if every way through the body calls the function, as far as its tokens tell. The call may still mean
/// another function of the same name. `stands_alone` is true if a plain `name(...)` means this function, which is no
/// method.
pub(super) fn always_calls_itself(signature: &Signature, stands_alone: bool, block: &Block) -> bool {
    let name = &signature.ident;
    let is_method = signature.receiver().is_some();
    Calls { name, is_method, stands_alone, arguments: signature.inputs.len() }.in_block(block)
}

struct Calls<'a> {
    name: &'a Ident,
    is_method: bool,
    stands_alone: bool,
    arguments: usize,
}

impl Calls<'_> {
    fn in_block(&self, block: &Block) -> bool {
        for statement in &block.stmts {
            let found = match statement {
                Stmt::Local(local) => local.init.as_ref().is_some_and(|init| self.in_value(&init.expr)),
                Stmt::Expr(value, _) => self.in_value(value),
                Stmt::Item(_) | Stmt::Macro(_) => false,
            };
            if found || may_leave(statement) {
                return found;
            }
        }
        false
    }

    fn in_value(&self, value: &Expr) -> bool {
        let any = |mut values: syn::punctuated::Iter<'_, Expr>| values.any(|value| self.in_value(value));
        match value {
            Expr::Call(call) => self.is_it(call.func.as_ref(), call.args.len()) || any(call.args.iter()),
            Expr::MethodCall(call) => {
                let on_self = matches!(&*call.receiver, Expr::Path(path) if path.path.is_ident("self"));
                self.is_method
                    && on_self
                    && call.method == *self.name
                    && call.args.len() + 1 == self.arguments
                    || self.in_value(&call.receiver)
                    || any(call.args.iter())
            }
            Expr::If(branches) => {
                self.in_value(&branches.cond)
                    || self.in_block(&branches.then_branch)
                        && branches.else_branch.as_ref().is_some_and(|(_, other)| self.in_value(other))
            }
            Expr::Match(branches) => {
                let mut arms = branches.arms.iter();
                self.in_value(&branches.expr)
                    || !branches.arms.is_empty() && arms.all(|arm| self.in_value(&arm.body))
            }
            Expr::Binary(operation) => {
                let both = !matches!(operation.op, BinOp::And(_) | BinOp::Or(_));
                self.in_value(&operation.left) || both && self.in_value(&operation.right)
            }
            Expr::Block(inner) => inner.label.is_none() && self.in_block(&inner.block),
            Expr::Unsafe(inner) => self.in_block(&inner.block),
            Expr::Return(leave) => leave.expr.as_ref().is_some_and(|value| self.in_value(value)),
            Expr::Try(inner) => self.in_value(&inner.expr),
            Expr::Paren(inner) => self.in_value(&inner.expr),
            Expr::Group(inner) => self.in_value(&inner.expr),
            Expr::Reference(inner) => self.in_value(&inner.expr),
            Expr::Unary(inner) => self.in_value(&inner.expr),
            Expr::Field(inner) => self.in_value(&inner.base),
            Expr::Let(inner) => self.in_value(&inner.expr),
            Expr::Tuple(inner) => any(inner.elems.iter()),
            _ => false,
        }
    }

    /// Returns true for `name(...)` or `Self::name(...)`.
    fn is_it(&self, function: &Expr, arguments: usize) -> bool {
        let Expr::Path(path) = function else { return false };
        let mut segments = path.path.segments.iter().rev().map(|segment| &segment.ident);
        let same = path.qself.is_none() && segments.next() == Some(self.name) && arguments == self.arguments;
        same && match (segments.next(), segments.next()) {
            (None, _) => self.stands_alone && !self.is_method,
            (Some(owner), None) => owner == "Self",
            _ => false,
        }
    }
}

/// Returns true if a statement may leave the function.
fn may_leave(statement: &Stmt) -> bool {
    struct Exits(bool);
    impl Visit<'_> for Exits {
        fn visit_expr_return(&mut self, _: &ExprReturn) {
            self.0 = true;
        }

        fn visit_expr_try(&mut self, _: &ExprTry) {
            self.0 = true;
        }

        fn visit_expr_closure(&mut self, _: &ExprClosure) {}

        fn visit_item(&mut self, _: &Item) {}
    }
    let mut exits = Exits(false);
    visit::visit_stmt(&mut exits, statement);
    exits.0
}

#[cfg(test)]
mod tests {
    use syn::ItemFn;

    use super::*;

    fn found(source: &str) -> bool {
        let function: ItemFn = syn::parse_str(source).unwrap();
        always_calls_itself(&function.sig, true, &function.block)
    }

    #[test]
    fn a_call_on_every_way_is_found() {
        for recursion in [
            "fn f(x: u8) -> R { f(x) }",
            "fn f(x: u8) -> R { return f(x); }",
            "fn f(x: u8) -> R { let y = f(x)?; Ok(y) }",
            "fn f(x: u8) -> R { println!(); if x == 1 { f(1) } else { return f(2).map(g); } }",
            "fn f(x: u8) -> R { match x { 1 => Ok(1 + f(x)?), _ => f(2) } }",
            "fn f(&self, x: u8) -> R { self.f(x) }",
            "fn f(&self, x: u8) -> R { (&Self::f(self, x)).clone() }",
        ] {
            assert!(found(recursion), "{recursion}");
        }
    }

    #[test]
    fn a_way_without_a_call_is_found() {
        for other in [
            "fn f(x: u8) -> R { if x == 0 { return Ok(1); } f(x - 1) }",
            "fn f(x: u8) -> R { if x == 0 { Ok(1) } else { f(x - 1) } }",
            "fn f(x: u8) -> R { let y = g()?; f(y) }",
            "fn f(x: u8) -> R { match x { 0 => Ok(0), _ => f(1) } }",
            "fn f(x: u8) -> R { (0..x).map(|y| f(y)).collect() }",
            "fn f(x: u8) -> R { g(x) && f(x) }",
            "fn f(x: u8) -> R { inner::f(x) }",
            "fn f(x: u8) -> R { f(x, 1) }",
            "fn f(&self) -> R { f(self) }",
            "fn f(&self) -> R { self.0.f() }",
            "fn f(&self) -> R { self.f(1) }",
        ] {
            assert!(!found(other), "{other}");
        }
    }
}
