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
mod tests;
