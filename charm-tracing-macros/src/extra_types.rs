//! The check behind the argument `extra_types`. `site/extra_types.rs` of `charm-tracing` explains how it works.

use std::hash::{DefaultHasher, Hash, Hasher};

use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{ItemImpl, Type};

use crate::expand::located;

/// The bits of a block's number. If two blocks of one type have the same number, neither is found.
const NUMBER: u32 = 24;

/// Returns the block's number as a list of bits: a hash of its text. Blocks of one type differ in their text unless they
/// are empty, because else they would not compile.
pub(crate) fn number(block: &ItemImpl) -> TokenStream {
    let mut hasher = DefaultHasher::new();
    block.to_token_stream().to_string().hash(&mut hasher);
    let hash = hasher.finish();
    (0..NUMBER).fold(quote!(()), |rest, bit| {
        let bit = Literal::u64_unsuffixed(hash >> bit & 1);
        quote_spanned!(Span::mixed_site()=> ([(); #bit], #rest))
    })
}

/// Writes one assertion that a type is traced, at that type.
pub(crate) fn assertion(krate: &TokenStream, ty: &Type) -> TokenStream {
    // The failing call has the author's span, so that the error is shown there. The rest has our span, so that the
    // author's lints ignore it.
    let (author, ours) = (ty.span(), Span::mixed_site().located_at(ty.span()));
    let first = located(krate, author);
    let first =
        quote_spanned!(author=> (&&&&&#first::__private::extra_types::Search::<#ty, _, _, _, _>::NEW).bit());
    let krate = located(krate, ours);
    let others = (1..NUMBER).map(|_| quote_spanned!(ours=> let block = (&&&&&block).bit();));
    quote_spanned! {ours=>
        const _: fn() = || {
            use #krate::__private::extra_types::{AnyOne as _, AnyZero as _, Otherwise as _, OwnOne as _, OwnZero as _};
            let block = #first;
            #(#others)*
            let _ = block;
        };
    }
}
