mod event;

use std::fmt;
use std::mem;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::KeyValue;
use opentelemetry::global::GlobalTracerProvider;
use opentelemetry::trace::{Link, SpanContext, TraceContextExt, TraceId};
use tracing_relation::juju::{Dispatch, EnvironmentError, HookTools};

use crate::delivery::{self, DeliveryReport, Destination, SystemClock, Trace};
use crate::hook_tools::TracedHookTools;
#[cfg(any(feature = "log", feature = "tracing"))]
use crate::juju_log::JujuLog;
use crate::notice::{self, Notice};
use crate::queue::{Losses, Queue, Recovered};
use crate::recorder::globals;
#[cfg(feature = "testing")]
use crate::recorder::turn::{Turn, Use};
use crate::recorder::{self, Details, Ended, Share, new_trace, open_trace, own_scope};
use crate::resource::Unit;
#[cfg(feature = "sdk")]
use crate::sdk::Export;
use crate::span::{self, Current, OpenSpan, StatusOnly};
use crate::target::Target;
use crate::warnings_only::WarningsOnly;
use crate::{Config, names, otel_variables, otlp, parent, recovery, resource, trace_context};

/// The trace of one dispatch, from the first line of `main` to its end. [`run`](crate::run) uses one for you; use it
/// yourself in a charm that has its own `main`.
///
/// One session records per process. A second one that starts while the first is open does nothing, and neither does one
/// whose dispatch lacks a variable that a trace needs, or that `CHARM_TRACING_ENABLED` switches off; callers need not
/// check.
///
/// The session stores what Juju says about relations for later dispatches, in `.charm_tracing_relations` in the charm
/// directory: see [`Dispatch::with_relation_memory`]. So start one in every dispatch of the charm.
///
/// It stays on the thread that started it. If it is dropped without [`finish`](Self::finish), the trace goes into the
/// queue.
///
/// ```
/// use charm_tracing::{Config, Session, juju::Dispatch};
///
/// let mut session = Session::start(Dispatch::from_env(), Config::new().charm_type("MyCharm"));
/// let dispatch = session.dispatch().clone();
/// session.event(|| {
///     // Handle `dispatch.event()`.
/// #   assert_eq!(dispatch.event(), "");
/// });
/// session.finish(None);
/// ```
#[derive(Debug)]
pub struct Session {
    dispatch: Dispatch,
    open: Option<OpenSession>,
    /// `None` if another session has it.
    #[cfg(any(feature = "log", feature = "tracing"))]
    _juju_log: Option<JujuLog>,
}

/// An open session. The fields are in drop order: first the root stops being current, then it ends.
#[derive(Debug)]
struct OpenSession {
    _current: Current,
    root: OpenSpan,
    trace_id: TraceId,
    previous_provider: GlobalTracerProvider,
    resource: Vec<KeyValue>,
    config: Config,
    /// The queue; `None` if `buffer_max_events` is 0.
    queue: Option<Queue>,
    recovered: Recovered,
    /// True if only the event's own handler ran.
    idle: bool,
    /// True if the charm has called `action-fail`, and nothing was marked as failed since.
    action_failed: Arc<AtomicBool>,
    /// Dropped last, when the session is closed.
    #[cfg(feature = "testing")]
    _turn: Turn,
}

/// Adds the relation memory to the dispatch. Without a charm directory it adds none, because then the process may be a
/// test, which must not read another one's relations.
fn with_relation_memory(dispatch: Dispatch) -> Dispatch {
    if !recovery::has_charm_dir(&dispatch) {
        return dispatch;
    }
    let file = dispatch.charm_dir().join(RELATION_MEMORY);
    span::catch_panics(|| dispatch.clone().with_relation_memory(file)).unwrap_or(dispatch)
}

/// The file of the relation memory, in the charm directory. Unlike a storage with the queue, this directory exists in
/// every dispatch, so an event can always remove outdated entries. It is lost with the pod, as it should be.
const RELATION_MEMORY: &str = ".charm_tracing_relations";

impl Session {
    /// Opens the root span. Runs no hook tool except `juju-log`.
    ///
    /// With the feature `testing`, sessions and recordings of tests that run at the same time take turns: see
    /// `testing::Recording`. On a thread that holds a recording this panics.
    #[must_use = "a session that is dropped at once has an empty trace"]
    pub fn start(dispatch: Dispatch, config: Config) -> Self {
        // First, and in every dispatch: the effect of the event on the memory must not depend on anything else.
        let dispatch = with_relation_memory(dispatch);
        #[cfg(feature = "log")]
        if let Some(logger) = config.logger.clone() {
            // A process that has a logger keeps it.
            let _ = logger.install();
        }
        let open = OpenSession::new(&dispatch, config);
        #[cfg(any(feature = "log", feature = "tracing"))]
        let juju_log = JujuLog::open(&dispatch);
        let open = match open {
            Ok(open) => open,
            Err(why) => {
                span::catch_panics(|| log::debug!("this dispatch is not traced: {why}"));
                return Self {
                    dispatch,
                    open: None,
                    #[cfg(any(feature = "log", feature = "tracing"))]
                    _juju_log: juju_log,
                };
            }
        };
        // Not earlier: now a logger of ours can write it.
        if let Some(hint) = resource::hint(&open.resource) {
            span::catch_panics(|| log::debug!("{hint}"));
        }
        let traced = TracedHookTools::new(Arc::clone(dispatch.hook_tools()), Arc::clone(&open.action_failed));
        let traced: Arc<dyn HookTools> = Arc::new(traced);
        let dispatch = dispatch.with_hook_tools(traced);
        Self {
            dispatch,
            open: Some(open),
            #[cfg(any(feature = "log", feature = "tracing"))]
            _juju_log: juju_log,
        }
    }

    /// Returns the dispatch whose hook tools open spans. Use it instead of another [`Dispatch::from_env`].
    #[must_use]
    pub fn dispatch(&self) -> &Dispatch {
        &self.dispatch
    }

    /// Marks the root as failed, for errors outside of [`try_event`](Self::try_event), for example in the charm's
    /// constructor.
    pub fn failed<E: fmt::Debug>(&mut self, error: &E) {
        if let Some(open) = &mut self.open {
            open.fail(StatusOnly::of::<E>(span::headline(error)));
        }
    }

    /// Marks the root as failed, with the first line of the text that the charm's `main` prints of an `E`.
    pub(crate) fn failed_with<E>(&mut self, report: &str) {
        if let Some(open) = &mut self.open {
            open.fail(StatusOnly::of::<E>(span::first_line(&report)));
        }
    }

    /// Notes the exit code of the charm on the root.
    pub(crate) fn exits_with(&self, code: u8) {
        if let Some(open) = &self.open {
            open.root.set_attribute(names::exit_code(i32::from(code)));
        }
    }

    /// Ends the trace and delivers it to `destination`. Without one, the trace goes to the endpoint that Juju sets for
    /// charm traces (`JUJU_CHARM_TRACE_CONFIG_HTTP`, since Juju 4.1), else to the one in OpenTelemetry's own variables
    /// (`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, `OTEL_EXPORTER_OTLP_ENDPOINT`), else into the queue. If the endpoint is
    /// `https` and has no [`Certificate`](crate::Certificate), the certificates of [`Config::ca_relation`] are read
    /// first. Delivery, and each hook tool for the certificates, takes at most [`Config::delivery_timeout`]. Then the
    /// charm's own exporters, if it has any (feature `sdk`), take at most as long. Nothing fails: the report says what happened.
    pub fn finish(mut self, destination: Option<Destination>) -> DeliveryReport {
        let target = self.open.as_ref().and_then(|open| {
            let Config { ca_relation, delivery_timeout, .. } = &open.config;
            Target::find(destination, ca_relation.as_deref(), &self.dispatch, *delivery_timeout)
        });
        self.close(target.as_ref())
    }

    /// Marks the root as failed with the last panic that was caught.
    pub(crate) fn panicked(&self) {
        if let Some(open) = &self.open {
            open.root.panicked();
            open.action_failed.store(false, Ordering::Relaxed);
        }
    }

    /// Writes the text to Juju's log at ERROR. It is there when the session has ended.
    pub(crate) fn log_error(&self, text: &str) {
        self.dispatch.juju_log_without_waiting(log::Level::Error, text);
    }

    /// Ends the trace as [`finish`](Self::finish) does, but returns its request instead of delivering it; `None` if nothing was
    /// recorded.
    #[cfg(feature = "testing")]
    pub(crate) fn into_request(mut self) -> Option<Vec<u8>> {
        let mut open = self.open.take()?;
        if let Some(failure) = open.failure_of_action() {
            open.fail(failure);
        }
        let resource = mem::take(&mut open.resource);
        let Ended { trace, spans, .. } = open.end();
        Some(otlp::encode_request(&spans, trace, &own_scope(), &resource))
    }

    fn close(&mut self, target: Option<&Target>) -> DeliveryReport {
        let _warnings_only = WarningsOnly::begin();
        let report = self.open.take().map(|open| self.deliver(open, target)).unwrap_or_default();
        if report.nothing_taken {
            self.dispatch.forget_relations();
        } else {
            self.dispatch.remember_relations();
        }
        self.dispatch.flush_log();
        report
    }

    fn deliver(&mut self, mut open: OpenSession, target: Option<&Target>) -> DeliveryReport {
        if globals::is_of_another_process() {
            // This is a forked child: the trace belongs to its parent.
            open.end();
            return DeliveryReport::default();
        }
        let queue = open.queue.take();
        let charm_dir = self.dispatch.charm_dir();
        let losses =
            queue.as_ref().and_then(|queue| span::catch_panics(|| recovery::losses(queue, charm_dir)));
        let reported = losses.unwrap_or_default();
        open.report_losses(reported);
        if let Some(failure) = open.failure_of_action() {
            open.fail(failure);
        }
        let OpenSession { config, resource, trace_id, idle, recovered, .. } = &mut open;
        let (resource, trace_id) = (mem::take(resource), trace_id.to_bytes());
        let (idle, recovered, complaint, budget) = (*idle, *recovered, config.complaint(), config.budget());
        #[cfg(feature = "sdk")]
        let exporters = mem::take(&mut config.exporters);
        let Ended { trace, spans, dropped_spans, journal } = open.end();
        #[cfg(feature = "sdk")]
        let export = span::catch_panics(|| Export::new(exporters, &spans, trace, &resource)).flatten();
        let destination = target.map(|target| &target.destination);
        // The trace is stored before anything is sent, so a panic in the HTTP client loses only the attempt.
        let deliver = || {
            let request = otlp::encode_request(&spans, trace, &own_scope(), &resource);
            drop(spans);
            let trace = Trace { request, trace_id, idle, journal, reported_losses: reported };
            delivery::deliver(trace, queue.as_ref(), destination, &budget, &SystemClock::new())
        };
        let mut report = span::catch_panics(deliver).unwrap_or_else(DeliveryReport::interrupted);
        report.dropped_spans = dropped_spans;
        report.recovered = recovered.traces;
        report.dropped_by_limits = report.dropped_by_limits.saturating_add(recovered.dropped);
        #[cfg(feature = "sdk")]
        if let Some(export) = export {
            report.failed_exporters = span::catch_panics(|| export.run(budget.total)).unwrap_or_default();
        }
        let of_delivery = notice::of_delivery(&report, target, queue.is_some());
        let of_config = complaint.map(|text| Notice { level: log::Level::Warn, text });
        let notices = [
            // The more severe one; of two equal ones the first.
            of_delivery.into_iter().chain(of_config).min_by_key(|notice| notice.level),
            #[cfg(feature = "sdk")]
            notice::of_exporters(&report.failed_exporters),
        ];
        for notice in notices.into_iter().flatten() {
            self.dispatch.juju_log_without_waiting(notice.level, &notice.text);
        }
        report
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.close(None);
    }
}

impl OpenSession {
    fn new(dispatch: &Dispatch, config: Config) -> Result<Self, NotRecorded> {
        let is_off = match dispatch.var("CHARM_TRACING_ENABLED") {
            Some(enabled) => enabled != "1",
            None => otel_variables::is_disabled(|name| dispatch.var(name)),
        };
        if is_off {
            return Err(NotRecorded::SwitchedOff);
        }
        let dispatch_path = dispatch.dispatch_path()?;
        let unit = Unit::of(dispatch)?;
        let (parent, details) = root_span(dispatch, names::root(unit.name, dispatch_path), dispatch_path);
        #[cfg(feature = "testing")]
        let turn = turn()?;
        if globals::is_switched_off() {
            return Err(NotRecorded::SwitchedOff);
        }
        if globals::with(|_| ()).is_some() {
            return Err(NotRecorded::AnotherSession);
        }
        // `jhack tail -t` looks for exactly this text, and attaches the id to the next event line. It is sent before the
        // charm's metadata and the queue are read: Juju's agent handles it meanwhile, so the charm's first hook tool does not wait.
        let line = format!("Starting root trace with id='{}'.", parent.trace_id());
        dispatch.juju_log_without_waiting(log::Level::Debug, &line);
        let resource = resource::of_unit(&unit, dispatch, &config);
        let mut queue = recovery::queue(&config, dispatch);
        let begin = |queue| {
            span::catch_panics(|| recovery::begin_journal(queue, dispatch, &resource, &parent)).flatten()
        };
        let (journal, recovered) = queue.as_mut().and_then(begin).unzip();
        let quota = config.quota();
        let opened = span::own_work(|| open_trace(quota, &parent, Box::new(details), journal));
        let Some((handle, context)) = opened else { return Err(NotRecorded::AnotherSession) };
        let previous_provider = recorder::install();
        span::install_hook();
        span::catch_panics(trace_context::install_propagator);
        Ok(Self {
            trace_id: context.span().span_context().trace_id(),
            _current: Current::attach(context),
            root: OpenSpan::new(handle),
            previous_provider,
            resource,
            config,
            queue,
            recovered: recovered.unwrap_or_default(),
            idle: true,
            action_failed: Arc::default(),
            #[cfg(feature = "testing")]
            _turn: turn,
        })
    }

    /// Marks the root as failed.
    fn fail(&mut self, failure: StatusOnly) {
        self.root.fail(failure);
        self.idle = false;
        // An error says more than "the action failed".
        self.action_failed.store(false, Ordering::Relaxed);
    }

    /// Returns a failure if the charm has called `action-fail` and nothing was marked as failed since; else `None`.
    fn failure_of_action(&self) -> Option<StatusOnly> {
        let failed =
            || StatusOnly { error_type: "action-fail".into(), description: "the action failed".to_owned() };
        self.action_failed.load(Ordering::Relaxed).then(failed)
    }

    /// Writes the losses since the last trace that reported losses as attributes of the root.
    fn report_losses(&self, losses: Losses) {
        for (key, count) in losses.attributes() {
            if count > 0 {
                self.root.set_attribute(KeyValue::new(key, i64::try_from(count).unwrap_or(i64::MAX)));
            }
        }
    }

    /// Ends the root and the session.
    fn end(self) -> Ended {
        let Self { _current: current, root, previous_provider, .. } = self;
        drop(current);
        let dropped_spans = globals::with(|trace| trace.dropped_spans).unwrap_or(0);
        if dropped_spans > 0 {
            let count = i64::try_from(dropped_spans).unwrap_or(i64::MAX);
            root.set_attribute(KeyValue::new(names::DROPPED_SPANS, count));
        }
        drop(root);
        let ended = globals::close();
        recorder::uninstall(previous_provider);
        ended
    }
}

/// Waits until no other thread records, and returns the right to record.
#[cfg(feature = "testing")]
fn turn() -> Result<Turn, NotRecorded> {
    Turn::take(Use::Session).map_err(|refused| match refused.holder() {
        Use::Recording => panic!("cannot start a session: {refused}"),
        Use::Session => NotRecorded::AnotherSession,
        Use::SwitchedOff => NotRecorded::SwitchedOff,
    })
}

/// Returns the parent of the root span and the root's details. The parent is the span that Juju passed, or a new trace.
fn root_span(dispatch: &Dispatch, name: String, dispatch_path: &str) -> (SpanContext, Details) {
    let path = KeyValue::new("juju.dispatch_path", dispatch_path.to_owned());
    let mut details = Details::named(name, vec![path, names::process_id(process::id())]);
    let parent = match parent::from_environment(|name| dispatch.var(name)) {
        Some(parent) if parent.is_sampled() => parent,
        unsampled => {
            // An agent that does not sample its own trace decides nothing for the charm's trace: a link connects the
            // two.
            if let Some(agent) = unsampled {
                details.add_link(Link::with_context(agent), &mut Share::unlimited());
            }
            new_trace()
        }
    };
    (parent, details)
}

/// The reason why a session records nothing.
#[derive(Debug, thiserror::Error)]
enum NotRecorded {
    #[error("tracing is switched off: by `switch_off`, CHARM_TRACING_ENABLED or OTEL_SDK_DISABLED")]
    SwitchedOff,
    #[error("another session of this process is open")]
    AnotherSession,
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
}
