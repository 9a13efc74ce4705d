//! Headers that are sent with each request, such as the key of an account or the name of a tenant.

use percent_encoding::percent_decode_str;
use ureq::http::{HeaderMap, HeaderName, HeaderValue, header};

/// The headers that describe the request itself, which users must not set.
const OURS: [HeaderName; 6] = [
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::HOST,
];

/// Parses `name=value,name2=value2`, the form that OpenTelemetry specifies for `OTEL_EXPORTER_OTLP_HEADERS`: values are
/// percent-encoded. Skips a part that is no header. No value is ever shown.
pub(super) fn parse(text: &str) -> HeaderMap {
    let parts = text.split(',').filter(|part| !part.trim().is_empty());
    let headers = parts.filter_map(|part| {
        let header = part.split_once('=').and_then(|(name, value)| {
            let value: Vec<u8> = percent_decode_str(value.trim()).collect();
            header(name.trim(), &value)
        });
        if header.is_none() {
            log::debug!("one of the headers that are named for OTLP cannot be sent");
        }
        header
    });
    headers.collect()
}

/// Returns a header whose value is never shown; `None` if it cannot be sent, or describes the request.
pub(super) fn header(name: &str, value: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::try_from(name).ok().filter(|name| !OURS.contains(name))?;
    let mut value = HeaderValue::from_bytes(value).ok()?;
    value.set_sensitive(true);
    Some((name, value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        let headers = parse(text);
        headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect()
    }

    #[test]
    fn headers_are_read_as_opentelemetry_specifies() {
        for (text, expected) in [
            ("", &[][..]),
            ("api-key=secret", &[("api-key", "secret")]),
            (
                " Authorization = Basic%20dXNlcjpwYXNz , X-Scope-OrgID=a%2Cb",
                &[("authorization", "Basic dXNlcjpwYXNz"), ("x-scope-orgid", "a,b")],
            ),
            ("authorization=Basic dXNlcg==", &[("authorization", "Basic dXNlcg==")]),
            ("a=,,b=1,", &[("a", ""), ("b", "1")]),
            ("a,=b,a b=c,a=1%0d%0ax: y,a=1%00,b=2", &[("b", "2")]),
            ("content-type=text/plain,Host=evil,content-length=1,b=2", &[("b", "2")]),
        ] {
            let expected: Vec<_> =
                expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            assert_eq!(read(text), expected, "{text:?}");
        }
        assert_eq!(format!("{:?}", parse("api-key=secret")), r#"{"api-key": Sensitive}"#);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "[-a-zA-Z0-9=,% ]{0,40}|\\PC{0,40}") {
            let headers = parse(&text);
            prop_assert!(headers.iter().all(|(_, value)| value.is_sensitive()));
        }
    }
}
