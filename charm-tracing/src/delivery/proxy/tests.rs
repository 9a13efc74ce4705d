use std::collections::HashMap;

use proptest::prelude::*;
use tracing_relation::with_causes;

use super::*;

fn find(url: &str, variables: &str) -> Result<Option<Proxy>, DeliveryProblem> {
    let variables: HashMap<_, _> =
        variables.split(';').filter_map(|variable| variable.trim().split_once('=')).collect();
    Proxy::find(&Url::parse(url).unwrap(), |name| variables.get(name).map(|value| (*value).to_owned()))
}

fn excepted(url: &str, list: &str) -> bool {
    find(url, &format!("all_proxy=proxy:3128;no_proxy={list}")).unwrap().is_none()
}

/// Checks the table of what `requests` does, which `tests/interop/proxies.py` writes.
#[test]
fn the_proxy_is_the_one_that_requests_takes() {
    let table = include_str!("../tests/proxies.txt");
    let rows: Vec<_> = table.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(rows.len() > 50, "{}", rows.len());
    for row in rows {
        let [outcome, url, variables] = row.split(" | ").collect::<Vec<_>>()[..] else { panic!("{row:?}") };
        let target = Url::parse(url).unwrap();
        let found = match find(url, variables) {
            Ok(None) => "direct".to_owned(),
            Ok(Some(proxy)) if target.is_https() => {
                format!("CONNECT {}:{}", target.uri().host().unwrap(), target.uri().port_u16().unwrap_or(443))
                    + &format!(" at {}", bare(proxy.tunnel().host()))
            }
            Ok(Some(proxy)) => {
                let url = proxy.url_for(&target).unwrap();
                assert_eq!(url.path_and_query(), target.uri().path_and_query());
                format!("POST {} at {}", target.uri(), bare(url.host().unwrap()))
            }
            Err(_) => "error".to_owned(),
        };
        assert_eq!(found, outcome, "{row}");
    }
}

#[test]
fn no_proxy_takes_what_other_programs_take_besides() {
    for (url, list) in [
        ("http://tempo:4318", "other tempo"),
        ("http://tempo:4318", "other\ttempo\n"),
        ("http://a.tempo:4318", "*.tempo"),
        ("http://a.tempo.:4318", "tempo"),
        ("http://tempo:4318", "tempo."),
        ("http://tempo", "tempo:80"),
        ("https://tempo", "tempo:443"),
        ("http://10.1.2.3:4318", "10.1.2.3:4318"),
        ("http://10.1.2.3:4318", "0.0.0.0/0"),
        ("http://[::1]:4318", "[::1]"),
        ("http://[::1]:4318", "[::1]:4318"),
        ("http://[::1]:4318", "0:0:0:0:0:0:0:1"),
        ("http://[fd00::1]:4318", "fd00::/8"),
        ("http://[fd00::1]:4318", "[fd00::]/8"),
        ("http://[::ffff:10.0.0.1]:4318", "10.0.0.0/8"),
    ] {
        assert!(excepted(url, list), "{url} {list:?}");
    }
    for (url, list) in [
        ("http://tempo:4318", "tempo:80"),
        ("http://tempo:4318", "*tempo"),
        ("http://nottempo:4318", "tempo"),
        ("http://tempo:4318", ".,:,*.,/,[],:4318,tempo:x"),
        ("http://10.1.2.3:4318", "10.1.2.3:80"),
        ("http://10.1.2.3:4318", "10.0.0.0/33,10.0.0.0/,10.0.0.0/x,::/0,10.1.2.4/31,tempo/8"),
        ("http://[fd00::1]:4318", "fe00::/8,0.0.0.0/0,fd00::2,fd00::/129"),
        ("http://tempo:4318", "10.0.0.0/8"),
    ] {
        assert!(!excepted(url, list), "{url} {list:?}");
    }
}

/// Checks a URL without a scheme: `requests` takes the host for a scheme if a port follows; curl does not.
#[test]
fn a_proxy_without_a_scheme_speaks_http() {
    for (value, expected) in [
        ("proxy:3128", "http://proxy:3128"),
        ("user:secret@proxy:3128", "http://proxy:3128"),
        ("proxy", "http://proxy"),
    ] {
        for (url, variable) in [("http://tempo", "http_proxy"), ("https://tempo", "https_proxy")] {
            let proxy = find(url, &format!("{variable}={value}")).unwrap().unwrap();
            assert_eq!(proxy.to_string(), format!("the proxy {expected} of {variable}"));
        }
    }
}

#[test]
fn a_password_is_sent_but_never_shown() {
    let proxy = find("http://tempo:4318/v1/traces?a=b", "http_proxy=https://us%40er:sec%3Aret@proxy:3128/");
    let proxy = proxy.unwrap().unwrap();
    assert_eq!(proxy.authorization().unwrap(), "Basic dXNAZXI6c2VjOnJldA==");
    assert_eq!((proxy.tunnel().username(), proxy.tunnel().password()), (Some("us@er"), Some("sec:ret")));
    assert_eq!(format!("{proxy:?}"), "Proxy(the proxy https://proxy:3128 of http_proxy)");
    assert!(!format!("{:?}", proxy.tunnel()).contains("ret"));
}

#[test]
fn a_proxy_that_cannot_be_used_is_none_that_is_passed_over() {
    let unknown = |scheme: &str| format!("its scheme is {scheme}, not http or https");
    let not_a_url = || "it is not the URL of a proxy".to_owned();
    for (value, why) in [
        ("socks5://proxy:1080", unknown("socks5")),
        ("socks5h://user:secret@proxy", unknown("socks5h")),
        ("ftp://proxy", unknown("ftp")),
        ("proxy:3128:1", not_a_url()),
        ("http://", not_a_url()),
        ("http://:3128", not_a_url()),
        ("http://user:sec ret@proxy", not_a_url()),
        ("http://user:%ff@proxy", not_a_url()),
        ("not a proxy", not_a_url()),
    ] {
        let found = find("http://tempo:4318", &format!("HTTP_PROXY={value}"));
        let through = "cannot send traces to http://tempo:4318/ through the proxy that HTTP_PROXY names";
        assert_eq!(with_causes(&found.unwrap_err()), format!("{through}: {why}"), "{value}");
    }
}

proptest! {
    #[test]
    fn any_list_and_any_proxy_is_read(list in "[-a-z0-9.:/*,\\[\\] ]{0,40}|\\PC{0,40}", value in "\\PC{0,20}") {
        for url in ["http://10.1.2.3:4318", "https://[::1]", "http://a.tempo"] {
            let _ = find(url, &format!("all_proxy=proxy;no_proxy={list}"));
            let _ = find(url, &format!("http_proxy={value}"));
            let list = format!("{list},{}", url.split_once("//").unwrap().1);
            prop_assert!(excepted(url, &list.replace([';', '='], "")));
        }
    }

    #[test]
    fn an_address_is_in_each_network_around_it(address: u32, other: u32, bits in 0_u32..=32) {
        let text = std::net::Ipv4Addr::from_bits;
        let same = bits == 0 || address >> (32 - bits) == other >> (32 - bits);
        let list = format!("{}/{bits}", text(other));
        prop_assert_eq!(excepted(&format!("http://{}:4318", text(address)), &list), same);
    }
}
