use std::io::{BufReader, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Destination;
use super::server::{Request, read_request};

/// A backend whose manners are the test's: it is handed each connection, which is closed when it returns.
pub(super) struct RawServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    requests: Mutex<Vec<Request>>,
    connections: AtomicUsize,
    stopped: AtomicBool,
}

/// One connection, as the backend has it.
pub(super) struct Connection<'a> {
    /// Counted from 0.
    pub(super) number: usize,
    pub(super) stream: BufReader<TcpStream>,
    shared: &'a Shared,
}

impl RawServer {
    pub(super) fn new(serve: impl Fn(&mut Connection<'_>) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (address, shared) = (listener.local_addr().unwrap(), Arc::new(Shared::default()));
        let accepting = Arc::clone(&shared);
        let acceptor = std::thread::spawn(move || accept(&listener, &accepting, &serve));
        Self { address, shared, acceptor: Some(acceptor) }
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(super) fn destination(&self) -> Destination {
        Destination::new(format!("http://{}", self.address), None)
    }

    /// The bodies that arrived whole, in order.
    pub(super) fn texts(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().iter().map(Request::text).collect()
    }

    pub(super) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Shared, serve: &(impl Fn(&mut Connection<'_>) + Sync)) {
    std::thread::scope(|scope| {
        for stream in listener.incoming() {
            if shared.stopped.load(Ordering::SeqCst) {
                return;
            }
            let stream = stream.unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
            // As servers do: what waits for an acknowledgement when the connection is closed is never sent.
            stream.set_nodelay(true).unwrap();
            let number = shared.connections.fetch_add(1, Ordering::SeqCst);
            scope.spawn(move || serve(&mut Connection { number, stream: BufReader::new(stream), shared }));
        }
    });
}

impl Connection<'_> {
    /// Reads the next request. None if there is none.
    pub(super) fn request(&mut self) -> Option<Request> {
        let request = read_request(&mut self.stream)?;
        self.shared.requests.lock().unwrap().push(request.clone());
        Some(request)
    }

    /// False once nobody listens.
    pub(super) fn say(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.get_mut().write_all(bytes.as_ref()).is_ok()
    }

    /// Says it again and again, until nobody listens.
    pub(super) fn go_on(&mut self, bytes: impl AsRef<[u8]>, pause: Duration) {
        while !self.is_over() && self.say(bytes.as_ref()) {
            std::thread::sleep(pause);
        }
    }

    /// Sends no more, but goes on to listen.
    pub(super) fn close_own_side(&self) {
        self.stream.get_ref().shutdown(Shutdown::Write).unwrap();
    }

    /// Keeps the connection open as long as the test runs.
    pub(super) fn stay(&self) {
        while !self.is_over() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn is_over(&self) -> bool {
        self.shared.stopped.load(Ordering::SeqCst)
    }
}
