use proc_macro2::Span;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Path, Type};

/// How a type is called in the name of a span: the last part of its path, without arguments.
pub(crate) fn type_name(ty: &Type) -> String {
    match ty {
        Type::Path(path) => {
            path.path.segments.last().map(|last| last.ident.unraw().to_string()).unwrap_or_default()
        }
        Type::Reference(reference) => type_name(&reference.elem),
        Type::Paren(inner) => type_name(&inner.elem),
        Type::Group(inner) => type_name(&inner.elem),
        // `dyn Trait`, `[T]`, `(A, B)`: as written, which is rare enough.
        other => other.to_token_stream().to_string(),
    }
}

/// Whether the last part of a path is the name: the author may write any of the parts before it.
pub(crate) fn is_called(path: &Path, name: &str) -> bool {
    path.segments.last().is_some_and(|last| last.ident == name)
}

/// The line of a token in its file, 1 for the first. The macros `line!` and `file!` would tell of the attribute.
pub(crate) fn line(span: Span) -> u32 {
    // Outside of a compiler, as in this crate's own tests, there are no lines.
    if proc_macro::is_available() { u32::try_from(span.unwrap().line()).unwrap_or(0) } else { 0 }
}
