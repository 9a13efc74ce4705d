//! The proxy that the environment names for an endpoint. `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` are
//! read as by Python's `requests`, with a few more forms in `no_proxy` that other programs accept.

use std::fmt;
use std::net::IpAddr;

use ureq::http::{HeaderValue, Uri};

use super::report::DeliveryProblem;
use super::url::{Url, in_brackets};

#[derive(Clone)]
pub(super) struct Proxy {
    url: Url,
    tunnel: ureq::Proxy,
    variable: &'static str,
}

impl Proxy {
    /// Finds the proxy for a URL; `None` if the URL is reached directly. `variable` reads the environment.
    pub(super) fn find(
        url: &Url,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, DeliveryProblem> {
        // An empty variable in lower case hides the one in upper case, but this does not apply to `no_proxy`.
        let set = |names: [&'static str; 2]| {
            let (name, value) = names.into_iter().find_map(|name| Some((name, variable(name)?)))?;
            (!value.trim().is_empty()).then_some((name, value))
        };
        let own = if url.is_https() { ["https_proxy", "HTTPS_PROXY"] } else { ["http_proxy", "HTTP_PROXY"] };
        let Some((name, value)) = set(own).or_else(|| set(["all_proxy", "ALL_PROXY"])) else {
            return Ok(None);
        };
        let excepted =
            ["no_proxy", "NO_PROXY"].into_iter().filter_map(&variable).find(|list| !list.trim().is_empty());
        if excepted.is_some_and(|list| is_excepted(url, &list)) {
            return Ok(None);
        }
        Self::parse(&value, name).map(Some).map_err(|why| DeliveryProblem::Proxy {
            endpoint: url.to_string(),
            // Its URL is not shown, because it may hold a password.
            proxy: format!("the proxy that {name} names"),
            source: why.into(),
        })
    }

    fn parse(value: &str, variable: &'static str) -> Result<Self, String> {
        let not_a_url = || "it is not the URL of a proxy".to_owned();
        let value = value.trim();
        let text = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
        let uri: Uri = text.parse().map_err(|_| not_a_url())?;
        if let Some(scheme) = uri.scheme_str().filter(|scheme| !["http", "https"].contains(scheme)) {
            return Err(format!("its scheme is {scheme}, not http or https"));
        }
        let url = Url::parse(&text).map_err(|_| not_a_url())?;
        let tunnel = ureq::Proxy::new(&text).map_err(|_| not_a_url())?;
        Ok(Self { url, tunnel, variable })
    }

    /// Returns true if the connection to the proxy itself is TLS.
    pub(super) fn is_https(&self) -> bool {
        self.url.is_https()
    }

    /// Returns the header `Proxy-Authorization`; `None` if the proxy needs none.
    pub(super) fn authorization(&self) -> Option<&HeaderValue> {
        self.url.authorization()
    }

    /// Returns a proxy for `https`, which is asked for a connection (`CONNECT`) to the endpoint.
    pub(super) fn tunnel(&self) -> ureq::Proxy {
        self.tunnel.clone()
    }

    /// Returns a URL with the host of the proxy and the path of the target, for `http`.
    pub(super) fn url_for(&self, target: &Url) -> Option<Uri> {
        let url = self.url.clone().with_target(target.uri().path_and_query().cloned())?;
        Some(url.uri().clone())
    }
}

/// Shows the URL without user and password, and the variable that an operator has to change.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the proxy {} of {}", self.url.origin(), self.variable)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

/// Returns true if the list of `no_proxy` names the host of the URL.
///
/// As `requests` does, it accepts names with their subdomains, names with a port, addresses, IPv4 networks, and `*`
/// alone. In addition, entries may be separated by white space (as in curl), begin with `*.`, and be IPv6 networks or
/// addresses with a port (as in Go).
fn is_excepted(url: &Url, list: &str) -> bool {
    if list.trim() == "*" {
        return true;
    }
    let host = url.uri().host().unwrap_or_default().to_ascii_lowercase();
    let host = bare(&host);
    let port = url.uri().port_u16().unwrap_or(if url.is_https() { 443 } else { 80 });
    list.split(|c: char| c == ',' || c.is_whitespace())
        .any(|entry| names(&entry.to_ascii_lowercase(), host, port))
}

fn names(entry: &str, host: &str, port: u16) -> bool {
    let address = host.parse().ok().map(|address: IpAddr| address.to_canonical());
    if let Some((network, bits)) = entry.split_once('/') {
        let network = bare(network).parse().ok();
        return match (address, network, bits.parse().ok()) {
            (Some(address), Some(network), Some(bits)) => is_in_network(address, network, bits),
            _ => false,
        };
    }
    let (name, entry_port) = match entry.rsplit_once(':') {
        // The colons of an IPv6 address do not precede a port.
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => (name, Some(port)),
        _ => (entry, None),
    };
    if entry_port.is_some_and(|number| number.parse() != Ok(port)) {
        return false;
    }
    let name = bare(name);
    if let (Some(address), Ok(other)) = (address, name.parse::<IpAddr>()) {
        return address == other.to_canonical();
    }
    let name = name.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(name);
    let name = name.trim_start_matches('.');
    !name.is_empty() && host.strip_suffix(name).is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

/// Returns the host without the brackets around an IPv6 address, and without the dot at the end of a name.
fn bare(host: &str) -> &str {
    in_brackets(host).unwrap_or_else(|| host.trim_end_matches('.'))
}

fn is_in_network(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    let (address, network, width): (u128, u128, u32) = match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            (address.to_bits().into(), network.to_bits().into(), 32)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => (address.to_bits(), network.to_bits(), 128),
        _ => return false,
    };
    // A shift by all bits leaves nothing to compare.
    width >= bits && (address ^ network).checked_shr(width - bits).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
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
        let table = include_str!("tests/proxies.txt");
        let rows: Vec<_> = table.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(rows.len() > 50, "{}", rows.len());
        for row in rows {
            let [outcome, url, variables] = row.split(" | ").collect::<Vec<_>>()[..] else {
                panic!("{row:?}")
            };
            let target = Url::parse(url).unwrap();
            let found = match find(url, variables) {
                Ok(None) => "direct".to_owned(),
                Ok(Some(proxy)) if target.is_https() => {
                    format!(
                        "CONNECT {}:{}",
                        target.uri().host().unwrap(),
                        target.uri().port_u16().unwrap_or(443)
                    ) + &format!(" at {}", bare(proxy.tunnel().host()))
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
        let proxy =
            find("http://tempo:4318/v1/traces?a=b", "http_proxy=https://us%40er:sec%3Aret@proxy:3128/");
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
}
