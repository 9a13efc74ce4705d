use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::KeyValue;
use opentelemetry::trace::TraceContextExt;
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Dispatch, Event, Level, LevelFilter, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::fields::Fields;
use super::sites::SpanSite;
use super::spans::Spans;
use super::{entered, sites};
use crate::juju_log;
use crate::recorder::root;
use crate::span::{self, InstrumentedSpan, LoggingSpan};

/// A layer for a subscriber of the crate `tracing`. Its spans become spans of the session's trace, and its events become
/// span events and lines in Juju's log.
///
/// ```
/// use charm_tracing::TracingLayer;
/// use tracing_subscriber::prelude::*;
///
/// tracing_subscriber::registry().with(TracingLayer::new()).init();
/// ```
///
/// A span of `#[tracing::instrument]` is a child of the traced method that calls the function, and the parent of the traced
/// methods that it calls. A span with `parent: None` is a child of the root. The fields are attributes, beside
/// `code.file.path` and `code.line.number`, and `target` if it is not the module. A span that starts while no session is open is not recorded.
///
/// An event becomes an event of the current span, whichever API opened that one. Its name is the message, and it has the
/// attributes `level` and `target`, and the fields. An event at ERROR with a field `error`, such as that of
/// `#[tracing::instrument(err)]`, is an `exception` instead, and marks the span as failed.
///
/// The layer records everything that the subscriber's filters let through. Of the events among it, those that
/// [`juju_level`](Self::juju_level) lets through go to Juju's log. Events of this project and of the crates that deliver traces are left out.
///
/// If a subscriber has several of these layers, only the last that was added records. That does not hold for those in a `Vec`, an
/// `Option` or a boxed subscriber, which do not tell a layer its subscriber: all of them record.
#[derive(Debug)]
#[must_use = "add it to a subscriber with `with`"]
pub struct TracingLayer {
    juju_level: LevelFilter,
    trace_ids: bool,
    /// True if the subscriber has another one, which records.
    is_silent: AtomicBool,
    spans: Spans,
}

impl TracingLayer {
    /// Returns the layer with the defaults that the methods below name.
    pub const fn new() -> Self {
        Self {
            juju_level: LevelFilter::INFO,
            trace_ids: false,
            is_silent: AtomicBool::new(false),
            spans: Spans::new(),
        }
    }

    /// Sets the least severe level that is sent to Juju's log; the trace gets the other events as well. Default: INFO, as
    /// Juju drops what is below it unless its `logging-config` says otherwise.
    pub const fn juju_level(mut self, level: LevelFilter) -> Self {
        self.juju_level = level;
        self
    }

    /// Sets whether each line in Juju's log ends with `trace_id=... span_id=...` of the current span. Default: false.
    pub const fn trace_ids(mut self, shown: bool) -> Self {
        self.trace_ids = shown;
        self
    }

    fn is_silent(&self) -> bool {
        self.is_silent.load(Ordering::Relaxed)
    }

    fn write(&self, event: &Event<'_>, span: Option<&LoggingSpan>) {
        let metadata = event.metadata();
        let level = *metadata.level();
        let mut fields = Fields::of_event(level == Level::ERROR);
        event.record(&mut fields);
        let target = fields.log_target.take();
        if target.as_deref().is_some_and(juju_log::is_silent) {
            return;
        }
        let line = (level <= self.juju_level).then(|| fields.line());
        if let Some(span) = span {
            let target = target.map_or_else(
                || KeyValue::new("target", metadata.target()),
                |target| KeyValue::new("target", target),
            );
            record(span, fields, [KeyValue::new("level", level.as_str()), target], metadata.name());
        }
        if let Some(mut line) = line {
            if let Some(span) = span.filter(|_| self.trace_ids) {
                span.append_ids(&mut line);
            }
            // The levels of `log` have the same names.
            juju_log::write(level.as_str().parse().unwrap_or(log::Level::Info), &line);
        }
    }
}

impl Default for TracingLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Subscriber> Layer<S> for TracingLayer {
    fn on_register_dispatch(&self, subscriber: &Dispatch) {
        // All layers of one subscriber find the same layer here. The others are silent, so each span is recorded once.
        let is_other = |recording: &Self| !ptr::eq(recording, self);
        self.is_silent.store(subscriber.downcast_ref().is_some_and(is_other), Ordering::Relaxed);
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _context: Context<'_, S>) {
        if self.is_silent() || !span::is_recording_here() {
            return;
        }
        let SpanSite { site, target } = sites::site(attributes.metadata());
        let mut fields = Fields::default();
        if !attributes.is_empty() {
            attributes.record(&mut fields);
        }
        if let Some(target) = target {
            fields.attributes.push(KeyValue::new("target", *target));
        }
        let parent = match attributes.parent() {
            Some(parent) => self.spans.read(parent, |parent| parent.context().clone()),
            None if attributes.is_root() => root(),
            None => None,
        };
        let Some(span) = InstrumentedSpan::start(parent, site, fields.attributes) else {
            return;
        };
        if let Some((message, _)) = fields.error {
            span.fail(message);
        }
        self.spans.insert(id, span);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _context: Context<'_, S>) {
        if self.spans.read(id, |_| ()).is_none() {
            return;
        }
        let mut fields = Fields::default();
        // It runs code of the charm, so the spans are not locked.
        values.record(&mut fields);
        self.spans.read(id, |span| {
            for attribute in fields.attributes {
                span.set_attribute(attribute);
            }
            if let Some((message, _)) = fields.error {
                span.fail(message);
            }
        });
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, _context: Context<'_, S>) {
        let to = self.spans.read(follows, |follows| follows.context().span().span_context().clone());
        if let Some(to) = to {
            self.spans.read(id, |span| span.add_link(to));
        }
    }

    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        if self.is_silent() || juju_log::is_silent(event.metadata().target()) {
            return;
        }
        juju_log::unless_writing(|| {
            let parent =
                event.parent().and_then(|parent| self.spans.read(parent, InstrumentedSpan::logging_span));
            let span = parent.or_else(LoggingSpan::current);
            // Values of the charm are formatted here, and the hook tools may be the charm's as well.
            span::catch_panics(|| self.write(event, span.as_ref()));
        });
    }

    fn on_enter(&self, id: &Id, _context: Context<'_, S>) {
        if let Some(context) = self.spans.read(id, |span| span.context().clone()) {
            entered::enter(&self.spans, id, context);
        }
    }

    fn on_exit(&self, id: &Id, _context: Context<'_, S>) {
        if !self.is_silent() {
            entered::exit(&self.spans, id);
        }
    }

    fn on_close(&self, id: Id, _context: Context<'_, S>) {
        drop(self.spans.remove(&id));
    }
}

/// Records an event. `own` are the attributes that each event has, and `name` is that of one without a message.
fn record(span: &LoggingSpan, fields: Fields, own: [KeyValue; 2], name: &'static str) {
    let Fields { attributes: others, message, error, is_failure, .. } = fields;
    let mut attributes = Vec::with_capacity(5 + others.len());
    let failure = error.filter(|_| is_failure);
    if let Some((text, causes)) = &failure {
        attributes.push(KeyValue::new("exception.message", text.clone()));
        attributes.extend(causes.clone().map(|causes| KeyValue::new("exception.stacktrace", causes)));
        attributes.extend(message.clone().map(|message| KeyValue::new("message", message)));
    }
    let others =
        others.into_iter().filter(|field| own.iter().all(|own| own.key != field.key)).collect::<Vec<_>>();
    attributes.extend(own);
    attributes.extend(others);
    match failure {
        Some((text, _)) => span.fail(text, attributes),
        None => span.add_event(message.as_deref().unwrap_or(name), attributes),
    }
}
