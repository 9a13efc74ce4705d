//! Where the code that is written stands: what the compiler shows for it, and around which of the author's tokens.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::quote;
use syn::spanned::Spanned;
use syn::{Block, Expr, Stmt, StmtMacro};

/// The tokens as if they stood at `place`, so that an error in what they are part of is shown there.
pub(crate) fn located(tokens: &TokenStream, place: Span) -> TokenStream {
    let relocate = |mut token: TokenTree| {
        token.set_span(place);
        token
    };
    tokens.clone().into_iter().map(relocate).collect()
}

/// Generated code is shown where the body ends: that is where the author's own error about what it returns would be.
pub(super) fn end_of(block: &Block) -> Span {
    let end = match block.stmts.last() {
        Some(Stmt::Expr(value, None)) => value.span(),
        Some(Stmt::Macro(StmtMacro { mac, semi_token: None, .. })) => mac.span(),
        _ => block.brace_token.span.join(),
    };
    Span::mixed_site().located_at(end)
}

/// What owns the body counts as the author's: of a variable that a macro's closure has captured the compiler does not
/// tell the name.
pub(super) fn as_written(block: &Block) -> Span {
    block.brace_token.span.open()
}

/// The author's braces, for the spans of what the compiler says about the whole body.
pub(super) fn with_braces_of(block: &Block, tokens: TokenStream) -> Block {
    Block { brace_token: block.brace_token, stmts: vec![Stmt::Expr(Expr::Verbatim(tokens), None)] }
}

/// The items that a body starts with stay first: what is after a statement draws a lint of clippy's.
pub(super) fn leading_items(block: &Block) -> (&[Stmt], &[Stmt]) {
    let items = block.stmts.iter().take_while(|statement| matches!(statement, Stmt::Item(_))).count();
    block.stmts.split_at(items)
}

/// Not a block in a block, of which one would be too many.
pub(super) fn with_statements_before(block: &Block, first: &TokenStream) -> Block {
    let (items, statements) = leading_items(block);
    with_braces_of(block, quote!(#(#items)* #first #(#statements)*))
}
