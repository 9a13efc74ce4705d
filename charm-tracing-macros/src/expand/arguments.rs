use std::mem;

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, FnArg, Ident, Pat, PatIdent, PatType, ReceiverKind, Signature, Type, parse_quote};

use super::place::{with_braces_of, with_statements_before};
use crate::names::bare;
use crate::tokens::flat;

/// Returns a body for a closure or an async block that owns the function's arguments as the function did.
///
/// A closure captures only the variables that it uses, in the order of use, and perhaps only single fields. That would
/// also be the order in which they are dropped. So the body begins with a mention of every argument whose drop may have
/// an effect.
///
/// The arguments are [bound again](bound_again) in three cases: the mention would hide a warning about an unused
/// argument; the compiler says more about a captured variable that is changed than about an argument; a part that a
/// pattern leaves unbound cannot be mentioned.
///
/// An argument with an attribute is not moved, because `#[cfg]` may remove it.
///
/// `first` are statements before the body. `bound` are statements that use the arguments; they are written only if
/// these are bound again. In that case nothing binds the pattern before the body, and a second binding has to be used.
pub(super) fn owning(
    signature: &mut Signature,
    block: &Block,
    first: Option<&TokenStream>,
    bound: Option<&TokenStream>,
) -> Owning {
    let block = &allowed_to_change_self(signature, block);
    let tokens = flat(block);
    let used = |name: &Ident| {
        let name = name.to_string();
        let uses = |token: &TokenTree| match token {
            TokenTree::Ident(ident) => *ident == name,
            // Because of `format!("{name}")`.
            TokenTree::Literal(literal) => literal.to_string().contains(&name),
            _ => false,
        };
        name.starts_with('_') || tokens.iter().any(uses)
    };
    let mut captured = Vec::new();
    for input in &signature.inputs {
        match input {
            FnArg::Receiver(receiver) if !is_reference(&receiver.kind) => {
                captured.push(Ident::from(receiver.self_token));
            }
            FnArg::Typed(argument) if is_to_be_owned(argument) => {
                let bindings = bound_by(&argument.pat);
                let mentioned = |binding: &PatIdent| !is_mutable(binding) && used(&binding.ident);
                if leaves_something(&argument.pat) || !bindings.iter().all(mentioned) {
                    return bound_again(signature, block, first, bound);
                }
                captured.extend(bindings.into_iter().map(|binding| binding.ident));
            }
            _ => {}
        }
    }
    let mention = (!captured.is_empty()).then(|| {
        let allow = allow_underscores(&captured);
        // The variable that is captured first is dropped first.
        let captured = captured.iter().rev();
        quote_spanned!(Span::mixed_site()=> #allow let _ = (#(&#captured,)*);)
    });
    Owning { body: with_statements_before(block, &quote!(#first #mention)), binds_later: false }
}

/// A body that owns the function's arguments.
pub(super) struct Owning {
    pub(super) body: Block,
    /// True if the body binds arguments again; then it has the statements `bound`.
    pub(super) binds_later: bool,
}

/// Returns a body like [`owning`], but with the arguments as variables of its own, in their order.
///
/// A `match` binds them and not a `let`. The temporary values of the body's last expression may borrow from an
/// argument; at the end of a match arm, as at the end of a function, they are dropped before the arguments.
///
/// A part that a pattern leaves unbound may stay with the function if the function drops it last anyway. Otherwise the
/// argument gets a name, and its pattern moves to the body.
fn bound_again(
    signature: &mut Signature,
    block: &Block,
    first: Option<&TokenStream>,
    bound: Option<&TokenStream>,
) -> Owning {
    let (mut groups, mut group) = (Vec::new(), Group::default());
    let mut whole_self = None;
    let mut inputs = Punctuated::new();
    for (at, mut input) in mem::take(&mut signature.inputs).into_iter().enumerate() {
        match &mut input {
            FnArg::Receiver(receiver) if !is_reference(&receiver.kind) => {
                let this = &receiver.self_token;
                whole_self = Some(quote_spanned!(Span::mixed_site()=> let _ = &#this;));
            }
            FnArg::Typed(argument) if is_to_be_owned(argument) => {
                let is_first = whole_self.is_none() && groups.is_empty() && group.arguments.is_empty();
                if !is_first && may_drop(&argument.ty) && leaves_something(&argument.pat) {
                    let (name, [compiled, documented]) = named(at, argument);
                    inputs.extend([documented, compiled]);
                    let pattern = (*argument.pat).clone();
                    groups.push(mem::take(&mut group).and_then_apart(name, pattern));
                    continue;
                }
                for binding in bound_by(&argument.pat) {
                    let mutability = binding.mutability.filter(|_| is_mutable(&binding));
                    let ident = binding.ident;
                    group.bind(quote!(#mutability #ident), ident);
                }
                Immutable.visit_pat_mut(&mut argument.pat);
            }
            _ => {}
        }
        inputs.push(input);
    }
    signature.inputs = inputs;
    if !group.arguments.is_empty() {
        groups.push(group);
    }
    let binds_later = !groups.is_empty();
    let body = if groups.is_empty() {
        with_statements_before(block, &quote!(#first #whole_self))
    } else {
        let innermost = match bound {
            Some(bound) => with_statements_before(block, bound).into_token_stream(),
            None => block.to_token_stream(),
        };
        let body = groups.iter().rev().fold(innermost, |body, group| group.around(&body));
        with_braces_of(block, quote_spanned!(Span::mixed_site()=> #first #whole_self #body))
    };
    Owning { body, binds_later }
}

/// Gives the argument a name instead of its pattern. Its documentation keeps the pattern.
fn named(at: usize, argument: &PatType) -> (Ident, [FnArg; 2]) {
    let PatType { pat, ty, .. } = argument;
    let name = Ident::new(&format!("__arg{at}"), pat.span().resolved_at(Span::mixed_site()));
    let compiled = parse_quote!(#[cfg(not(doc))] #name: #ty);
    let documented = parse_quote!(#[cfg(doc)] #pat: #ty);
    (name, [compiled, documented])
}

/// Arguments that are bound together; the last one may have a pattern that moves to the body.
#[derive(Default)]
struct Group {
    arguments: Vec<Ident>,
    bindings: Vec<TokenStream>,
    last: Option<(Ident, Pat)>,
}

impl Group {
    fn bind(&mut self, binding: TokenStream, argument: Ident) {
        self.bindings.push(binding);
        self.arguments.push(argument);
    }

    fn and_then_apart(mut self, argument: Ident, pattern: Pat) -> Self {
        let borrows_mutably = |binding: &PatIdent| binding.by_ref.is_some() && binding.mutability.is_some();
        let mutable = bound_by(&pattern).iter().any(borrows_mutably);
        let mutability = mutable.then(|| quote_spanned!(Span::mixed_site()=> mut));
        self.bind(quote!(#mutability #argument), argument.clone());
        self.last = Some((argument, pattern));
        self
    }

    /// Writes a block that drops the arguments after the block `body`.
    fn around(&self, body: &TokenStream) -> TokenStream {
        let Self { arguments, bindings, last } = self;
        let body = match last {
            None => body.clone(),
            Some((argument, pattern)) => {
                quote_spanned!(Span::mixed_site()=> match #argument { #pattern => #body })
            }
        };
        let allow = allow_underscores(arguments);
        // Allowed, because the generated code and not the author binds each argument twice.
        quote_spanned! {Span::mixed_site()=> {
            #allow
            let __arguments = (#(#arguments,)*);
            #[allow(clippy::shadow_unrelated)]
            match __arguments { (#(#bindings,)*) => #body }
        }}
    }
}

/// Returns an `allow` if a name needs it; `None` otherwise, because an author may forbid what it allows.
fn allow_underscores(names: &[Ident]) -> Option<TokenStream> {
    names
        .iter()
        .any(|name| name.to_string().starts_with('_'))
        .then(|| quote_spanned!(Span::mixed_site()=> #[allow(clippy::used_underscore_binding)]))
}

/// Allows changes of `self` that are never read, because the compiler warns about them for a captured `self` only.
fn allowed_to_change_self(signature: &Signature, block: &Block) -> Block {
    struct Changes(bool);
    impl Visit<'_> for Changes {
        fn visit_expr(&mut self, expression: &Expr) {
            self.0 |= match expression {
                Expr::Assign(assignment) => is_of_self(&assignment.left),
                // Also operators other than `+=` and the like, which change nothing.
                Expr::Binary(operation) => is_of_self(&operation.left),
                _ => false,
            };
            visit::visit_expr(self, expression);
        }
    }
    fn is_of_self(place: &Expr) -> bool {
        match place {
            Expr::Field(field) => is_of_self(&field.base),
            Expr::Index(index) => is_of_self(&index.expr),
            Expr::Path(path) => path.path.is_ident("self"),
            _ => false,
        }
    }
    let mutable = signature.receiver().is_some_and(|receiver| receiver.mutability.is_some());
    let mut changes = Changes(false);
    if mutable {
        changes.visit_block(block);
    }
    if !changes.0 {
        return block.clone();
    }
    with_braces_of(block, quote_spanned!(Span::mixed_site()=> #[allow(unused_assignments)] #block))
}

fn is_reference(receiver: &ReceiverKind) -> bool {
    match receiver {
        ReceiverKind::Reference(..) => true,
        ReceiverKind::Typed(_, ty) => matches!(**ty, Type::Reference(_)),
        _ => false,
    }
}

/// Returns true if the body must own the argument, because of when it is dropped or what is said about assignments to
/// it.
fn is_to_be_owned(argument: &PatType) -> bool {
    argument.attrs.is_empty() && (may_drop(&argument.ty) || bound_by(&argument.pat).iter().any(is_mutable))
}

/// Returns true for `mut x`, but not for `ref mut x`.
const fn is_mutable(binding: &PatIdent) -> bool {
    binding.mutability.is_some() && binding.by_ref.is_none()
}

/// Returns true if dropping a value of the type may have an effect, as far as the type's tokens tell.
fn may_drop(ty: &Type) -> bool {
    match bare(ty) {
        Type::Reference(_) | Type::Ptr(_) | Type::FnPtr(_) | Type::Never(_) => false,
        Type::Array(array) => may_drop(&array.elem),
        Type::Tuple(tuple) => tuple.elems.iter().any(may_drop),
        Type::Path(path) => !path.path.get_ident().is_some_and(is_copied),
        _ => true,
    }
}

/// Returns true for the name of a primitive type.
pub(super) fn is_copied(name: &Ident) -> bool {
    COPIED.iter().any(|copied| name == copied)
}

const COPIED: [&str; 16] = [
    "bool", "char", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize",
    "f32", "f64",
];

/// Returns true if the pattern may leave a part of its value unbound.
fn leaves_something(pattern: &Pat) -> bool {
    match pattern {
        Pat::Ident(binding) => binding.by_ref.is_some(),
        Pat::Paren(inner) => leaves_something(&inner.pat),
        Pat::Tuple(tuple) => tuple.elems.iter().any(leaves_something),
        Pat::Slice(slice) => slice.elems.iter().any(leaves_something),
        // A struct pattern as well: the struct may implement `Drop`, and all bound fields may be copied.
        _ => true,
    }
}

/// Returns the variables that a pattern binds, from left to right.
fn bound_by(pattern: &Pat) -> Vec<PatIdent> {
    #[derive(Default)]
    struct Bindings(Vec<PatIdent>);
    impl<'ast> Visit<'ast> for Bindings {
        fn visit_pat_ident(&mut self, binding: &'ast PatIdent) {
            // Each alternative of a pattern with `|` binds the same variables.
            if self.0.iter().all(|known| known.ident != binding.ident) {
                self.0.push(binding.clone());
            }
            visit::visit_pat_ident(self, binding);
        }

        // Expressions in a pattern bind no variables.
        fn visit_expr(&mut self, _: &'ast Expr) {}
    }
    let mut found = Bindings::default();
    found.visit_pat(pattern);
    found.0
}

/// Removes `mut` from bindings, because the body changes only the second binding. Keeps `ref mut`, which means
/// something else.
struct Immutable;

impl VisitMut for Immutable {
    fn visit_pat_ident_mut(&mut self, binding: &mut PatIdent) {
        if binding.by_ref.is_none() {
            binding.mutability = None;
        }
        visit_mut::visit_pat_ident_mut(self, binding);
    }
}
