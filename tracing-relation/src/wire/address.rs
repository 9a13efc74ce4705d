use crate::TransportProtocol;

/// Returns the address of `port` on the host that `base` names; `None` if it names none.
///
/// `base` is a URL, or a host with or without a port; its port is replaced. An HTTP URL keeps the scheme (`http` if there
/// is none) and the path of `base`. For gRPC, the result is only host and port.
pub(super) fn on_port(transport: TransportProtocol, base: &str, port: u16) -> Option<String> {
    let base = base.trim();
    if base.chars().any(|character| character.is_whitespace() || character.is_control()) {
        return None;
    }
    let (scheme, rest) = base.split_once("://").unwrap_or(("http", base));
    let rest = rest.split(['?', '#']).next().unwrap_or(rest);
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (user, address) = authority.rsplit_once('@').map_or((None, authority), |(user, at)| (Some(user), at));
    let host = host(address)?;
    if scheme.is_empty() {
        return None;
    }
    Some(match transport {
        TransportProtocol::Grpc => format!("{host}:{port}"),
        TransportProtocol::Http => {
            let user = user.map(|user| format!("{user}@")).unwrap_or_default();
            format!("{scheme}://{user}{host}:{port}{}", path.trim_end_matches('/'))
        }
    })
}

/// Returns the host of `host:port`, in brackets if it is an IPv6 address.
fn host(address: &str) -> Option<String> {
    if address.starts_with('[') {
        let end = address.find(']').filter(|end| *end > 1)?;
        return Some(address[..=end].to_owned());
    }
    if address.parse::<std::net::Ipv6Addr>().is_ok() {
        return Some(format!("[{address}]"));
    }
    let host = address.split_once(':').map_or(address, |(host, _port)| host);
    let several = address.matches(':').count() > 1;
    (!host.is_empty() && !several).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use TransportProtocol::{Grpc, Http};

    #[test]
    fn the_port_is_the_receivers_own() {
        let cases = [
            ("tempo", "http://tempo:4318", "tempo:4318"),
            ("10.1.2.3", "http://10.1.2.3:4318", "10.1.2.3:4318"),
            ("tempo:3200", "http://tempo:4318", "tempo:4318"),
            ("http://tempo:3200/", "http://tempo:4318", "tempo:4318"),
            ("https://foo.bar/my-model-my-unit-0", "https://foo.bar:4318/my-model-my-unit-0", "foo.bar:4318"),
            ("https://user:secret@foo.bar", "https://user:secret@foo.bar:4318", "foo.bar:4318"),
            ("::1", "http://[::1]:4318", "[::1]:4318"),
            ("[::1]:80", "http://[::1]:4318", "[::1]:4318"),
            ("http://[::1]/x/", "http://[::1]:4318/x", "[::1]:4318"),
            ("http://tempo/x?y=1#z", "http://tempo:4318/x", "tempo:4318"),
            (" tempo\n", "http://tempo:4318", "tempo:4318"),
        ];
        for (base, http, grpc) in cases {
            assert_eq!(on_port(Http, base, 4318).as_deref(), Some(http), "{base:?}");
            assert_eq!(on_port(Grpc, base, 4318).as_deref(), Some(grpc), "{base:?}");
        }
    }

    #[test]
    fn without_a_host_there_is_no_address() {
        for base in [
            "",
            "http://",
            "://tempo",
            "/path",
            ":80",
            "http://[]",
            "[",
            "2001:db8::zz",
            "fe80::1%eth0",
            "a:1:2",
            "http://a b",
            "a\u{1}b",
        ] {
            assert_eq!(on_port(Http, base, 4318), None, "{base:?}");
            assert_eq!(on_port(Grpc, base, 4318), None, "{base:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(base in any::<String>(), port: u16) {
            if let Some(address) = on_port(Grpc, &base, port) {
                prop_assert!(address.ends_with(&format!(":{port}")) && !address.contains('/'), "{}", address);
            }
            prop_assert_eq!(on_port(Http, &base, port).is_some(), on_port(Grpc, &base, port).is_some());
        }
    }
}
