use std::borrow::Cow;
use std::error::Error;

use serde::de::Error as _;
use serde::de::value::MapDeserializer;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::address;
use super::items::{self, DataValidationError, RECEIVERS, field};
use crate::json::{self, JsonError, Object};
use crate::juju::Databag;
use crate::{ReceiverProtocol, TransportProtocol};

/// The data that the provider (the tracing backend) publishes: the URLs at which it receives traces.
///
/// # Generations of the interface
///
/// All versions are read, and version 2 is written.
///
/// | version | keys of the databag | an item of the list |
/// |---|---|---|
/// | 2 | `receivers` | `{"protocol": {"name": "otlp_http", "type": "http"}, "url": "http://tempo:4318"}` |
/// | 1 | `receivers`, and a host | `{"protocol": "otlp_http", "port": 4318}` |
/// | 0 | `ingesters`, and a host | `{"protocol": "otlp_http", "port": 4318}` |
/// | before | `ingester-ports`, and a host | `{"type": "otlp_http", "port": 4318}` |
///
/// In the older versions, the URL of a receiver consists of the host and the item's port ([`Receiver::on_port`]), and
/// `jaeger_http_thrift` is read as `jaeger_thrift_http`, its name in version 2. The host is the first of the keys
/// `external_url`, `url`, `host` and `hostname` that is there, as in the library `tempo_k8s` and the documents of the
/// interface. `host` and `hostname` get the scheme `internal_scheme`. The value may be plain text or JSON text.
///
/// # Strictness
///
/// An item that is not a receiver (it has no URL, or a transport other than `http` and `grpc`) is left out, and the others
/// are kept; the Python library refuses the whole databag. Both refuse a databag without any usable item, keep receivers
/// with an unknown protocol, and ignore unknown fields and keys. The Python library knows only version 2.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProviderAppData {
    /// The receivers, in the databag's order. The list is empty if the backend receives nothing.
    pub receivers: Vec<Receiver>,
}

/// An endpoint to which traces can be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Receiver {
    /// The protocol that it accepts.
    pub protocol: ProtocolType,
    /// Its URL: `http://host:4318` or `https://...`, and `host:4317` for gRPC. It is not validated.
    pub url: String,
}

/// The protocol of a receiver, as its provider names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProtocolType {
    /// The name: that of a [`ReceiverProtocol`], or one of another version of the interface.
    pub name: String,
    /// The transport of the protocol. It is not checked against the name.
    #[serde(rename = "type", deserialize_with = "transport")]
    pub transport: TransportProtocol,
}

impl ProviderAppData {
    /// Creates the data to publish these receivers.
    #[must_use]
    pub fn new(receivers: impl Into<Vec<Receiver>>) -> Self {
        Self { receivers: receivers.into() }
    }

    /// Reads a provider's application databag, in any version of the interface.
    ///
    /// # Errors
    ///
    /// The databag has none of the lists, the list is not JSON, or it has items but none is a receiver.
    pub fn load(databag: &Databag) -> Result<Self, DataValidationError> {
        Self::load_reporting(databag, |ignored| log::debug!("{ignored}"))
    }

    /// Reads a databag as [`load`](Self::load) does, but passes the text about ignored items to `tell` instead of the log.
    pub(crate) fn load_reporting(
        databag: &Databag,
        tell: impl FnOnce(&str),
    ) -> Result<Self, DataValidationError> {
        const LISTS: [(&str, &str); 3] =
            [(RECEIVERS, "protocol"), ("ingesters", "protocol"), ("ingester-ports", "type")];
        let (key, name) =
            LISTS.into_iter().find(|(key, _)| databag.contains_key(*key)).unwrap_or((RECEIVERS, "protocol"));
        let host = legacy_host(databag);
        let receivers = items::read(databag, key, tell, |item| receiver(item, name, host.as_deref()))?;
        Ok(Self { receivers })
    }

    /// Returns the databag's content, byte for byte as the Python library writes it.
    #[must_use]
    pub fn to_databag(&self) -> Databag {
        items::databag(&self.receivers)
    }

    /// Returns the first receiver with this protocol and a URL. This charm may not have requested it, because providers
    /// publish to each requirer the protocols that any of them requested.
    ///
    /// The protocol is a [`ReceiverProtocol`], or the name of one that is newer than this crate.
    #[must_use]
    pub fn receiver(&self, protocol: impl AsRef<str>) -> Option<&Receiver> {
        let name = protocol.as_ref();
        self.receivers.iter().find(|receiver| receiver.protocol.name == name && !receiver.url.is_empty())
    }
}

impl Receiver {
    /// Creates a receiver of a known protocol, with its usual transport.
    pub fn new(protocol: ReceiverProtocol, url: impl Into<String>) -> Self {
        Self { protocol: protocol.into(), url: url.into() }
    }

    /// Returns a receiver on a port of the host that `base_url` names; `None` if it names no host.
    ///
    /// For HTTP, the URL keeps its scheme (`http` if it has none) and path. For gRPC, only the host is used.
    ///
    /// ```
    /// use tracing_relation::Receiver;
    /// use tracing_relation::ReceiverProtocol::{OtlpGrpc, OtlpHttp};
    ///
    /// let url = |protocol, base, port| Some(Receiver::on_port(protocol, base, port)?.url);
    /// assert_eq!(url(OtlpHttp, "https://ingress/my-model", 4318).as_deref(), Some("https://ingress:4318/my-model"));
    /// assert_eq!(url(OtlpGrpc, "https://ingress/my-model", 4317).as_deref(), Some("ingress:4317"));
    /// assert_eq!(url(OtlpHttp, "tempo.svc.cluster.local", 4318).as_deref(), Some("http://tempo.svc.cluster.local:4318"));
    /// assert_eq!(url(OtlpHttp, "https://", 4318), None);
    /// ```
    #[must_use]
    pub fn on_port(protocol: ReceiverProtocol, base_url: &str, port: u16) -> Option<Self> {
        Some(Self::new(protocol, address::on_port(protocol.transport(), base_url, port)?))
    }
}

impl ProtocolType {
    /// Returns the protocol; `None` if this crate does not know it.
    #[must_use]
    pub fn known(&self) -> Option<ReceiverProtocol> {
        self.name.parse().ok()
    }

    /// Reads the object of version 2. Its fields are read one by one, because the derived code refuses a duplicate field.
    pub(crate) fn read(object: Object<'_>) -> Result<Self, JsonError> {
        Self::deserialize(MapDeserializer::new(object.into_iter())).map_err(JsonError::of_part)
    }

    /// Returns the protocol that has this name in versions 0 and 1. They do not contain the transport, so it comes from the
    /// name.
    fn legacy(name: &str) -> Self {
        let transport =
            if name.ends_with("grpc") { TransportProtocol::Grpc } else { TransportProtocol::Http };
        items::legacy_protocol(name).map_or_else(|| Self { name: name.to_owned(), transport }, Self::from)
    }
}

/// Adds the usual transport of the protocol.
impl From<ReceiverProtocol> for ProtocolType {
    fn from(protocol: ReceiverProtocol) -> Self {
        Self { name: protocol.as_str().to_owned(), transport: protocol.transport() }
    }
}

/// Reads an item of any version. `name` is the field with the name of the protocol. `host` is the host that versions 0 and
/// 1 have beside the list.
fn receiver(item: &RawValue, name: &'static str, host: Option<&str>) -> Result<Receiver, Box<dyn Error>> {
    let item: Object<'_> = json::read_part(item)?;
    let protocol = field(&item, name)?;
    if let Ok(protocol) = json::read_part::<Object<'_>>(protocol) {
        let url = json::read_part(field(&item, "url")?)?;
        return Ok(Receiver { protocol: ProtocolType::read(protocol)?, url });
    }
    let protocol = ProtocolType::legacy(&json::read_part::<String>(protocol)?);
    let port = port(field(&item, "port")?).ok_or("without the number of a port")?;
    let host = host.ok_or("without a host beside the list")?;
    let url = address::on_port(protocol.transport, host, port);
    Ok(Receiver { protocol, url: url.ok_or("without a usable host beside the list")? })
}

/// Reads the name of a transport. The derived code is not used, because it would also accept an object with this name as a
/// field.
fn transport<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TransportProtocol, D::Error> {
    match &*String::deserialize(deserializer)? {
        "http" => Ok(TransportProtocol::Http),
        "grpc" => Ok(TransportProtocol::Grpc),
        _ => Err(D::Error::custom("without a known transport")),
    }
}

/// Reads the number of a port, which may be a JSON text; `None` if it is not a valid port, or 0.
fn port(json: &RawValue) -> Option<u16> {
    let port = match json::read_part::<String>(json) {
        Ok(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok(),
        Ok(_) => None,
        // JSON has one type of numbers, so `4318.0` is read as 4318.
        Err(_) => json::read_part(json).ok().and_then(whole),
    };
    port.filter(|port| *port > 0)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is a whole number in range")]
fn whole(number: f64) -> Option<u16> {
    (number.fract() == 0.0 && (0.0..=f64::from(u16::MAX)).contains(&number)).then_some(number as u16)
}

/// Returns the host of all receivers, which versions 0 and 1 have beside the list.
fn legacy_host(databag: &Databag) -> Option<Cow<'_, str>> {
    let text = |key| databag.get(key).and_then(|value| json::unquoted(value)).filter(|text| !text.is_empty());
    text("external_url").or_else(|| text("url")).or_else(|| {
        let host = text("host").or_else(|| text("hostname"))?;
        match text("internal_scheme") {
            Some(scheme) if !host.contains("://") => Some(format!("{scheme}://{host}").into()),
            _ => Some(host),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"protocol": {"name": "otlp_http", "type": "http"}, "url": "http://tempo:4318"}"#;

    fn receivers(json: &str) -> Databag {
        Databag::from([(RECEIVERS.to_owned(), json.to_owned())])
    }

    #[test]
    fn one_bad_receiver_hides_no_good_one() {
        let bad = [
            r#"{"protocol": {"name": "otlp_grpc", "type": "quic"}, "url": "x:1"}"#,
            r#"{"protocol": {"name": "otlp_grpc"}, "url": "x:1"}"#,
            r#"{"protocol": {"name": "otlp_grpc", "type": "grpc"}}"#,
            r#"{"protocol": {"name": "otlp_grpc", "type": "grpc"}, "url": "\ud800"}"#,
            r#"{"protocol": {"name": "otlp_grpc", "type": {"grpc": null}}, "url": "x:1"}"#,
            r#"{"protocol": {"\ud800": 3, "name": "otlp_grpc", "type": "grpc"}, "url": "x:1"}"#,
            r#"{"protocol": ["otlp_grpc", "grpc"], "url": "x:1"}"#,
            r#"[{"name": "otlp_grpc", "type": "grpc"}, "x:1"]"#,
            r#"{"protocol": "otlp_grpc", "url": "x:1"}"#,
            "null",
            "[[]]",
            "1e999",
        ];
        for bad in bad {
            for list in [format!("[{bad}, {GOOD}]"), format!("[{GOOD}, {bad}]")] {
                let data = ProviderAppData::load(&receivers(&list)).expect(bad);
                let good = Receiver::new(ReceiverProtocol::OtlpHttp, "http://tempo:4318");
                assert_eq!(data.receivers, [good], "{bad}");
            }
            let error = ProviderAppData::load(&receivers(&format!("[{bad}]"))).expect_err(bad);
            assert_eq!(error.to_string(), "cannot use any of the 1 `receivers` in the databag", "{bad}");
        }
    }

    #[test]
    fn unknown_fields_are_ignored_whatever_they_hold() {
        let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for odd in ["\"\\ud800\"", "{\"a\": [1e999]}", &nested] {
            let item = format!(
                r#"{{"x": {odd}, "protocol": {{"x": {odd}, "name": "otlp_http", "type": "http"}}, "url": "u"}}"#
            );
            let data = ProviderAppData::load(&receivers(&format!("[{item}]"))).expect(odd);
            assert_eq!(data.receiver(ReceiverProtocol::OtlpHttp).map(|found| found.url.as_str()), Some("u"));
        }
    }

    #[test]
    fn of_fields_of_one_name_the_last_counts_on_either_level() {
        let item = r#"{"protocol": 3, "url": "x", "url": "u",
            "protocol": {"name": "zipkin", "type": "quic", "type": "http", "name": "otlp_http"}}"#;
        let data = ProviderAppData::load(&receivers(&format!("[{item}]"))).expect("valid");
        assert_eq!(data, ProviderAppData::new([Receiver::new(ReceiverProtocol::OtlpHttp, "u")]));
    }

    #[test]
    fn unknown_protocols_are_kept_by_name() {
        let pigeon = r#"[{"protocol": {"name": "carrier_pigeon", "type": "http"}, "url": "x"}]"#;
        let data = ProviderAppData::load(&receivers(pigeon)).expect("valid");
        assert_eq!(data.receivers[0].protocol.name, "carrier_pigeon");
        assert_eq!(data.receivers[0].protocol.known(), None);
    }

    #[test]
    fn the_first_receiver_with_a_url_counts() {
        let [empty, first, second] =
            ["", "http://a", "http://b"].map(|url| Receiver::new(ReceiverProtocol::Zipkin, url));
        let data = ProviderAppData::new(vec![empty, first, second]);
        assert_eq!(data.receiver(ReceiverProtocol::Zipkin).map(|found| found.url.as_str()), Some("http://a"));
        assert_eq!(data.receiver(ReceiverProtocol::OtlpGrpc), None);
    }

    #[test]
    fn what_is_written_is_what_python_writes() {
        let data = ProviderAppData::new(vec![
            Receiver::new(ReceiverProtocol::OtlpHttp, "http://t\u{e9}mpo:4318"),
            Receiver::new(ReceiverProtocol::JaegerGrpc, "tempo:14250"),
        ]);
        let written = data.to_databag();
        let expected = concat!(
            r#"[{"protocol": {"name": "otlp_http", "type": "http"}, "url": "http://t\u00e9mpo:4318"}, "#,
            r#"{"protocol": {"name": "jaeger_grpc", "type": "grpc"}, "url": "tempo:14250"}]"#
        );
        assert_eq!(written, receivers(expected));
        assert_eq!(ProviderAppData::load(&written).expect("valid"), data);
    }
}
