//! The reason why there is no answer, in an operator's words: names, certificates and ports, not the errors of ureq and
//! rustls.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};

use ureq::Error as Cause;

#[cfg(feature = "tls")]
use super::algorithm;

/// A request that was not answered.
#[derive(Debug)]
pub(super) struct RequestError(pub(super) Cause);

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Cause::Timeout(_) => f.write_str("there is no answer in time"),
            Cause::HostNotFound => f.write_str("its name is not known"),
            Cause::Protocol(_) => f.write_str(
                "what answers there does not speak HTTP; if it speaks TLS, its URL is to begin with https",
            ),
            Cause::ConnectProxyFailed(reason) => match reason.rsplit_once('/') {
                // ureq writes: "proxy server responded 403/403".
                Some((_, status)) => write!(f, "it refuses to connect to the backend (it answered {status})"),
                None => f.write_str("it has closed the connection instead of answering"),
            },
            Cause::Io(error) => match tls_fault(error) {
                Some(fault) => f.write_str(&fault.text),
                None if error.kind() == ErrorKind::UnexpectedEof => {
                    f.write_str("it has closed the connection instead of answering")
                }
                None => write!(f, "{error}"),
            },
            other => write!(f, "{other}"),
        }
    }
}

impl RequestError {
    /// Returns true if no later attempt can succeed before a certificate is changed.
    pub(super) fn is_untrusted(&self) -> bool {
        matches!(&self.0, Cause::Io(error) if tls_fault(error).is_some_and(|fault| fault.is_distrust))
    }
}

/// It has no source, because its text says everything.
impl Error for RequestError {}

/// A fault of TLS.
struct TlsFault {
    text: String,
    is_distrust: bool,
}

#[cfg(not(feature = "tls"))]
fn tls_fault(_: &io::Error) -> Option<TlsFault> {
    None
}

#[cfg(feature = "tls")]
fn tls_fault(error: &io::Error) -> Option<TlsFault> {
    use rustls::Error as Tls;

    let error: &Tls = error.get_ref()?.downcast_ref()?;
    let distrust = distrust(error);
    let is_distrust = distrust.is_some();
    let text = distrust.unwrap_or_else(|| match error {
        Tls::InvalidMessage(_) => {
            "what answers there does not speak TLS; if it speaks HTTP, its URL is to begin with http"
                .to_owned()
        }
        other => format!("TLS failed: {other}"),
    });
    Some(TlsFault { text, is_distrust })
}

/// Returns what has to be changed first, a certificate or the backend's TLS settings; `None` if a later attempt may
/// succeed.
#[cfg(feature = "tls")]
fn distrust(error: &rustls::Error) -> Option<String> {
    use rustls::AlertDescription as Alert;
    use rustls::Error as Tls;

    match error {
        Tls::InvalidCertificate(error) => Some(invalid_certificate(error)),
        // A backend with another kind of key cannot sign, and sends no certificate that would show this.
        Tls::PeerIncompatible(_)
        | Tls::AlertReceived(
            Alert::HandshakeFailure | Alert::ProtocolVersion | Alert::InsufficientSecurity,
        ) => Some(format!(
            "it does not agree to the TLS that is spoken here ({error}): version 1.2 or 1.3, a certificate whose key is {KEYS}, \
             and a client certificate if it asks for one"
        )),
        Tls::AlertReceived(Alert::CertificateRequired | Alert::NoCertificate) => {
            Some("it asks for a client certificate, and the charm has none".to_owned())
        }
        Tls::AlertReceived(
            alert @ (Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            // The charm's authority has the name of a trusted one, but another key.
            | Alert::DecryptError),
        ) => Some(format!("it does not accept the client certificate ({alert:?})")),
        _ => None,
    }
}

#[cfg(feature = "tls")]
fn invalid_certificate(error: &rustls::CertificateError) -> String {
    use rustls::CertificateError as Certificate;

    match error {
        Certificate::UnknownIssuer => {
            "its certificate is signed by an authority that the charm does not trust".to_owned()
        }
        Certificate::BadSignature => {
            "its certificate is not signed by the authority that the charm trusts, but by one of the same name".to_owned()
        }
        Certificate::NotValidForNameContext { expected, presented } => {
            let expected = expected.to_str();
            let names: Vec<_> = presented.iter().take(5).map(|name| named(name, &expected)).collect();
            let names = if names.is_empty() { "no name".to_owned() } else { names.join(", ") };
            format!("its certificate is not for {expected} but for {names}")
        }
        Certificate::UnsupportedSignatureAlgorithmContext { signature_algorithm_id, .. } => {
            let signature = algorithm::name(signature_algorithm_id);
            format!("its certificate is signed by {signature}, which is not supported; the key of an authority may be {KEYS}")
        }
        Certificate::UnsupportedSignatureAlgorithmForPublicKeyContext { public_key_algorithm_id, .. } => {
            let key = algorithm::name(public_key_algorithm_id);
            format!("its certificate is signed by a key of {key}, which is not supported; it may be {KEYS}")
        }
        Certificate::NotValidForName => "its certificate is for another name".to_owned(),
        Certificate::ExpiredContext { not_after, .. } => {
            format!("its certificate has expired on {}", date(*not_after))
        }
        Certificate::Expired => "its certificate has expired".to_owned(),
        Certificate::NotValidYetContext { not_before, .. } => {
            format!("its certificate is not valid before {}; the clock here may be wrong", date(*not_before))
        }
        Certificate::NotValidYet => {
            "its certificate is not valid yet; the clock here may be wrong".to_owned()
        }
        Certificate::Other(other) if other.to_string() == "CaUsedAsEndEntity" => {
            "its certificate is that of an authority, and not one that the charm trusts".to_owned()
        }
        other => format!("its certificate cannot be trusted: {other}"),
    }
}

/// The keys that ring knows.
#[cfg(feature = "tls")]
const KEYS: &str = "RSA of 2048 bits or more, ECDSA on P-256 or P-384 with SHA-256 or SHA-384, or Ed25519";

/// Returns `elsewhere` for `DnsName("elsewhere")`, which is how rustls writes the name of a certificate. If the name is
/// equal to the expected text, it has the wrong kind, and the result names the kind.
#[cfg(feature = "tls")]
fn named(name: &str, expected: &str) -> String {
    let Some((kind, inner)) = name.split_once('(') else { return name.to_owned() };
    let inner = inner.strip_suffix(')').unwrap_or(inner).trim_matches('"');
    match kind {
        "DnsName" if inner == expected => format!("a DNS name {inner}, where it needs an IP address"),
        "DnsName" | "IpAddress" => inner.to_owned(),
        "UniformResourceIdentifier" => format!("the URI {inner}"),
        _ => name.to_owned(),
    }
}

#[cfg(feature = "tls")]
fn date(time: rustls::pki_types::UnixTime) -> String {
    let since = std::time::Duration::from_secs(time.as_secs());
    match std::time::SystemTime::UNIX_EPOCH.checked_add(since) {
        // A later moment has no date in this form.
        Some(moment) if time.as_secs() < 253_402_300_800 => httpdate::fmt_http_date(moment),
        _ => "a day after the year 9999".to_owned(),
    }
}
