mod headers;

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use tracing_relation::is_plain_path;
use ureq::http::HeaderMap;

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

/// A value that `#[trace_charm]` names, read as a `V`: a text, a path, a `V`, or a pointer to, an `Option` or a `Result` of one.
///
/// An `Err` of any type counts as no value, with a line at debug level.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of this argument",
    label = "this is a `{Self}`",
    note = "accepted are `String`, `&str`, `PathBuf`, `&Path`, and `Option` or `Result` of them",
    note = "headers are a text `name=value,...` or a list or map of pairs",
    note = "a certificate or key is PEM text or the path of a file with it; `server_cert` may be a \
            `charm_tracing::Certificate`, `client_cert` and `client_key` a `charm_tracing::Pem`"
)]
pub trait Setting<V> {
    /// Returns the value; `None` if there is none or it is empty.
    fn read(&self) -> Option<V>;
}

/// A value that can be given as a text or a path.
pub trait Value {
    /// Reads a text that is not empty.
    fn of_text(text: OsString) -> Self;

    /// Reads a path that is not empty.
    fn of_path(path: OsString) -> Self;
}

impl Value for OsString {
    fn of_text(text: OsString) -> Self {
        text
    }

    fn of_path(path: OsString) -> Self {
        path
    }
}

/// A text is PEM if it contains `-----BEGIN`, else a path. Messages show only absolute paths.
impl Value for Certificate {
    fn of_text(text: OsString) -> Self {
        match text.into_string() {
            Ok(text) if text.contains(BEGIN) => Self::Pem(text),
            Ok(text) => Self::File(text.trim().into()),
            // The comments of a PEM text may have any encoding.
            Err(text) => match text.to_string_lossy() {
                lossy if lossy.contains(BEGIN) => Self::Pem(lossy.into_owned()),
                _ => Self::File(text.into()),
            },
        }
    }

    fn of_path(path: OsString) -> Self {
        Self::File(path.into())
    }
}

/// A text is a path if it is absolute and does not contain `-----BEGIN`, else PEM. One that is neither counts as PEM, because it
/// may be a key in another form, and a PEM text is never shown.
impl Value for Pem {
    fn of_text(text: OsString) -> Self {
        let lossy = text.to_string_lossy();
        if is_plain_path(Path::new(lossy.trim())) {
            match text.into_string() {
                Ok(text) => Self::File(text.trim().into()),
                Err(text) => Self::File(text.into()),
            }
        } else {
            Self::Text(lossy.into_owned())
        }
    }

    fn of_path(path: OsString) -> Self {
        Self::File(path.into())
    }
}

const BEGIN: &str = "-----BEGIN";

macro_rules! texts {
    ($of:ident: $($ty:ty),+) => {$(
        impl<V: Value> Setting<V> for $ty {
            fn read(&self) -> Option<V> {
                let text: &OsStr = self.as_ref();
                (!text.is_empty()).then(|| V::$of(text.to_owned()))
            }
        }
    )+};
}
texts!(of_text: str, String, OsStr, OsString);
texts!(of_path: Path, PathBuf);

impl Setting<Self> for Certificate {
    fn read(&self) -> Option<Self> {
        Some(self.clone())
    }
}

impl Setting<Self> for Pem {
    fn read(&self) -> Option<Self> {
        Some(self.clone())
    }
}

macro_rules! pointers {
    ($([$($bound:tt)*] $ty:ty),+) => {$(
        impl<V, T: Setting<V> + $($bound)*> Setting<V> for $ty {
            fn read(&self) -> Option<V> {
                (**self).read()
            }
        }
    )+};
}
pointers!([?Sized] &T, [?Sized] Box<T>, [?Sized] Rc<T>, [?Sized] Arc<T>, [ToOwned + ?Sized] Cow<'_, T>);

impl<V, T: Setting<V>> Setting<V> for Option<T> {
    fn read(&self) -> Option<V> {
        self.as_ref().and_then(Setting::read)
    }
}

impl<V, T: Setting<V>, E> Setting<V> for Result<T, E> {
    fn read(&self) -> Option<V> {
        if self.is_err() {
            // Only the name of the error's type, because the type need not be printable.
            let error = std::any::type_name::<E>();
            log::debug!("what the charm names in `#[trace_charm]` is an error: {error}");
        }
        self.as_ref().ok().and_then(Setting::read)
    }
}

/// The values of the methods and fields that `#[trace_charm]` names. Each argument that names one is a method here.
#[derive(Debug, Default)]
pub struct Members {
    tracing_endpoint: Option<OsString>,
    server_cert: Option<Certificate>,
    client_cert: Option<Pem>,
    client_key: Option<Pem>,
    headers: Option<HeaderMap>,
}

impl Members {
    /// Returns what a charm has that names nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the URL of the receiver.
    #[must_use]
    pub fn tracing_endpoint(self, value: &impl Setting<OsString>) -> Self {
        Self { tracing_endpoint: value.read(), ..self }
    }

    /// Reads the certificates to trust.
    #[must_use]
    pub fn server_cert(self, value: &impl Setting<Certificate>) -> Self {
        Self { server_cert: value.read(), ..self }
    }

    /// Reads the certificate that the charm shows.
    #[must_use]
    pub fn client_cert(self, value: &impl Setting<Pem>) -> Self {
        Self { client_cert: value.read(), ..self }
    }

    /// Reads the private key of the certificate that the charm shows.
    #[must_use]
    pub fn client_key(self, value: &impl Setting<Pem>) -> Self {
        Self { client_key: value.read(), ..self }
    }

    /// Reads the headers of each request.
    #[must_use]
    pub fn headers(self, value: &impl Setting<HeaderMap>) -> Self {
        Self { headers: value.read(), ..self }
    }

    /// Returns the destination; `None` without an endpoint. A client certificate without its key, or a key without its
    /// certificate, is ignored.
    #[must_use]
    pub fn destination(self) -> Option<Destination> {
        let mut destination = Destination::new(self.tracing_endpoint?.to_string_lossy(), self.server_cert);
        destination.headers = self.headers.unwrap_or_default();
        match (self.client_cert, self.client_key) {
            (Some(chain), Some(key)) => {
                return Some(destination.client_certificate(ClientCertificate::new(chain, key)));
            }
            (None, None) => {}
            _ => log::debug!("the charm has only one of a client certificate and its key, and shows neither"),
        }
        Some(destination)
    }
}

#[cfg(test)]
mod tests;
