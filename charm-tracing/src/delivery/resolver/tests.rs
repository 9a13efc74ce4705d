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
        let timeout =
            NextTimeout { after: Duration::from_secs(1), reason: Timeout::Global, ..NextTimeout::default() };
        let found = resolver.resolve(&uri, &Config::default(), timeout).unwrap();
        let port = uri.port_u16().unwrap();
        assert_eq!(found.to_vec(), [7, 8].map(|last| SocketAddr::from(([10, 0, 0, last], port))));
    }
    mem::take(&mut *resolver.names.0.lock().unwrap())
}

#[test]
fn a_look_up_that_takes_too_long_is_given_up() {
    let resolver = ResolvedOnce::<Book>::default();
    let timeout =
        NextTimeout { after: Duration::from_millis(1), reason: Timeout::Global, ..NextTimeout::default() };
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
