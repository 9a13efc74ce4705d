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
