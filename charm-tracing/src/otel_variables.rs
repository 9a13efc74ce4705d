//! The destination in OpenTelemetry's own variables, for a charm whose relations name none and whose Juju names none:
//! <https://opentelemetry.io/docs/specs/otel/protocol/exporter/>

use crate::delivery::{Certificate, ClientCertificate, Destination, Pem};
use crate::span::catch_panics;

/// Reads `OTEL_EXPORTER_OTLP_*`; for each setting the one for traces (`OTEL_EXPORTER_OTLP_TRACES_*`) comes first.
/// `None` if no endpoint is named, if it has another protocol, or if traces are switched off or exported only to
/// something else.
pub(crate) fn read<'a>(variable: impl Fn(&str) -> Option<&'a str>) -> Option<Destination> {
    let variable = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    let set = |name: &str| {
        let own = variable(&format!("OTEL_EXPORTER_OTLP_TRACES_{name}"));
        own.or_else(|| variable(&format!("OTEL_EXPORTER_OTLP_{name}")))
    };
    let mut destination = match variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
        Some(url) => Destination::exactly(url),
        None => Destination::new(variable("OTEL_EXPORTER_OTLP_ENDPOINT")?, None),
    };
    // The endpoint may be meant for other signals only.
    let is_otlp = |exporters: &str| exporters.split(',').any(|exporter| exporter.trim() == "otlp");
    if variable("OTEL_SDK_DISABLED").is_some_and(|disabled| disabled.trim().eq_ignore_ascii_case("true"))
        || !variable("OTEL_TRACES_EXPORTER").is_none_or(is_otlp)
    {
        return None;
    }
    // A receiver of JSON over HTTP accepts Protocol Buffers as well.
    if set("PROTOCOL").is_some_and(|protocol| !protocol.trim().starts_with("http/")) {
        catch_panics(|| {
            log::debug!(
                "the environment names an endpoint for another protocol; traces are sent over OTLP/HTTP only"
            );
        });
        return None;
    }
    if let Some(path) = set("CERTIFICATE") {
        destination.trust(Certificate::File(path.into()));
    }
    if let (Some(chain), Some(key)) = (set("CLIENT_CERTIFICATE"), set("CLIENT_KEY")) {
        let (chain, key) = (Pem::File(chain.into()), Pem::File(key.into()));
        destination = destination.client_certificate(ClientCertificate::new(chain, key));
    }
    if let Some(headers) = set("HEADERS") {
        destination.set_headers(headers);
    }
    Some(destination)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &'static str)]) -> Option<Destination> {
        read(|name| {
            let name = name.strip_prefix("OTEL_EXPORTER_OTLP_").unwrap_or(name);
            variables.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
        })
    }

    #[test]
    fn the_endpoint_for_traces_is_taken_as_it_is_and_the_other_is_a_base() {
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("HEADERS", "a=b"), ("CERTIFICATE", "/ca.crt")]), None);
        assert_eq!(of(&[("ENDPOINT", "http://a:4318")]), Some(Destination::new("http://a:4318", None)));
        let exactly = Some(Destination::exactly("http://b/traces"));
        assert_eq!(of(&[("ENDPOINT", "http://a:4318"), ("TRACES_ENDPOINT", "http://b/traces")]), exactly);
        assert_ne!(exactly, Some(Destination::new("http://b/traces", None)));
        let blank = [("ENDPOINT", "http://a:4318"), ("TRACES_ENDPOINT", " "), ("TRACES_PROTOCOL", "\t")];
        assert_eq!(of(&blank), Some(Destination::new("http://a:4318", None)));
    }

    #[test]
    fn settings_for_traces_come_before_those_for_all_signals() {
        let with =
            |variables: &[(&str, &'static str)]| of(&[&[("ENDPOINT", "https://a")], variables].concat());
        let file = |path: &str| Certificate::File(path.into());
        let trusting = |path| Some(Destination::new("https://a", Some(file(path))));
        assert_eq!(with(&[("CERTIFICATE", "/a.crt")]), trusting("/a.crt"));
        assert_eq!(with(&[("CERTIFICATE", "/a.crt"), ("TRACES_CERTIFICATE", "/b.crt")]), trusting("/b.crt"));

        let sending = |headers| {
            let mut destination = Destination::new("https://a", None);
            destination.set_headers(headers);
            Some(destination)
        };
        assert_eq!(with(&[("HEADERS", "a=b")]), sending("a=b"));
        assert_eq!(with(&[("HEADERS", "a=b"), ("TRACES_HEADERS", "c=d")]), sending("c=d"));
        assert_ne!(sending("a=b"), sending("c=d"));
        assert!(!format!("{:?}", sending("a=secret")).contains("secret"));

        let pem = |path: &str| Pem::File(path.into());
        let own = ClientCertificate::new(pem("/a.crt"), pem("/a.key"));
        let showing = Some(Destination::new("https://a", None).client_certificate(own));
        assert_eq!(with(&[("CLIENT_CERTIFICATE", "/a.crt"), ("TRACES_CLIENT_KEY", "/a.key")]), showing);
        assert_eq!(with(&[("CLIENT_CERTIFICATE", "/a.crt")]), with(&[]));
    }

    #[test]
    fn an_endpoint_for_other_signals_than_traces_is_no_destination() {
        for (variable, value, is_ours) in [
            ("OTEL_SDK_DISABLED", "True", false),
            ("OTEL_SDK_DISABLED", "false", true),
            ("OTEL_TRACES_EXPORTER", "none", false),
            ("OTEL_TRACES_EXPORTER", "console", false),
            ("OTEL_TRACES_EXPORTER", "otlp", true),
            ("OTEL_TRACES_EXPORTER", "console, otlp", true),
        ] {
            let found = of(&[("ENDPOINT", "http://a:4318"), (variable, value)]);
            assert_eq!(found.is_some(), is_ours, "{variable}={value}");
        }
    }

    #[test]
    fn another_protocol_than_http_is_no_destination() {
        for (protocol, is_ours) in [("http/protobuf", true), ("http/json", true), ("grpc", false)] {
            let found = of(&[("ENDPOINT", "http://a:4317"), ("PROTOCOL", protocol)]);
            assert_eq!(found.is_some(), is_ours, "{protocol}");
        }
        let found =
            of(&[("ENDPOINT", "http://a"), ("PROTOCOL", "grpc"), ("TRACES_PROTOCOL", "http/protobuf")]);
        assert!(found.is_some());
    }
}
