use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::http::uri::Authority;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use ureq::unversioned::transport::time::Duration;

use super::url::in_brackets;

/// A resolver that looks up a name once, and an address never.
///
/// ureq calls the resolver before every request, even for an open connection. Its own resolver starts a thread each
/// time, even for an address, and panics if the system allows no thread.
#[derive(Debug, Default)]
pub(super) struct ResolvedOnce<R = DefaultResolver> {
    names: Arc<R>,
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
            return self.names.resolve(uri, config, without_limit(timeout));
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let known = last.as_ref().filter(|(authority, _)| uri.authority() == Some(authority));
        if let Some((_, addresses)) = known {
            let mut found = self.empty();
            for address in addresses {
                found.push(*address);
            }
            return Ok(found);
        }
        let found = self.look_up(uri, config, timeout)?;
        *last = uri.authority().map(|authority| (authority.clone(), found.to_vec()));
        Ok(found)
    }
}

impl<R: Resolver> ResolvedOnce<R> {
    /// Looks up a name in a thread, because the system's look-up cannot be interrupted at the timeout.
    fn look_up(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let (names, uri, config) = (Arc::clone(&self.names), uri.clone(), config.clone());
        let look_up = move || drop(sender.send(names.resolve(&uri, &config, without_limit(timeout))));
        thread::Builder::new().spawn(look_up)?;
        receiver.recv_timeout(*timeout.after).unwrap_or_else(|error| match error {
            RecvTimeoutError::Timeout => Err(Error::Timeout(timeout.reason)),
            RecvTimeoutError::Disconnected => Err(Error::HostNotFound),
        })
    }
}

/// Removes the time limit, because then ureq's resolver starts no thread.
fn without_limit(timeout: NextTimeout) -> NextTimeout {
    NextTimeout { after: Duration::NotHappening, ..timeout }
}

fn is_address(host: &str) -> bool {
    in_brackets(host).unwrap_or(host).parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use std::mem;
    use std::thread::ThreadId;

    use ureq::Timeout;

    use super::*;

    /// A resolver that finds every name, and notes the host and whether it was called in the thread that made it.
    #[derive(Debug)]
    struct Book(Mutex<Vec<(String, bool)>>, ThreadId);

    impl Default for Book {
        fn default() -> Self {
            Self(Mutex::default(), thread::current().id())
        }
    }

    impl Resolver for Book {
        fn resolve(&self, uri: &Uri, _: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
            assert!(timeout.after == Duration::NotHappening, "ureq would start a thread");
            let host = uri.host().unwrap().to_owned();
            self.0.lock().unwrap().push((host.clone(), thread::current().id() == self.1));
            if host == "slow" {
                thread::sleep(std::time::Duration::from_secs(2));
            }
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
        mem::take(&mut *resolver.names.0.lock().unwrap())
    }

    #[test]
    fn a_look_up_that_takes_too_long_is_given_up() {
        let resolver = ResolvedOnce::<Book>::default();
        let timeout = NextTimeout {
            after: Duration::from_millis(1),
            reason: Timeout::Global,
            ..NextTimeout::default()
        };
        let found = resolver.resolve(&"http://slow:1".parse().unwrap(), &Config::default(), timeout);
        assert!(matches!(found, Err(Error::Timeout(Timeout::Global))), "{found:?}");
    }

    #[test]
    fn a_name_is_looked_up_once_in_a_thread() {
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
