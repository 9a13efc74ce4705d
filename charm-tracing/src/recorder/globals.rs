//! The process globals: which session is recording, what it has recorded, and whether tracing is switched off for a scope.
//!
//! A process is one dispatch, so at most one session records at a time. Everything that a traced call must know
//! when nothing records is one relaxed load of [`RECORDING`].

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

/// Whether a session records and nobody has switched it off. Derived from the two values below.
static RECORDING: AtomicBool = AtomicBool::new(false);
static SWITCHED_OFF: AtomicUsize = AtomicUsize::new(0);
static OPEN: Mutex<Option<Open>> = Mutex::new(None);
/// The process in which the session was opened.
static OPENED_BY: AtomicU32 = AtomicU32::new(0);

/// The session that is open.
#[derive(Debug)]
struct Open {
    /// The span that everything without a nearer parent hangs on. None only before it has begun.
    root: Option<Context>,
    /// Of the root, and of all below it that do not come from elsewhere.
    trace: TraceContext,
    ids: SpanIds,
    spans: Store,
    quota: Quota,
    /// The number of spans that did not fit into the quota when they began.
    dropped_spans: u64,
    /// Time that the texts of errors have taken.
    time_for_errors: Duration,
    journal: Option<Box<Journal>>,
}

/// Whether spans are being recorded right now.
#[inline]
pub(crate) fn is_recording() -> bool {
    RECORDING.load(Ordering::Relaxed)
}

/// Begins a span below `parent` at `start`, in nanoseconds since 1970. `None` if no session is open, or the quota is used up.
/// The caller has asked [`is_recording`].
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

/// Takes a part of the quota for what is not a span.
pub(crate) fn take_quota(weight: usize) {
    if let Some(open) = lock().as_deref_mut().and_then(Option::as_mut) {
        open.quota.share(Purpose::Charm).take(weight);
    }
}

/// Changes what there is to say about a span while it is open, as far as the quota allows.
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
        // Also if the quota is used up: what cannot be said is at least counted, and a failure is one.
        share.take(size_of::<Details>());
        Box::default()
    });
    change(details, record.site, &mut share);
}

pub(crate) fn is_span_open(span: Handle) -> bool {
    let Some(mut slot) = lock() else { return false };
    slot.as_mut().is_some_and(|open| open.spans.open(span.place, span.span_id).is_some())
}

/// Ends a span at `end`, in nanoseconds since 1970, unless it has ended; or when it began if that was later.
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

/// The context of the root of the open session, unless tracing is switched off.
pub(crate) fn root() -> Option<Context> {
    if !is_recording() {
        return None;
    }
    lock()?.as_ref()?.root.clone()
}

/// How many spans of the open session have ended.
pub(crate) fn ended_count() -> usize {
    lock().as_deref().and_then(Option::as_ref).map_or(0, |open| open.spans.ended_count())
}

/// How many spans of the open session did not fit into the quota.
pub(crate) fn dropped_spans() -> u64 {
    lock().as_deref().and_then(Option::as_ref).map_or(0, |open| open.dropped_spans)
}

/// Returns the time that the texts of errors have taken in the open session.
pub(crate) fn time_for_errors() -> Duration {
    lock().as_deref().and_then(Option::as_ref).map_or(Duration::ZERO, |open| open.time_for_errors)
}

/// Notes that the text of an error has taken so much time.
pub(crate) fn took_time_for_errors(time: Duration) {
    if let Some(open) = lock().as_deref_mut().and_then(Option::as_mut) {
        open.time_for_errors = open.time_for_errors.saturating_add(time);
    }
}

/// Looks at the spans of the open session.
#[cfg(feature = "testing")]
pub(crate) fn with_spans<R>(look: impl FnOnce(&mut Store) -> R) -> Option<R> {
    lock()?.as_mut().map(|open| look(&mut open.spans))
}

/// Whether a session is open.
pub(crate) fn is_open() -> bool {
    lock().is_some_and(|open| open.is_some())
}

/// Opens a session that may record `quota`, with a root below `parent`. None if another one is open: the first one
/// keeps recording.
///
/// `journal`: what is written of it meanwhile.
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

/// Ends what [`open`] began.
pub(crate) fn close() -> Ended {
    let Some(mut slot) = lock() else { return Ended::default() };
    let open = slot.take();
    refresh(&slot);
    // The root's context may hold what the charm has put there.
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
    /// Where they have been written while it was open.
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

    /// With what must be said about a span that does not simply belong to the session's trace.
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
/// For tests of traced code that must not record, even while a session is open.
/// Scopes nest; spans that were open before go on when the last guard is dropped. It reaches every thread. With the feature
/// `testing`, it waits until other threads record no more, and they wait for the guard.
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

/// Keeps tracing switched off while it lives; made by [`switch_off`].
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

/// The open session, for this thread alone.
struct Locked(MutexGuard<'static, Option<Open>>);

thread_local! {
    static IS_LOCKED: Cell<bool> = const { Cell::new(false) };
}

/// None if this thread has it locked already: what it allocates meanwhile may run the charm's code, an allocator that looks
/// at its span.
#[inline]
fn lock() -> Option<Locked> {
    if IS_LOCKED.replace(true) {
        return None;
    }
    // Nothing panics while it is held; if it ever did, the session would still be whole. Nothing calls the charm's code either,
    // its logger included: that may wait for somebody who waits for this.
    match OPEN.try_lock() {
        Ok(open) => Some(Locked(open)),
        Err(TryLockError::Poisoned(open)) => Some(Locked(open.into_inner())),
        Err(TryLockError::WouldBlock) => wait_for_lock(),
    }
}

/// `None` in a process that was forked off: what had it locked may be a thread that is not there, and nothing of what such a
/// process records is stored.
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

/// Whether a [`switch_off`] scope is open.
pub(crate) fn is_switched_off() -> bool {
    SWITCHED_OFF.load(Ordering::Relaxed) > 0
}
