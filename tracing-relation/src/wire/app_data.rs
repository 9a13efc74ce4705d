use super::PythonJson;
use super::PythonJson::{List, Object, Text};
use crate::json::{Json, JsonError};
use crate::juju::Databag;
use crate::{ReceiverProtocol, TransportProtocol};

/// The one key of either side's databag.
const RECEIVERS: &str = "receivers";

/// What the provider (the tracing backend) publishes: where it receives traces. Version 2 of the interface.
///
/// # Strictness
///
/// An item that is not a receiver (without a URL, with a transport other than `http` and `grpc`) is left out, and so
/// never hides the others; the Python library refuses the whole databag for it. Both refuse a databag of which nothing
/// can be used, keep receivers with a protocol that they do not know, and ignore fields and keys that they do not know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProviderAppData {
    /// The receivers, in the databag's order. May be empty: a backend that receives nothing.
    pub receivers: Vec<Receiver>,
}

/// A place to send traces to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receiver {
    /// How to speak to it.
    pub protocol: ProtocolType,
    /// Where it is: `http://host:4318` or `https://...`, and `host:4317` for gRPC. Not validated.
    pub url: String,
}

/// The protocol of a receiver, as its provider names it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProtocolType {
    /// The name: that of a [`ReceiverProtocol`], or one that a newer interface has.
    pub name: String,
    /// What it is carried by. Not checked against the name.
    pub transport: TransportProtocol,
}

/// What the requirer (a charm that sends traces) publishes: the protocols that it asks for. Version 2 of the interface.
///
/// # Strictness
///
/// Names of protocols that are not known are left out; the Python library refuses the whole databag for one. Both
/// refuse a databag of which nothing can be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequirerAppData {
    /// The protocols, in the databag's order, with duplicates.
    pub receivers: Vec<ReceiverProtocol>,
}

/// A databag does not hold what its side of the `tracing` interface writes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataValidationError {
    /// There is no key `receivers`: the other side has not answered yet, or speaks an older version.
    #[error("cannot find the key `receivers` in the databag")]
    Missing,
    /// The value is not JSON, or not a list.
    #[error("cannot read `receivers` in the databag as a JSON list")]
    NotAList(#[source] JsonError),
    /// The list has items, and none can be used.
    #[error("cannot use any of the {count} `receivers` in the databag")]
    NothingUsable {
        /// How many items there are.
        count: usize,
    },
}

impl ProviderAppData {
    /// Receivers to publish.
    #[must_use]
    pub fn new(receivers: Vec<Receiver>) -> Self {
        Self { receivers }
    }

    /// Reads a provider's application databag.
    ///
    /// # Errors
    ///
    /// The key `receivers` is missing, not a JSON list, or has items none of which is a receiver.
    pub fn load(databag: &Databag) -> Result<Self, DataValidationError> {
        Ok(Self { receivers: usable_items(databag, receiver)? })
    }

    /// The databag's content: byte for byte what the Python library writes.
    #[must_use]
    pub fn to_databag(&self) -> Databag {
        databag(self.receivers.iter().map(Receiver::to_json).collect())
    }

    /// The first receiver with this protocol, and a URL. It may be one that this charm did not ask for: providers
    /// publish to each requirer what any of them asked for.
    #[must_use]
    pub fn receiver(&self, protocol: impl AsRef<str>) -> Option<&Receiver> {
        let name = protocol.as_ref();
        self.receivers.iter().find(|receiver| receiver.protocol.name == name && !receiver.url.is_empty())
    }
}

impl Receiver {
    /// A receiver of a known protocol, with its usual transport.
    pub fn new(protocol: ReceiverProtocol, url: impl Into<String>) -> Self {
        let protocol = ProtocolType { name: protocol.as_str().to_owned(), transport: protocol.transport() };
        Self { protocol, url: url.into() }
    }

    fn to_json(&self) -> PythonJson<'_> {
        let ProtocolType { name, transport } = &self.protocol;
        let protocol = Object(vec![("name", Text(name)), ("type", Text(transport.as_str()))]);
        Object(vec![("protocol", protocol), ("url", Text(&self.url))])
    }
}

impl ProtocolType {
    /// The protocol, if it is a known one.
    #[must_use]
    pub fn known(&self) -> Option<ReceiverProtocol> {
        self.name.parse().ok()
    }
}

impl RequirerAppData {
    /// Protocols to ask for.
    pub fn new(receivers: impl Into<Vec<ReceiverProtocol>>) -> Self {
        Self { receivers: receivers.into() }
    }

    /// Reads a requirer's application databag.
    ///
    /// # Errors
    ///
    /// The key `receivers` is missing, not a JSON list, or has items none of which names a known protocol.
    pub fn load(databag: &Databag) -> Result<Self, DataValidationError> {
        let name = |item: Json<'_>| item.text().ok()?.parse().ok();
        Ok(Self { receivers: usable_items(databag, name)? })
    }

    /// The databag's content: byte for byte what the Python library writes.
    #[must_use]
    pub fn to_databag(&self) -> Databag {
        databag(self.receivers.iter().map(|protocol| Text(protocol.as_str())).collect())
    }
}

fn databag(receivers: Vec<PythonJson<'_>>) -> Databag {
    Databag::from([(RECEIVERS.to_owned(), List(receivers).dumps())])
}

fn usable_items<T>(
    databag: &Databag,
    read: impl Fn(Json<'_>) -> Option<T>,
) -> Result<Vec<T>, DataValidationError> {
    let list = databag.get(RECEIVERS).ok_or(DataValidationError::Missing)?;
    // Only the form of the items is checked here, so what is wrong within one stays its own.
    let items = Json::parse(list.as_bytes()).and_then(Json::items).map_err(DataValidationError::NotAList)?;
    let count = items.len();
    let usable: Vec<T> = items.into_iter().filter_map(read).collect();
    if usable.is_empty() && count > 0 {
        return Err(DataValidationError::NothingUsable { count });
    }
    if usable.len() < count {
        log::debug!("ignored {} of {count} `receivers` in a databag", count - usable.len());
    }
    Ok(usable)
}

fn receiver(item: Json<'_>) -> Option<Receiver> {
    let receiver = item.fields().ok()?;
    let protocol = receiver.get("protocol")?.fields().ok()?;
    Some(Receiver {
        protocol: ProtocolType {
            name: protocol.get("name")?.text().ok()?.into_owned(),
            transport: protocol.get("type")?.text().ok()?.parse().ok()?,
        },
        url: receiver.get("url")?.text().ok()?.into_owned(),
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
            assert!(matches!(error, DataValidationError::NothingUsable { count: 1 }), "{error:?}");
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

    #[test]
    fn requests_leave_out_unknown_protocols() {
        let data =
            RequirerAppData::load(&receivers(r#"["otlp_http", "tempo", 3, "otlp_http"]"#)).expect("valid");
        assert_eq!(data, RequirerAppData::new([ReceiverProtocol::OtlpHttp; 2]));
        assert_eq!(data.to_databag(), receivers(r#"["otlp_http", "otlp_http"]"#));
        assert_eq!(RequirerAppData::load(&receivers("[]")).expect("valid"), RequirerAppData::default());
        for (refused, databag) in [
            ("Missing", Databag::new()),
            ("NotAList", receivers("\"otlp_http\"")),
            ("NothingUsable", receivers("[\"tempo\"]")),
        ] {
            let error = RequirerAppData::load(&databag).expect_err(refused);
            assert!(format!("{error:?}").starts_with(refused), "{error:?}");
        }
    }
}
