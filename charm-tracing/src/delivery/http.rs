use std::cell::Cell;
use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use ureq::Agent;
use ureq::http::{HeaderMap, HeaderValue, Uri, header};

use super::connection::{Progress, Tls, connector, is_closed};
use super::proxy::Proxy;
use super::resolver::ResolvedOnce;
use super::url::Url;

/// A client that sends bodies to one URL over one connection, as long as the backend keeps it open.
#[derive(Debug)]
pub(super) struct Sender {
    uri: Uri,
    /// The headers of every request. The values that may be secret are marked as such.
    headers: HeaderMap,
    /// True if requests go to a proxy in absolute form, because `http` needs no tunnel to the backend. The proxy's
    /// answers look like those of the backend.
    pub(super) is_forwarded: bool,
    agent: Agent,
    progress: Arc<Progress>,
    /// True after the backend closed a connection on which a request was being sent: then each request gets its own
    /// connection.
    careful: Cell<bool>,
    /// True if the backend does not accept gzip.
    plain: Cell<bool>,
}

/// An answer with any status.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: Option<String>,
    pub(super) body: Vec<u8>,
}

/// The bytes that TCP sends before it waits for the first answer (ten segments, RFC 6928). A smaller body arrives in
/// the same round trip with or without compression, so compressing it would only cost time.
const INITIAL_WINDOW: usize = 10 * 1460;
/// The longest answer that is read, in bytes: no valid one is longer. After a longer one the connection is not used
/// again.
const LONGEST_ANSWER: u64 = 64 * 1024;
/// The size of the input buffer, which all headers of an answer must fit in. ureq allows no larger one.
const INPUT_BUFFER: usize = 64 * 1024;
/// The size of the output buffer. ureq clears such buffers: its default of 128 KiB would cost as much as a handshake.
const OUTPUT_BUFFER: usize = 16 * 1024;

impl Sender {
    /// Prepares sending; nothing is connected yet. `None` if the endpoint cannot be written in the form that the proxy
    /// needs.
    pub(super) fn new(
        endpoint: &Url,
        headers: &HeaderMap,
        proxy: Option<&Proxy>,
        tls: Option<Tls>,
    ) -> Option<Self> {
        let mut all = HeaderMap::new();
        all.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        all.extend(endpoint.authorization().map(|value| (header::AUTHORIZATION, value.clone())));
        all.extend(headers.clone());
        let forwarding = proxy.filter(|_| !endpoint.is_https());
        let (uri, progress) = match forwarding {
            None => (endpoint.uri().clone(), Progress::default()),
            Some(proxy) => {
                all.insert(header::HOST, HeaderValue::from_str(endpoint.authority()).ok()?);
                all.extend(proxy.authorization().map(|value| (header::PROXY_AUTHORIZATION, value.clone())));
                (proxy.url_for(endpoint)?, Progress::to_proxy_of(endpoint.origin()))
            }
        };
        let tunnel = proxy.filter(|_| endpoint.is_https()).map(Proxy::tunnel);
        let progress = Arc::new(progress);
        let connector = connector(&progress, tls, tunnel.is_some());
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(tunnel)
            .user_agent(concat!("charm-tracing/", env!("CARGO_PKG_VERSION")))
            .input_buffer_size(INPUT_BUFFER)
            .output_buffer_size(OUTPUT_BUFFER);
        Some(Self {
            uri,
            headers: all,
            is_forwarded: forwarding.is_some(),
            agent: Agent::with_parts(config.build(), connector, <ResolvedOnce>::default()),
            progress,
            careful: Cell::new(false),
            plain: Cell::new(false),
        })
    }

    /// Returns true if the last request did not get beyond a proxy.
    pub(super) fn has_stopped_at_proxy(&self) -> bool {
        self.is_forwarded || !self.progress.has_arrived()
    }

    /// Posts one body and reads the answer, both within the timeout. If the backend does not accept gzip (415), sends
    /// the body again without it, and all later bodies as well.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no answer: name, connection, TLS, timeout.
    pub(super) fn send(&self, body: &[u8], timeout: Duration) -> Result<Answer, ureq::Error> {
        let started = Instant::now();
        let gzip = if self.plain.get() { None } else { compressed(body) };
        if let Some(gzip) = gzip {
            let answer = self.send_as(&gzip, Some("gzip"), timeout)?;
            if answer.status != 415 {
                return Ok(answer);
            }
            self.plain.set(true);
        }
        self.send_as(body, None, timeout.saturating_sub(started.elapsed()))
    }

    /// Posts one body, and a second time over a new connection if the open one was closed before an answer came. A
    /// backend may close a connection just when the next request is on its way. It may have read the request the first
    /// time; so that this happens to at most one request, no connection is used twice from then on.
    fn send_as(
        &self,
        body: &[u8],
        encoding: Option<&'static str>,
        timeout: Duration,
    ) -> Result<Answer, ureq::Error> {
        let (before, started) = (self.progress.opened(), Instant::now());
        let post = |timeout| self.post(body, encoding, timeout);
        match post(timeout) {
            Err(error) if is_closed(&error) && self.progress.opened() == before => {
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
        let mut request =
            self.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        if let Some(encoding) = encoding {
            request = request.header(header::CONTENT_ENCODING, encoding);
        }
        if self.careful.get() {
            request = request.header(header::CONNECTION, "close");
        }
        self.progress.begin_request(timeout);
        let mut response = match request.send(body) {
            Ok(response) => response,
            // The answer has more headers than ureq reads.
            Err(error) => match self.progress.status() {
                Some(status @ 200..300) => return Ok(Answer { status, retry_after: None, body: Vec::new() }),
                _ => return Err(error),
            },
        };
        let retry_after = response.headers().get(header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()).map(str::to_owned);
        // The body is read to its end, because else the connection is not used again. The status decides, so an
        // incomplete body is used as it is.
        let mut body = Vec::new();
        let _ = response.body_mut().as_reader().take(LONGEST_ANSWER).read_to_end(&mut body);
        Ok(Answer { status: response.status().as_u16(), retry_after, body })
    }
}

/// Returns the body in gzip; `None` if that would save nothing.
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
