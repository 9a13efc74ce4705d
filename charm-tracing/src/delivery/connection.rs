//! What ureq does not do with a connection: it hears a backend out that answers before it has read the request, and knows
//! how many connections there were.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::http::Tls;
use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, NextTimeout, TcpConnector, Transport,
};

/// Opens connections as ureq does: through a proxy if there is one, with TLS if the scheme is `https`.
pub(super) fn connector(opened: Arc<AtomicUsize>, tls: Option<Tls>) -> impl Connector<Out: Transport> {
    let plain =
        ().chain(ConnectProxyConnector::default()).chain(TcpConnector::default()).chain(HearOut { opened });
    #[cfg(feature = "tls")]
    return plain.chain(super::tls_connection::TlsConnector(tls));
    #[cfg(not(feature = "tls"))]
    {
        let _ = tls;
        plain
    }
}

/// Whether this is how it looks when the other side has closed the connection.
pub(super) fn is_closed(error: &Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error, Error::Io(error)
        if matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof))
}

#[derive(Debug)]
struct HearOut {
    opened: Arc<AtomicUsize>,
}

impl<In: Transport> Connector<In> for HearOut {
    type Out = HeardOut<In>;

    fn connect(&self, _: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        self.opened.fetch_add(1, Ordering::Relaxed);
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
    /// Why nothing can be written any more.
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
