//! Connections with three additions to those of ureq: they read an answer that comes before the whole request is
//! written, report how many connections there were and which status came, and do not wait long for the body of a
//! success.

use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, NextTimeout, TcpConnector, Transport,
};

#[cfg(feature = "tls")]
pub(super) type Tls = super::tls::Client;
/// The placeholder for TLS settings without the feature `tls`.
#[cfg(not(feature = "tls"))]
pub(super) type Tls = std::convert::Infallible;

/// The time limit for the body of a success, which decides nothing.
const PATIENCE_WITH_SUCCESS: Duration = Duration::from_millis(50);

/// The state that a sender and its connections share.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The number of connections so far.
    opened: AtomicUsize,
    /// The status of the last answer whose headers are complete; 0 if there is none yet.
    status: AtomicU16,
    /// The moment at which waiting for input ends.
    until: Mutex<Option<Instant>>,
    /// True once there was a connection to the backend, directly or through a proxy. It may be another one by now.
    arrived: AtomicBool,
    /// The beginning of the backend's URL, if requests go to a proxy in absolute form (RFC 9112, section 3.2.2).
    origin: Option<String>,
    /// True while the request line is not written.
    at_request_line: AtomicBool,
}

impl Progress {
    pub(super) fn opened(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }

    /// Returns the status of the answer to the last request; `None` if its headers are not complete.
    pub(super) fn status(&self) -> Option<u16> {
        Some(self.status.load(Ordering::Relaxed)).filter(|status| *status > 0)
    }

    /// Makes the state for connections to a proxy that takes requests for this origin, such as `http://tempo:4318`.
    pub(super) fn to_proxy_of(origin: String) -> Self {
        Self { origin: Some(origin), ..Self::default() }
    }

    /// Returns the origin that the request line still lacks; `None` if it lacks none.
    fn take_origin(&self) -> Option<&str> {
        self.origin.as_deref().filter(|_| self.at_request_line.swap(false, Ordering::Relaxed))
    }

    /// Returns true if there is, or was, a connection to the backend.
    pub(super) fn has_arrived(&self) -> bool {
        self.arrived.load(Ordering::Relaxed)
    }

    /// Prepares for the next request, which may take until the timeout.
    pub(super) fn begin_request(&self, timeout: Duration) {
        self.status.store(0, Ordering::Relaxed);
        self.at_request_line.store(true, Ordering::Relaxed);
        *self.until() = Instant::now().checked_add(timeout);
    }

    fn note(&self, input: &[u8]) {
        if self.status().is_some() {
            return;
        }
        if let Some(status) = status_of(input) {
            self.status.store(status, Ordering::Relaxed);
            if (200..300).contains(&status) {
                let patience = Instant::now().checked_add(PATIENCE_WITH_SUCCESS);
                let mut until = self.until();
                *until = until.min(patience).or(patience);
            }
        }
    }

    fn until(&self) -> MutexGuard<'_, Option<Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the status of an answer that begins with `input`; `None` if its headers are not complete. Statuses below 200
/// come before an answer.
fn status_of(input: &[u8]) -> Option<u16> {
    let head = input.windows(4).position(|end| end == b"\r\n\r\n")?;
    let line = std::str::from_utf8(input[..head].split(|byte| *byte == b'\r').next()?).ok()?;
    let (version, rest) = line.split_once(' ')?;
    let status = rest.split(' ').next()?.parse().ok()?;
    (version.starts_with("HTTP/1.") && status >= 200).then_some(status)
}

/// Returns a connector that opens connections as ureq does: through a proxy if there is one, with TLS if the scheme is
/// `https`. `is_tunnelled` is true if there is a proxy; the same connector opens the connection to it.
pub(super) fn connector(
    progress: &Arc<Progress>,
    tls: Option<Tls>,
    is_tunnelled: bool,
) -> impl Connector<Out: Transport> {
    let watch = || Watch { progress: Arc::clone(progress), is_tunnelled };
    let plain =
        ().chain(ConnectProxyConnector::default())
            .chain(TcpConnector::default())
            .chain(AcceptEarlyAnswer(watch()));
    #[cfg(feature = "tls")]
    let connector = plain.chain(super::tls_connection::TlsConnector(tls));
    #[cfg(not(feature = "tls"))]
    let connector = {
        let _ = tls;
        plain
    };
    connector.chain(watch())
}

/// Puts the origin before the path of a request that ureq has written. Returns the new length; `None` if there is no
/// request or the buffer is too small.
fn in_absolute_form(buffer: &mut [u8], amount: usize, origin: &str) -> Option<usize> {
    const METHOD: &[u8] = b"POST ";
    let longer = amount + origin.len();
    if longer > buffer.len() || !buffer[..amount].starts_with(&[METHOD, b"/"].concat()) {
        return None;
    }
    buffer.copy_within(METHOD.len()..amount, METHOD.len() + origin.len());
    buffer[METHOD.len()..][..origin.len()].copy_from_slice(origin.as_bytes());
    Some(longer)
}

/// Returns true for the errors of a connection that the other side has closed.
pub(super) fn is_closed(error: &Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error, Error::Io(error)
        if matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof))
}

#[derive(Debug)]
struct AcceptEarlyAnswer(Watch);

impl<In: Transport> Connector<In> for AcceptEarlyAnswer {
    type Out = EarlyAnswer<In>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        let Watch { progress, .. } = &self.0;
        progress.opened.fetch_add(1, Ordering::Relaxed);
        if !self.0.is_to_proxy(details) {
            progress.arrived.store(true, Ordering::Relaxed);
        }
        Ok(chained.map(|connection| EarlyAnswer { connection, closed: None }))
    }
}

/// A connection that the backend may close while the request is still being written.
///
/// A backend that finds the request too large answers, closes, and reads no more of it. Then writing fails, but the answer
/// is there to be read.
#[derive(Debug)]
struct EarlyAnswer<T> {
    connection: T,
    /// The error of the first failed write; after it nothing is written.
    closed: Option<Error>,
}

impl<T: Transport> Transport for EarlyAnswer<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.connection.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if self.closed.is_some() {
            return Ok(());
        }
        match self.connection.transmit_output(amount, timeout) {
            Err(error) if is_closed(&error) => {
                self.closed = Some(error);
                Ok(())
            }
            result => result,
        }
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        match (self.connection.await_input(timeout), self.closed.take()) {
            (Ok(true), closed) => {
                self.closed = closed;
                Ok(true)
            }
            (Ok(false) | Err(_), Some(first)) => Err(first),
            (result, None) => result,
        }
    }

    fn is_open(&mut self) -> bool {
        self.closed.is_none() && self.connection.is_open()
    }

    fn is_tls(&self) -> bool {
        self.connection.is_tls()
    }
}

#[derive(Debug)]
struct Watch {
    progress: Arc<Progress>,
    is_tunnelled: bool,
}

impl Watch {
    /// Returns true for the connection to the proxy, through which a tunnel to the backend goes.
    fn is_to_proxy(&self, details: &ConnectionDetails<'_>) -> bool {
        self.is_tunnelled && details.config.proxy().is_none()
    }
}

impl<In: Transport> Connector<In> for Watch {
    type Out = Watched<In>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        let is_to_proxy = self.is_to_proxy(details);
        Ok(chained.map(|connection| Watched {
            connection,
            is_to_proxy,
            progress: Arc::clone(&self.progress),
        }))
    }
}

/// A connection that tells the sender which status came.
#[derive(Debug)]
struct Watched<T> {
    connection: T,
    /// True for the connection to the proxy, whose answers are not those of the backend.
    is_to_proxy: bool,
    progress: Arc<Progress>,
}

impl<T: Transport> Transport for Watched<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.connection.buffers()
    }

    fn transmit_output(&mut self, mut amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if let Some(origin) = self.progress.take_origin() {
            let output = self.connection.buffers().output();
            amount = in_absolute_form(output, amount, origin).ok_or(Error::ConnectionFailed)?;
        }
        self.connection.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, mut timeout: NextTimeout) -> Result<bool, Error> {
        if let Some(until) = *self.progress.until() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() && self.is_to_proxy {
                // ureq starts the timeout again for each piece of a proxy's answer.
                return Err(Error::Timeout(timeout.reason));
            }
            // In some places, ureq treats zero as no limit.
            timeout.after = timeout.after.min(left.max(Duration::from_millis(1)).into());
        }
        let has_input = self.connection.await_input(timeout);
        if !self.is_to_proxy {
            self.progress.note(self.connection.buffers().input());
        }
        has_input
    }

    fn is_open(&mut self) -> bool {
        self.connection.is_open()
    }

    fn is_tls(&self) -> bool {
        self.connection.is_tls()
    }
}
