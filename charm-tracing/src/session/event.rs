use std::fmt;
use std::mem;

use super::Session;
use crate::recorder::globals;
use crate::span::{self, Current, EventKind, StatusOnly};

impl Session {
    /// Handles the event of this dispatch inside its span, e.g. `event: update_status`.
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
        self.in_event(handle, |result| {
            result.as_ref().err().map(|error| StatusOnly::of::<E>(span::headline(error)))
        })
    }

    /// Handles the event. `failure` returns the handler's error with its first line; `None` if the handler did not fail.
    pub(crate) fn in_event<R>(
        &mut self,
        handle: impl FnOnce() -> R,
        failure: impl FnOnce(&R) -> Option<StatusOnly>,
    ) -> R {
        let Some(open) = &mut self.open else { return handle() };
        let name = self.dispatch.event();
        self.dispatch.juju_log_without_waiting(log::Level::Debug, &format!("Emitting Juju event {name}."));
        let kind = if self.dispatch.is_action() { EventKind::Action } else { EventKind::Hook };
        let (span, context) = span::open_event(name, kind).unzip();
        let _current = context.map(Current::attach);
        let ended = ended_count();
        // Stays false if the handler panics.
        let before = mem::replace(&mut open.idle, false);
        let result = handle();
        open.idle = before && ended_count() - ended <= open.config.idle_spans;
        if let Some(failure) = failure(&result).or_else(|| open.failure_of_action()) {
            open.fail(failure.clone());
            if let Some(span) = &span {
                span.fail(failure);
            }
        }
        result
    }
}

/// Returns the number of spans that have ended.
fn ended_count() -> usize {
    globals::with(|trace| trace.spans.ended_count()).unwrap_or(0)
}
