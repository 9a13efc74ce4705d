use std::cell::OnceCell;
use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use ureq::Agent;
use ureq::http::{Uri, header};
use ureq::unversioned::transport::DefaultConnector;

use super::resolver::ResolvedOnce;

/// Sends bodies to one URL over one connection, as long as the backend keeps it open.
#[derive(Debug)]
pub(super) struct Sender {
    uri: Uri,
    tls: Option<Tls>,
    agent: OnceCell<Agent>,
}

/// What came back, whatever its status.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: Option<String>,
    pub(super) body: Vec<u8>,
}

#[cfg(feature = "tls")]
pub(super) type Tls = ureq::tls::TlsConfig;
/// Without the feature there is none.
#[cfg(not(feature = "tls"))]
pub(super) type Tls = std::convert::Infallible;

/// What fits into the packets that TCP sends before it waits for the first answer (ten segments, RFC 6928). A smaller body
/// arrives in the same round trip either way, so compressing it would only cost time.
const INITIAL_WINDOW: usize = 10 * 1460;
/// No answer to an export is longer. What is, is not read, at the price of the connection.
const LONGEST_ANSWER: u64 = 64 * 1024;
/// For all headers of an answer, and for what is written at a time. ureq has two of them per connection, TLS two more, and
/// clears them: its own 128 KiB would cost as much as a handshake.
const BUFFER: usize = 16 * 1024;

impl Sender {
    /// Prepares sending; nothing is connected yet. Proxies are those of the environment (`all_proxy`, `https_proxy`,
    /// `http_proxy`, `no_proxy`, in either case).
    pub(super) fn new(uri: Uri, tls: Option<Tls>) -> Self {
        Self { uri, tls, agent: OnceCell::new() }
    }

    /// Posts one body and reads the answer, all within the time-out.
    ///
    /// # Errors
    ///
    /// When there is no answer: name, connection, TLS, time-out.
    pub(super) fn send(&self, body: &[u8], timeout: Duration) -> Result<Answer, ureq::Error> {
        let agent = self.agent.get_or_init(|| self.agent(timeout));
        let mut request = agent.post(&self.uri);
        // What is configured for one request makes ureq build another TLS client for it, unless the agent has one already.
        if agent.config().timeouts().global != Some(timeout) {
            request = request.config().timeout_global(Some(timeout)).build();
        }
        let request = request.header(header::CONTENT_TYPE, "application/x-protobuf");
        let mut response = match compressed(body) {
            Some(body) => request.header(header::CONTENT_ENCODING, "gzip").send(&body[..])?,
            None => request.send(body)?,
        };
        let retry_after = response.headers().get(header::RETRY_AFTER);
        Ok(Answer {
            status: response.status().as_u16(),
            retry_after: retry_after.and_then(|value| value.to_str().ok()).map(str::to_owned),
            // Read to its end, or the connection is not used again. The status alone decides, so a body that breaks off
            // is none.
            body: response.body_mut().with_config().limit(LONGEST_ANSWER).read_to_vec().unwrap_or_default(),
        })
    }

    fn agent(&self, timeout: Duration) -> Agent {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(concat!("charm-tracing/", env!("CARGO_PKG_VERSION")))
            .input_buffer_size(BUFFER)
            .output_buffer_size(BUFFER)
            .timeout_global(Some(timeout));
        #[cfg(feature = "tls")]
        let config = match &self.tls {
            Some(tls) => config.tls_config(tls.clone()),
            None => config,
        };
        #[cfg(not(feature = "tls"))]
        let _ = &self.tls;
        Agent::with_parts(config.build(), DefaultConnector::default(), <ResolvedOnce>::default())
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
