//! OpenTelemetry's own variables, which count where neither the charm nor Juju says something: the destination
//! (<https://opentelemetry.io/docs/specs/otel/protocol/exporter/>), the name of the service and the resource
//! (<https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>).

use std::borrow::Cow;

use opentelemetry::KeyValue;
use percent_encoding::percent_decode_str;

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
    if is_disabled(variable) || !variable("OTEL_TRACES_EXPORTER").is_none_or(is_otlp) {
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

/// Returns true if `OTEL_SDK_DISABLED` is `true`. All other values count as `false`, as OpenTelemetry specifies.
pub(crate) fn is_disabled<'a>(variable: impl Fn(&str) -> Option<&'a str>) -> bool {
    variable("OTEL_SDK_DISABLED").is_some_and(|disabled| disabled.trim().eq_ignore_ascii_case("true"))
}

/// Returns the name of the service: `OTEL_SERVICE_NAME`, else the `service.name` in `resource`, the attributes from
/// [`resource`].
pub(crate) fn service_name<'a>(
    variable: impl Fn(&str) -> Option<&'a str>,
    resource: &[KeyValue],
) -> Option<String> {
    let own = variable("OTEL_SERVICE_NAME").map(str::trim).filter(|name| !name.is_empty());
    own.map(str::to_owned).or_else(|| {
        let named = resource.iter().find(|attribute| attribute.key.as_str() == "service.name");
        named.map(|named| named.value.to_string()).filter(|name| !name.is_empty())
    })
}

/// Returns the attributes in `OTEL_RESOURCE_ATTRIBUTES`: `key=value,key2=value2`, percent-encoded. If one of them is malformed,
/// all are left out, as OpenTelemetry specifies.
pub(crate) fn resource<'a>(variable: impl Fn(&str) -> Option<&'a str>) -> Vec<KeyValue> {
    let Some(text) = variable("OTEL_RESOURCE_ATTRIBUTES") else { return Vec::new() };
    let pairs = text.split(',').filter(|pair| !pair.trim().is_empty());
    pairs.map(attribute).collect::<Option<_>>().unwrap_or_else(|| {
        catch_panics(|| {
            log::debug!("OTEL_RESOURCE_ATTRIBUTES is left out: it is not `key=value,...`, percent-encoded");
        });
        Vec::new()
    })
}

fn attribute(pair: &str) -> Option<KeyValue> {
    let decoded = |text: &str| percent_decode_str(text.trim()).decode_utf8().ok().map(Cow::into_owned);
    let (key, value) = pair.split_once('=')?;
    let key = decoded(key).filter(|key| !key.is_empty())?;
    Some(KeyValue::new(key, decoded(value)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(text: &'static str) -> Vec<(String, String)> {
        let resource = resource(|name| (name == "OTEL_RESOURCE_ATTRIBUTES").then_some(text));
        resource
            .into_iter()
            .map(|attribute| (attribute.key.to_string(), attribute.value.to_string()))
            .collect()
    }

    #[test]
    fn attributes_of_the_resource_are_decoded_or_left_out_together() {
        let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        for (text, expected) in [
            ("", &[][..]),
            ("team=a", &[("team", "a")]),
            (" team = a%2Cb , zone=z%3D1,empty=,", &[("team", "a,b"), ("zone", "z=1"), ("empty", "")]),
            ("lines=a%0d%0ab,caf%C3%A9=x", &[("lines", "a\r\nb"), ("caf\u{e9}", "x")]),
            ("a=b=c", &[("a", "b=c")]),
            ("half=50%,a=b", &[("half", "50%"), ("a", "b")]),
            ("team=a,no pair", &[]),
            ("team=a,=b", &[]),
            ("team=a,latin1=%E9", &[]),
        ] {
            assert_eq!(attributes(text), pairs(expected), "{text:?}");
        }
    }

    #[test]
    fn the_service_is_named_by_its_own_variable_first() {
        let name = |own: &'static str, resource: &'static str| {
            let variable = |name: &str| match name {
                "OTEL_SERVICE_NAME" => Some(own),
                "OTEL_RESOURCE_ATTRIBUTES" => Some(resource),
                _ => None,
            };
            service_name(variable, &super::resource(variable))
        };
        assert_eq!(name("a-charm", "service.name=b-charm").as_deref(), Some("a-charm"));
        assert_eq!(name(" ", "service.name=b-charm").as_deref(), Some("b-charm"));
        assert_eq!(name("", "service.name=,a=b"), None);
        assert_eq!(name("", "service.name=b-charm,malformed"), None);
    }

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
