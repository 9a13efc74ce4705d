//! The collector itself: a listener, a thread per connection, and the record of what came.
//!
//! Threads wait in exactly three places: in `accept`, in a read from their own connection, and for
//! [`Shared::stop`]. Dropping the collector wakes all three, so it leaves neither a thread nor a port behind, even where
//! the network is down.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::net::shutdown;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::answer::{Action, Answer, Reply, Script, decide};
use super::http::Http;
use super::request::Request;
use super::tls::{Client, Identity};
use crate::Trace;

/// An OTLP/HTTP collector on a free port of the loopback interface, which keeps what it receives.
///
/// ```
/// use charm_testing::collector::{Answer, Collector};
///
/// let collector = Collector::start();
/// collector.answer(Answer::Then(vec![Answer::Status(503), Answer::Accept]));
/// assert!(collector.endpoint().starts_with("http://127.0.0.1:"));
/// assert!(collector.trace().is_empty());
/// ```
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    identity: Option<Identity>,
    shared: Arc<Shared>,
    listener: Arc<TcpListener>,
    accepting: Option<JoinHandle<()>>,
}

impl Collector {
    /// Starts one that speaks plain HTTP and accepts everything.
    #[must_use]
    pub fn start() -> Self {
        Self::listen(Ipv4Addr::LOCALHOST.into(), None)
    }

    /// Starts one like [`Collector::start`], where the network may be at fault.
    ///
    /// # Errors
    /// If the loopback interface has no address or no free port.
    pub fn try_start() -> io::Result<Self> {
        Self::try_listen(Ipv4Addr::LOCALHOST.into(), None)
    }

    /// Starts one like [`Collector::start`] at an address of IPv6.
    #[must_use]
    pub fn start_ipv6() -> Self {
        Self::listen(Ipv6Addr::LOCALHOST.into(), None)
    }

    /// Starts one that speaks TLS, with a certificate for `localhost` and `127.0.0.1` from an authority of its own.
    #[must_use]
    pub fn start_tls() -> Self {
        Self::listen(Ipv4Addr::LOCALHOST.into(), Some(Identity::valid()))
    }

    /// Starts one like [`Collector::start_tls`] that refuses connections without the certificate of its [`Collector::client`].
    #[must_use]
    pub fn start_mutual_tls() -> Self {
        Self::listen(Ipv4Addr::LOCALHOST.into(), Some(Identity::mutual()))
    }

    /// Starts one that speaks TLS, with a certificate for another host.
    #[must_use]
    pub fn start_tls_for(host: &str) -> Self {
        Self::listen(Ipv4Addr::LOCALHOST.into(), Some(Identity::of_another(host)))
    }

    /// Starts one that speaks TLS, with a certificate that is no longer valid.
    #[must_use]
    pub fn start_tls_expired() -> Self {
        Self::listen(Ipv4Addr::LOCALHOST.into(), Some(Identity::expired()))
    }

    /// Where to send to, without a path: `http://127.0.0.1:PORT`, or `https` if it speaks TLS.
    #[must_use]
    pub fn endpoint(&self) -> String {
        let scheme = if self.identity.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The certificate of the authority that a client must trust.
    ///
    /// # Panics
    /// If the collector speaks plain HTTP: there is none.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.identity.as_ref().expect("a collector from start_tls").ca_pem
    }

    /// With what a client must show who it is.
    ///
    /// # Panics
    /// If the collector does not ask for it.
    #[must_use]
    pub fn client(&self) -> &Client {
        let client = self.identity.as_ref().and_then(|identity| identity.client.as_ref());
        client.expect("a collector from start_mutual_tls")
    }

    /// Says how requests are answered from now on.
    pub fn answer(&self, answer: impl Into<Answer>) {
        self.shared.lock().script = Script::new(answer.into());
    }

    /// Every request so far, answered or not, in the order they were complete.
    #[must_use]
    pub fn requests(&self) -> Vec<Arc<Request>> {
        self.shared.lock().requests.clone()
    }

    /// Returns the spans that a real backend would now hold: those of every request that was answered with success.
    #[must_use]
    pub fn trace(&self) -> Trace {
        self.accepted().into_iter().flatten().collect()
    }

    /// Returns the ids of the traces that a real backend would now hold, in the order in which it got them, in hexadecimal. A
    /// trace that it got in two requests is there twice.
    #[must_use]
    pub fn trace_ids(&self) -> Vec<String> {
        let ids = self.accepted().into_iter().flat_map(|trace| {
            let mut ids: Vec<_> = trace.iter().map(|span| span.trace_id.to_string()).collect();
            ids.dedup();
            ids
        });
        ids.collect()
    }

    /// Waits until this many requests have arrived since the start (or the last [`Collector::clear`]) and returns
    /// all there are by then.
    ///
    /// # Errors
    /// If the time is up first.
    pub fn wait_for(&self, wanted: usize, timeout: Duration) -> Result<Vec<Arc<Request>>, String> {
        let (state, _) = self
            .shared
            .changed
            .wait_timeout_while(self.shared.lock(), timeout, |state| state.requests.len() < wanted)
            .unwrap_or_else(PoisonError::into_inner);
        let arrived = state.requests.len();
        if arrived < wanted {
            Err(format!("{arrived} of {wanted} requests have arrived"))
        } else {
            Ok(state.requests.clone())
        }
    }

    /// Forgets the requests so far. Answers and connections stay as they are.
    pub fn clear(&self) {
        self.shared.lock().requests.clear();
    }

    /// Returns the spans of each request that was answered with success.
    fn accepted(&self) -> Vec<Trace> {
        let requests = self.requests();
        let accepted = requests.iter().filter(|request| request.accepted());
        accepted.filter_map(|request| request.trace.clone().ok()).collect()
    }

    fn listen(host: IpAddr, identity: Option<Identity>) -> Self {
        Self::try_listen(host, identity).expect(HAS_A_FREE_PORT)
    }

    fn try_listen(host: IpAddr, identity: Option<Identity>) -> io::Result<Self> {
        let (listener, address) = bind(host)?;
        let tls = identity.as_ref().map(|identity| Arc::clone(&identity.config));
        let (shared, listener) = (Arc::new(Shared::default()), Arc::new(listener));
        let (state, socket) = (Arc::clone(&shared), Arc::clone(&listener));
        let accepting = thread::spawn(move || accept_all(&socket, tls.as_ref(), &state));
        Ok(Self { address, identity, shared, listener, accepting: Some(accepting) })
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.shared.stop();
        // Linux lets `accept` fail then. A connection would wake it as well, but not where loopback is down.
        _ = shutdown(&self.listener, rustix::net::Shutdown::Both);
        if let Some(accepting) = self.accepting.take() {
            // A connection's panic has been printed already; a second one here would abort the test run.
            drop(accepting.join());
        }
    }
}

/// An endpoint at which nothing listens: connections to it are refused.
///
/// The port was free a moment ago; nothing keeps another program from taking it.
///
/// # Panics
/// If the loopback interface has no free port.
#[must_use]
pub fn port_closed_endpoint() -> String {
    format!("http://{}", bind(Ipv4Addr::LOCALHOST.into()).expect(HAS_A_FREE_PORT).1)
}

const HAS_A_FREE_PORT: &str = "the loopback interface has a free port";

fn bind(host: IpAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((host, 0))?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    script: Script,
    requests: Vec<Arc<Request>>,
    /// The open connections, to be able to end them.
    open: HashMap<usize, TcpStream>,
    stopping: bool,
}

impl Shared {
    /// Locks the state, also after a panic: it is consistent between any two statements.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop(&self) {
        let mut state = self.lock();
        state.stopping = true;
        for stream in state.open.values() {
            // It may have ended by itself in the meantime.
            drop(stream.shutdown(Shutdown::Both));
        }
        self.changed.notify_all();
    }

    /// Waits until the collector is dropped or the time is up.
    fn sleep(&self, longest: Duration) {
        drop(self.changed.wait_timeout_while(self.lock(), longest, |state| !state.stopping));
    }

    fn record(&self, request: Request) {
        self.lock().requests.push(Arc::new(request));
        self.changed.notify_all();
    }
}

fn accept_all(listener: &TcpListener, tls: Option<&Arc<ServerConfig>>, shared: &Arc<Shared>) {
    let mut connections: Vec<JoinHandle<()>> = Vec::new();
    for number in 1.. {
        let accepted = listener.accept().and_then(|(stream, _)| Ok((stream.try_clone()?, stream)));
        let mut state = shared.lock();
        if state.stopping {
            break;
        }
        // The client may be gone again, or the process may be out of file descriptors for a moment.
        let Ok((handle, stream)) = accepted else { continue };
        state.open.insert(number, handle);
        drop(state);
        connections.retain(|connection| !connection.is_finished());
        let (tls, shared) = (tls.cloned(), Arc::clone(shared));
        connections.push(thread::spawn(move || {
            // A client that goes away in the middle is what many of these tests are about.
            drop(serve(number, stream, tls, &shared));
            shared.lock().open.remove(&number);
        }));
    }
    for connection in connections {
        drop(connection.join());
    }
}

fn serve(
    number: usize,
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    shared: &Shared,
) -> io::Result<()> {
    if shared.lock().script.next_if(&Answer::HangOnAccept) {
        shared.sleep(Duration::MAX);
        return Ok(());
    }
    stream.set_nodelay(true)?;
    match tls {
        None => converse(number, stream, shared),
        Some(config) => {
            let session = ServerConnection::new(config).map_err(io::Error::other)?;
            converse(number, StreamOwned::new(session, stream), shared)
        }
    }
}

fn converse(number: usize, stream: impl Read + Write, shared: &Shared) -> io::Result<()> {
    let mut http = Http::new(stream);
    loop {
        let raw = match http.next_request() {
            Ok(Some(raw)) => raw,
            Ok(None) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return http.reply(&Reply::new(400).body(error.to_string()), false);
            }
            Err(error) => return Err(error),
        };
        let keep_alive = raw.keep_alive;
        let mut request = Request::new(number, raw);
        let action = decide(shared.lock().script.next(), &request);
        request.status = action.status();
        shared.record(request);
        match action {
            Action::Reply { after, reply } => {
                shared.sleep(after);
                http.reply(&reply, keep_alive)?;
                if !keep_alive {
                    return Ok(());
                }
            }
            // Until the client gives up, or the collector ends.
            Action::Hang => return io::copy(&mut http.stream, &mut io::sink()).map(drop),
            Action::Bytes { first, then } => {
                http.stream.write_all(&first)?;
                while !then.is_empty() {
                    http.stream.write_all(&then)?;
                }
                return http.stream.flush();
            }
            Action::Close { .. } => return Ok(()),
        }
    }
}
