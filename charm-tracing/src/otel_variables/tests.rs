use super::*;

fn attributes(text: &'static str) -> Vec<(String, String)> {
    let resource = resource(|name| (name == "OTEL_RESOURCE_ATTRIBUTES").then_some(text));
    resource.into_iter().map(|attribute| (attribute.key.to_string(), attribute.value.to_string())).collect()
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
    let with = |variables: &[(&str, &'static str)]| of(&[&[("ENDPOINT", "https://a")], variables].concat());
    let file = |path: &str| Certificate::File(path.into());
    let trusting = |path| Some(Destination::new("https://a", Some(file(path))));
    assert_eq!(with(&[("CERTIFICATE", "/a.crt")]), trusting("/a.crt"));
    assert_eq!(with(&[("CERTIFICATE", "/a.crt"), ("TRACES_CERTIFICATE", "/b.crt")]), trusting("/b.crt"));

    let sending = |headers| {
        let mut destination = Destination::new("https://a", None);
        destination.headers = headers::parse(headers);
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
    let found = of(&[("ENDPOINT", "http://a"), ("PROTOCOL", "grpc"), ("TRACES_PROTOCOL", "http/protobuf")]);
    assert!(found.is_some());
}
