use std::fmt;

use super::Dispatch;

/// The endpoints to which Juju asks charms to send the traces of their own code, for the whole controller.
///
/// Juju has this since 4.1 (juju/juju#22122). It reads the configuration of the controller charm, and sets the variables in
/// every hook and action. A variable is empty if the operator did not set the option.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CharmTraceConfig {
    /// The OTLP over HTTP endpoint, such as `http://10.1.2.3:4318` (`JUJU_CHARM_TRACE_CONFIG_HTTP`).
    pub http: Option<String>,
    /// The OTLP over gRPC endpoint, such as `10.1.2.3:4317` (`JUJU_CHARM_TRACE_CONFIG_GRPC`).
    pub grpc: Option<String>,
    /// The certificate of the authority to trust, in PEM (`JUJU_CHARM_TRACE_CONFIG_CA_CERT`).
    pub ca_cert: Option<String>,
}

/// The endpoints for traces in the environment.
impl Dispatch {
    /// Returns the endpoints to which Juju asks charms to send traces; `None` if it names none. Nothing is validated.
    ///
    /// ```
    /// use tracing_relation::juju::Dispatch;
    ///
    /// let dispatch = Dispatch::from_vars([
    ///     ("JUJU_CHARM_TRACE_CONFIG_HTTP", "http://10.1.2.3:4318"),
    ///     ("JUJU_CHARM_TRACE_CONFIG_GRPC", ""),
    ///     ("JUJU_CHARM_TRACE_CONFIG_CA_CERT", ""),
    /// ]);
    /// let config = dispatch.charm_trace_config().unwrap();
    /// assert_eq!(config.http.as_deref(), Some("http://10.1.2.3:4318"));
    /// assert_eq!((config.grpc, config.ca_cert), (None, None));
    /// ```
    #[must_use]
    pub fn charm_trace_config(&self) -> Option<CharmTraceConfig> {
        let var = |name: &str| self.var(name).map(str::to_owned);
        let config = CharmTraceConfig {
            http: var("JUJU_CHARM_TRACE_CONFIG_HTTP"),
            grpc: var("JUJU_CHARM_TRACE_CONFIG_GRPC"),
            ca_cert: var("JUJU_CHARM_TRACE_CONFIG_CA_CERT"),
        };
        (config.http.is_some() || config.grpc.is_some()).then_some(config)
    }
}

/// Shows only which fields are set, because a URL may hold a password, and a certificate is long.
impl fmt::Debug for CharmTraceConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CharmTraceConfig")
            .field("http", &self.http.is_some())
            .field("grpc", &self.grpc.is_some())
            .field("ca_cert", &self.ca_cert.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config<const N: usize>(vars: [(&str, &str); N]) -> Option<CharmTraceConfig> {
        let vars = vars.map(|(name, value)| (format!("JUJU_CHARM_TRACE_CONFIG_{name}"), value));
        Dispatch::from_vars(vars).charm_trace_config()
    }

    #[test]
    fn nothing_and_empty_variables_name_no_endpoint() {
        assert_eq!(config([]), None);
        assert_eq!(config([("HTTP", ""), ("GRPC", ""), ("CA_CERT", "")]), None);
        assert_eq!(config([("CA_CERT", "-----BEGIN CERTIFICATE-----")]), None, "nobody to trust it for");
    }

    #[test]
    fn either_endpoint_is_enough() {
        let grpc = config([("HTTP", ""), ("GRPC", "tempo:4317"), ("CA_CERT", "")]).expect("an endpoint");
        assert_eq!((grpc.http, grpc.grpc.as_deref()), (None, Some("tempo:4317")));
        let http =
            config([("HTTP", "https://user:hunter2@tempo:4318"), ("CA_CERT", "pem")]).expect("an endpoint");
        assert_eq!(http.ca_cert.as_deref(), Some("pem"));
        assert!(!format!("{http:?}").contains("hunter2"));
    }
}
