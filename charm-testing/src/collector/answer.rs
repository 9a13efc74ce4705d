//! How the collector answers: what a test asks for, and the bytes that makes.

use std::collections::VecDeque;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message;

use super::request::{Request, media_type};

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// An instruction for the collector: how to treat the next request.
///
/// Give it to [`Collector::answer`](super::Collector::answer), at any time.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Answers as a healthy backend: 200 with an empty `ExportTraceServiceResponse`, in the two bytes `0a 00` that
    /// Grafana Tempo sends. A request that no backend would take gets what a backend says to it: 404 for another
    /// path than `/v1/traces`, 405 for another method than POST, 415 for another content type, 400 for a body that
    /// is not an `ExportTraceServiceRequest`. A request in JSON is answered in JSON.
    Accept,
    /// Answers 200 and says that some of the spans were thrown away.
    PartialSuccess {
        /// How many spans the backend claims to have rejected.
        rejected: i64,
        /// Why, in its own words.
        message: String,
    },
    /// Answers with this status and nothing else.
    Status(u16),
    /// Answers with exactly this.
    Reply(Reply),
    /// Waits, then does the other thing.
    After(Duration, Box<Answer>),
    /// Accepts the connection, reads the request, and never answers.
    Hang,
    /// Accepts the connection and never reads from it: a TLS handshake does not even begin. On a connection that is
    /// open already this is the same as [`Answer::Hang`].
    HangOnAccept,
    /// Reads the request, then closes the connection without a word.
    CloseEarly,
    /// Closes the connection as well, but takes the spans: only the acknowledgement is lost.
    TakeAndClose,
    /// Writes these bytes in the place of an HTTP answer, then closes the connection: half an answer, or none at all.
    Bytes(Vec<u8>),
    /// Writes the first bytes, then the second again and again, until the client goes away.
    Endless(Vec<u8>, Vec<u8>),
    /// One answer per request, in this order; the last one is for all that follow.
    Then(Vec<Answer>),
}

/// An HTTP answer, spelled out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status code.
    pub status: u16,
    /// Headers beside `content-length`, which is always sent.
    pub headers: Vec<(String, String)>,
    /// The body as it goes over the wire.
    pub body: Vec<u8>,
}

impl Reply {
    /// A reply with this status, no headers and no body. `Reply::new(200)` is how the OpenTelemetry collector accepts.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// Adds a header, e.g. `retry-after`.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The answer of a backend that took the request, with what it has to say about it.
    fn taken(request: &Request, response: &ExportTraceServiceResponse) -> Self {
        let (media_type, body) = if request.is_json() {
            (JSON, serde_json::to_vec(response).expect("an answer is JSON"))
        } else {
            (PROTOBUF, response.encode_to_vec())
        };
        Self::new(200).header("content-type", media_type).body(body)
    }
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}

/// The answers still to be given. The last one is never used up. An empty script accepts everything.
#[derive(Debug, Default)]
pub(super) struct Script(VecDeque<Answer>);

impl Script {
    pub(super) fn new(answer: Answer) -> Self {
        let mut steps = VecDeque::new();
        flatten(answer, &mut steps);
        Self(steps)
    }

    pub(super) fn next(&mut self) -> Answer {
        if self.0.len() > 1 { self.0.pop_front() } else { self.0.front().cloned() }.unwrap_or(Answer::Accept)
    }

    /// Takes the next answer if it is this one.
    pub(super) fn next_if(&mut self, wanted: &Answer) -> bool {
        self.0.front() == Some(wanted) && self.next() == *wanted
    }
}

fn flatten(answer: Answer, steps: &mut VecDeque<Answer>) {
    match answer {
        Answer::Then(list) => list.into_iter().for_each(|answer| flatten(answer, steps)),
        single => steps.push_back(single),
    }
}

/// The treatment of one connection, decided before it begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    Reply { after: Duration, reply: Reply },
    Bytes { first: Vec<u8>, then: Vec<u8> },
    Hang,
    Close { taken: bool },
}

impl Action {
    /// The status the client will see, if it will see one, or would have seen if the connection had not broken: what a
    /// backend has said in whole headers, it has done.
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Reply { reply, .. } => Some(reply.status),
            Self::Close { taken: true } => Some(200),
            Self::Bytes { first, .. } => {
                let mut headers = [httparse::EMPTY_HEADER; 8];
                let mut answer = httparse::Response::new(&mut headers);
                answer.parse(first).ok().filter(httparse::Status::is_complete)?;
                answer.code
            }
            Self::Hang | Self::Close { taken: false } => None,
        }
    }
}

pub(super) fn decide(answer: Answer, request: &Request) -> Action {
    let reply = match answer {
        Answer::Accept => as_backend(request),
        Answer::PartialSuccess { rejected, message } => Reply::taken(
            request,
            &ExportTraceServiceResponse {
                partial_success: Some(ExportTracePartialSuccess {
                    rejected_spans: rejected,
                    error_message: message,
                }),
            },
        ),
        Answer::Status(status) => Reply::new(status),
        Answer::Reply(reply) => reply,
        Answer::After(pause, answer) => {
            return match decide(*answer, request) {
                Action::Reply { after, reply } => Action::Reply { after: pause + after, reply },
                other => other,
            };
        }
        Answer::Hang | Answer::HangOnAccept => return Action::Hang,
        Answer::CloseEarly => return Action::Close { taken: false },
        Answer::TakeAndClose => return Action::Close { taken: true },
        Answer::Bytes(first) => return Action::Bytes { first, then: Vec::new() },
        Answer::Endless(first, then) => return Action::Bytes { first, then },
        Answer::Then(list) => {
            return decide(list.into_iter().next().unwrap_or(Answer::Accept), request);
        }
    };
    Action::Reply { after: Duration::ZERO, reply }
}

/// A test that sent nonsense to an endlessly patient collector would pass, so this one looks.
fn as_backend(request: &Request) -> Reply {
    if request.path != "/v1/traces" {
        return Reply::new(404).body("no such path");
    }
    if request.method != "POST" {
        return Reply::new(405).header("allow", "POST");
    }
    if ![Some(PROTOBUF), Some(JSON)].contains(&media_type(&request.headers)) {
        return Reply::new(415).body("only application/x-protobuf and application/json");
    }
    match &request.trace {
        Ok(_) => Reply::taken(
            request,
            &ExportTraceServiceResponse { partial_success: Some(ExportTracePartialSuccess::default()) },
        ),
        Err(reason) => Reply::new(400).body(reason.as_bytes()),
    }
}
