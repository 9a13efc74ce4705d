use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, FnArg, Pat, PatIdent, ReceiverKind, Signature, Stmt, Type};

/// The body of a closure or an async block that is to own the function's arguments as the function did.
///
/// What captures variables captures those that it uses, in the order in which it uses them, and of those perhaps
/// single fields; that would be the order in which they are dropped. So all arguments are bound again. A `match` does
/// it and not a `let`, since the temporary values of the body's last expression, which may borrow from an argument,
/// are dropped at the end of a match arm, as at the end of a function, before the arguments.
///
/// What a pattern leaves unbound stays with the function, and so does an argument with an attribute: `#[cfg]` may
/// decide that it does not exist.
pub(super) fn owning(signature: &mut Signature, block: &Block) -> Block {
    let (mut arguments, mut bindings) = (Vec::new(), Vec::new());
    let mut whole_self = None;
    for argument in &mut signature.inputs {
        match argument {
            FnArg::Receiver(receiver) if !is_reference(&receiver.kind) => {
                let this = &receiver.self_token;
                whole_self = Some(quote_spanned!(Span::mixed_site()=> let _ = &#this;));
            }
            FnArg::Typed(argument) if argument.attrs.is_empty() => {
                for PatIdent { by_ref, mutability, ident, .. } in bound_by(&argument.pat) {
                    let mutability = mutability.filter(|_| by_ref.is_none());
                    bindings.push(quote!(#mutability #ident));
                    arguments.push(ident);
                }
                Immutable.visit_pat_mut(&mut argument.pat);
            }
            _ => {}
        }
    }
    if arguments.is_empty() {
        // Not a block in a block, of which one would be too many.
        let (items, statements) = leading_items(block);
        let tokens = quote_spanned!(Span::mixed_site()=> #(#items)* #whole_self #(#statements)*);
        return with_braces_of(block, tokens);
    }
    let tokens = quote_spanned! {Span::mixed_site()=>
        #whole_self
        #[allow(clippy::used_underscore_binding)]
        let __arguments = (#(#arguments,)*);
        match __arguments { (#(#bindings,)*) => #block }
    };
    with_braces_of(block, tokens)
}

fn is_reference(receiver: &ReceiverKind) -> bool {
    match receiver {
        ReceiverKind::Reference(..) => true,
        ReceiverKind::Typed(_, ty) => matches!(**ty, Type::Reference(_)),
        _ => false,
    }
}

/// The items that a body starts with stay first: what is after a statement draws a lint of clippy's.
pub(super) fn leading_items(block: &Block) -> (&[Stmt], &[Stmt]) {
    let items = block.stmts.iter().take_while(|statement| matches!(statement, Stmt::Item(_))).count();
    block.stmts.split_at(items)
}

/// The author's braces, for the spans of what the compiler says about the whole body.
pub(super) fn with_braces_of(block: &Block, tokens: TokenStream) -> Block {
    Block { brace_token: block.brace_token, stmts: vec![Stmt::Expr(Expr::Verbatim(tokens), None)] }
}

/// The variables that a pattern binds, from left to right.
fn bound_by(pattern: &Pat) -> Vec<PatIdent> {
    #[derive(Default)]
    struct Bindings(Vec<PatIdent>);
    impl<'ast> Visit<'ast> for Bindings {
        fn visit_pat_ident(&mut self, binding: &'ast PatIdent) {
            // An alternative of a pattern with `|` binds the same ones again.
            if self.0.iter().all(|known| known.ident != binding.ident) {
                self.0.push(binding.clone());
            }
            visit::visit_pat_ident(self, binding);
        }

        // No variables of the function's.
        fn visit_expr(&mut self, _: &'ast Expr) {}
    }
    let mut found = Bindings::default();
    found.visit_pat(pattern);
    found.0
}

/// Takes `mut` off: it is the second binding that the body changes. `ref mut` is another thing.
struct Immutable;

impl VisitMut for Immutable {
    fn visit_pat_ident_mut(&mut self, binding: &mut PatIdent) {
        if binding.by_ref.is_none() {
            binding.mutability = None;
        }
        visit_mut::visit_pat_ident_mut(self, binding);
    }
}
