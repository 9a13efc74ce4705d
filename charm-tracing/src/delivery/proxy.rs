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
mod tests;
