use std::borrow::Cow;
use std::{any::type_name, mem, thread};

use opentelemetry::trace::{Event, SpanContext, TraceContextExt};
use opentelemetry::{Context, ContextGuard, KeyValue};

use super::failure::Failure;
use super::type_name::short;
use super::{Site, alive, own_work, panic};
use crate::recorder::globals;
use crate::recorder::{Details, Handle, LiveSpan, Purpose, now, now_of_event, parent_of_orphans};

/// An open span, which ends when this is dropped. It ends as an error if a panic then unwinds the thread, unless that panic is
/// older than the span.
///
/// It is the current span of a thread while its context is attached there.
#[derive(Debug)]
pub(crate) struct OpenSpan {
    handle: Handle,
    /// True if a panic was unwinding the thread when the span was opened. That panic is no failure of this span.
    unwinding_before: bool,
}

impl OpenSpan {
    /// Opens a span as a child of the innermost open span, whichever API opened that one. On a thread that has none, it is a child
    /// of the event while that is handled, else of the root. Returns the span with the context to attach.
    ///
    /// Returns `None` if nothing records, on a thread that is ending, in work that is done only for a trace, and if the quota
    /// is used up.
    pub(crate) fn start(details: Details) -> Option<(Self, Context)> {
        if !globals::is_recording() {
            return None;
        }
        let (handle, context) = open_in_context(|| (None, Some(Box::new(details))))?;
        Some((Self::new(handle), context))
    }

    /// Returns the span, which is not attached any more, with the context to attach where its work continues.
    pub(super) fn into_context(self) -> Option<(Self, Context)> {
        own_work(|| {
            // Any span of the trace can be the parent here, because only its trace id, flags and trace state are used.
            let current = Context::current();
            let other = if has_span(&current) { None } else { Some(parent_of_orphans()?) };
            let parent = other.as_ref().unwrap_or(&current).span();
            let context = in_context(&current, self.handle, parent.span_context());
            Some((self, context))
        })
    }

    pub(crate) fn new(handle: Handle) -> Self {
        Self::begun(handle, is_unwinding())
    }

    #[inline]
    pub(super) fn begun(handle: Handle, unwinding_before: bool) -> Self {
        Self { handle, unwinding_before }
    }

    #[inline]
    pub(crate) fn handle(&self) -> Handle {
        self.handle
    }

    /// Adds an event of the session, even if the charm's share of the quota is used up.
    pub(crate) fn add_event(&self, name: impl Into<Cow<'static, str>>, attributes: Vec<KeyValue>) {
        self.handle.add_event(Purpose::Failure, Event::new(name, now_of_event(), attributes, 0));
    }

    /// Sets an attribute that belongs to what the span itself is, as far as the charm's part of the quota allows.
    pub(crate) fn describe(&self, attribute: KeyValue) {
        self.handle.set_attribute(Purpose::Charm, attribute);
    }

    /// Sets an attribute that says what the trace lacks. A part of the quota is reserved for such attributes.
    pub(crate) fn set_attribute(&self, attribute: KeyValue) {
        self.handle.set_attribute(Purpose::Lack, attribute);
    }

    /// Sets the status to an error. Adds no `exception` event, because that is on the span of the function that failed.
    pub(crate) fn fail(&self, failure: StatusOnly) {
        self.handle.fail(failure.error_type, failure.description);
    }

    pub(crate) fn failed(&self, failure: Failure) {
        own_work(|| failure.record(self.handle));
    }

    /// Records the last panic of this thread, for a span that was open during the panic and is still open after it.
    pub(crate) fn panicked(&self) {
        own_work(|| panic::unwinding().record(self.handle));
    }

    /// Ends the span of a call that has returned. The end is the time of this call, because describing the failure may take
    /// long.
    #[inline]
    pub(super) fn end(self, failure: impl FnOnce() -> Option<Failure>) {
        let (handle, end) = (self.handle, now());
        mem::forget(self);
        panic::forget();
        own_work(|| {
            if let Some(failure) = failure() {
                failure.record(handle);
            }
            globals::with(|trace| trace.end_span(handle, end));
        });
    }

    /// Notes that the future of this span is dropped before it has finished. A panic that unwinds the thread now is no failure
    /// of this span.
    pub(super) fn is_being_dropped(&mut self) {
        self.unwinding_before = thread::panicking();
    }

    /// Ends the span of a future that was dropped before it had finished, as an error: `cancelled`, or the panic if a
    /// destructor of the future panicked.
    pub(crate) fn cancelled(self) {
        if !thread::panicking() || self.unwinding_before {
            self.fail(StatusOnly { error_type: "cancelled".into(), description: "cancelled".to_owned() });
        }
    }
}

impl Drop for OpenSpan {
    fn drop(&mut self) {
        panic::forget();
        if thread::panicking() && !self.unwinding_before {
            self.panicked();
        }
        self.handle.end();
    }
}

/// The failure of a span whose `exception` event is on another span.
#[derive(Clone, Debug)]
pub(crate) struct StatusOnly {
    pub(crate) error_type: Cow<'static, str>,
    pub(crate) description: String,
}

impl StatusOnly {
    /// Describes an error of the type `E` by a text.
    pub(crate) fn of<E>(description: String) -> Self {
        Self { error_type: short(type_name::<E>()).into(), description }
    }
}

/// Opens a span. Calls `found` with the current context, while it is borrowed, with the handle of the span and with its parent.
#[expect(clippy::inline_always, reason = "a tenth of what a span costs is the moving of its parts")]
#[inline(always)]
pub(super) fn open_span(
    begin: impl FnOnce() -> (Option<&'static Site>, Option<Box<Details>>),
    found: impl FnOnce(&Context, Handle, &SpanContext),
) -> Option<Handle> {
    own_work::unless_own_work(|| {
        if !alive::can_open_spans() {
            return None;
        }
        let (site, details) = begin();
        Context::map_current(|current| {
            if current.is_telemetry_suppressed() {
                return None;
            }
            let other = if has_span(current) { None } else { Some(parent_of_orphans()?) };
            let parent = other.as_ref().unwrap_or(current).span();
            let parent = parent.span_context();
            let start = now();
            let handle = globals::with(|trace| trace.begin_span(parent, site, details, start))??;
            found(current, handle, parent);
            Some(handle)
        })
    })
}

/// Opens a span as [`open_span`] does, but also returns the context to attach.
#[expect(clippy::inline_always, reason = "as above")]
#[inline(always)]
pub(super) fn open_in_context(
    begin: impl FnOnce() -> (Option<&'static Site>, Option<Box<Details>>),
) -> Option<(Handle, Context)> {
    let mut context = None;
    let found = |current: &Context, handle, parent: &_| context = Some(in_context(current, handle, parent));
    let handle = open_span(begin, found)?;
    Some((handle, context?))
}

/// Returns true if a panic unwinds the thread when a span is opened. Otherwise forgets the last panic of the thread.
#[inline]
pub(super) fn is_unwinding() -> bool {
    panic::forget();
    thread::panicking()
}

/// Returns true if the context has a span. If it has none, spans are opened below that of [`parent_of_orphans`].
#[inline]
fn has_span(context: &Context) -> bool {
    context.span().span_context().is_valid()
}

/// Returns the context in which a span below `parent` is the current one.
#[inline]
pub(super) fn in_context(current: &Context, handle: Handle, parent: &SpanContext) -> Context {
    current.with_span(LiveSpan::of(handle, parent))
}

/// A guard that makes a span the current one of its thread while it lives.
///
/// Inside of `opentelemetry::trace::get_active_span` and `Context::map_current` it does nothing. OpenTelemetry panics if
/// another context is attached while the charm looks at the current one, and offers no way to ask before.
#[derive(Debug)]
pub(crate) struct Current(Option<ContextGuard>);

impl Current {
    pub(crate) fn attach(context: Context) -> Self {
        Self(attach(context))
    }
}

pub(super) fn attach(context: Context) -> Option<ContextGuard> {
    own_work::catch_panics(|| context.attach())
}

impl Drop for Current {
    fn drop(&mut self) {
        own_work(|| self.0.take());
    }
}
