//! Places of generated code: where the compiler shows its errors, and which of the author's tokens are around it.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::quote;
use syn::spanned::Spanned;
use syn::{Block, Expr, Stmt, StmtMacro};

/// Moves the tokens to `place`, so that the compiler shows an error in their expression there.
pub(crate) fn located(tokens: &TokenStream, place: Span) -> TokenStream {
    let relocate = |mut token: TokenTree| {
        token.set_span(place);
        token
    };
    tokens.clone().into_iter().map(relocate).collect()
}

/// Returns the end of the body, the place of generated code: the author's own error about the returned value would be
/// there.
pub(super) fn end_of(block: &Block) -> Span {
    let end = match block.stmts.last() {
        Some(Stmt::Expr(value, None)) => value.span(),
        Some(Stmt::Macro(StmtMacro { mac, semi_token: None, .. })) => mac.span(),
        _ => block.brace_token.span.join(),
    };
    Span::mixed_site().located_at(end)
}

/// Returns the author's opening brace as the place of the closure that owns the body: the compiler does not name a
/// variable that a macro's closure has captured.
pub(super) fn as_written(block: &Block) -> Span {
    block.brace_token.span.open()
}

/// Wraps the tokens in the author's braces, for the spans of messages about the whole body.
pub(super) fn with_braces_of(block: &Block, tokens: TokenStream) -> Block {
    Block { brace_token: block.brace_token, stmts: vec![Stmt::Expr(Expr::Verbatim(tokens), None)] }
}

/// Splits the items at the start of a body from its statements. They stay first, because clippy reports an item after a
/// statement.
pub(super) fn leading_items(block: &Block) -> (&[Stmt], &[Stmt]) {
    let items = block.stmts.iter().take_while(|statement| matches!(statement, Stmt::Item(_))).count();
    block.stmts.split_at(items)
}

/// Inserts statements after the leading items of a body, without a second block inside it.
pub(super) fn with_statements_before(block: &Block, first: &TokenStream) -> Block {
    let (items, statements) = leading_items(block);
    with_braces_of(block, quote!(#(#items)* #first #(#statements)*))
}
