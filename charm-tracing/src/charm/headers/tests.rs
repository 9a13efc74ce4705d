use super::*;
use crate::Destination;

fn destination(value: &impl Setting<HeaderMap>) -> Destination {
    let mut destination = Destination::new("http://tempo:4318", None);
    destination.headers = value.read().expect("headers");
    destination
}

#[test]
fn headers_are_a_text_as_of_opentelemetry_or_pairs() {
    let expected =
        Destination::new("http://tempo:4318", None).header("X-Scope-OrgID", "a,b").header("api-key", "k");
    assert_eq!(destination(&"X-Scope-OrgID=a%2Cb,api-key=k"), expected);
    assert_eq!(destination(&[("X-Scope-OrgID", "a,b"), ("api-key", "k")]), expected);
    assert_eq!(
        destination(&Some(vec![("x-scope-orgid".to_owned(), "a,b"), ("api-key".to_owned(), "k")])),
        expected
    );
    assert_eq!(destination(&BTreeMap::from([("X-Scope-OrgID", "a,b"), ("api-key", "k")])), expected);
    assert_eq!(destination(&HashMap::from([("X-Scope-OrgID", "a,b"), ("api-key", "k")])), expected);
}

#[test]
fn nothing_is_no_header_and_what_cannot_be_sent_is_left_out() {
    let none: Option<HeaderMap> = None::<String>.read();
    assert!(none.is_none());
    let none: Option<HeaderMap> = Vec::<(String, String)>::new().read();
    assert_eq!(none, Some(HeaderMap::new()));
    let plain = Destination::new("http://tempo:4318", None);
    for (name, value) in [("a b", "1"), ("", "1"), ("a", "1\r\nx: y"), ("a", "\0"), ("Host", "evil")] {
        assert_eq!(destination(&[(name, value)]), plain, "{name:?}: {value:?}");
    }
}

#[test]
fn no_value_is_shown() {
    let headers: Option<HeaderMap> = "authorization=Bearer hunter2".read();
    assert!(!format!("{headers:?}").contains("hunter2"));
    let destination = Destination::new("http://tempo:4318", None).header("Authorization", "Bearer hunter2");
    assert!(!format!("{destination:?}").contains("hunter2"));
}
