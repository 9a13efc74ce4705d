//! The names of error types, for `error.type` and `exception.type`.

use std::any::type_name;
use std::error::Error;
use std::{env, fmt, io, net, num, str, string, time};

/// Returns the name of a type without its generic arguments and without the pointers around it, such as `my_charm::Refused` for
/// `alloc::boxed::Box<my_charm::Refused<u8>>`. `full` is the name that `std::any::type_name` returns.
pub(crate) fn short(full: &'static str) -> &'static str {
    let mut name = full;
    loop {
        let pointer = ["&", "mut ", "alloc::boxed::Box<", "alloc::sync::Arc<", "alloc::rc::Rc<"];
        let Some(inner) = pointer.into_iter().find_map(|pointer| name.strip_prefix(pointer)) else { break };
        name = inner;
    }
    // A name that begins with `<` is that of a type which is declared in a method.
    let end = name.char_indices().find(|(at, char)| *at > 0 && matches!(char, '<' | '>' | ' ' | ','));
    match name.strip_prefix("dyn ") {
        Some(name) => &name[..name.find(['<', '>', ' ', ',']).unwrap_or(name.len())],
        None if name.starts_with('<') => name,
        None => end.map_or(name, |(at, _)| &name[..at]),
    }
}

macro_rules! first_of {
    ($error:ident: $($ty:ty),+ $(,)?) => { $(
        if $error.is::<$ty>() {
            return Some(type_name::<$ty>());
        }
    )+ };
}

/// Returns the name of the error's type if that is one of the standard library or of `tracing-relation`, else `None`.
pub(super) fn known(error: &(dyn Error + 'static)) -> Option<&'static str> {
    first_of!(error: io::Error, num::ParseIntError, num::ParseFloatError, num::TryFromIntError);
    first_of!(error: str::ParseBoolError, str::Utf8Error, string::FromUtf8Error, fmt::Error);
    first_of!(error: net::AddrParseError, env::VarError, time::SystemTimeError);
    #[cfg(feature = "session")]
    {
        use tracing_relation::TracingError;
        use tracing_relation::juju::{EnvironmentError, HookToolError, MetadataError};
        first_of!(error: HookToolError, TracingError, EnvironmentError, MetadataError);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_named_without_arguments_and_pointers() {
        for (full, name) in [
            ("my_charm::Refused", "my_charm::Refused"),
            ("my_charm::Refused<alloc::string::String>", "my_charm::Refused"),
            ("alloc::boxed::Box<my_charm::Refused<u8>>", "my_charm::Refused"),
            ("alloc::boxed::Box<dyn core::error::Error + core::marker::Send>", "core::error::Error"),
            ("alloc::sync::Arc<std::io::error::Error>", "std::io::error::Error"),
            ("&str", "str"),
            ("&mut alloc::string::String", "alloc::string::String"),
            (
                "<my_charm::Charm as my_charm::Push<u8>>::push::Local",
                "<my_charm::Charm as my_charm::Push<u8>>::push::Local",
            ),
            ("()", "()"),
            ("panic", "panic"),
            ("", ""),
        ] {
            assert_eq!(short(full), name, "{full}");
        }
    }
}
