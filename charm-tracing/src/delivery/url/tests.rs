use proptest::prelude::*;

use super::*;

fn url(text: &str) -> String {
    Url::parse_endpoint(text).unwrap().uri().to_string()
}

#[test]
fn path_is_added_once() {
    let expected = "http://tempo:4318/v1/traces";
    for given in [
        "http://tempo:4318",
        "http://tempo:4318/",
        "http://tempo:4318//",
        "http://tempo:4318/v1/traces",
        "http://tempo:4318/v1/traces/",
        "  http://tempo:4318\n",
    ] {
        assert_eq!(url(given), expected, "{given:?}");
    }
}

#[test]
fn path_query_and_address_are_kept() {
    assert_eq!(url("https://host/model-app/"), "https://host/model-app/v1/traces");
    assert_eq!(url("http://host/a?tenant=1"), "http://host/a/v1/traces?tenant=1");
    assert_eq!(url("http://[::1]:4318"), "http://[::1]:4318/v1/traces");
    assert_eq!(url("http://host:"), "http://host:/v1/traces");
    assert_eq!(url("HTTPS://Host"), "https://Host/v1/traces");
}

#[test]
fn a_url_that_is_exact_keeps_its_path() {
    for (given, expected) in [
        ("http://tempo:4318", "http://tempo:4318/"),
        ("http://user@tempo:4318/a/?b=c", "http://tempo:4318/a/?b=c"),
        ("https://tempo/v1/traces", "https://tempo/v1/traces"),
    ] {
        assert_eq!(Url::parse(given).unwrap().uri().to_string(), expected);
    }
    assert_eq!(
        Url::parse("tempo:4317").unwrap_err().to_string(),
        "the endpoint does not begin with http:// or https://"
    );
}

#[test]
fn what_is_no_url_says_why() {
    let cases = [
        ("", "the endpoint is not a URL"),
        ("not a url", "the endpoint is not a URL"),
        ("http://host\r\nx: y", "the endpoint is not a URL"),
        ("http://", "the endpoint is not a URL"),
        ("tempo", "the endpoint does not begin with http:// or https://"),
        ("tempo:4318", "the endpoint does not begin with http:// or https://"),
        ("/v1/traces", "the endpoint does not begin with http:// or https://"),
        ("ftp://host", "the endpoint's scheme is ftp, not http or https"),
        ("file:///etc/passwd", "the endpoint is not a URL"),
        ("file://host/etc/passwd", "the endpoint's scheme is file, not http or https"),
        ("unix:///run/otlp.sock", "the endpoint is not a URL"),
        ("http+unix://%2Frun%2Fotlp.sock/", "the endpoint is not a URL"),
        ("http+unix://run/", "the endpoint's scheme is http+unix, not http or https"),
        ("data:text/plain,a", "the endpoint is not a URL"),
        ("http://host/\r\nx: y", "the endpoint is not a URL"),
        ("http://host/ HTTP/1.1\r\nx: y", "the endpoint is not a URL"),
        ("http://us\ner@host", "the endpoint is not a URL"),
        ("http://host/?a\nb", "the endpoint is not a URL"),
        ("http://host\0", "the endpoint is not a URL"),
        ("http://:4318", "the endpoint names no host"),
        ("http://host:99999", "the endpoint's port is not a port number"),
    ];
    for (given, expected) in cases {
        assert_eq!(Url::parse_endpoint(given).unwrap_err().to_string(), expected, "{given:?}");
    }
}

#[test]
fn password_is_sent_but_never_shown() {
    let endpoint = Url::parse_endpoint("https://user:secret@host:1/a?token=secret").unwrap();
    assert_eq!(endpoint.uri().to_string(), "https://host:1/a/v1/traces?token=secret");
    assert_eq!(endpoint.authorization().unwrap(), "Basic dXNlcjpzZWNyZXQ=");
    assert_eq!(endpoint.to_string(), "https://host:1/a/v1/traces");
    assert_eq!(format!("{endpoint:?}"), "Url(https://host:1/a/v1/traces)");
    assert_eq!(format!("{:?}", endpoint.authorization()), "Some(Sensitive)");
}

#[test]
fn user_and_password_are_what_was_encoded() {
    for (user, expected) in [
        ("", None),
        ("user@", Some("user:")),
        (":secret@", Some(":secret")),
        ("user:se:cret@", Some("user:se:cret")),
        ("us%3Aer:p%40ss%0d%0aword@", Some("us:er:p@ss\r\nword")),
        ("user:100%@", Some("user:100%")),
    ] {
        let endpoint = Url::parse_endpoint(&format!("http://{user}host")).unwrap();
        let value = expected.map(|text| format!("Basic {}", BASE64_STANDARD.encode(text)));
        assert_eq!(endpoint.authorization().map(|value| value.to_str().unwrap()), value.as_deref());
        assert_eq!(endpoint.uri().to_string(), "http://host/v1/traces", "{user}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC*") {
        let _ = Url::parse_endpoint(&text);
        let _ = Url::parse_endpoint(&format!("http://{text}"));
    }

    #[test]
    fn parsing_again_changes_nothing(path in "(/[a-z0-9.]{0,5}){0,4}", user in "([a-z]{1,4}(:[a-z]{1,4})?@)?") {
        let once = Url::parse_endpoint(&format!("https://{user}host{path}")).unwrap();
        let again = Url::parse_endpoint(&once.uri().to_string()).unwrap();
        prop_assert_eq!(again.uri(), once.uri());
        prop_assert_eq!(once.authorization().is_some(), !user.is_empty());
        prop_assert!(once.uri().path().ends_with(PATH));
    }
}
