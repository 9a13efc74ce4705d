use proc_macro2::{Ident, TokenTree};
use quote::ToTokens;

/// Returns the tokens of a piece of code in their order, with the content of a group in the place of the group.
pub(crate) fn flat(code: &impl ToTokens) -> Vec<TokenTree> {
    let flat_token = |token| match token {
        TokenTree::Group(group) => flat(&group.stream()),
        other => vec![other],
    };
    code.to_token_stream().into_iter().flat_map(flat_token).collect()
}

/// Returns true if one of the words or punctuation marks is in a piece of code.
pub(crate) fn has_any(code: &impl ToTokens, tokens: &[&str]) -> bool {
    flat(code).iter().any(|token| tokens.contains(&&*token.to_string()))
}

/// Returns the identifiers in a piece of code, with those of lifetimes and with keywords.
pub(crate) fn idents(code: &impl ToTokens) -> impl Iterator<Item = Ident> {
    flat(code).into_iter().filter_map(|token| match token {
        TokenTree::Ident(ident) => Some(ident),
        _ => None,
    })
}

/// Returns the names of the lifetimes in a piece of code, without the quote.
pub(crate) fn lifetimes(code: &impl ToTokens) -> Vec<Ident> {
    let tokens = flat(code);
    let names = tokens.windows(2).filter_map(|pair| match pair {
        [TokenTree::Punct(quote), TokenTree::Ident(name)] if quote.as_char() == '\'' => Some(name.clone()),
        _ => None,
    });
    names.collect()
}
