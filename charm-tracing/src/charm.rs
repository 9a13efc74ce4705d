use std::borrow::Cow;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use crate::Config;
use crate::delivery::{Certificate, Destination};

/// A charm that can be [`run`](crate::run): how it is traced, and where its traces go.
///
/// `#[trace_charm]` implements it. Implement it by hand for a charm that decides either while it runs:
///
/// ```
/// use charm_tracing::{Config, Destination, TracedCharm};
///
/// struct MyCharm { endpoint: Option<String> }
///
/// impl TracedCharm for MyCharm {
///     fn config() -> Config {
///         Config::new().charm_type("MyCharm")
///     }
///     fn destination(&self) -> Option<Destination> {
///         Some(Destination::new(self.endpoint.clone()?, None))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a traced charm",
    label = "this charm has no `#[trace_charm]`",
    note = "add `#[trace_charm(tracing_endpoint = \"...\")]` to its `impl` block or to its `struct`"
)]
pub trait TracedCharm {
    /// Asked before the charm is constructed.
    fn config() -> Config;

    /// Where its traces go; asked when the event has been handled, so what the event changed counts. None: nowhere yet,
    /// the trace waits in the buffer.
    fn destination(&self) -> Option<Destination>;
}

/// What `tracing_endpoint` and `server_cert` may be: a string or path, or an `Option` or `Result` of one.
///
/// An `Err` counts as nothing, whatever its type, with a line at debug.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a tracing endpoint or a certificate path",
    label = "this is a `{Self}`",
    note = "accepted are `String`, `&str`, `PathBuf`, `&Path`, and `Option` or `Result` of them"
)]
pub trait Setting {
    /// The text, unless there is none or it is empty.
    fn setting(&self) -> Option<OsString>;
}

macro_rules! texts {
    ($($ty:ty),+) => {$(
        impl Setting for $ty {
            fn setting(&self) -> Option<OsString> {
                let text: &std::ffi::OsStr = self.as_ref();
                (!text.is_empty()).then(|| text.to_owned())
            }
        }
    )+};
}
texts!(str, String, Path, PathBuf, std::ffi::OsStr, OsString);

macro_rules! pointers {
    ($([$($generics:tt)*] $ty:ty),+) => {$(
        impl<$($generics)*> Setting for $ty {
            fn setting(&self) -> Option<OsString> {
                (**self).setting()
            }
        }
    )+};
}
pointers!(
    [T: Setting + ?Sized] &T,
    [T: Setting + ?Sized] Box<T>,
    [T: Setting + ?Sized] Rc<T>,
    [T: Setting + ?Sized] Arc<T>,
    [T: Setting + ToOwned + ?Sized] Cow<'_, T>
);

impl<T: Setting> Setting for Option<T> {
    fn setting(&self) -> Option<OsString> {
        self.as_ref().and_then(Setting::setting)
    }
}

impl<T: Setting, E> Setting for Result<T, E> {
    fn setting(&self) -> Option<OsString> {
        let value = self.as_ref().ok();
        if value.is_none() {
            log::debug!("the charm cannot tell where its traces go: {}", std::any::type_name::<E>());
        }
        value.and_then(Setting::setting)
    }
}

/// What the expansion of `#[trace_charm]` makes of the two members it was told.
#[must_use]
pub fn destination(endpoint: Option<OsString>, server_cert: Option<OsString>) -> Option<Destination> {
    let certificate = server_cert.map(|path| Certificate::File(PathBuf::from(path)));
    Some(Destination::new(endpoint?.to_string_lossy(), certificate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_a_text_or_a_path_or_may_be_one() {
        let url = || Some(OsString::from("http://tempo:4318"));
        assert_eq!("http://tempo:4318".setting(), url());
        assert_eq!(String::from("http://tempo:4318").setting(), url());
        assert_eq!(Some("http://tempo:4318").setting(), url());
        assert_eq!(Ok::<_, String>(Some(Arc::<str>::from("http://tempo:4318"))).setting(), url());
        assert_eq!(Path::new("/etc/ca.crt").setting(), Some("/etc/ca.crt".into()));
        assert_eq!(Some(PathBuf::from("/etc/ca.crt")).setting(), Some("/etc/ca.crt".into()));
    }

    #[test]
    fn nothing_and_empty_and_errors_are_no_setting() {
        assert_eq!("".setting(), None);
        assert_eq!(None::<String>.setting(), None);
        assert_eq!(Some(PathBuf::new()).setting(), None);
        assert_eq!(Err::<String, _>("no relation").setting(), None);
    }
}
