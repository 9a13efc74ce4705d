use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
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

/// What `tracing_endpoint` may be: a string or path, or an `Option` or `Result` of one.
///
/// An `Err` counts as nothing, whatever its type, with a line at debug.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a tracing endpoint",
    label = "this is a `{Self}`",
    note = "accepted are `String`, `&str`, `PathBuf`, `&Path`, and `Option` or `Result` of them"
)]
pub trait Setting {
    /// The text, unless there is none or it is empty.
    fn setting(&self) -> Option<OsString>;
}

/// What `server_cert` may be: PEM text, a path, a [`Certificate`], or an `Option` or `Result` of one.
///
/// A text is PEM if it begins with `-----BEGIN`, after any white space, and a path otherwise.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a certificate",
    label = "this is a `{Self}`",
    note = "accepted are `String` and `&str` (PEM text, or the path of a file with it), `PathBuf`, `&Path`, \
            `charm_tracing::Certificate`, and `Option` or `Result` of them"
)]
pub trait CertificateSetting {
    /// The certificate, unless there is none or it is empty.
    fn certificate(&self) -> Option<Certificate>;
}

macro_rules! texts {
    ($read:ident: $($ty:ty),+) => {$(
        impl Setting for $ty {
            fn setting(&self) -> Option<OsString> {
                let text: &OsStr = self.as_ref();
                (!text.is_empty()).then(|| text.to_owned())
            }
        }

        impl CertificateSetting for $ty {
            fn certificate(&self) -> Option<Certificate> {
                self.setting().map($read)
            }
        }
    )+};
}
texts!(text_or_path: str, String, OsStr, OsString);
texts!(path: Path, PathBuf);

fn path(path: OsString) -> Certificate {
    Certificate::File(path.into())
}

fn text_or_path(text: OsString) -> Certificate {
    match text.into_string() {
        Ok(text) if text.trim_start().starts_with("-----BEGIN") => Certificate::Pem(text),
        Ok(text) => path(text.into()),
        Err(text) => path(text),
    }
}

impl CertificateSetting for Certificate {
    fn certificate(&self) -> Option<Certificate> {
        Some(self.clone())
    }
}

macro_rules! pointers {
    ($([$($bound:tt)*] $ty:ty),+) => {$(
        impl<T: Setting + $($bound)*> Setting for $ty {
            fn setting(&self) -> Option<OsString> {
                (**self).setting()
            }
        }

        impl<T: CertificateSetting + $($bound)*> CertificateSetting for $ty {
            fn certificate(&self) -> Option<Certificate> {
                (**self).certificate()
            }
        }
    )+};
}
pointers!([?Sized] &T, [?Sized] Box<T>, [?Sized] Rc<T>, [?Sized] Arc<T>, [ToOwned + ?Sized] Cow<'_, T>);

impl<T: Setting> Setting for Option<T> {
    fn setting(&self) -> Option<OsString> {
        self.as_ref().and_then(Setting::setting)
    }
}

impl<T: CertificateSetting> CertificateSetting for Option<T> {
    fn certificate(&self) -> Option<Certificate> {
        self.as_ref().and_then(CertificateSetting::certificate)
    }
}

impl<T: Setting, E> Setting for Result<T, E> {
    fn setting(&self) -> Option<OsString> {
        known(self).and_then(Setting::setting)
    }
}

impl<T: CertificateSetting, E> CertificateSetting for Result<T, E> {
    fn certificate(&self) -> Option<Certificate> {
        known(self).and_then(CertificateSetting::certificate)
    }
}

/// What kind of error it was is all that can be told: its type may be anything.
fn known<T, E>(value: &Result<T, E>) -> Option<&T> {
    let value = value.as_ref().ok();
    if value.is_none() {
        log::debug!("the charm cannot tell where its traces go: {}", std::any::type_name::<E>());
    }
    value
}

/// What the expansion of `#[trace_charm]` makes of the two members it was told.
#[must_use]
pub fn destination(endpoint: Option<OsString>, certificate: Option<Certificate>) -> Option<Destination> {
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

    #[test]
    fn a_certificate_is_a_text_in_pem_or_a_path_or_itself() {
        let file = || Some(Certificate::File("/etc/ca.crt".into()));
        assert_eq!("/etc/ca.crt".certificate(), file());
        assert_eq!(Some(String::from("/etc/ca.crt")).certificate(), file());
        assert_eq!(Ok::<_, String>(Path::new("/etc/ca.crt")).certificate(), file());
        assert_eq!(Some(PathBuf::from("/etc/ca.crt")).certificate(), file());

        for pem in ["-----BEGIN CERTIFICATE-----\nMII", "\n  -----BEGIN X"] {
            let text = || Some(Certificate::Pem(pem.to_owned()));
            assert_eq!(pem.certificate(), text());
            assert_eq!(Ok::<_, ()>(Some(Arc::<str>::from(pem))).certificate(), text());
            assert_eq!(OsString::from(pem).certificate(), text());
            assert_eq!(
                Path::new(pem).certificate(),
                Some(Certificate::File(pem.into())),
                "a path is no text"
            );
        }

        let given = Certificate::System;
        assert_eq!(given.certificate(), Some(Certificate::System));
        assert_eq!(Some(&given).certificate(), Some(Certificate::System));
        assert_eq!(Ok::<_, String>(Some(given)).certificate(), Some(Certificate::System));
    }

    #[test]
    fn nothing_and_empty_and_errors_are_no_certificate() {
        assert_eq!("".certificate(), None);
        assert_eq!(None::<Certificate>.certificate(), None);
        assert_eq!(Some(PathBuf::new()).certificate(), None);
        assert_eq!(Err::<Certificate, _>("no relation").certificate(), None);
    }
}
