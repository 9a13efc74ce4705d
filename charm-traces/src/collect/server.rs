use std::fs;
use std::io::Cursor;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use anyhow::anyhow;
use charm_tracing::__charm_traces::{WaitingName, in_one_line, in_words, with_causes};
use charm_tracing::testing::Trace;
use tiny_http::{Header, Method, Request, Response, Server};

use super::expectations::Expectations;
use super::kept::Kept;
use super::request::{Encoding, Refusal, refusal, request};
use crate::arguments::Collect;
use crate::output::{BAD, WEAK, columns, complain, local_time, painted, painted_picture, print};
use crate::summary::Summary;

/// The time for which requests that are being answered are waited for at the end. A client may have stopped sending.
const PATIENCE: Duration = Duration::from_secs(1);

/// A running collector.
pub(super) struct Collector {
    shared: Arc<Shared>,
    listener: JoinHandle<()>,
    address: SocketAddr,
}

struct Shared {
    server: Server,
    title: String,
    state: Mutex<(Expectations, Kept)>,
    save: Option<PathBuf>,
    printing: Printing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Printing {
    Nothing,
    Lines,
    Trees,
}

impl Collector {
    pub(super) fn start(arguments: &Collect, kept: Kept, expectations: Expectations) -> anyhow::Result<Self> {
        let server = Server::http(arguments.listen)
            .map_err(|error| anyhow!(error).context(format!("cannot listen on {}", arguments.listen)))?;
        let address = server.server_addr().to_ip().unwrap_or(arguments.listen);
        let printing = match (arguments.quiet, arguments.tree) {
            (true, _) => Printing::Nothing,
            (false, false) => Printing::Lines,
            (false, true) => Printing::Trees,
        };
        let shared = Arc::new(Shared {
            server,
            title: format!("collected at {address}"),
            state: Mutex::new((expectations, kept)),
            save: arguments.save.clone(),
            printing,
        });
        let listening = Arc::clone(&shared);
        let listener = thread::spawn(move || {
            // `unblock` ends it.
            while let Ok(request) = listening.server.recv() {
                let shared = Arc::clone(&listening);
                // Each has a thread of its own, because a client that sends slowly must not hold up others. `tiny_http` answers
                // a request with 500 that gets none.
                _ = thread::Builder::new().spawn(move || shared.answer(request));
            }
        });
        Ok(Self { shared, listener, address })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns true if no later span changes the outcome.
    pub(super) fn is_settled(&self) -> bool {
        self.shared.state().0.are_settled()
    }

    /// Stops listening. Requests that are being answered are finished, unless their clients take longer than [`PATIENCE`].
    pub(super) fn stop(self) -> (Expectations, Kept) {
        self.shared.server.unblock();
        _ = self.listener.join();
        let end = Instant::now() + PATIENCE;
        // Each request that is being answered holds the state.
        while Arc::strong_count(&self.shared) > 1 && Instant::now() < end {
            thread::sleep(Duration::from_millis(5));
        }
        let mut state = self.shared.state();
        std::mem::replace(&mut *state, (Expectations::default(), Kept::new(1)))
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, (Expectations, Kept)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, mut http: Request) {
        let (path, query) = http.url().split_once('?').unwrap_or((http.url(), ""));
        let response = match (http.method(), path) {
            (Method::Post, "/v1/traces") => self.take(&mut http),
            (Method::Get, "/") => response(200, "text/html; charset=utf-8", self.state().1.page(&self.title)),
            (Method::Get, "/traces.json") => {
                let since = query.strip_prefix("since=").and_then(|since| since.parse().ok()).unwrap_or(0);
                response(200, "application/json", self.state().1.changes_since(since))
            }
            (_, "/v1/traces" | "/" | "/traces.json") => text(405, "this address is not for this method"),
            (_, "/v1/metrics" | "/v1/logs") => text(404, "only traces are collected"),
            _ => text(404, "traces go to /v1/traces; the page is at /"),
        };
        // The other side may be gone.
        _ = http.respond(response);
    }

    /// Takes a request of OTLP.
    fn take(&self, http: &mut Request) -> Response<Cursor<Vec<u8>>> {
        let header = |name: &'static str| {
            let header = http.headers().iter().find(|header| header.field.equiv(name));
            header.map(|header| header.value.as_str().to_owned()).unwrap_or_default()
        };
        let (content_type, content_encoding) = (header("Content-Type"), header("Content-Encoding"));
        let encoding = match Encoding::of(&content_type) {
            Ok(encoding) => encoding,
            Err(refusal) => return refused(&refusal),
        };
        let taken = request(http.as_reader(), encoding, &content_encoding).and_then(|request| {
            let spans = Trace::from_otlp(&request).map_err(|error| refusal(400, with_causes(&error)))?;
            self.save(&request, &spans)?;
            Ok(spans)
        });
        match taken {
            Ok(spans) => {
                self.keep(&spans);
                response(200, encoding.content_type(), encoding.success().to_owned())
            }
            Err(refusal) => refused(&refusal),
        }
    }

    /// Saves a request, if there is a directory for it. The status that refuses it makes a charm keep the trace.
    fn save(&self, request: &[u8], spans: &Trace) -> Result<(), Refusal> {
        let (Some(directory), Some(span)) = (&self.save, spans.spans().first()) else { return Ok(()) };
        let name = WaitingName::new(SystemTime::now(), span.trace_id, request);
        let path = directory.join(name.to_string());
        // Whoever reads the directory meanwhile finds whole files.
        let part = path.with_added_extension("part");
        fs::write(&part, request).and_then(|()| fs::rename(&part, &path)).map_err(|error| {
            self.state().0.add_unsaved();
            refusal(503, format!("cannot write {}: {error}", path.display()))
        })
    }

    fn keep(&self, spans: &Trace) {
        let traces = spans.traces();
        if self.printing != Printing::Nothing {
            self.print(&traces);
        }
        let mut state = self.state();
        state.0.add(spans);
        for trace in traces {
            state.1.add(trace);
        }
    }

    fn print(&self, traces: &[Trace]) {
        let text: String = if self.printing == Printing::Trees {
            let pictures = traces.iter().map(|trace| painted_picture(&trace.picture(columns())) + "\n");
            pictures.collect()
        } else {
            traces.iter().map(|trace| line(&Summary::of(trace))).collect()
        };
        _ = print(text);
    }
}

/// Writes a line for a trace. The columns have the widths of most units and events, because the next line is not known.
fn line(summary: &Summary) -> String {
    let Summary { spans, failed, id, .. } = summary;
    let (unit, event) = (in_one_line(&summary.unit), in_one_line(&summary.event));
    let took = in_words(summary.duration);
    let failed = if *failed == 0 { String::new() } else { painted(BAD, format!("  {failed} failed")) };
    let time = painted(WEAK, local_time(summary.start_nanos));
    format!("{time}  {unit:12}  {event:24}  {took:>8}  {spans:>5} spans  {id}{failed}\n")
}

fn refused(Refusal { status, reason }: &Refusal) -> Response<Cursor<Vec<u8>>> {
    complain(format_args!("refused a request with {status}: {reason}"));
    text(*status, reason)
}

fn text(status: u16, text: &str) -> Response<Cursor<Vec<u8>>> {
    response(status, "text/plain; charset=utf-8", format!("{text}\n"))
}

fn response(status: u16, content_type: &str, body: String) -> Response<Cursor<Vec<u8>>> {
    let header = |name: &str, value: &str| Header::from_bytes(name, value).ok();
    let headers = [header("Content-Type", content_type), header("Cache-Control", "no-store")];
    let response = Response::from_string(body).with_status_code(status);
    // The type that `from_string` names is replaced.
    headers.into_iter().flatten().fold(response, Response::with_header)
}
