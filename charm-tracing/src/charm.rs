use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use tracing_relation::is_plain_path;

use crate::Config;
use crate::delivery::{Certificate, ClientCertificate, Destination, Pem};

/// A charm that can be [`run`](crate::run), with the configuration and the destination of its traces.
///
/// `#[trace_charm]` implements it. Implement it by hand for a charm that decides one of them at run time:
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
    /// Returns the configuration. It is called before the charm is constructed.
    fn config() -> Config;

    /// Returns the destination of the charm's traces; `None` if there is none yet, and the trace waits in the queue.
    /// It is called after the event was handled, so changes by the event count.
    fn destination(&self) -> Option<Destination>;
}

/// The trait that `#[trace_charm]` implements. Its name is the remedy in the compiler's message about a charm that has
/// the attribute twice.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a traced charm",
    label = "this charm has no `#[trace_charm]`",
    note = "add `#[trace_charm(tracing_endpoint = \"...\")]` to its `impl` block or to its `struct`"
)]
pub trait TraceCharmOncePerTypeAndTraceTypeOnOtherBlocks {
    /// Returns the configuration, see [`TracedCharm::config`].
    fn config() -> Config;

    /// Returns the destination, see [`TracedCharm::destination`].
    fn destination(&self) -> Option<Destination>;
}

#[doc(hidden)]
impl<C: TraceCharmOncePerTypeAndTraceTypeOnOtherBlocks> TracedCharm for C {
    fn config() -> Config {
        <C as TraceCharmOncePerTypeAndTraceTypeOnOtherBlocks>::config()
    }

    fn destination(&self) -> Option<Destination> {
        TraceCharmOncePerTypeAndTraceTypeOnOtherBlocks::destination(self)
    }
}

/// A value for `tracing_endpoint`: a string or path, or an `Option` or `Result` of one.
///
/// An `Err` of any type counts as no value, with a line at debug level.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a tracing endpoint",
    label = "this is a `{Self}`",
    note = "accepted are `String`, `&str`, `PathBuf`, `&Path`, and `Option` or `Result` of them"
)]
pub trait Setting {
    /// Returns the text; `None` if there is none or it is empty.
    fn setting(&self) -> Option<OsString>;
}

/// A value for `server_cert`: PEM text, a path, a [`Certificate`], or an `Option` or `Result` of one.
///
/// A text is PEM if it contains `-----BEGIN`, else a path. Messages show only absolute paths.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a certificate",
    label = "this is a `{Self}`",
    note = "accepted are `String` and `&str` (PEM text, or the path of a file with it), `PathBuf`, `&Path`, \
            `charm_tracing::Certificate`, and `Option` or `Result` of them"
)]
pub trait CertificateSetting {
    /// Returns the certificate; `None` if there is none or it is empty.
    fn certificate(&self) -> Option<Certificate>;
}

/// A value for `client_cert` or `client_key`: PEM text, a path, a [`Pem`], or an `Option` or `Result` of one.
///
/// A text is a path if it is absolute and does not contain `-----BEGIN`, else PEM. Messages show only paths.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a client certificate or its key",
    label = "this is a `{Self}`",
    note = "accepted are `String` and `&str` (PEM text, or the path of a file with it), `PathBuf`, `&Path`, \
            `charm_tracing::Pem`, and `Option` or `Result` of them"
)]
pub trait PemSetting {
    /// Returns the text or path; `None` if there is none or it is empty.
    fn pem(&self) -> Option<Pem>;
}

macro_rules! texts {
    ($certificate:expr, $pem:expr; $($ty:ty),+) => {$(
        impl Setting for $ty {
            fn setting(&self) -> Option<OsString> {
                let text: &OsStr = self.as_ref();
                (!text.is_empty()).then(|| text.to_owned())
            }
        }

        impl CertificateSetting for $ty {
            fn certificate(&self) -> Option<Certificate> {
                self.setting().map($certificate)
            }
        }

        impl PemSetting for $ty {
            fn pem(&self) -> Option<Pem> {
                self.setting().map($pem)
            }
        }
    )+};
}
texts!(certificate, pem; str, String, OsStr, OsString);
texts!(|path| Certificate::File(path.into()), |path| Pem::File(path.into()); Path, PathBuf);

fn certificate(text: OsString) -> Certificate {
    match text.into_string() {
        Ok(text) if text.contains(BEGIN) => Certificate::Pem(text),
        Ok(text) => Certificate::File(text.trim().into()),
        // The comments of a PEM text may have any encoding.
        Err(text) => match text.to_string_lossy() {
            lossy if lossy.contains(BEGIN) => Certificate::Pem(lossy.into_owned()),
            _ => Certificate::File(text.into()),
        },
    }
}

/// Parses a text. One that is neither a path nor PEM counts as PEM, because it may be a key in another form, and a PEM
/// text is never shown.
fn pem(text: OsString) -> Pem {
    let lossy = text.to_string_lossy();
    if is_plain_path(Path::new(lossy.trim())) {
        match text.into_string() {
            Ok(text) => Pem::File(text.trim().into()),
            Err(text) => Pem::File(text.into()),
        }
    } else {
        Pem::Text(lossy.into_owned())
    }
}

const BEGIN: &str = "-----BEGIN";

impl CertificateSetting for Certificate {
    fn certificate(&self) -> Option<Certificate> {
        Some(self.clone())
    }
}

impl PemSetting for Pem {
    fn pem(&self) -> Option<Pem> {
        Some(self.clone())
    }
}

/// Implements a setting trait for pointers to a setting, and for `Option` and `Result` of one.
macro_rules! holders {
    ($($kind:ident::$read:ident -> $value:ty),+) => {$(
        pointers! {
            $kind::$read -> $value;
            [?Sized] &T, [?Sized] Box<T>, [?Sized] Rc<T>, [?Sized] Arc<T>, [ToOwned + ?Sized] Cow<'_, T>
        }

        impl<T: $kind> $kind for Option<T> {
            fn $read(&self) -> Option<$value> {
                self.as_ref().and_then($kind::$read)
            }
        }

        impl<T: $kind, E> $kind for Result<T, E> {
            fn $read(&self) -> Option<$value> {
                known(self).and_then($kind::$read)
            }
        }
    )+};
}

macro_rules! pointers {
    ($kind:ident::$read:ident -> $value:ty; $([$($bound:tt)*] $ty:ty),+) => {$(
        impl<T: $kind + $($bound)*> $kind for $ty {
            fn $read(&self) -> Option<$value> {
                (**self).$read()
            }
        }
    )+};
}
holders!(Setting::setting -> OsString, CertificateSetting::certificate -> Certificate, PemSetting::pem -> Pem);

/// Returns the value; `None` for an error. The log gets only the error's type name, because the type need not be
/// printable.
fn known<T, E>(value: &Result<T, E>) -> Option<&T> {
    let value = value.as_ref().ok();
    if value.is_none() {
        log::debug!("what the charm names in `#[trace_charm]` is an error: {}", std::any::type_name::<E>());
    }
    value
}

/// Makes a destination of `tracing_endpoint` and `server_cert`, for the expansion of `#[trace_charm]`.
#[must_use]
pub fn destination_of(endpoint: Option<OsString>, certificate: Option<Certificate>) -> Option<Destination> {
    Some(Destination::new(endpoint?.to_string_lossy(), certificate))
}

/// Adds `client_cert` and `client_key` to a destination, for the same expansion. One without the other is ignored.
#[must_use]
pub fn with_client_certificate(
    destination: Option<Destination>,
    chain: Option<Pem>,
    key: Option<Pem>,
) -> Option<Destination> {
    let destination = destination?;
    match (chain, key) {
        (Some(chain), Some(key)) => Some(destination.client_certificate(ClientCertificate::new(chain, key))),
        (None, None) => Some(destination),
        _ => {
            log::debug!("the charm has only one of a client certificate and its key, and shows neither");
            Some(destination)
        }
    }
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

        for pem in [
            "-----BEGIN CERTIFICATE-----\nMII",
            "\n  -----BEGIN X",
            "# the authority\n-----BEGIN CERTIFICATE-----\nMII",
            "subject=CN = tempo\n-----BEGIN CERTIFICATE-----\nMII",
            "Bag Attributes\n    friendlyName: tempo\n-----BEGIN CERTIFICATE-----\nMII",
            "\u{feff}-----BEGIN CERTIFICATE-----\r\nMII",
            "/CN=tempo\n-----BEGIN CERTIFICATE-----\nMII",
        ] {
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

        let latin1 =
            std::os::unix::ffi::OsStringExt::from_vec(b"caf\xe9\n-----BEGIN CERTIFICATE-----".to_vec());
        assert!(matches!(OsString::certificate(&latin1), Some(Certificate::Pem(_))));
        assert_eq!(" /etc/ca.crt\n".certificate(), file());

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

    #[test]
    fn a_client_certificate_and_its_key_are_a_text_or_an_absolute_path_or_a_pem() {
        let file = || Some(Pem::File("/etc/client.key".into()));
        assert_eq!("/etc/client.key".pem(), file());
        assert_eq!(Some(String::from("/etc/client.key")).pem(), file());
        assert_eq!(Ok::<_, String>(Path::new("/etc/client.key")).pem(), file());
        assert_eq!(Some(PathBuf::from("client.key")).pem(), Some(Pem::File("client.key".into())));

        let key = "Bag Attributes: none\n-----BEGIN PRIVATE KEY-----\nMII";
        let text = || Some(Pem::Text(key.to_owned()));
        assert_eq!(key.pem(), text());
        assert_eq!(Ok::<_, ()>(Some(Arc::<str>::from(key))).pem(), text());
        assert_eq!(OsString::from(key).pem(), text());
        assert_eq!(Some(&text().unwrap()).pem(), text());
        assert_eq!("/etc/client.key\n".pem(), file());
        let key = "/CN=charm\n-----BEGIN PRIVATE KEY-----\nMII";
        assert_eq!(key.pem(), Some(Pem::Text(key.to_owned())), "no path, which would be shown");
    }

    #[test]
    fn a_key_in_another_form_is_not_taken_for_a_path_which_would_be_shown() {
        let key = "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t";
        assert_eq!(key.pem(), Some(Pem::Text(key.to_owned())));
        assert!(!format!("{:?}", key.pem()).contains(key));
    }

    #[test]
    fn nothing_and_empty_and_errors_are_no_client_certificate() {
        assert_eq!("".pem(), None);
        assert_eq!(None::<Pem>.pem(), None);
        assert_eq!(Some(PathBuf::new()).pem(), None);
        assert_eq!(Err::<Pem, _>("no relation").pem(), None);
    }

    #[test]
    fn a_destination_has_a_client_certificate_if_there_is_a_key_too() {
        let pem = || Some(Pem::Text("-----BEGIN".to_owned()));
        let destination = || destination_of(Some("https://tempo:4318".into()), Some(Certificate::System));
        let own = ClientCertificate::new(pem().unwrap(), pem().unwrap());
        let with = destination().map(|destination| destination.client_certificate(own));
        assert_ne!(with, destination());
        assert_eq!(with_client_certificate(destination(), pem(), pem()), with);
        for (chain, key) in [(None, None), (pem(), None), (None, pem())] {
            assert_eq!(with_client_certificate(destination(), chain, key), destination());
        }
        assert_eq!(with_client_certificate(None, pem(), pem()), None);
    }
}
