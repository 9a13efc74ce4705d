//! Every generation of the interface: its schema, in our words, is what its examples and our own databags keep to, and
//! whatever keeps to it can be read.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;
use tracing_relation::juju::Databag;
use tracing_relation::{ProviderAppData, Receiver, ReceiverProtocol, RequirerAppData, TransportProtocol};

use crate::schema::{named, providers, requirers};
use ReceiverProtocol::{JaegerThriftHttp, OtlpGrpc, OtlpHttp};

fn databag<const N: usize>(pairs: [(&str, &str); N]) -> Databag {
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

fn read(databag: &Databag) -> Vec<(String, String)> {
    let data = ProviderAppData::load(databag).expect("it can be read");
    data.receivers.into_iter().map(|receiver| (receiver.protocol.name, receiver.url)).collect()
}

/// Names of protocols, with URLs.
type Expected = Vec<(&'static str, &'static str)>;

/// A databag of each generation, and what it says in the words of version 2.
fn examples() -> [(&'static str, Databag, Expected); 8] {
    [
        (
            "provider-v2",
            databag([(
                "receivers",
                r#"[{"protocol": {"name": "otlp_grpc", "type": "grpc"}, "url": "tempo:4317"}]"#,
            )]),
            vec![("otlp_grpc", "tempo:4317")],
        ),
        (
            "provider-v1",
            databag([
                ("url", "http://foo.bar/my-model-my-unit-0"),
                (
                    "receivers",
                    r#"[{"protocol": "otlp_grpc", "port": 1234}, {"protocol": "otlp_http", "port": 5678}]"#,
                ),
            ]),
            vec![("otlp_grpc", "foo.bar:1234"), ("otlp_http", "http://foo.bar:5678/my-model-my-unit-0")],
        ),
        (
            "provider-v1",
            databag([("host", "tempo.svc"), ("receivers", r#"[{"protocol":"zipkin","port":9411}]"#)]),
            vec![("zipkin", "http://tempo.svc:9411")],
        ),
        (
            "provider-v1",
            databag([
                ("host", r#""tempo-0.svc""#),
                ("internal_scheme", r#""https""#),
                (
                    "receivers",
                    r#"[{"protocol": "otlp_http", "port": 4318.0}, {"protocol": "otlp_grpc", "port": 4317}]"#,
                ),
            ]),
            vec![("otlp_http", "https://tempo-0.svc:4318"), ("otlp_grpc", "tempo-0.svc:4317")],
        ),
        (
            "provider-v1",
            databag([
                ("host", r#""tempo-0.svc""#),
                ("external_url", r#""https://ingress.example""#),
                ("internal_scheme", "http"),
                ("receivers", r#"[{"protocol": "otlp_http", "port": 4318}]"#),
            ]),
            vec![("otlp_http", "https://ingress.example:4318")],
        ),
        (
            "provider-v0",
            databag([
                ("host", "http://10.1.2.3"),
                (
                    "ingesters",
                    r#"[{"protocol": "tempo", "port": 3200}, {"protocol": "jaeger_http_thrift", "port": 14268},
                        {"protocol": "jaeger_grpc", "port": 14250}]"#,
                ),
            ]),
            vec![
                ("tempo", "http://10.1.2.3:3200"),
                ("jaeger_thrift_http", "http://10.1.2.3:14268"),
                ("jaeger_grpc", "10.1.2.3:14250"),
            ],
        ),
        (
            "provider-v0",
            databag([
                ("url", "https://tempo:3200/"),
                ("ingesters", r#"[{"protocol": "otlp_http", "port": 4318}]"#),
            ]),
            vec![("otlp_http", "https://tempo:4318")],
        ),
        (
            "provider-before-v0",
            databag([
                ("hostname", "http://foo.bar/my-model-my-unit-0"),
                (
                    "ingester-ports",
                    r#"[{"type": "otlp_grpc", "port": 1234}, {"type": "jaeger", "port": 5678}]"#,
                ),
            ]),
            vec![("otlp_grpc", "foo.bar:1234"), ("jaeger", "http://foo.bar:5678/my-model-my-unit-0")],
        ),
    ]
}

#[test]
fn every_generation_is_read_and_told_from_the_others() {
    let schemas = providers();
    for (generation, databag, expected) in examples() {
        let accepted: Vec<_> =
            schemas.iter().filter(|schema| schema.accepts(&databag)).map(|schema| schema.name).collect();
        assert_eq!(accepted, [generation], "{databag:?}");
        let read = read(&databag);
        let read: Vec<_> = read.iter().map(|(name, url)| (name.as_str(), url.as_str())).collect();
        assert_eq!(read, expected, "{generation}");
    }
}

#[test]
fn what_schemas_refuse_is_refused_as_well() {
    let refused = [
        databag([]),
        databag([("url", "http://tempo")]),
        databag([("receivers", r#"[{"protocol": "otlp_http", "port": 4318}]"#)]),
        databag([("receivers", r#"[{"protocol": "otlp_http", "port": 0}]"#), ("host", "tempo")]),
        databag([("receivers", r#"[{"protocol": "otlp_http"}]"#), ("host", "tempo")]),
        databag([("ingesters", r#"[{"protocol": "otlp_http", "port": 70000}]"#), ("host", "tempo")]),
        databag([("ingester-ports", r#"[{"protocol": "otlp_http", "port": 4318}]"#), ("hostname", "tempo")]),
        databag([("ingesters", "null"), ("host", "tempo")]),
        databag([("ingesters", r#"[{"protocol": "otlp_http", "port": 4318}]"#), ("host", "true")]),
        databag([("ingesters", r#"[{"protocol": "otlp_http", "port": 4318}]"#), ("host", "/")]),
        databag([("ingesters", r#"[{"protocol": "otlp_http", "port": 4318.5}]"#), ("host", "tempo")]),
    ];
    let schemas = providers();
    for databag in refused {
        assert!(schemas.iter().all(|schema| !schema.accepts(&databag)), "{databag:?}");
        assert!(ProviderAppData::load(&databag).is_err(), "{databag:?}");
    }
}

#[test]
fn a_host_that_is_none_hides_no_other() {
    for none in ["null", "\"\"", "{}", "3"] {
        let databag = databag([
            ("url", none),
            ("host", "tempo"),
            ("receivers", r#"[{"protocol": "otlp_http", "port": 4318}]"#),
        ]);
        assert_eq!(read(&databag), [("otlp_http".to_owned(), "http://tempo:4318".to_owned())], "{none}");
    }
}

#[test]
fn requests_of_both_versions_are_read() {
    let schemas = requirers();
    let request = |databag: &Databag| {
        let accepted: Vec<_> =
            schemas.iter().filter(|schema| schema.accepts(databag)).map(|schema| schema.name).collect();
        (accepted, RequirerAppData::load(databag).expect("it can be read").receivers)
    };
    let v2 = databag([("receivers", r#"["otlp_http"]"#)]);
    assert_eq!(request(&v2), (vec!["requirer-v2"], vec![OtlpHttp]));
    let v1 = databag([("protocols", r#"["tempo", "jaeger_http_thrift", "otlp_grpc"]"#)]);
    assert_eq!(request(&v1), (vec!["requirer-v1"], vec![JaegerThriftHttp, OtlpGrpc]));
    let both = databag([("protocols", r#"["otlp_grpc"]"#), ("receivers", r#"["otlp_http"]"#)]);
    assert_eq!(request(&both), (vec!["requirer-v2", "requirer-v1"], vec![OtlpHttp]), "the newer one counts");
}

fn protocol() -> impl Strategy<Value = ReceiverProtocol> {
    select(ReceiverProtocol::ALL)
}

proptest! {
    #[test]
    fn what_is_written_keeps_to_version_2(
        receivers in vec((protocol(), any::<String>()), 0..6),
        protocols in vec(protocol(), 0..6),
    ) {
        let receivers: Vec<_> = receivers.into_iter().map(|(of, url)| Receiver::new(of, url)).collect();
        let published = ProviderAppData::new(receivers.clone()).to_databag();
        prop_assert!(named(&providers(), "provider-v2").accepts(&published), "{published:?}");
        prop_assert_eq!(ProviderAppData::load(&published).expect("it can be read").receivers, receivers);
        let requested = RequirerAppData::new(protocols.clone()).to_databag();
        prop_assert!(named(&requirers(), "requirer-v2").accepts(&requested), "{requested:?}");
        prop_assert_eq!(RequirerAppData::load(&requested).expect("it can be read").receivers, protocols);
    }

    #[test]
    fn older_databags_mean_what_newer_ones_say(
        ports in vec((protocol(), 1_u16..), 0..6),
        host in "(https?://)?[a-z]{1,9}(\\.[a-z]{1,5})?(:[1-9][0-9]{0,3})?(/[a-z]{1,5})?",
        quoted: bool,
    ) {
        let expected: Vec<_> = ports
            .iter()
            .map(|(of, port)| Receiver::on_port(*of, &host, *port).expect("a host"))
            .map(|receiver| (receiver.protocol.name, receiver.url))
            .collect();
        let list = |name: &str| {
            let item = |(of, port): &(ReceiverProtocol, u16)| {
                let of = match of.as_str() { "jaeger_thrift_http" => "jaeger_http_thrift", other => other };
                json!({name: of, "port": port})
            };
            ports.iter().map(item).collect::<Vec<_>>()
        };
        let schemas = providers();
        let host = if quoted { json!(host).to_string() } else { host };
        for (host_key, list_key, name, schema) in [
            ("url", "receivers", "protocol", "provider-v1"), ("host", "receivers", "protocol", "provider-v1"),
            ("url", "ingesters", "protocol", "provider-v0"), ("host", "ingesters", "protocol", "provider-v0"),
            ("hostname", "ingester-ports", "type", "provider-before-v0"),
        ] {
            let databag = databag([(host_key, host.as_str()), (list_key, &json!(list(name)).to_string())]);
            prop_assert_eq!(read(&databag), expected.clone(), "{:?}", databag);
            let old_names = ports.iter().all(|(of, _)| !of.as_str().starts_with("jaeger"));
            if schema != "provider-before-v0" || old_names {
                prop_assert!(named(&schemas, schema).accepts(&databag), "{databag:?}");
            }
        }
    }
}

#[test]
fn transports_of_older_generations_follow_from_the_names() {
    let databag = databag([
        ("host", "tempo"),
        ("receivers", r#"[{"protocol": "tempo_grpc", "port": 1}, {"protocol": "tempo_http", "port": 2}]"#),
    ]);
    let data = ProviderAppData::load(&databag).expect("it can be read");
    let transports = data.receivers.iter().map(|receiver| receiver.protocol.transport);
    assert_eq!(transports.collect::<Vec<_>>(), [TransportProtocol::Grpc, TransportProtocol::Http]);
}
