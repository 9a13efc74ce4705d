//! Says why there is no answer in an operator's words: names, certificates and ports, not the errors of ureq and rustls.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};

use ureq::Error as Cause;

/// A request that was not answered.
#[derive(Debug)]
pub(super) struct Unanswered(pub(super) Cause);

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Cause::Timeout(_) => f.write_str("there is no answer in time"),
            Cause::HostNotFound => f.write_str("its name is not known"),
            Cause::Protocol(_) => {
                f.write_str(
                    "what answers there does not speak HTTP; if it speaks TLS, the endpoint is to begin with https",
                )
            }
            Cause::Io(error) => match tls(error) {
                Some(text) => f.write_str(&text),
                None if error.kind() == ErrorKind::UnexpectedEof => {
                    f.write_str("it has closed the connection instead of answering")
                }
                None => write!(f, "{error}"),
            },
            other => write!(f, "{other}"),
        }
    }
}

impl Unanswered {
    /// True if a certificate has to be changed first, so that no later attempt can succeed before.
    pub(super) fn is_for_want_of_trust(&self) -> bool {
        matches!(&self.0, Cause::Io(error) if is_distrusted(error))
    }
}

/// Its text says everything, so there is no source.
impl Error for Unanswered {}

#[cfg(not(feature = "tls"))]
fn tls(_: &io::Error) -> Option<String> {
    None
}

#[cfg(not(feature = "tls"))]
fn is_distrusted(_: &io::Error) -> bool {
    false
}

#[cfg(feature = "tls")]
fn tls(error: &io::Error) -> Option<String> {
    use rustls::AlertDescription as Alert;
    use rustls::Error as Tls;

    let error = of_tls(error)?;
    let text = distrust(error);
    Some(text.unwrap_or_else(|| {
        match error {
            Tls::InvalidMessage(_) => {
                "what answers there does not speak TLS; if it speaks HTTP, the endpoint is to begin with http"
                    .to_owned()
            }
            Tls::PeerIncompatible(_)
            | Tls::AlertReceived(
                Alert::HandshakeFailure | Alert::ProtocolVersion | Alert::InsufficientSecurity,
            ) => {
                format!("it speaks no TLS that we speak, which is 1.2 and 1.3 ({error})")
            }
            other => format!("TLS failed: {other}"),
        }
    }))
}

#[cfg(feature = "tls")]
fn is_distrusted(error: &io::Error) -> bool {
    of_tls(error).and_then(distrust).is_some()
}

#[cfg(feature = "tls")]
fn of_tls(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// Says what is wrong with a certificate, if the error is about one.
#[cfg(feature = "tls")]
fn distrust(error: &rustls::Error) -> Option<String> {
    use rustls::AlertDescription as Alert;
    use rustls::Error as Tls;

    match error {
        Tls::InvalidCertificate(error) => Some(certificate(error)),
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
            // Its authority has the name of one that is trusted, and another key.
            | Alert::DecryptError),
        ) => Some(format!("it does not accept the client certificate ({alert:?})")),
        _ => None,
    }
}

#[cfg(feature = "tls")]
fn certificate(error: &rustls::CertificateError) -> String {
    use rustls::CertificateError as Certificate;

    match error {
        Certificate::UnknownIssuer => {
            "its certificate is signed by an authority that the charm does not trust".to_owned()
        }
        Certificate::BadSignature => {
            "its certificate is not signed by the authority that the charm trusts, but by one of the same name".to_owned()
        }
        Certificate::NotValidForNameContext { expected, presented } => {
            let names: Vec<_> = presented.iter().take(5).map(|name| bare(name)).collect();
            let names = if names.is_empty() { "no name".to_owned() } else { names.join(", ") };
            format!("its certificate is not for {} but for {names}", expected.to_str())
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

/// `elsewhere` of `DnsName("elsewhere")`, as rustls has it.
#[cfg(feature = "tls")]
fn bare(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"')
}

#[cfg(feature = "tls")]
fn date(time: rustls::pki_types::UnixTime) -> String {
    let since = std::time::Duration::from_secs(time.as_secs());
    match std::time::SystemTime::UNIX_EPOCH.checked_add(since) {
        // What is later than this has no date in that form.
        Some(moment) if time.as_secs() < 253_402_300_800 => httpdate::fmt_http_date(moment),
        _ => "a day after the year 9999".to_owned(),
    }
}
