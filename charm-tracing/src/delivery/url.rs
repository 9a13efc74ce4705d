use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;
use ureq::http::uri::{Authority, PathAndQuery};
use ureq::http::{HeaderValue, Uri};

/// The reason why traces cannot be sent to an endpoint.
///
/// The endpoint itself is never part of the message: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EndpointError(Cow<'static, str>);

pub(super) const NOT_A_URL: EndpointError = EndpointError(Cow::Borrowed("the endpoint is not a URL"));

/// A URL of `http` or `https`, of an endpoint or of a proxy.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Url {
    /// The URL without user and password, so that no message contains them.
    uri: Uri,
    authorization: Option<HeaderValue>,
}

const PATH: &str = "/v1/traces";

impl Url {
    /// Parses a URL, and leaves its path as it is.
    pub(super) fn parse(text: &str) -> Result<Self, EndpointError> {
        let refused = |why| EndpointError(Cow::Borrowed(why));
        let uri: Uri = text.trim().parse().map_err(|_| NOT_A_URL)?;
        match uri.scheme_str() {
            Some("http" | "https") => {}
            None => return Err(refused("the endpoint does not begin with http:// or https://")),
            Some(other) => {
                let why = format!("the endpoint's scheme is {other}, not http or https");
                return Err(EndpointError(why.into()));
            }
        }
        let authority = uri.authority().ok_or(refused("the endpoint names no host"))?;
        if matches!(authority.host(), "" | "[]") {
            return Err(refused("the endpoint names no host"));
        }
        let text = authority.as_str();
        let (user, host) = text.rsplit_once('@').map_or((None, text), |(user, host)| (Some(user), host));
        let port = host.strip_prefix(authority.host()).unwrap_or_default();
        if port.len() > 1 && authority.port_u16().is_none() {
            return Err(refused("the endpoint's port is not a port number"));
        }
        let authorization = user.and_then(authorization);
        let host = host.parse().map_err(|_| NOT_A_URL)?;
        let mut parts = uri.into_parts();
        parts.authority = Some(host);
        let uri = Uri::from_parts(parts).map_err(|_| NOT_A_URL)?;
        Ok(Self { uri, authorization })
    }

    /// Makes the URL of requests from the endpoint of a charm, which may end with a slash or with the path of traces.
    pub(super) fn parse_endpoint(text: &str) -> Result<Self, EndpointError> {
        let url = Self::parse(text)?;
        let path = url.uri.path().trim_end_matches('/');
        let path = path.strip_suffix(PATH).unwrap_or(path);
        let query = url.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let target = format!("{path}{PATH}{query}").parse().map_err(|_| NOT_A_URL)?;
        url.with_target(Some(target)).ok_or(NOT_A_URL)
    }

    /// Returns the URL with another path and query.
    pub(super) fn with_target(self, target: Option<PathAndQuery>) -> Option<Self> {
        let mut parts = self.uri.into_parts();
        parts.path_and_query = target;
        Some(Self { uri: Uri::from_parts(parts).ok()?, ..self })
    }

    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Returns the host and the port, without user and password.
    pub(super) fn authority(&self) -> &str {
        self.uri.authority().map_or("", Authority::as_str)
    }

    /// Returns the header `Authorization`, or for a proxy `Proxy-Authorization`, if the URL has a user or a password:
    /// `Basic` (RFC 7617), with the percent-encoding decoded; else `None`.
    pub(super) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    pub(super) fn is_https(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    /// Returns scheme, host and port, such as `http://tempo:4318`.
    pub(super) fn origin(&self) -> String {
        format!("{}://{}", self.uri.scheme_str().unwrap_or_default(), self.authority())
    }

    /// Returns a number that distinguishes this URL from others without revealing it.
    pub(super) fn fingerprint(&self) -> u32 {
        crc32fast::hash(self.to_string().as_bytes())
    }
}

/// Shows the URL without user and password, and without the query, which may hold a token.
impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.uri.path())
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({self})")
    }
}

/// Makes the value of `Authorization` from the user and the password of a URL.
fn authorization(user: &str) -> Option<HeaderValue> {
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    let decoded = |text| percent_decode_str(text).collect::<Vec<_>>();
    let credentials = [decoded(name), decoded(password)].join(&b':');
    let mut value = HeaderValue::try_from(format!("Basic {}", BASE64_STANDARD.encode(credentials))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Returns the address of IPv6 in a host such as `[::1]`; `None` for other hosts.
pub(super) fn in_brackets(host: &str) -> Option<&str> {
    host.strip_prefix('[')?.strip_suffix(']')
}

#[cfg(test)]
mod tests;
