//! The process globals: which session is recording, what it has recorded, and whether tracing is switched off for a scope.
//!
//! A process is one dispatch, so at most one session records at a time. When nothing records, a traced call costs one relaxed
//! load of [`RECORDING`].

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::process;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt, TraceState};

#[cfg(feature = "testing")]
use super::turn::{Turn, Use};
use super::{
    Details, Handle, Journal, JournalFile, LiveSpan, Purpose, Quota, Record, Remote, Share, SpanIds, Store,
    TraceContext, anchor, now, weight,
};
use crate::site::Site;

/// True if a session is open and tracing is not switched off. Derived from the two values below.
static RECORDING: AtomicBool = AtomicBool::new(false);
static SWITCHED_OFF: AtomicUsize = AtomicUsize::new(0);
static OPEN: Mutex<Option<Open>> = Mutex::new(None);
/// The process in which the session was opened.
static OPENED_BY: AtomicU32 = AtomicU32::new(0);

/// The session that is open.
#[derive(Debug)]
struct Open {
    /// The context of the root, the parent of spans that have no nearer one. `None` only before the root has begun.
    root: Option<Context>,
    /// The trace of the root and of the spans below it, except those with a [`Remote`].
    trace: TraceContext,
    ids: SpanIds,
    spans: Store,
    quota: Quota,
    /// The number of spans that did not fit into the quota when they began.
    dropped_spans: u64,
    /// The time that formatting the texts of errors has taken.
    time_for_errors: Duration,
    journal: Option<Box<Journal>>,
}

/// Returns true if spans are being recorded right now.
#[inline]
pub(crate) fn is_recording() -> bool {
    RECORDING.load(Ordering::Relaxed)
}

/// Begins a span below `parent` at `start`, in nanoseconds since 1970. Returns `None` if no session is open or the quota is
/// used up. The caller has checked [`is_recording`].
#[expect(clippy::inline_always, reason = "a tenth of what a span costs is the moving of its parts")]
#[inline(always)]
pub(crate) fn begin(
    parent: &SpanContext,
    site: Option<&'static Site>,
    details: Option<Box<Details>>,
    start: u64,
) -> Option<Handle> {
    let mut slot = lock()?;
    let open = slot.as_mut()?;
    let details = open.with_place(parent, details);
    let weight =
        weight::SPAN + site.map_or(0, Site::weight) + details.as_ref().map_or(0, |details| details.weight());
    if !open.quota.share(Purpose::Charm).take(weight) {
        open.dropped_spans += 1;
        return None;
    }
    Some(open.begin(parent, site, details, start))
}

/// Takes a part of the quota for data that is not a span.
pub(crate) fn take_quota(weight: usize) {
    if let Some(open) = lock().as_deref_mut().and_then(Option::as_mut) {
        open.quota.share(Purpose::Charm).take(weight);
    }
}

/// Changes the details of an open span, as far as the quota allows.
pub(crate) fn change(
    span: Handle,
    purpose: Purpose,
    change: impl FnOnce(&mut Details, Option<&'static Site>, &mut Share<'_>),
) {
    let Some(mut slot) = lock() else { return };
    let Some(open) = slot.as_mut() else { return };
    let Some(record) = open.spans.open(span.place, span.span_id) else { return };
    let mut share = open.quota.share(purpose);
    let details = record.details.get_or_insert_with(|| {
        // They are made even if the quota is used up, so that dropped data is counted and a failure is recorded.
        share.take(size_of::<Details>());
        Box::default()
    });
    change(details, record.site, &mut share);
}

pub(crate) fn is_span_open(span: Handle) -> bool {
    let Some(mut slot) = lock() else { return false };
    slot.as_mut().is_some_and(|open| open.spans.open(span.place, span.span_id).is_some())
}

/// Ends a span at `end`, in nanoseconds since 1970, or when it began if that is later. Does nothing if it has ended.
#[inline]
pub(crate) fn end(span: Handle, end: u64) {
    let Some(mut slot) = lock() else { return };
    if let Some(Open { spans, journal, .. }) = slot.as_mut()
        && let Some(was_journaled) = spans.end(span.place, span.span_id, end)
        && let Some(journal) = journal
        && journal.note_ended(was_journaled, end)
    {
        journal.write(spans, end);
    }
}

/// Returns the context of the root of the open session; `None` if there is none or tracing is switched off.
pub(crate) fn root() -> Option<Context> {
    if !is_recording() {
        return None;
    }
    lock()?.as_ref()?.root.clone()
}

/// Returns the number of spans of the open session that have ended.
pub(crate) fn ended_count() -> usize {
    lock().as_deref().and_then(Option::as_ref).map_or(0, |open| open.spans.ended_count())
}

/// Returns the number of spans of the open session that did not fit into the quota.
pub(crate) fn dropped_spans() -> u64 {
    lock().as_deref().and_then(Option::as_ref).map_or(0, |open| open.dropped_spans)
}

/// Returns the time that the texts of errors have taken in the open session.
pub(crate) fn time_for_errors() -> Duration {
    lock().as_deref().and_then(Option::as_ref).map_or(Duration::ZERO, |open| open.time_for_errors)
}

/// Adds the time that the text of an error has taken.
pub(crate) fn took_time_for_errors(time: Duration) {
    if let Some(open) = lock().as_deref_mut().and_then(Option::as_mut) {
        open.time_for_errors = open.time_for_errors.saturating_add(time);
    }
}

/// Calls `look` with the spans of the open session; `None` if no session is open.
#[cfg(feature = "testing")]
pub(crate) fn with_spans<R>(look: impl FnOnce(&mut Store) -> R) -> Option<R> {
    lock()?.as_mut().map(|open| look(&mut open.spans))
}

/// Returns true if a session is open.
pub(crate) fn is_open() -> bool {
    lock().is_some_and(|open| open.is_some())
}

/// Opens a session that may record `quota` bytes, with a root below `parent`, and returns the root. Returns `None` if another
/// session is open, which keeps recording.
///
/// `journal` writes the spans while the session is open.
pub(crate) fn open(
    quota: u64,
    parent: &SpanContext,
    details: Box<Details>,
    journal: Option<Box<Journal>>,
) -> Option<(Handle, Context)> {
    let mut slot = lock()?;
    if slot.is_some() {
        return None;
    }
    let trace = TraceContext::below(parent);
    OPENED_BY.store(process::id(), Ordering::Relaxed);
    let open = slot.insert(Open {
        root: None,
        trace,
        ids: SpanIds::begin_anywhere(),
        spans: Store::default(),
        quota: Quota::new(quota),
        dropped_spans: 0,
        time_for_errors: Duration::ZERO,
        journal,
    });
    let details = open.with_place(parent, Some(details));
    anchor();
    let handle = open.begin(parent, None, details, now());
    let context = Context::current_with_span(LiveSpan::of(handle, parent));
    open.root = Some(context.clone());
    refresh(&slot);
    Some((handle, context))
}

/// Closes the open session, and returns what it has recorded.
pub(crate) fn close() -> Ended {
    let Some(mut slot) = lock() else { return Ended::default() };
    let open = slot.take();
    refresh(&slot);
    // The session is unlocked before the root's context is dropped, because that may hold values of the charm.
    drop(slot);
    let Some(Open { trace, mut spans, dropped_spans, journal, .. }) = open else { return Ended::default() };
    spans.pass_over_the_open();
    Ended { trace, spans, dropped_spans, journal: journal.map(|journal| journal.into_file()) }
}

/// The result of a closed session.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    pub(crate) trace: TraceContext,
    pub(crate) spans: Store,
    /// The number of spans that did not fit into the quota.
    pub(crate) dropped_spans: u64,
    /// The file to which the spans were written while the session was open.
    pub(crate) journal: Option<Box<dyn JournalFile>>,
}

impl Open {
    #[expect(clippy::inline_always, reason = "a tenth of what a span costs is the moving of its parts")]
    #[inline(always)]
    fn begin(
        &mut self,
        parent: &SpanContext,
        site: Option<&'static Site>,
        details: Option<Box<Details>>,
        start: u64,
    ) -> Handle {
        let (span_id, parent) = (self.ids.next(), parent.span_id());
        let place = self.spans.begin(Record { site, span_id, parent, start, end: 0, details });
        if let Some(journal) = &mut self.journal
            && journal.note_begun(place, start)
        {
            journal.write(&mut self.spans, start);
        }
        Handle { span_id, place }
    }

    /// Adds a [`Remote`] to the details of a span that needs one.
    #[inline]
    fn with_place(&self, parent: &SpanContext, details: Option<Box<Details>>) -> Option<Box<Details>> {
        let TraceContext { id, flags } = self.trace;
        let belongs = parent.trace_id() == id && parent.trace_flags() == flags && !parent.is_remote();
        if belongs && *parent.trace_state() == TraceState::NONE {
            return details;
        }
        self.elsewhere(parent, details)
    }

    #[cold]
    fn elsewhere(&self, parent: &SpanContext, mut details: Option<Box<Details>>) -> Option<Box<Details>> {
        let trace = TraceContext::below(parent);
        if trace != self.trace || parent.is_remote() || *parent.trace_state() != TraceState::NONE {
            details.get_or_insert_default().remote = Some(Remote {
                trace,
                state: parent.trace_state().clone(),
                of_remote_parent: parent.is_remote(),
            });
        }
        details
    }
}

/// Switches tracing off in this process until the returned guard is dropped.
///
/// Use it in tests of traced code that must not record, even while a session is open. Scopes nest, and apply to every thread.
/// Spans that were open before stay open, and recording continues when the last guard is dropped. With the feature `testing`,
/// this waits until other threads record no more, and they wait until the guard is dropped.
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
    #[cfg(feature = "testing")]
    let turn = Turn::take(Use::SwitchedOff).ok();
    SWITCHED_OFF.fetch_add(1, Ordering::SeqCst);
    if let Some(slot) = lock() {
        refresh(&slot);
    }
    SwitchedOff {
        #[cfg(feature = "testing")]
        _turn: turn,
    }
}

/// A guard that keeps tracing switched off while it lives; made by [`switch_off`].
#[derive(Debug)]
#[must_use = "tracing is switched on again when this is dropped"]
pub struct SwitchedOff {
    #[cfg(feature = "testing")]
    _turn: Option<Turn>,
}

impl Drop for SwitchedOff {
    fn drop(&mut self) {
        SWITCHED_OFF.fetch_sub(1, Ordering::SeqCst);
        if let Some(slot) = lock() {
            refresh(&slot);
        }
    }
}

fn refresh(open: &Locked) {
    RECORDING.store(open.is_some() && SWITCHED_OFF.load(Ordering::SeqCst) == 0, Ordering::SeqCst);
}

/// The open session, locked by this thread.
struct Locked(MutexGuard<'static, Option<Open>>);

thread_local! {
    static IS_LOCKED: Cell<bool> = const { Cell::new(false) };
}

/// Locks the open session; `None` if this thread has it locked already. That happens because an allocation under the lock may
/// run the charm's code: an allocator that uses its span.
#[inline]
fn lock() -> Option<Locked> {
    if IS_LOCKED.replace(true) {
        return None;
    }
    // Nothing panics while the lock is held; if anything did, the session would still be valid. Nothing calls the charm's code
    // either, its logger included, because that may wait for a thread that waits for this lock.
    match OPEN.try_lock() {
        Ok(open) => Some(Locked(open)),
        Err(TryLockError::Poisoned(open)) => Some(Locked(open.into_inner())),
        Err(TryLockError::WouldBlock) => wait_for_lock(),
    }
}

/// Waits for the lock; `None` in a process that was forked. There the lock may be held by a thread that does not exist, and
/// nothing that such a process records is stored.
#[cold]
fn wait_for_lock() -> Option<Locked> {
    if is_of_another_process() {
        IS_LOCKED.set(false);
        return None;
    }
    Some(Locked(OPEN.lock().unwrap_or_else(PoisonError::into_inner)))
}

/// Returns true if the session was opened by the process from which this one was forked off.
pub(crate) fn is_of_another_process() -> bool {
    let opened_by = OPENED_BY.load(Ordering::Relaxed);
    opened_by != 0 && opened_by != process::id()
}

impl Drop for Locked {
    #[inline]
    fn drop(&mut self) {
        IS_LOCKED.set(false);
    }
}

impl Deref for Locked {
    type Target = Option<Open>;

    #[inline]
    fn deref(&self) -> &Option<Open> {
        &self.0
    }
}

impl DerefMut for Locked {
    #[inline]
    fn deref_mut(&mut self) -> &mut Option<Open> {
        &mut self.0
    }
}

/// Returns true if a [`switch_off`] scope is open.
pub(crate) fn is_switched_off() -> bool {
    SWITCHED_OFF.load(Ordering::Relaxed) > 0
}
