//! The attributes of charm-tracing without what they do: what carries one is left as it is.

use proc_macro::TokenStream;

/// Leaves the charm's block as it is.
#[proc_macro_attribute]
pub fn trace_charm(_: TokenStream, item: TokenStream) -> TokenStream {
    item
}

/// Leaves the block as it is.
#[proc_macro_attribute]
pub fn trace_type(_: TokenStream, item: TokenStream) -> TokenStream {
    item
}

/// Leaves the function as it is.
#[proc_macro_attribute]
pub fn trace_fn(_: TokenStream, item: TokenStream) -> TokenStream {
    item
}
