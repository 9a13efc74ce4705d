//! The end of a body: the expressions that give its value.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::{ParseStream, Parser};
use syn::visit::{self, Visit};
use syn::{Attribute, Block, Expr, ExprBlock, ExprBreak, ExprLoop, ExprUnsafe, Item, Lifetime, Macro, Stmt};

use super::words::Words;
use crate::names::is_called;

/// Returns true if a body ends with an expression that may have a value.
pub(super) fn may_have_value(block: &Block) -> bool {
    match block.stmts.last() {
        Some(Stmt::Expr(value, None)) => !diverges(value),
        Some(Stmt::Macro(call)) => call.semi_token.is_none() && !panics(&call.mac),
        _ => false,
    }
}

/// Wraps each expression that a body ends with: in the branches of an `if` or a `match`, and each of several that
/// depend on a `#[cfg]`.
pub(super) fn wrap(block: &mut Block, around: &impl Fn(&TokenStream) -> TokenStream) {
    for (at, statement) in block.stmts.iter_mut().rev().enumerate() {
        let depends = match statement {
            Stmt::Expr(value, None) => depends(value),
            Stmt::Macro(call) if call.semi_token.is_none() => call.attrs.iter().any(is_cfg),
            _ => return,
        };
        if at > 0 && !depends {
            return;
        }
        match statement {
            Stmt::Expr(value, _) => wrap_value(value, around),
            Stmt::Macro(call) if !panics(&call.mac) => {
                let (attributes, call) = without_attributes(call);
                let call = around(&call);
                *statement = Stmt::Expr(Expr::Verbatim(quote!(#(#attributes)* #call)), None);
            }
            _ => {}
        }
        if !depends {
            return;
        }
    }
}

fn wrap_value(value: &mut Expr, around: &impl Fn(&TokenStream) -> TokenStream) {
    match value {
        Expr::Block(ExprBlock { label: None, block, .. }) | Expr::Unsafe(ExprUnsafe { block, .. }) => {
            wrap(block, around);
        }
        Expr::If(branches) if branches.else_branch.is_some() => {
            wrap(&mut branches.then_branch, around);
            if let Some((_, other)) = &mut branches.else_branch {
                wrap_value(other, around);
            }
        }
        Expr::Match(branches) => {
            branches.arms.iter_mut().for_each(|arm| wrap_value(&mut arm.body, around));
        }
        value if diverges(value) => {}
        value => {
            let (attributes, tokens) = without_attributes(value);
            let tokens = around(&tokens);
            *value = Expr::Verbatim(quote!(#(#attributes)* #tokens));
        }
    }
}

/// Returns true if an expression never has a value, as far as its tokens tell.
pub(super) fn diverges(value: &Expr) -> bool {
    match value {
        Expr::Return(_) | Expr::Break(_) | Expr::Continue(_) => true,
        Expr::Macro(call) => panics(&call.mac),
        Expr::Loop(endless) => !is_left(endless),
        Expr::Block(ExprBlock { label: None, block, .. }) | Expr::Unsafe(ExprUnsafe { block, .. }) => {
            block_diverges(block)
        }
        Expr::If(branches) => branches
            .else_branch
            .as_ref()
            .is_some_and(|(_, other)| block_diverges(&branches.then_branch) && diverges(other)),
        Expr::Match(branches) => branches.arms.iter().all(|arm| diverges(&arm.body)),
        Expr::Paren(inner) => diverges(&inner.expr),
        Expr::Group(inner) => diverges(&inner.expr),
        _ => false,
    }
}

fn block_diverges(block: &Block) -> bool {
    match block.stmts.last() {
        Some(Stmt::Expr(last, _)) => diverges(last),
        Some(Stmt::Macro(call)) => panics(&call.mac),
        _ => false,
    }
}

fn panics(call: &Macro) -> bool {
    ["panic", "unreachable", "todo", "unimplemented"].iter().any(|name| is_called(&call.path, name))
}

/// Returns true if a `break` leaves the loop, or a `break` in a macro may do so.
fn is_left(endless: &ExprLoop) -> bool {
    struct Breaks<'a> {
        label: Option<&'a Lifetime>,
        inner: usize,
        found: bool,
    }
    impl Visit<'_> for Breaks<'_> {
        fn visit_expr(&mut self, expression: &Expr) {
            let is_loop = matches!(expression, Expr::Loop(_) | Expr::While(_) | Expr::ForLoop(_));
            if !matches!(expression, Expr::Closure(_) | Expr::Async(_)) {
                self.inner += usize::from(is_loop);
                visit::visit_expr(self, expression);
                self.inner -= usize::from(is_loop);
            }
        }

        fn visit_expr_break(&mut self, leave: &ExprBreak) {
            self.found |= match &leave.label {
                None => self.inner == 0,
                label => label.as_ref() == self.label,
            };
            visit::visit_expr_break(self, leave);
        }

        fn visit_macro(&mut self, call: &Macro) {
            self.found |= Words::of(call.tokens.clone()).contain("break");
        }

        fn visit_item(&mut self, _: &Item) {}
    }
    let label = endless.label.as_ref().map(|label| &label.name);
    let mut breaks = Breaks { label, inner: 0, found: false };
    breaks.visit_block(&endless.body);
    breaks.found
}

fn depends(value: &Expr) -> bool {
    without_attributes(value).0.iter().any(is_cfg)
}

fn is_cfg(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
}

/// Splits an expression into its attributes and the rest.
fn without_attributes(value: &impl ToTokens) -> (Vec<Attribute>, TokenStream) {
    let tokens = value.to_token_stream();
    let split =
        |input: ParseStream<'_>| Ok((input.call(Attribute::parse_outer)?, input.parse::<TokenStream>()?));
    split.parse2(tokens.clone()).unwrap_or((Vec::new(), tokens))
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn wrapped(mut block: Block) -> String {
        wrap(&mut block, &|value| quote!(N(#value)));
        block.to_token_stream().to_string().replace(' ', "")
    }

    #[test]
    fn every_value_is_wrapped_where_it_stands() {
        assert_eq!(
            wrapped(parse_quote!({
                let x = 1;
                Ok(x)
            })),
            "{letx=1;N(Ok(x))}"
        );
        assert_eq!(
            wrapped(parse_quote!({
                if a {
                    1
                } else if b {
                    c()
                } else {
                    return 3;
                }
            })),
            "{ifa{N(1)}elseifb{N(c())}else{return3;}}"
        );
        assert_eq!(
            wrapped(parse_quote!({
                match a {
                    1 => b,
                    2 => c,
                    3 => panic!(),
                    _ => unsafe { d() },
                }
            })),
            "{matcha{1=>N(b),2=>N(c),3=>panic!(),_=>unsafe{N(d())},}}"
        );
        assert_eq!(
            wrapped(parse_quote!({
                #[cfg(unix)]
                {
                    1
                }
                #[cfg(not(unix))]
                {
                    2
                }
            })),
            "{#[cfg(unix)]{N(1)}#[cfg(not(unix))]{N(2)}}"
        );
        assert_eq!(
            wrapped(parse_quote!({
                if a {
                    b
                }
                #[cfg(unix)]
                c
            })),
            "{ifa{b}#[cfg(unix)]N(c)}"
        );
        assert_eq!(wrapped(parse_quote!({ 'a: { break 'a 1 } })), "{N('a:{break'a1})}");
        assert_eq!(
            wrapped(parse_quote!({
                loop {
                    if a {
                        break 1;
                    }
                }
            })),
            "{N(loop{ifa{break1;}})}"
        );
        assert_eq!(wrapped(parse_quote!({ error!() })), "{N(error!())}");
        assert_eq!(
            wrapped(parse_quote!({
                done();
            })),
            "{done();}"
        );
    }

    #[test]
    fn what_has_no_value_is_known() {
        for never in [
            parse_quote!({ return 1 }),
            parse_quote!({ todo!() }),
            parse_quote!({
                loop {
                    step();
                }
            }),
            parse_quote!({
                loop {
                    debug!("again");
                }
            }),
            parse_quote!({
                loop {
                    for x in y {
                        break;
                    }
                    if a {
                        return 1;
                    }
                }
            }),
            parse_quote!({
                match a {
                    1 => return 2,
                    _ => {
                        panic!("no");
                    }
                }
            }),
            parse_quote!({ match a {} }),
            parse_quote!({
                if a {
                    return 1;
                } else {
                    continue;
                }
            }),
            parse_quote!({
                done();
            }),
            parse_quote!({}),
        ] {
            assert!(!may_have_value(&never), "{}", never.to_token_stream());
        }
        for value in [
            parse_quote!({ 1 }),
            parse_quote!({
                loop {
                    break 1;
                }
            }),
            parse_quote!({
                'a: loop {
                    loop {
                        break 'a 1;
                    }
                }
            }),
            parse_quote!({
                if a {
                    return 1;
                } else {
                    2
                }
            }),
            parse_quote!({
                match a {
                    1 => return 2,
                    _ => 3,
                }
            }),
            parse_quote!({
                loop {
                    select! { _ = done => break 1 }
                }
            }),
            parse_quote!({ vec![1] }),
        ] {
            assert!(may_have_value(&value), "{}", value.to_token_stream());
        }
    }
}
