use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Error, Item};

/// All mistakes of one attribute, reported together.
#[derive(Default)]
pub(crate) struct Errors(Option<Error>);

impl Errors {
    pub(crate) fn push(&mut self, error: Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            None => self.0 = Some(error),
        }
    }

    pub(crate) fn extend(&mut self, errors: impl IntoIterator<Item = Error>) {
        errors.into_iter().for_each(|error| self.push(error));
    }

    /// Returns the value; `None` after it has noted the error.
    pub(crate) fn note<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

/// Writes one `compile_error!` for each mistake.
impl ToTokens for Errors {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.0.iter().map(Error::to_compile_error));
    }
}

/// Emits an item of another kind as it is, with an error. If the author is still typing an item that begins with one of the
/// words, there is no error, because the compiler explains better what is missing.
pub(crate) fn refuse_item(item: &TokenStream, mut errors: Errors, words: &[&str], why: &str) -> TokenStream {
    let word = |token| matches!(token, TokenTree::Ident(ident) if words.iter().any(|word| ident == word));
    let is_incomplete = matches!(syn::parse2(item.clone()), Err(_) | Ok(Item::Verbatim(_)));
    if !is_incomplete || !item.clone().into_iter().any(word) {
        errors.push(Error::new(Span::call_site(), why));
    }
    quote!(#errors #item)
}
