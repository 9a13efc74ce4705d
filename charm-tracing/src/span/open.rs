use std::borrow::Cow;
use std::thread;

use opentelemetry::trace::{Event, SpanContext, Status, TraceContextExt};
use opentelemetry::{Context, ContextGuard, KeyValue};

use super::failure::Failure;
use super::{Site, alive, panic, quiet};
use crate::recorder::globals;
use crate::recorder::{Details, Handle, LiveSpan, Purpose, now, now_of_event};

/// A span that is open. It ends when this is dropped: as an error if that happens while a panic unwinds the thread.
///
/// It is the current one of a thread while its context is attached there.
#[derive(Debug)]
pub(crate) struct OpenSpan {
    /// None once it was ended.
    handle: Option<Handle>,
    /// A span opened by a destructor while a panic unwinds is not touched by that panic.
    unwinding_before: bool,
}

impl OpenSpan {
    /// As a child of the innermost open span, whichever API opened that one; on a thread without any, of the root.
    /// None when nothing records, on a thread that is ending, in work that is done only for a trace, and if the trace has
    /// grown to its limit.
    pub(crate) fn start(name: impl Into<Cow<'static, str>>, attributes: Vec<KeyValue>) -> Option<Self> {
        if !globals::is_recording() {
            return None;
        }
        let details = || Some(Box::new(Details::named(name, attributes)));
        open(|| (None, details()), |_, _, _| ()).map(Self::new)
    }

    /// The same with the context to attach.
    pub(super) fn start_in_context(
        name: impl Into<Cow<'static, str>>,
        attributes: Vec<KeyValue>,
    ) -> Option<(Self, Context)> {
        if !globals::is_recording() {
            return None;
        }
        let details = || Some(Box::new(Details::named(name, attributes)));
        let (handle, context) = open_in_context(|| (None, details()))?;
        Some((Self::new(handle), context))
    }

    /// A span that is attached no more, and what to attach where it goes on.
    pub(super) fn into_context(self) -> Option<(Self, Context)> {
        let handle = self.handle?;
        quiet::own_work(|| {
            // Of its parent, or the root, only what they share is used.
            let current = Context::current();
            let root = if has_span(&current) { None } else { Some(globals::root()?) };
            let parent = root.as_ref().unwrap_or(&current).span();
            let context = in_context(&current, handle, parent.span_context());
            Some((self, context))
        })
    }

    pub(crate) fn new(handle: Handle) -> Self {
        Self::begun(handle, is_unwinding())
    }

    #[inline]
    pub(super) fn begun(handle: Handle, unwinding_before: bool) -> Self {
        Self { handle: Some(handle), unwinding_before }
    }

    /// None once it was ended.
    #[inline]
    pub(super) fn handle(&self) -> Option<Handle> {
        self.handle
    }

    /// Adds an event of the session's own, also when the charm's share of the quota is used up.
    pub(crate) fn add_event(&self, name: impl Into<Cow<'static, str>>, attributes: Vec<KeyValue>) {
        if let Some(handle) = self.handle {
            handle.add_event(Purpose::Failure, Event::new(name, now_of_event(), attributes, 0));
        }
    }

    /// Says what the trace lacks, for which a part of the quota is kept.
    pub(crate) fn set_attribute(&self, attribute: KeyValue) {
        if let Some(handle) = self.handle {
            handle.set_attribute(Purpose::Lack, attribute);
        }
    }

    /// Sets the status. The `exception` event is on the span of the function that failed.
    pub(crate) fn fail(&self, description: String) {
        if let Some(handle) = self.handle {
            handle.set_status(Purpose::Failure, Status::error(description));
        }
    }

    pub(crate) fn failed(&self, failure: Failure) {
        if let Some(handle) = self.handle {
            quiet::own_work(|| failure.record(handle));
        }
    }

    /// Records the last panic of this thread, for a span that was open during it and outlives it.
    pub(crate) fn panicked(&self) {
        if let Some(handle) = self.handle {
            quiet::own_work(|| panic::unwinding().record(handle));
        }
    }

    /// Ends the span of a call that has returned: now, however long the failure takes to be told.
    #[inline]
    pub(super) fn end(mut self, failure: impl FnOnce() -> Option<Failure>) {
        let end = now();
        quiet::own_work(|| {
            if let Some(handle) = self.handle.take() {
                if let Some(failure) = failure() {
                    failure.record(handle);
                }
                globals::end(handle, end);
            }
        });
    }

    /// A span whose future is dropped half-way; a panic that is under way did not pass through it.
    pub(super) fn is_being_dropped(&mut self) {
        self.unwinding_before = thread::panicking();
    }

    /// Ends it then. It is no cancellation if what the future owned panicked while it was dropped.
    pub(super) fn cancelled(self) {
        if !thread::panicking() || self.unwinding_before {
            self.fail("cancelled".into());
        }
    }
}

impl Drop for OpenSpan {
    fn drop(&mut self) {
        panic::forget();
        if thread::panicking() && !self.unwinding_before {
            self.panicked();
        }
        if let Some(handle) = self.handle {
            handle.end();
        }
    }
}

/// Opens a span. `found` is called with the context in which that happens, while it is borrowed, and with the parent.
#[expect(clippy::inline_always, reason = "a tenth of what a span costs is the moving of its parts")]
#[inline(always)]
pub(super) fn open(
    begin: impl FnOnce() -> (Option<&'static Site>, Option<Box<Details>>),
    found: impl FnOnce(&Context, Handle, &SpanContext),
) -> Option<Handle> {
    quiet::unless_own_work(|| {
        if !alive::can_open_spans() {
            return None;
        }
        let (site, details) = begin();
        Context::map_current(|current| {
            if current.is_telemetry_suppressed() {
                return None;
            }
            let root = if has_span(current) { None } else { Some(globals::root()?) };
            let parent = root.as_ref().unwrap_or(current).span();
            let parent = parent.span_context();
            let handle = globals::begin(parent, site, details, now())?;
            found(current, handle, parent);
            Some(handle)
        })
    })
}

/// The same with the context to attach.
#[expect(clippy::inline_always, reason = "as above")]
#[inline(always)]
pub(super) fn open_in_context(
    begin: impl FnOnce() -> (Option<&'static Site>, Option<Box<Details>>),
) -> Option<(Handle, Context)> {
    let mut context = None;
    let found = |current: &Context, handle, parent: &_| context = Some(in_context(current, handle, parent));
    let handle = open(begin, found)?;
    Some((handle, context?))
}

/// Whether a panic unwinds the thread when a span is opened.
#[inline]
pub(super) fn is_unwinding() -> bool {
    panic::forget();
    thread::panicking()
}

/// Otherwise spans are opened below the root of the session.
#[inline]
fn has_span(context: &Context) -> bool {
    context.span().span_context().is_valid()
}

/// The context in which a span below `parent` is the current one.
#[inline]
pub(super) fn in_context(current: &Context, handle: Handle, parent: &SpanContext) -> Context {
    current.with_span(LiveSpan::of(handle, parent))
}

/// Makes a span the current one of its thread while it lives.
///
/// Not inside of `opentelemetry::trace::get_active_span` and `Context::map_current`: while the charm looks at the current
/// context OpenTelemetry panics when another one is to be it, and has no way to be asked before.
#[derive(Debug)]
pub(crate) struct Current(Option<ContextGuard>);

impl Current {
    pub(crate) fn attach(context: Context) -> Self {
        Self(attach(context))
    }
}

pub(super) fn attach(context: Context) -> Option<ContextGuard> {
    quiet::quietly(|| context.attach())
}

impl Drop for Current {
    fn drop(&mut self) {
        quiet::own_work(|| self.0.take());
    }
}
