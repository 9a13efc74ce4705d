use std::fmt;

use percent_encoding::percent_decode_str;
use ureq::http::{HeaderName, HeaderValue, header};

/// Headers that are sent with each request, such as the key of an account or the name of a tenant.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Headers(Vec<(HeaderName, HeaderValue)>);

/// The headers that describe the request itself, which users must not set.
const OURS: [HeaderName; 6] = [
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::HOST,
];

impl Headers {
    /// Parses `name=value,name2=value2`, the form that OpenTelemetry specifies for `OTEL_EXPORTER_OTLP_HEADERS`: values
    /// are percent-encoded. Skips a part that is no header. No value is ever shown.
    pub(super) fn parse(text: &str) -> Self {
        let headers = text.split(',').filter(|part| !part.trim().is_empty()).filter_map(|part| {
            let header = header(part);
            if header.is_none() {
                log::debug!("one of the headers that the environment names for OTLP cannot be sent");
            }
            header
        });
        Self(headers.collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    pub(super) fn has_authorization(&self) -> bool {
        self.0.iter().any(|(name, _)| *name == header::AUTHORIZATION)
    }
}

fn header(part: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = part.split_once('=')?;
    let name = HeaderName::try_from(name.trim()).ok().filter(|name| !OURS.contains(name))?;
    let value: Vec<u8> = percent_decode_str(value.trim()).collect();
    let mut value = HeaderValue::from_bytes(&value).ok()?;
    value.set_sensitive(true);
    Some((name, value))
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Headers({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        let headers = Headers::parse(text);
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
        assert_eq!(format!("{:?}", Headers::parse("api-key=secret")), "Headers(1)");
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "[-a-zA-Z0-9=,% ]{0,40}|\\PC{0,40}") {
            let headers = Headers::parse(&text);
            prop_assert!(headers.iter().all(|(_, value)| value.is_sensitive()));
        }
    }
}
