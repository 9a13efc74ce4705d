//! The interface grows: a field or a variant more must not break a charm. That a charm has to leave room for it is what
//! the lints check here. They would find the rests and wildcards superfluous.

#![deny(unreachable_patterns, clippy::rest_pat_in_fully_bound_structs)]

use tracing_relation::{CharmTracingConfig, ProtocolType, Receiver, ReceiverProtocol, TransportProtocol};

#[test]
fn protocols_may_be_added() {
    let all: &'static [ReceiverProtocol] = ReceiverProtocol::ALL;
    for protocol in all {
        let transport = match protocol {
            ReceiverProtocol::OtlpHttp | ReceiverProtocol::Zipkin | ReceiverProtocol::JaegerThriftHttp => {
                "http"
            }
            ReceiverProtocol::OtlpGrpc | ReceiverProtocol::JaegerGrpc => "grpc",
            _ => unreachable!("{protocol} is newer than this test"),
        };
        let same = match protocol.transport() {
            TransportProtocol::Http => "http",
            TransportProtocol::Grpc => "grpc",
            _ => unreachable!("it is newer than this test"),
        };
        assert_eq!(transport, same);
    }
}

#[test]
fn fields_may_be_added() {
    let CharmTracingConfig { endpoint, server_cert, .. } = CharmTracingConfig::default();
    assert_eq!((endpoint, server_cert), (None, None));
    let Receiver { protocol, url, .. } = Receiver::new(ReceiverProtocol::Zipkin, "http://tempo:9411");
    let ProtocolType { name, transport, .. } = protocol;
    assert_eq!(
        (name.as_str(), transport, url.as_str()),
        ("zipkin", TransportProtocol::Http, "http://tempo:9411")
    );
}
