use std::fmt;
use std::mem;

use opentelemetry::Context;

use super::Session;
use crate::recorder::{Handle, globals, set_event};
use crate::span::{self, Current, OpenSpan, StatusOnly};

impl Session {
    /// Handles the event of this dispatch inside its span, e.g. `event: update_status`.
    ///
    /// While the event is handled, its span is also the parent of the spans of threads and tasks that have no current span.
    ///
    /// An action that calls `action-fail` with the hook tools of [`dispatch`](Self::dispatch) marks this span and the
    /// root as failed. A call outside of the event marks only the root.
    pub fn event<R>(&mut self, handle: impl FnOnce() -> R) -> R {
        self.in_event(handle, |_| None)
    }

    /// Handles the event as [`event`](Self::event) does, but with a handler that can fail: an error marks the event's
    /// span and the root as failed.
    ///
    /// # Errors
    ///
    /// Returns the handler's error.
    pub fn try_event<T, E: fmt::Debug>(&mut self, handle: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.in_event(handle, failure_of)
    }

    /// Handles the event as [`event`](Self::event) does, but with a handler that waits for futures. Any runtime may poll it.
    ///
    /// The span of the event ends with the future. If the future is dropped before it has ended, the span has the status
    /// error "cancelled". A session stays on its thread, and so does this future.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use charm_tracing::{Config, Session, juju::Dispatch};
    ///
    /// let mut session = Session::start(Dispatch::from_env(), Config::new().charm_type("MyCharm"));
    /// let answer = session.event_async(async || tokio::spawn(async { 42 }).await).await;
    /// # assert_eq!(answer.unwrap(), 42);
    /// session.finish(None);
    /// # }
    /// ```
    pub async fn event_async<R>(&mut self, handle: impl AsyncFnOnce() -> R) -> R {
        self.in_event_async(handle, |_| None).await
    }

    /// Handles the event as [`event_async`](Self::event_async) does, but with a handler that can fail: an error marks the
    /// event's span and the root as failed.
    ///
    /// # Errors
    ///
    /// Returns the handler's error.
    pub async fn try_event_async<T, E: fmt::Debug>(
        &mut self,
        handle: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        self.in_event_async(handle, failure_of).await
    }

    /// Handles the event. `failure` returns the handler's error with its first line; `None` if the handler did not fail.
    pub(crate) fn in_event<R>(
        &mut self,
        handle: impl FnOnce() -> R,
        failure: impl FnOnce(&R) -> Option<StatusOnly>,
    ) -> R {
        let Some((_span, event)) = self.begin_event() else { return handle() };
        let result = handle();
        self.end_event(&event, failure(&result));
        result
    }

    async fn in_event_async<R>(
        &mut self,
        handle: impl AsyncFnOnce() -> R,
        failure: impl FnOnce(&R) -> Option<StatusOnly>,
    ) -> R {
        let Some((span, event)) = self.begin_event() else { return handle().await };
        // The event ends in the future, and so before the span does.
        let handled = async move {
            let result = handle().await;
            self.end_event(&event, failure(&result));
            result
        };
        span::in_span(span, handled).await
    }

    /// Opens the span of the event; `None` if nothing records. The span itself is `None` if the quota is used up.
    fn begin_event(&mut self) -> Option<(Option<(OpenSpan, Context)>, OpenEvent)> {
        let open = self.open.as_mut()?;
        let name = self.dispatch.event();
        self.dispatch.juju_log_without_waiting(log::Level::Debug, &format!("Emitting Juju event {name}."));
        let event_type = if self.dispatch.is_action() { "action" } else { "hook" };
        let span = span::open_event(name, event_type);
        let event = OpenEvent {
            span: span.as_ref().map(|(span, context)| (span.handle(), Around::begin(context.clone()))),
            ended_before: ended_count(),
            // Stays false if the handler panics or is cancelled.
            was_idle: mem::replace(&mut open.idle, false),
        };
        Some((span, event))
    }

    fn end_event(&mut self, event: &OpenEvent, failure: Option<StatusOnly>) {
        let Some(open) = &mut self.open else { return };
        // In a process that was forked while the handler ran, none may be found.
        let ended = ended_count().saturating_sub(event.ended_before);
        open.idle = event.was_idle && ended <= open.config.idle_spans;
        if let Some(failure) = failure.or_else(|| open.failure_of_action()) {
            open.fail(failure.clone());
            if let Some((span, _)) = &event.span {
                span.fail(failure.error_type, failure.description);
            }
        }
    }
}

/// An event that is being handled.
#[derive(Debug)]
struct OpenEvent {
    span: Option<(Handle, Around)>,
    /// The number of spans that had ended before.
    ended_before: usize,
    was_idle: bool,
}

/// Makes the event's span the parent of everything that this process does while the event is handled. On the thread of the
/// session it is the current span, also between the polls of an async handler: a runtime on that thread runs the handler's
/// tasks then. Other threads find it as the parent of spans that have no nearer one.
#[derive(Debug)]
struct Around {
    _current: Current,
}

impl Around {
    fn begin(context: Context) -> Self {
        set_event(Some(context.clone()));
        Self { _current: Current::attach(context) }
    }
}

impl Drop for Around {
    fn drop(&mut self) {
        set_event(None);
    }
}

fn failure_of<T, E: fmt::Debug>(result: &Result<T, E>) -> Option<StatusOnly> {
    result.as_ref().err().map(|error| StatusOnly::of::<E>(span::headline(error)))
}

/// Returns the number of spans that have ended.
fn ended_count() -> usize {
    globals::with(|trace| trace.spans.ended().len()).unwrap_or(0)
}
