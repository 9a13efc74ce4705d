//! The content of both units' databags, as far as traces go.
//!
//! - The charm's unit writes `config`, a JSON object. `tracing_protocols` is a list of protocols, or null. The other members
//!   are about metrics, logs and dashboards; the collector refuses the object if one of [`REQUIRED`] is missing.
//! - The collector's unit writes `receivers`, a JSON list with the items of version 2 of the `tracing` interface. A `url` is
//!   null while the collector has no backend.

use std::error::Error;

use serde_json::value::RawValue;

use crate::json::{self, Members, Object};
use crate::juju::Databag;
use crate::wire::{self, RECEIVERS, field};
use crate::{DataValidationError, ProtocolType, Receiver, ReceiverProtocol};

/// The key of the charm's databag.
pub(super) const CONFIG: &str = "config";

/// The member of `config` that has the request.
const PROTOCOLS: &str = "tracing_protocols";

/// The members without which the collector refuses the object, and their values in a charm that only traces.
const REQUIRED: [(&str, &str); 5] = [
    ("metrics_alert_rules", "{}"),
    ("log_alert_rules", "{}"),
    ("dashboards", "[]"),
    ("metrics_scrape_jobs", "[]"),
    ("log_slots", "[]"),
];

/// The object of a charm that has nothing to say yet: the members that the Python library always writes, in its order.
const NOTHING: &str = r#"{"metrics_alert_rules": {}, "log_alert_rules": {}, "dashboards": [], "subordinate": null, "metrics_scrape_jobs": [], "log_slots": []}"#;

/// Returns the text of `config` with this request; `None` if it need not be written. Without protocols, the request is null.
///
/// Other members keep their text. A `config` that is not an object is replaced, because no collector can read it.
pub(super) fn with_request(config: Option<&str>, protocols: &[ReceiverProtocol]) -> Option<String> {
    let found = config.and_then(|config| json::read::<Members<'_>>(config).ok());
    let mut is_new = found.is_none();
    let mut members = found.unwrap_or_else(|| json::read(NOTHING).unwrap_or_default());
    for (name, value) in REQUIRED {
        if members.get(name).is_none() {
            members.set(name, value.to_owned());
            is_new = true;
        }
    }
    let names: Vec<&str> = protocols.iter().map(|protocol| protocol.as_str()).collect();
    if is_new || requested(&members).is_none_or(|requested| requested != names) {
        let request = if names.is_empty() { "null".to_owned() } else { json::dumps(&names) };
        members.set(PROTOCOLS, request);
        is_new = true;
    }
    is_new.then(|| members.to_string())
}

/// Returns the protocols that the text of `config` requests.
pub(super) fn requested_in(config: &str) -> Vec<String> {
    json::read(config).ok().and_then(|members| requested(&members)).unwrap_or_default()
}

/// Reads the receivers in the databag of the collector's unit. A URL that is null is read as an empty one. `tell` gets a text
/// about the items that are left out.
pub(super) fn receivers(
    databag: &Databag,
    tell: impl FnOnce(&str),
) -> Result<Vec<Receiver>, DataValidationError> {
    wire::read(databag, RECEIVERS, tell, receiver)
}

/// Returns the request of an object, empty if there is none; `None` if it is not a list of names.
fn requested(members: &Members<'_>) -> Option<Vec<String>> {
    let request: Option<Vec<String>> = json::read(members.get(PROTOCOLS).unwrap_or("null")).ok()?;
    Some(request.unwrap_or_default())
}

fn receiver(item: &RawValue) -> Result<Receiver, Box<dyn Error>> {
    let item: Object<'_> = json::read_part(item)?;
    let protocol = ProtocolType::read(json::read_part(field(&item, "protocol")?)?)?;
    let url: Option<String> = json::read_part(field(&item, "url")?)?;
    Ok(Receiver { protocol, url: url.unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::super::fuzzed;
    use super::*;
    use ReceiverProtocol::{OtlpGrpc, OtlpHttp};

    /// The `config` of a charm that only traces, as the Python library writes it but for the spaces.
    const REQUEST: &str = r#"{"metrics_alert_rules": {}, "log_alert_rules": {}, "dashboards": [], "subordinate": null, "metrics_scrape_jobs": [], "log_slots": [], "tracing_protocols": ["otlp_http"]}"#;

    fn read(receivers: &str) -> Result<Vec<Receiver>, DataValidationError> {
        super::receivers(&Databag::from([(RECEIVERS.to_owned(), receivers.to_owned())]), |_| ())
    }

    #[test]
    fn a_charm_that_only_traces_writes_what_the_collector_requires() {
        for unreadable in [None, Some("{"), Some("null"), Some("[]"), Some("\"{}\""), Some("3"), Some("{}x")]
        {
            assert_eq!(with_request(unreadable, &[OtlpHttp]).as_deref(), Some(REQUEST), "{unreadable:?}");
        }
        assert_eq!(with_request(Some(REQUEST), &[OtlpHttp]), None);
        let nothing = REQUEST.replace(r#"["otlp_http"]"#, "null");
        assert_eq!(with_request(None, &[]), Some(nothing.clone()));
        assert_eq!(with_request(Some(&nothing), &[]), None);
        assert_eq!(with_request(Some(REQUEST), &[]), Some(nothing));
    }

    #[test]
    fn the_rest_of_the_config_keeps_its_text() {
        let others =
            r#""x": "\ud800", "log_slots": ["a:b"], "metrics_alert_rules": {"groups":[ ]}, "n": 1e999"#;
        let written = with_request(Some(&format!("{{{others}}}")), &[OtlpHttp, OtlpGrpc]).expect("changed");
        let added = r#""log_alert_rules": {}, "dashboards": [], "metrics_scrape_jobs": []"#;
        let expected = format!(r#"{{{others}, {added}, "tracing_protocols": ["otlp_http", "otlp_grpc"]}}"#);
        assert_eq!(written, expected);
    }

    #[test]
    fn a_request_is_compared_by_its_meaning() {
        let config = |request: &str| REQUEST.replace(r#"["otlp_http"]"#, request).replace(' ', "");
        for same in [r#"["otlp_http"]"#, r#"["otlp\u005fhttp"]"#] {
            assert_eq!(with_request(Some(&config(same)), &[OtlpHttp]), None, "{same}");
        }
        for other in ["null", "[]", r#"["otlp_grpc"]"#, r#"["otlp_http",3]"#, r#""otlp_http""#, "{}"] {
            let written = with_request(Some(&config(other)), &[OtlpHttp]).expect(other);
            let (written, expected): (Value, Value) =
                (json::read(&written).expect("JSON"), json::read(REQUEST).expect("JSON"));
            assert_eq!(written, expected, "{other}");
        }
        assert_eq!(
            with_request(Some(&config("[]")), &[]),
            None,
            "nothing is requested by an empty list, too"
        );
    }

    #[test]
    fn receivers_are_those_of_version_2_and_may_have_no_url_yet() {
        let good = r#"{"protocol": {"name": "otlp_http", "type": "http"}, "url": "http://host:4318"}"#;
        let null = r#"{"protocol": {"name": "otlp_grpc", "type": "grpc"}, "url": null}"#;
        let http = Receiver::new(OtlpHttp, "http://host:4318");
        let both = read(&format!("[{null}, {good}]")).expect("readable");
        assert_eq!(both, [Receiver::new(OtlpGrpc, ""), http.clone()]);
        assert_eq!(read("[]").expect("readable"), []);
        for bad in [
            r#"{"protocol": {"name": "otlp_http", "type": "http"}}"#,
            r#"{"protocol": {"name": "otlp_http", "type": "quic"}, "url": "x"}"#,
            r#"{"protocol": "otlp_http", "port": 4318}"#,
            r#"{"protocol": {"name": "otlp_http", "type": "http"}, "url": 4318}"#,
            "null",
            "[]",
            "{}",
        ] {
            assert_eq!(read(&format!("[{bad}, {good}]")).expect(bad), std::slice::from_ref(&http), "{bad}");
            read(&format!("[{bad}]")).expect_err(bad);
        }
        for unreadable in ["", "{", "null", "{}", "\"[]\"", "NaN"] {
            read(unreadable).expect_err(unreadable);
        }
    }

    #[test]
    fn texts_of_the_corpus_are_read() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/cos_agent");
        let inputs: Vec<_> = fs::read_dir(corpus).expect("a corpus").collect();
        assert!(inputs.len() > 5);
        for input in inputs {
            fuzzed::cos_agent(&fs::read(input.expect("an entry").path()).expect("a file"));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(config: String, receivers: String) {
            fuzzed::cos_agent(config.as_bytes());
            fuzzed::cos_agent(receivers.as_bytes());
        }

        #[test]
        fn any_object_keeps_its_other_members(
            names in proptest::collection::btree_map(
                prop_oneof![".{0,3}", "tracing_protocols|log_slots|dashboards"],
                "(null|3|\\[\\]|\\[\"otlp_http\"\\]|\"x\")",
                0..6,
            ),
        ) {
            let members: Vec<String> =
                names.iter().map(|(name, value)| format!("{}:{value}", json!(name))).collect();
            let object = format!("{{{}}}", members.join(" ,"));
            fuzzed::cos_agent(object.as_bytes());
            let written = with_request(Some(&object), &[OtlpHttp]).unwrap_or(object);
            let written: Value = json::read(&written).expect("JSON");
            for (name, value) in &names {
                let value: Value = json::read(value).expect("JSON");
                prop_assert!(name == PROTOCOLS || written[name] == value, "{name}");
            }
        }
    }
}
