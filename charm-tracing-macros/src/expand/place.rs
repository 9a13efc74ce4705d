use proc_macro2::{Span, TokenStream, TokenTree};

/// The tokens as if they stood at `place`, so that an error in what they are part of is shown there.
pub(crate) fn located(tokens: &TokenStream, place: Span) -> TokenStream {
    let relocate = |mut token: TokenTree| {
        token.set_span(place);
        token
    };
    tokens.clone().into_iter().map(relocate).collect()
}
