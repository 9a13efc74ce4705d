use std::cell::Cell;
use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use ureq::Agent;
use ureq::http::{HeaderValue, Uri, header};

use super::connection::{Wire, connector, is_closed};
use super::endpoint::Endpoint;
use super::headers::Headers;
use super::proxy::Proxy;
use super::resolver::ResolvedOnce;

/// Sends bodies to one URL over one connection, as long as the backend keeps it open.
#[derive(Debug)]
pub(super) struct Sender {
    uri: Uri,
    authorization: Option<HeaderValue>,
    headers: Headers,
    forward: Option<Forward>,
    agent: Agent,
    wire: Arc<Wire>,
    /// The backend has closed one in which a request was on its way: each request gets a connection of its own.
    careful: Cell<bool>,
    /// The backend does not take gzip.
    plain: Cell<bool>,
}

/// The headers of a request that goes to a proxy in absolute form, since `http` needs no connection to the backend.
#[derive(Debug)]
struct Forward {
    host: HeaderValue,
    authorization: Option<HeaderValue>,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: Option<String>,
    pub(super) body: Vec<u8>,
}

#[cfg(feature = "tls")]
pub(super) type Tls = super::tls::Client;
/// Without the feature there is none.
#[cfg(not(feature = "tls"))]
pub(super) type Tls = std::convert::Infallible;

/// The bytes that TCP sends before it waits for the first answer (ten segments, RFC 6928). A smaller body
/// arrives in the same round trip either way, so compressing it would only cost time.
const INITIAL_WINDOW: usize = 10 * 1460;
/// No answer to an export is longer. What is, is not read, at the price of the connection.
const LONGEST_ANSWER: u64 = 64 * 1024;
/// For what is read at a time, which all headers of an answer have to fit in. As large as ureq lets them be.
const INPUT_BUFFER: usize = 64 * 1024;
/// For what is written at a time. ureq clears such buffers: its own 128 KiB would cost as much as a handshake.
const OUTPUT_BUFFER: usize = 16 * 1024;

impl Sender {
    /// Prepares sending; nothing is connected yet. `None` if there is no way to write the endpoint for the proxy.
    pub(super) fn new(
        endpoint: &Endpoint,
        headers: &Headers,
        proxy: Option<&Proxy>,
        tls: Option<Tls>,
    ) -> Option<Self> {
        let forwarding = proxy.filter(|_| !endpoint.is_https());
        let (uri, forward, wire) = match forwarding {
            None => (endpoint.uri().clone(), None, Wire::default()),
            Some(proxy) => {
                let authority = endpoint.uri().authority()?.as_str();
                let host = HeaderValue::from_str(authority).ok()?;
                let forward = Forward { host, authorization: proxy.authorization().cloned() };
                (
                    proxy.url_for(endpoint.uri())?,
                    Some(forward),
                    Wire::to_proxy_of(&format!("http://{authority}")),
                )
            }
        };
        let tunnel = proxy.filter(|_| endpoint.is_https()).map(Proxy::tunnel);
        let wire = Arc::new(wire);
        let connector = connector(&wire, tls, tunnel.is_some());
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(tunnel)
            .user_agent(concat!("charm-tracing/", env!("CARGO_PKG_VERSION")))
            .input_buffer_size(INPUT_BUFFER)
            .output_buffer_size(OUTPUT_BUFFER);
        Some(Self {
            uri,
            authorization: endpoint.authorization().filter(|_| !headers.has_authorization()).cloned(),
            headers: headers.clone(),
            forward,
            agent: Agent::with_parts(config.build(), connector, <ResolvedOnce>::default()),
            wire,
            careful: Cell::new(false),
            plain: Cell::new(false),
        })
    }

    /// True if requests go to a proxy, whose answers look like those of the backend.
    pub(super) fn is_forwarded(&self) -> bool {
        self.forward.is_some()
    }

    /// True if the last request has got no further than to a proxy.
    pub(super) fn has_stopped_at_proxy(&self) -> bool {
        self.is_forwarded() || !self.wire.has_arrived()
    }

    /// Posts one body and reads the answer, all within the time-out. A backend that does not take gzip (415) gets it once more as
    /// it is, and so it gets what follows.
    ///
    /// # Errors
    ///
    /// When there is no answer: name, connection, TLS, time-out.
    pub(super) fn send(&self, body: &[u8], timeout: Duration) -> Result<Answer, ureq::Error> {
        let started = Instant::now();
        if !self.plain.get()
            && let Some(gzip) = compressed(body)
        {
            let answer = self.send_as(&gzip, Some("gzip"), timeout)?;
            if answer.status != 415 {
                return Ok(answer);
            }
            self.plain.set(true);
        }
        self.send_as(body, None, timeout.saturating_sub(started.elapsed()))
    }

    /// A connection that was open already may be closed by the backend in the very moment in which the next request is on its
    /// way. So if it turns out to be closed before there was an answer, the request is sent once more over another one. The
    /// backend may have read it the first time; so that this cannot happen to more than one request, no connection is used
    /// twice from then on.
    fn send_as(
        &self,
        body: &[u8],
        encoding: Option<&'static str>,
        timeout: Duration,
    ) -> Result<Answer, ureq::Error> {
        let (before, started) = (self.wire.opened(), Instant::now());
        let post = |timeout| self.post(body, encoding, timeout);
        match post(timeout) {
            Err(error) if is_closed(&error) && self.wire.opened() == before => {
                log::debug!("the connection was closed meanwhile ({error}): once more");
                self.careful.set(true);
                post(timeout.saturating_sub(started.elapsed()))
            }
            result => result,
        }
    }

    fn post(
        &self,
        body: &[u8],
        encoding: Option<&'static str>,
        timeout: Duration,
    ) -> Result<Answer, ureq::Error> {
        let request = self.agent.post(&self.uri).config().timeout_global(Some(timeout)).build();
        let mut request = request.header(header::CONTENT_TYPE, "application/x-protobuf");
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        for (name, value) in self.headers.iter() {
            request = request.header(name, value);
        }
        if let Some(Forward { host, authorization }) = &self.forward {
            request = request.header(header::HOST, host);
            if let Some(authorization) = authorization {
                request = request.header(header::PROXY_AUTHORIZATION, authorization);
            }
        }
        if let Some(encoding) = encoding {
            request = request.header(header::CONTENT_ENCODING, encoding);
        }
        if self.careful.get() {
            request = request.header(header::CONNECTION, "close");
        }
        self.wire.begin(timeout);
        let mut response = match request.send(body) {
            Ok(response) => response,
            // It has more headers than ureq reads.
            Err(error) => match self.wire.status() {
                Some(status @ 200..300) => return Ok(Answer { status, retry_after: None, body: Vec::new() }),
                _ => return Err(error),
            },
        };
        let retry_after = response.headers().get(header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()).map(str::to_owned);
        // Read to its end, or the connection is not used again. The status decides, so a body that breaks off is as good as
        // what there is of it.
        let mut body = Vec::new();
        let _ = response.body_mut().as_reader().take(LONGEST_ANSWER).read_to_end(&mut body);
        Ok(Answer { status: response.status().as_u16(), retry_after, body })
    }
}

/// The body in gzip, if that is worth it.
fn compressed(body: &[u8]) -> Option<Vec<u8>> {
    if body.len() <= INITIAL_WINDOW {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok().filter(|compressed| compressed.len() < body.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_large_and_gets_smaller_is_compressed() {
        assert_eq!(compressed(&[7; INITIAL_WINDOW]), None);
        assert!(compressed(&[7; INITIAL_WINDOW + 1]).unwrap().len() < 1000);
        let mut state = 1_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state.to_be_bytes()[0]
        })
        .take(20_000)
        .collect();
        assert_eq!(compressed(&noise), None);
    }
}
