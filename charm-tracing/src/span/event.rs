use std::fmt;

use opentelemetry::{Context, KeyValue};

use super::open::{Current, OpenSpan, StatusOnly};
use super::text;
use crate::names;
use crate::recorder::{Details, globals};

/// Runs `handle` in the span of a custom or re-emitted event, such as `event: certificates_available`.
///
/// Events nest: an event that a handler emits is a child of that handler's span. If no session is open, this only calls
/// `handle`.
///
/// ```
/// let renewed = charm_tracing::event("certificates_available", || 2);
/// assert_eq!(renewed, 2);
/// ```
pub fn event<R>(name: &str, handle: impl FnOnce() -> R) -> R {
    in_event(name, |_| handle())
}

/// Runs a handler that can fail as [`event`](fn@event) does, but an error marks the span as failed.
///
/// ```
/// let renewed: Result<u8, _> = charm_tracing::try_event("certificates_available", || "two".parse());
/// assert!(renewed.is_err());
/// ```
///
/// # Errors
///
/// Returns the error of the handler.
pub fn try_event<T, E: fmt::Debug>(name: &str, handle: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    in_event(name, |span| {
        let result = handle();
        if let (Some(span), Err(error)) = (span, &result) {
            span.fail(StatusOnly::of::<E>(text::headline(error)));
        }
        result
    })
}

fn in_event<R>(name: &str, handle: impl FnOnce(Option<&OpenSpan>) -> R) -> R {
    let (span, context) = open_event(name, "custom").unzip();
    let _current = context.map(Current::attach);
    handle(span.as_ref())
}

/// Opens the span `event: <name>`, adds its span event, and returns the span with its context; `None` if nothing records.
///
/// `event_type` is the kind of the event by the names of `ops-tracing`: `hook`, `action`, or `custom` for an event that the charm
/// itself emits.
pub(crate) fn open_event(name: &str, event_type: &'static str) -> Option<(OpenSpan, Context)> {
    if !globals::is_recording() {
        return None;
    }
    let event_type = KeyValue::new("event_type", event_type);
    let (span, context) = OpenSpan::start(Details::named(names::event(name), vec![event_type]))?;
    span.add_event(name.to_owned(), Vec::new());
    Some((span, context))
}
