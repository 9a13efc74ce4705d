//! TLS over a connection of ureq. ureq's own TLS accepts no verifier, and panics at a key that does not fit the
//! certificate.

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use ureq::Error;
use ureq::unversioned::transport::time::{Duration, Instant};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport, TransportAdapter,
};

use super::tls::Client;
use super::url::in_brackets;

/// A connector that wraps the connection in TLS if the scheme is `https`; with `None` it never does.
#[derive(Debug)]
pub(super) struct TlsConnector(pub(super) Option<Client>);

impl<In: Transport> Connector<In> for TlsConnector {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        let Some(connection) = chained else { return Ok(None) };
        let Some(client) = self.0.as_ref().filter(|_| details.needs_tls() && !connection.is_tls()) else {
            return Ok(Some(Box::new(connection)));
        };
        let host = details.uri.host().unwrap_or_default();
        let host = in_brackets(host).unwrap_or(host);
        let name = ServerName::try_from(host)
            .map_err(|_| Error::Tls("the host is neither a name nor an address"))?;
        let mut tls = ClientConnection::new(Arc::clone(&client.config), name.to_owned())
            .map_err(std::io::Error::other)?;
        let mut connection = TransportAdapter::new(connection, Arc::clone(&details.current_time));
        connection.set_timeout(remaining(details));
        tls.complete_io(&mut connection).map_err(|error| client.explain(error))?;
        let buffers =
            LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(Box::new(TlsConnection { buffers, stream: StreamOwned::new(tls, connection) })))
    }
}

/// Returns the time that is left for the handshake, because connecting has used some of it.
fn remaining(details: &ConnectionDetails<'_>) -> NextTimeout {
    let after = match (details.timeout.after, details.now, (details.current_time)()) {
        (Duration::Exact(limit), Instant::Exact(before), Instant::Exact(now)) => {
            Duration::Exact(limit.saturating_sub(now.saturating_duration_since(before)))
        }
        (limit, ..) => limit,
    };
    NextTimeout { after, ..details.timeout }
}

struct TlsConnection<T: Transport> {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter<T>>,
}

impl<T: Transport> Transport for TlsConnection<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.stream.get_mut().set_timeout(timeout);
        Ok(self.stream.write_all(&self.buffers.output()[..amount])?)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.stream.get_mut().set_timeout(timeout);
        let amount = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.get_mut().get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl<T: Transport> std::fmt::Debug for TlsConnection<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsConnection")
            .field("over", &self.stream.get_ref().get_ref())
            .finish_non_exhaustive()
    }
}
