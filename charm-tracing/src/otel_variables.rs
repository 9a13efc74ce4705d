//! OpenTelemetry's own variables, which count where neither the charm nor Juju says something: the destination
//! (<https://opentelemetry.io/docs/specs/otel/protocol/exporter/>), the name of the service and the resource
//! (<https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>).

use std::borrow::Cow;

use opentelemetry::{KeyValue, Value};
use percent_encoding::percent_decode_str;

use crate::delivery::{Certificate, ClientCertificate, Destination, Pem, headers};
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
        log::debug!(
            "the environment names an endpoint for another protocol; traces are sent over OTLP/HTTP only"
        );
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
        destination.headers = headers::parse(headers);
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
    own.or(name_in(resource).filter(|name| !name.is_empty())).map(str::to_owned)
}

/// Returns the `service.name` of a resource.
pub(crate) fn name_in(resource: &[KeyValue]) -> Option<&str> {
    let named = resource.iter().find(|attribute| attribute.key.as_str() == "service.name")?;
    match &named.value {
        Value::String(name) => Some(name.as_str()),
        // Writing numbers as text would add the code for floating point to each charm.
        _ => None,
    }
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
mod tests;
