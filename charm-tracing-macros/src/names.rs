use proc_macro2::Span;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Path, Type};

/// Returns the name of a type in span names: the last part of its path, without arguments.
pub(crate) fn type_name(ty: &Type) -> String {
    match ty {
        Type::Path(path) => {
            path.path.segments.last().map(|last| last.ident.unraw().to_string()).unwrap_or_default()
        }
        Type::Reference(reference) => type_name(&reference.elem),
        Type::Paren(inner) => type_name(&inner.elem),
        Type::Group(inner) => type_name(&inner.elem),
        // `dyn Trait`, `[T]`, `(A, B)`: as written, because they are rare.
        other => other.to_token_stream().to_string(),
    }
}

/// Returns true if the last part of a path is the name: the author may write any of the parts before it.
pub(crate) fn is_called(path: &Path, name: &str) -> bool {
    path.segments.last().is_some_and(|last| last.ident == name)
}

/// Returns the line of a token in its file, starting at 1; 0 outside a compiler. The macros `line!` and `file!` would
/// return the place of the attribute.
pub(crate) fn line(span: Span) -> u32 {
    // Outside of a compiler, as in this crate's own tests, there are no lines.
    if proc_macro::is_available() { u32::try_from(span.unwrap().line()).unwrap_or(0) } else { 0 }
}
