use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// Defines the protocols by one list: the name in databags, and the transport.
macro_rules! protocols {
    ($($(#[$doc:meta])* $protocol:ident = $name:literal over $transport:ident,)*) => {
        /// A protocol in which a charm may ask to send traces, named as in version 2 of the `tracing` interface.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum ReceiverProtocol {
            $($(#[$doc])* $protocol,)*
        }

        impl ReceiverProtocol {
            /// Every protocol.
            pub const ALL: &'static [Self] = &[$(Self::$protocol),*];

            /// Returns the name in databags, such as `otlp_http`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$protocol => $name,)*
                }
            }

            /// Returns the transport of the protocol.
            #[must_use]
            pub const fn transport(self) -> TransportProtocol {
                match self {
                    $(Self::$protocol => TransportProtocol::$transport,)*
                }
            }
        }
    };
}

protocols! {
    /// OTLP over HTTP, the protocol for the traces of charms themselves.
    OtlpHttp = "otlp_http" over Http,
    /// OTLP over gRPC. Its URLs have no scheme, only a host and a port.
    OtlpGrpc = "otlp_grpc" over Grpc,
    /// Zipkin, over HTTP.
    Zipkin = "zipkin" over Http,
    /// Jaeger's Thrift, over HTTP.
    JaegerThriftHttp = "jaeger_thrift_http" over Http,
    /// Jaeger, over gRPC. Its URLs have no scheme, only a host and a port.
    JaegerGrpc = "jaeger_grpc" over Grpc,
}

/// The transport of a receiver's protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum TransportProtocol {
    /// HTTP, with or without TLS; the URL says which.
    Http,
    /// gRPC.
    Grpc,
}

/// The error of a name that is not a protocol of the `tracing` interface.
///
/// The documentation of the Python library mentions `jaeger_http_thrift` and `tempo`; neither was ever accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot find a protocol of traces named `{name}`")]
pub struct UnknownProtocol {
    /// The name that was given.
    pub name: String,
}

impl FromStr for ReceiverProtocol {
    type Err = UnknownProtocol;

    fn from_str(name: &str) -> Result<Self, UnknownProtocol> {
        let known = Self::ALL.iter().copied().find(|protocol| protocol.as_str() == name);
        known.ok_or_else(|| UnknownProtocol { name: name.to_owned() })
    }
}

/// Returns the name in databags.
impl AsRef<str> for ReceiverProtocol {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for ReceiverProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_in_every_form() {
        for &protocol in ReceiverProtocol::ALL {
            let name = protocol.as_str();
            assert_eq!(name.parse(), Ok(protocol));
            assert_eq!(protocol.to_string(), name);
        }
    }

    #[test]
    fn names_that_only_look_right_are_refused() {
        for name in ["jaeger_http_thrift", "tempo", "OTLP_HTTP", "otlp-http", "http", ""] {
            let error = ReceiverProtocol::from_str(name).expect_err(name);
            assert_eq!(error.to_string(), format!("cannot find a protocol of traces named `{name}`"));
        }
    }
}
