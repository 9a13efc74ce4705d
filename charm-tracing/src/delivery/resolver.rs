use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::http::uri::Authority;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use ureq::unversioned::transport::time::Duration;

/// Looks a name up once, and an address not at all.
///
/// ureq asks before every request, open connection or not, and its own resolver starts a thread to answer, even for an
/// address.
#[derive(Debug, Default)]
pub(super) struct ResolvedOnce<R = DefaultResolver> {
    names: R,
    last: Mutex<Option<(Authority, Vec<SocketAddr>)>>,
}

impl<R: Resolver> Resolver for ResolvedOnce<R> {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        if uri.host().is_some_and(is_address) {
            // Without a time-out there is no thread; there is nothing to wait for.
            let timeout = NextTimeout { after: Duration::NotHappening, ..timeout };
            return self.names.resolve(uri, config, timeout);
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((authority, addresses)) = &*last
            && uri.authority() == Some(authority)
        {
            let mut found = self.empty();
            for address in addresses {
                found.push(*address);
            }
            return Ok(found);
        }
        let found = self.names.resolve(uri, config, timeout)?;
        *last = uri.authority().map(|authority| (authority.clone(), found.to_vec()));
        Ok(found)
    }
}

fn is_address(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    bare.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use ureq::Timeout;

    use super::*;

    /// Finds everything, and remembers what for, and whether it could take its time.
    #[derive(Debug, Default)]
    struct Book(Mutex<Vec<(String, bool)>>);

    impl Resolver for Book {
        fn resolve(&self, uri: &Uri, _: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
            let host = uri.host().unwrap().to_owned();
            self.0.lock().unwrap().push((host, timeout.after == Duration::NotHappening));
            let mut found = self.empty();
            for last in [7, 8] {
                found.push(SocketAddr::from(([10, 0, 0, last], uri.port_u16().unwrap())));
            }
            Ok(found)
        }
    }

    fn asked(urls: &[&str]) -> Vec<(String, bool)> {
        let resolver = ResolvedOnce::<Book>::default();
        for url in urls {
            let uri: Uri = url.parse().unwrap();
            let timeout = NextTimeout {
                after: Duration::from_secs(1),
                reason: Timeout::Global,
                ..NextTimeout::default()
            };
            let found = resolver.resolve(&uri, &Config::default(), timeout).unwrap();
            let port = uri.port_u16().unwrap();
            assert_eq!(found.to_vec(), [7, 8].map(|last| SocketAddr::from(([10, 0, 0, last], port))));
        }
        resolver.names.0.into_inner().unwrap()
    }

    #[test]
    fn a_name_is_looked_up_once_within_the_time() {
        let name = |name: &str| (name.to_owned(), false);
        assert_eq!(asked(&["http://tempo:1/a", "http://tempo:1/b"]), [name("tempo")]);
        assert_eq!(asked(&["http://tempo:1", "http://tempo:2"]), [name("tempo"), name("tempo")]);
        assert_eq!(asked(&["http://proxy:1", "http://tempo:1"]), [name("proxy"), name("tempo")]);
    }

    #[test]
    fn an_address_is_taken_without_the_thread_that_a_time_limit_needs() {
        for host in ["10.1.2.3", "[::1]"] {
            assert_eq!(asked(&[&format!("http://{host}:1")]), [(host.to_owned(), true)]);
        }
    }
}
