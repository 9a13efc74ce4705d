use opentelemetry::global::GlobalTracerProvider;
use opentelemetry::trace::TraceContextExt;

use super::{Span, Trace};
use crate::otlp::encode_request;
use crate::recorder::globals;
use crate::recorder::turn::{Turn, Use};
use crate::recorder::{self, Details, new_trace, open_trace, own_scope};
use crate::span;

/// A recording in memory of every span of the process, for as long as it lives. It buffers and sends nothing, and needs no
/// dispatch.
#[derive(Debug)]
#[must_use = "nothing is recorded any more when this is dropped"]
pub struct Recording {
    previous_provider: Option<GlobalTracerProvider>,
    _turn: Turn,
}

impl Recording {
    /// Starts to record. Waits first while another thread of this process holds a recording or has a
    /// [`Session`](crate::Session) open.
    ///
    /// # Panics
    ///
    /// Panics if this thread holds a recording or has a session open, because its spans and those of this recording would be
    /// the same. Panics if another thread has had one for a minute, because that thread may be waiting for this one.
    pub fn start() -> Self {
        let turn = Turn::take(Use::Recording);
        let turn = turn.unwrap_or_else(|refused| panic!("cannot record spans: {refused}"));
        let root = Box::new(Details::named("recording", Vec::new()));
        let opened = span::own_work(|| open_trace(u64::MAX, &new_trace(), root, None));
        opened.expect("nothing is open out of turn");
        let previous = recorder::install();
        span::install_hook();
        Self { previous_provider: Some(previous), _turn: turn }
    }

    /// Returns the spans that have ended so far.
    ///
    /// A span has no parent if it was opened outside of all others. The parent of a span may be missing, because it has not
    /// ended.
    #[must_use]
    pub fn spans(&self) -> Trace {
        let encoded = span::own_work(|| {
            globals::with(|trace| {
                let request = encode_request(&trace.spans, trace.context, &own_scope(), &[]);
                (request, trace.root.as_ref().map(|root| root.span().span_context().span_id()))
            })
        });
        let (request, root) = encoded.unwrap_or_default();
        let trace = Trace::from_otlp(&request);
        let trace = trace.unwrap_or_else(|error| unreachable!("the request is our own: {error}"));
        // The recording's own root is not among the spans.
        let without_root =
            |span: Span| Span { parent_span_id: span.parent_span_id.filter(|id| Some(*id) != root), ..span };
        trace.into_iter().map(without_root).collect()
    }

    /// Returns the [`Trace::tree`] of the spans that have ended so far.
    #[must_use]
    pub fn tree(&self) -> String {
        self.spans().tree()
    }

    /// Returns the number of spans that have ended so far.
    #[must_use]
    pub fn count(&self) -> usize {
        globals::with(|trace| trace.spans.ended().len()).unwrap_or(0)
    }

    /// Forgets the spans that have ended so far.
    pub fn clear(&self) {
        span::own_work(|| globals::with(|trace| trace.spans.forget()));
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if let Some(previous) = self.previous_provider.take() {
            recorder::uninstall(previous);
        }
        globals::close();
    }
}

#[cfg(test)]
mod tests;
