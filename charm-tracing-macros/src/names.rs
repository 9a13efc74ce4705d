use std::ffi::OsString;

use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Path, Type, TypeGroup, TypeParen};

/// Returns the name of a type in span names: the last part of its path, without arguments.
pub(crate) fn type_name(ty: &Type) -> String {
    match bare(ty) {
        Type::Path(path) => {
            path.path.segments.last().map(|last| last.ident.unraw().to_string()).unwrap_or_default()
        }
        Type::Reference(reference) => type_name(&reference.elem),
        // `dyn Trait`, `[T]`, `(A, B)`: as written, because they are rare.
        other => other.to_token_stream().to_string(),
    }
}

/// Returns a type without the parentheses around it, and without the invisible ones that a macro leaves.
pub(crate) fn bare(mut ty: &Type) -> &Type {
    while let Type::Group(TypeGroup { elem, .. }) | Type::Paren(TypeParen { elem, .. }) = ty {
        ty = elem;
    }
    ty
}

/// Returns true if the last part of a path is the name: the author may write any of the parts before it.
pub(crate) fn is_called(path: &Path, name: &str) -> bool {
    path.segments.last().is_some_and(|last| last.ident == name)
}

/// Returns the name that the compiled package gives `charm_tracing`; `None` if that is `charm_tracing`, or is unknown.
///
/// The arguments of the compiler name each dependency: `--extern spans=target/debug/deps/libcharm_tracing-0123.rmeta`.
pub(crate) fn other_name(arguments: impl Iterator<Item = OsString>) -> Option<String> {
    let names = arguments.filter_map(|argument| {
        let (name, file) = argument.to_str()?.rsplit_once('=')?;
        let is_it = file.rsplit(['/', '\\']).next()?.starts_with("libcharm_tracing-");
        // Before the name may be options of Cargo: `priv:spans`.
        let name = name.rsplit([':', '=']).next()?;
        is_it.then(|| name.to_owned())
    });
    let names: Vec<String> = names.collect();
    if names.iter().any(|name| name == "charm_tracing") { None } else { names.into_iter().next() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiler_is_told_of_another_name() {
        let other_name = |arguments: &str| other_name(arguments.split(' ').map(OsString::from));
        let file = "target/debug/deps/libcharm_tracing-0123abc";
        for arguments in [
            format!("rustc --crate-name demo --extern log=deps/liblog-1.rmeta --extern spans={file}.rmeta"),
            format!("rustc --extern=spans={file}.rlib"),
            format!("rustc --extern priv,noprelude:spans={file}.rlib"),
            "rustc --extern spans=target\\debug\\deps\\libcharm_tracing-0123abc.rlib".to_owned(),
            format!("rustc --extern spans={file}.rlib --extern traces={file}.rlib"),
        ] {
            assert_eq!(other_name(&arguments).as_deref(), Some("spans"), "{arguments}");
        }
        for arguments in [
            format!("rustc --extern charm_tracing={file}.rmeta"),
            format!("rustc --extern spans={file}.rlib --extern charm_tracing={file}.rlib"),
            "rustc --extern spans=deps/libcharm_tracing_macros-0123abc.so".to_owned(),
            "rustc --crate-name charm_tracing -C metadata=0123abc --extern log=deps/liblog-1.rmeta"
                .to_owned(),
        ] {
            assert_eq!(other_name(&arguments), None, "{arguments}");
        }
    }
}
