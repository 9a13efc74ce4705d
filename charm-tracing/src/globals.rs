//! The process globals: which session is recording, what it has recorded, and whether tracing is switched off for a scope.
//!
//! A process is one dispatch, so at most one session records at a time. Everything that a traced call must know
//! when nothing records is one relaxed load of [`RECORDING`].

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt, TraceFlags, TraceId, TraceState};

use crate::recorder::{Details, Handle, LiveSpan, Record, Remote, SpanIds, Store, now, weight};
use crate::span::Site;

/// Whether a session records and nobody has switched it off. Derived from the two values below.
static RECORDING: AtomicBool = AtomicBool::new(false);
static SWITCHED_OFF: AtomicUsize = AtomicUsize::new(0);
static OPEN: Mutex<Option<Open>> = Mutex::new(None);

/// The session that is open.
#[derive(Debug)]
struct Open {
    /// The span that everything without a nearer parent hangs on. None only before it has begun.
    root: Option<Context>,
    trace_id: TraceId,
    ids: SpanIds,
    spans: Store,
    /// How much more may be recorded, by [`weight`].
    room: u64,
    /// Spans for which there was no room when they began.
    turned_away: u64,
}

/// Who records something, by how much room is left for others.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Whose {
    /// The spans of the charm, and what it says about them.
    Charm,
    /// The failures of what is still open when there is no room for that.
    Failure,
    /// What the trace lacks.
    Trace,
}

impl Whose {
    fn reserve(self) -> u64 {
        match self {
            Self::Charm => 64 * 1024,
            Self::Failure => 1024,
            Self::Trace => 0,
        }
    }
}

/// Whether spans are being recorded right now.
#[inline]
pub(crate) fn is_recording() -> bool {
    RECORDING.load(Ordering::Relaxed)
}

/// Begins a span below `parent` at `start`, in nanoseconds since 1970. None if nothing records, or there is no room for it any more.
#[expect(clippy::inline_always, reason = "a tenth of what a span costs is the moving of its parts")]
#[inline(always)]
pub(crate) fn begin(
    parent: &SpanContext,
    site: Option<&'static Site>,
    details: Option<Box<Details>>,
    start: u64,
) -> Option<Handle> {
    if !is_recording() {
        return None;
    }
    let weight =
        weight::SPAN + site.map_or(0, Site::weight) + details.as_ref().map_or(0, |details| details.weight());
    let mut slot = lock();
    let open = slot.as_mut()?;
    if !open.take(weight, Whose::Charm.reserve()) {
        open.turned_away += 1;
        return None;
    }
    Some(open.begin(parent, site, details, start))
}

/// Changes what there is to say about a span while it is open. `change` is told whether there is room for so much.
pub(crate) fn change(
    span: Handle,
    whose: Whose,
    weight: usize,
    change: impl FnOnce(&mut Details, Option<&'static Site>, bool),
) {
    let mut slot = lock();
    let Some(open) = slot.as_mut() else { return };
    let Some(record) = open.spans.open(span.place, span.span_id) else { return };
    let first = if record.details.is_none() { size_of::<Details>() } else { 0 };
    let room = take(&mut open.room, first + weight, whose.reserve());
    change(record.details.get_or_insert_default(), record.site, room);
}

pub(crate) fn is_open(span: Handle) -> bool {
    let mut slot = lock();
    slot.as_mut().is_some_and(|open| open.spans.open(span.place, span.span_id).is_some())
}

/// Ends a span at `end`, in nanoseconds since 1970, unless it has ended.
#[inline]
pub(crate) fn end(span: Handle, end: u64) {
    let mut slot = lock();
    if let Some(open) = slot.as_mut() {
        open.spans.end(span.place, span.span_id, end);
    }
}

/// The context of the root of the open session, unless tracing is switched off.
pub(crate) fn root() -> Option<Context> {
    if !is_recording() {
        return None;
    }
    lock().as_ref().and_then(|open| open.root.clone())
}

/// How many spans of the open session have ended.
pub(crate) fn ended_count() -> usize {
    lock().as_ref().map_or(0, |open| open.spans.ended_count())
}

/// How many spans of the open session are not recorded for want of room.
pub(crate) fn turned_away() -> u64 {
    lock().as_ref().map_or(0, |open| open.turned_away)
}

/// Looks at the spans of the open session.
#[cfg(feature = "testing")]
pub(crate) fn with_spans<R>(look: impl FnOnce(&mut Store) -> R) -> Option<R> {
    lock().as_mut().map(|open| look(&mut open.spans))
}

/// Opens a session for spans of `room` together, with a root below `parent`. None if another one is open: the first one
/// keeps recording.
pub(crate) fn open(room: u64, parent: &SpanContext, details: Box<Details>) -> Option<(Handle, Context)> {
    let mut slot = lock();
    if slot.is_some() {
        return None;
    }
    let open = slot.insert(Open {
        root: None,
        trace_id: parent.trace_id(),
        ids: SpanIds::begin_anywhere(),
        spans: Store::default(),
        room,
        turned_away: 0,
    });
    let handle = open.begin(parent, None, Some(details), now());
    let context = Context::current_with_span(LiveSpan::of(handle, parent));
    open.root = Some(context.clone());
    refresh(&slot);
    Some((handle, context))
}

/// Ends what [`open`] began: the spans that have ended.
pub(crate) fn close() -> Store {
    let mut slot = lock();
    let open = slot.take();
    refresh(&slot);
    drop(slot);
    open.map(|open| open.spans).unwrap_or_default()
}

impl Open {
    #[expect(clippy::inline_always, reason = "a tenth of what a span costs is the moving of its parts")]
    #[inline(always)]
    fn begin(
        &mut self,
        parent: &SpanContext,
        site: Option<&'static Site>,
        mut details: Option<Box<Details>>,
        start: u64,
    ) -> Handle {
        let handle = Handle { span_id: self.ids.next(), place: 0 };
        let belongs = parent.trace_id() == self.trace_id && !parent.is_remote();
        if !belongs
            || parent.trace_flags() != TraceFlags::SAMPLED
            || *parent.trace_state() != TraceState::NONE
        {
            details = self.elsewhere(parent, handle, details);
        }
        let (span_id, parent) = (handle.span_id, parent.span_id());
        let place = self.spans.begin(Record { site, span_id, parent, start, end: start, details });
        Handle { place, ..handle }
    }

    /// What must be said about a span that does not simply belong to the session's trace.
    #[cold]
    fn elsewhere(
        &self,
        parent: &SpanContext,
        handle: Handle,
        mut details: Option<Box<Details>>,
    ) -> Option<Box<Details>> {
        let context = handle.context(parent);
        let is_known = context.trace_id() == self.trace_id && context.trace_flags() == TraceFlags::SAMPLED;
        if !is_known || parent.is_remote() || *context.trace_state() != TraceState::NONE {
            details.get_or_insert_default().remote = Some(Remote::of(&context, parent.is_remote()));
        }
        details
    }

    #[inline]
    fn take(&mut self, weight: usize, reserve: u64) -> bool {
        take(&mut self.room, weight, reserve)
    }
}

/// Takes so much of the room, if that leaves as much as the reserve.
#[inline]
fn take(room: &mut u64, weight: usize, reserve: u64) -> bool {
    let weight = weight as u64;
    let enough = *room >= weight.saturating_add(reserve);
    if enough {
        *room -= weight;
    }
    enough
}

/// Switches tracing off in this process until the returned guard is dropped.
///
/// For tests of traced code that must not record, even if another test of the same process has a session open.
/// Scopes nest; spans that were open before go on when the last guard is dropped. It reaches every thread.
///
/// ```
/// let session = charm_tracing::Session::start(
///     charm_tracing::juju::Dispatch::from_vars([
///         ("JUJU_UNIT_NAME", "app/0"),
///         ("JUJU_DISPATCH_PATH", "hooks/start"),
///         ("JUJU_MODEL_NAME", "testing"),
///         ("JUJU_MODEL_UUID", "0d3bbd5f-9d24-4d24-8d45-9b8fd2ad4a2c"),
///     ]),
///     charm_tracing::Config::new().buffer_max_events(0),
/// );
/// assert!(charm_tracing::is_enabled());
/// {
///     let _off = charm_tracing::switch_off();
///     assert!(!charm_tracing::is_enabled());
/// }
/// assert!(charm_tracing::is_enabled());
/// session.finish(None);
/// ```
pub fn switch_off() -> SwitchedOff {
    SWITCHED_OFF.fetch_add(1, Ordering::SeqCst);
    refresh(&lock());
    SwitchedOff(())
}

/// Keeps tracing switched off while it lives; made by [`switch_off`].
#[derive(Debug)]
#[must_use = "tracing is switched on again when this is dropped"]
pub struct SwitchedOff(());

impl Drop for SwitchedOff {
    fn drop(&mut self) {
        SWITCHED_OFF.fetch_sub(1, Ordering::SeqCst);
        refresh(&lock());
    }
}

fn refresh(open: &MutexGuard<'_, Option<Open>>) {
    RECORDING.store(open.is_some() && SWITCHED_OFF.load(Ordering::SeqCst) == 0, Ordering::SeqCst);
}

#[inline]
fn lock() -> MutexGuard<'static, Option<Open>> {
    // Nothing panics while it is held; if it ever did, the session would still be whole.
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a [`switch_off`] scope is open.
pub(crate) fn is_switched_off() -> bool {
    SWITCHED_OFF.load(Ordering::Relaxed) > 0
}
