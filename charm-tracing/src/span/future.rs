use std::future::{Future, poll_fn};
use std::pin::pin;
use std::thread;

use opentelemetry::trace::Status;

use super::Callee;
use super::failure::Failure;
use super::guard::OpenSpan;
use crate::globals;

/// Runs the body of a traced `async fn`: its span opens at the first poll, is current exactly while the body is
/// polled, and ends with it. A future that is dropped half-way ends its span with the status `cancelled`.
pub async fn trace_future<F: Future>(
    callee: Callee,
    body: F,
    failure: impl FnOnce(&F::Output) -> Option<Failure>,
) -> F::Output {
    // Before the body, so that it ends after the body's own variables when both are dropped half-way.
    let span = Unfinished(if globals::is_recording() { OpenSpan::of_call(callee) } else { None });
    let mut body = pin!(body);
    let output = poll_fn(|task| {
        let _current = span.0.as_ref().map(OpenSpan::attach);
        body.as_mut().poll(task)
    })
    .await;
    span.finish(&output, failure);
    output
}

/// Only a finished body takes the span out; what is dropped with it inside was cancelled.
struct Unfinished(Option<OpenSpan>);

impl Unfinished {
    fn finish<T>(mut self, output: &T, failure: impl FnOnce(&T) -> Option<Failure>) {
        if let Some(span) = self.0.take()
            && let Some(failure) = failure(output)
        {
            failure.record(&span.span());
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(span) = &self.0
            && !thread::panicking()
        {
            span.span().set_status(Status::error("cancelled"));
        }
    }
}
