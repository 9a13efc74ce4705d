//! Connections that do what ureq's do not: they hear a backend out that answers before it has read the request, tell how many
//! there were and which status came, and do not wait for long for the body of a success.

use std::io::ErrorKind;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::http::Tls;
use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, NextTimeout, TcpConnector, Transport,
};

/// The time in which the body of a success has to come. It decides nothing.
const PATIENCE_WITH_SUCCESS: Duration = Duration::from_millis(50);

/// The knowledge that a sender and its connections share.
#[derive(Debug, Default)]
pub(super) struct Wire {
    /// Connections so far.
    opened: AtomicUsize,
    /// The status of the last answer of which all headers have come; 0 if there is none yet.
    status: AtomicU16,
    /// The moment after which no more of an answer is waited for, if that is a success.
    until: Mutex<Option<Instant>>,
}

impl Wire {
    pub(super) fn opened(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }

    /// The status of the answer to the last request, if all its headers have come.
    pub(super) fn status(&self) -> Option<u16> {
        Some(self.status.load(Ordering::Relaxed)).filter(|status| *status > 0)
    }

    /// Another request is about to be sent.
    pub(super) fn begin(&self) {
        self.status.store(0, Ordering::Relaxed);
        *self.until() = None;
    }

    fn note(&self, input: &[u8]) {
        if self.status().is_none()
            && let Some(status) = status_of(input)
        {
            self.status.store(status, Ordering::Relaxed);
            if (200..300).contains(&status) {
                *self.until() = Instant::now().checked_add(PATIENCE_WITH_SUCCESS);
            }
        }
    }

    fn until(&self) -> MutexGuard<'_, Option<Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The status of an answer that begins so, if all its headers are there. Statuses below 200 come before an answer.
fn status_of(input: &[u8]) -> Option<u16> {
    let head = input.windows(4).position(|end| end == b"\r\n\r\n")?;
    let line = str::from_utf8(input[..head].split(|byte| *byte == b'\r').next()?).ok()?;
    let (version, rest) = line.split_once(' ')?;
    let status = rest.split(' ').next()?.parse().ok()?;
    (version.starts_with("HTTP/1.") && status >= 200).then_some(status)
}

/// Opens connections as ureq does: through a proxy if there is one, with TLS if the scheme is `https`.
pub(super) fn connector(wire: &Arc<Wire>, tls: Option<Tls>) -> impl Connector<Out: Transport> {
    let plain =
        ().chain(ConnectProxyConnector::default())
            .chain(TcpConnector::default())
            .chain(HearOut(Arc::clone(wire)));
    #[cfg(feature = "tls")]
    let connector = plain.chain(super::tls_connection::TlsConnector(tls));
    #[cfg(not(feature = "tls"))]
    let connector = {
        let _ = tls;
        plain
    };
    connector.chain(Watch(Arc::clone(wire)))
}

/// True for the errors that a connection gives which the other side has closed.
pub(super) fn is_closed(error: &Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error, Error::Io(error)
        if matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof))
}

#[derive(Debug)]
struct HearOut(Arc<Wire>);

impl<In: Transport> Connector<In> for HearOut {
    type Out = HeardOut<In>;

    fn connect(&self, _: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        self.0.opened.fetch_add(1, Ordering::Relaxed);
        Ok(chained.map(|connection| HeardOut { connection, closed: None }))
    }
}

/// A connection that the backend may close while the request is still being written.
///
/// A backend that finds the request too large answers, closes, and reads no more of it. Then writing fails, but the answer
/// is there to be read.
#[derive(Debug)]
struct HeardOut<T> {
    connection: T,
    /// The error after which nothing can be written any more.
    closed: Option<Error>,
}

impl<T: Transport> Transport for HeardOut<T> {
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
struct Watch(Arc<Wire>);

impl<In: Transport> Connector<In> for Watch {
    type Out = Watched<In>;

    fn connect(&self, _: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        Ok(chained.map(|connection| Watched { connection, wire: Arc::clone(&self.0) }))
    }
}

/// A connection of which the sender knows which status came.
#[derive(Debug)]
struct Watched<T> {
    connection: T,
    wire: Arc<Wire>,
}

impl<T: Transport> Transport for Watched<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.connection.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.connection.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, mut timeout: NextTimeout) -> Result<bool, Error> {
        if let Some(until) = *self.wire.until() {
            let left = until.saturating_duration_since(Instant::now());
            // ureq takes zero for no limit in some places.
            timeout.after = timeout.after.min(left.max(Duration::from_millis(1)).into());
        }
        let progress = self.connection.await_input(timeout);
        self.wire.note(self.connection.buffers().input());
        progress
    }

    fn is_open(&mut self) -> bool {
        self.connection.is_open()
    }

    fn is_tls(&self) -> bool {
        self.connection.is_tls()
    }
}
