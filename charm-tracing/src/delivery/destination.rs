use std::fmt;

use ureq::http::HeaderMap;

use super::certificate::{Certificate, ClientCertificate};
use super::headers;
use super::url::{EndpointError, Url};

/// The destination of traces: an OTLP/HTTP endpoint, and the certificates to trust if it is `https`.
#[derive(Clone, PartialEq, Eq)]
pub struct Destination {
    pub(super) endpoint: Result<Url, EndpointError>,
    pub(super) certificate: Option<Certificate>,
    pub(super) client_certificate: Option<ClientCertificate>,
    pub(crate) headers: HeaderMap,
}

impl Destination {
    /// Makes a destination from the endpoint that a charm knows, for example `http://10.1.2.3:4318`.
    ///
    /// This does not fail: an endpoint or certificate that cannot be used is a
    /// [`DeliveryProblem`](super::DeliveryProblem) of the delivery. `/v1/traces` is added if it is missing. A user and
    /// a password in the URL (`http://user:password@tempo:4318`; percent-encoded as in every URL) are sent as
    /// `Authorization: Basic` and never shown. A certificate is needed for `https` and ignored for `http`; without one,
    /// those of [`Config::ca_relation`](crate::Config::ca_relation) are trusted.
    #[must_use]
    pub fn new(endpoint: impl Into<String>, certificate: Option<Certificate>) -> Self {
        let endpoint = Url::parse_endpoint(&endpoint.into());
        Self { endpoint, certificate, client_certificate: None, headers: HeaderMap::new() }
    }

    /// Makes a destination whose URL is used as it is.
    pub(crate) fn exactly(url: &str) -> Self {
        Self { endpoint: Url::parse(url), ..Self::new("", None) }
    }

    /// Sets the certificate for an `https` backend that asks for one (mutual TLS). Default: none, and a backend that
    /// requires one refuses the connection.
    #[must_use]
    pub fn client_certificate(mut self, certificate: ClientCertificate) -> Self {
        self.client_certificate = Some(certificate);
        self
    }

    /// Adds a header to each request, such as the name of a tenant or a token. The value is never shown. It goes to this
    /// destination only, not to one that Juju or the environment names.
    ///
    /// A name or value that is not valid in HTTP, for example with a line break, is left out, with a warning through the crate
    /// `log`. So is a header that describes the request itself, such as `Content-Type` or `Host`.
    ///
    /// ```
    /// use charm_tracing::Destination;
    ///
    /// let destination = Destination::new("http://mimir:8080", None).header("X-Scope-OrgID", "charms");
    /// ```
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        headers::add(&mut self.headers, name, value);
        self
    }

    /// Returns true if nothing can be sent because a certificate is missing.
    pub(crate) fn lacks_certificate(&self) -> bool {
        self.certificate.is_none() && self.endpoint.as_ref().is_ok_and(Url::is_https)
    }

    pub(crate) fn trust(&mut self, certificate: Certificate) {
        self.certificate = Some(certificate);
    }
}

/// Does not show a password that is in the endpoint.
impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoint = self.endpoint.as_ref().map_or_else(EndpointError::to_string, Url::to_string);
        f.debug_struct("Destination")
            .field("endpoint", &endpoint)
            .field("certificate", &self.certificate)
            .field("client_certificate", &self.client_certificate)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}
