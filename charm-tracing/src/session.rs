use std::fmt;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::global::GlobalTracerProvider;
use opentelemetry::trace::{Link, SpanContext, TraceContextExt, TraceId};
use tracing_relation::juju::{Dispatch, EnvironmentError, HookTools};

use crate::buffer::{Buffer, BufferConfig, FlightFile, Losses, Priority};
use crate::delivery::{self, DeliveryReport, Destination, SystemClock, TimeBudget, Trace};
use crate::globals::{self, Ended};
use crate::hook_tools::TracedHookTools;
use crate::hushed::Hushed;
use crate::inherited::{self, Inheritance};
use crate::notice::{self, Notice};
use crate::recorder::{self, Details, Flight, Room, TraceContext, new_trace, own_scope};
use crate::span::{self, Current, OpenSpan};
use crate::target::Target;
use crate::{Config, encode, names, parent, resource};

/// The trace of one dispatch, from the first line of `main` to its end. [`run`](crate::run) uses one for you; use it
/// yourself in a charm that has its own `main`.
///
/// One session records per process; another that is started meanwhile, or one whose dispatch lacks a variable that
/// a trace needs, or is switched off with `CHARM_TRACING_ENABLED`, does nothing, and nobody has to ask which.
///
/// What Juju tells about relations is remembered from one dispatch to the next, in `.charm_tracing_relations` in the charm
/// directory: see [`Dispatch::with_relation_memory`]. So start one in every dispatch of the charm.
///
/// It stays on the thread that started it. Dropping it without [`finish`](Self::finish) puts the trace into the buffer.
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
    open: Option<Open>,
}

/// In the order in which the fields are dropped: the root stops being current, then it ends.
#[derive(Debug)]
struct Open {
    _current: Current,
    root: OpenSpan,
    trace_id: TraceId,
    previous_provider: GlobalTracerProvider,
    resource: Vec<KeyValue>,
    config: Config,
    /// None: the charm asked for none.
    buffer: Option<Buffer>,
    /// Killed dispatches whose traces were found.
    recovered: u32,
    /// Whether anything but the event's own handler ran: such traces outlive the boring ones in a full buffer.
    interesting: bool,
}

/// Without a charm directory there is no charm, but perhaps a test, which is not to remember another one's relations.
fn with_relation_memory(dispatch: Dispatch) -> Dispatch {
    if dispatch.var("JUJU_CHARM_DIR").or(dispatch.var("CHARM_DIR")).is_none() {
        return dispatch;
    }
    let file = dispatch.charm_dir().join(RELATION_MEMORY);
    dispatch.with_relation_memory(file)
}

/// Where the relations are remembered, in the charm directory: unlike a storage, on which the buffer may be, that is there
/// in every dispatch, so what an event outdates can always be forgotten. It is lost with the pod, as it should be.
const RELATION_MEMORY: &str = ".charm_tracing_relations";

/// Another process holds the buffer's lock for some microseconds at a time; it never does so while it sends.
const LOCK_WAIT: Duration = Duration::from_millis(500);

impl Session {
    /// Opens the root span. Juju is asked for nothing yet, but told a line of its log.
    #[must_use = "a session that is dropped at once has an empty trace"]
    pub fn start(dispatch: Dispatch, config: Config) -> Self {
        // First of all, and in every dispatch: what the event makes of what is remembered must not depend on anything.
        let dispatch = with_relation_memory(dispatch);
        let open = match Open::new(&dispatch, config) {
            Ok(open) => open,
            Err(why) => {
                log::debug!("this dispatch is not traced: {why}");
                return Self { dispatch, open: None };
            }
        };
        let traced: Arc<dyn HookTools> = Arc::new(TracedHookTools(Arc::clone(dispatch.hook_tools())));
        let dispatch = dispatch.with_hook_tools(traced);
        // `jhack tail -t` looks for this very text, and attaches the id to the next event line.
        let line = format!("Starting root trace with id='{}'.", open.trace_id);
        dispatch.juju_log_without_waiting(log::Level::Debug, &line);
        Self { dispatch, open: Some(open) }
    }

    /// The dispatch whose hook tools open spans. Prefer it over another [`Dispatch::from_env`].
    #[must_use]
    pub fn dispatch(&self) -> &Dispatch {
        &self.dispatch
    }

    /// Handles the event of this dispatch inside its span, e.g. `event: update_status`.
    pub fn event<R>(&mut self, handle: impl FnOnce() -> R) -> R {
        self.in_event(|_| handle())
    }

    /// The same for a handler that can fail; an error marks the event's span and the root as failed.
    ///
    /// # Errors
    ///
    /// The handler's own.
    pub fn try_event<T, E: fmt::Debug>(&mut self, handle: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let result = self.in_event(|span| {
            let result = handle();
            if let (Some(span), Err(error)) = (span, &result) {
                span.fail(span::headline(error));
            }
            result
        });
        if let Err(error) = &result {
            self.failed(error);
        }
        result
    }

    /// Marks the root as failed: for what fails outside of [`try_event`](Self::try_event), e.g. the charm's constructor.
    pub fn failed<E: fmt::Debug>(&mut self, error: &E) {
        if let Some(open) = &mut self.open {
            open.root.fail(span::headline(error));
            open.interesting = true;
        }
    }

    /// Ends the trace and delivers it: to `destination`, else to where Juju says charms push their traces
    /// (`JUJU_CHARM_TRACE_CONFIG_HTTP`, since Juju 4.1), else into the buffer. If that is `https` and has no
    /// [`Certificate`](crate::Certificate), those of [`Config::ca_relation`] are read first. Delivery, and each hook tool
    /// for the certificates, takes as long as [`Config::delivery_timeout`] at most, and nothing fails: what happened is in
    /// the report.
    pub fn finish(mut self, destination: Option<Destination>) -> DeliveryReport {
        let _hushed = Hushed::begin();
        let target = self.open.as_ref().and_then(|open| {
            let Config { ca_relation, delivery_timeout, .. } = &open.config;
            Target::find(destination, ca_relation.as_deref(), &self.dispatch, *delivery_timeout)
        });
        self.close(target.as_ref())
    }

    /// Ends the trace and puts it into the buffer, for when nobody can tell where it should go.
    pub(crate) fn keep(mut self) {
        self.close(None);
    }

    /// Marks the root as failed by the panic that was caught last.
    pub(crate) fn panicked(&self) {
        if let Some(open) = &self.open {
            open.root.panicked();
        }
    }

    /// Says the text in Juju's log at ERROR. It is there when the session has ended.
    pub(crate) fn log_error(&self, text: &str) {
        self.dispatch.juju_log_without_waiting(log::Level::Error, text);
    }

    fn in_event<R>(&mut self, handle: impl FnOnce(Option<&OpenSpan>) -> R) -> R {
        let Some(open) = &mut self.open else { return handle(None) };
        let name = self.dispatch.event();
        self.dispatch.juju_log_without_waiting(log::Level::Debug, &format!("Emitting Juju event {name}."));
        let (span, context) = span::open_event(name).unzip();
        let _current = context.map(Current::attach);
        let ended = globals::ended_count();
        // Stays so if the handler panics.
        let before = mem::replace(&mut open.interesting, true);
        let result = handle(span.as_ref());
        open.interesting = before || globals::ended_count() - ended > open.config.idle_spans;
        result
    }

    fn close(&mut self, target: Option<&Target>) -> DeliveryReport {
        let _hushed = Hushed::begin();
        let report = self.open.take().map(|open| self.deliver(open, target)).unwrap_or_default();
        if report.in_vain {
            self.dispatch.forget_relations();
        } else {
            self.dispatch.remember_relations();
        }
        self.dispatch.settle_log();
        report
    }

    fn deliver(&mut self, mut open: Open, target: Option<&Target>) -> DeliveryReport {
        let buffer = open.buffer.take();
        let inherit = |buffer| span::quietly(|| inherited::inherit(buffer, self.dispatch.charm_dir()));
        let Inheritance { losses: told, recovered } = buffer.as_ref().and_then(inherit).unwrap_or_default();
        let recovered = recovered + open.recovered;
        open.tell(told);
        let complaint = open.config.complaint();
        let budget = open.budget();
        let (trace, dropped_spans, flight) = open.into_trace();
        if let (Some(buffer), Some(flight)) = (&buffer, flight) {
            buffer.land(flight);
        }
        let destination = target.map(|target| &target.destination);
        // The trace is stored before anything is sent, so a panic in the HTTP client costs nothing but the attempt.
        let deliver =
            || delivery::deliver(&trace, buffer.as_ref(), destination, &budget, &SystemClock::new());
        let mut report = span::quietly(deliver).unwrap_or_else(DeliveryReport::interrupted);
        report.dropped_spans = dropped_spans;
        report.recovered = recovered;
        if let Some(buffer) = &buffer {
            span::quietly(|| {
                inherited::land(buffer, &trace, &mut report);
                note_losses(buffer, &report, told);
            });
        }
        let notices = [
            notice::of_delivery(&report, target, buffer.is_some()),
            complaint.map(|text| Notice { level: log::Level::Warn, text }),
        ];
        // The gravest, and of two the first.
        if let Some(notice) = notices.into_iter().flatten().min_by_key(|notice| notice.level) {
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

impl Open {
    fn new(dispatch: &Dispatch, config: Config) -> Result<Self, NotTraced> {
        let disabled = dispatch.var("CHARM_TRACING_ENABLED").is_some_and(|enabled| enabled != "1");
        if disabled || globals::is_switched_off() {
            return Err(NotTraced::SwitchedOff);
        }
        let dispatch_path = dispatch.dispatch_path()?;
        let name = names::root(dispatch.unit_name()?, dispatch_path);
        let resource = resource::of_unit(dispatch, &config)?;
        let (parent, details) = root_span(dispatch, name, dispatch_path);
        if globals::is_open() {
            return Err(NotTraced::AnotherSession);
        }
        let buffer = buffer(&config, dispatch);
        let take_off = |buffer| span::quietly(|| inherited::take_off(buffer));
        let (file, recovered) = buffer.as_ref().and_then(take_off).unwrap_or_default();
        if let Some(buffer) = &buffer {
            buffer.close();
        }
        let flight = match file.filter(|_| config.flight_recorder) {
            Some(file) => Flight::begin(file, &resource, TraceContext::below(&parent)),
            None => Ok(Flight::Grounded),
        };
        let flight = flight.unwrap_or_else(|error| {
            log::debug!("nothing would be left of this dispatch if it were killed: {error}");
            Flight::Grounded
        });
        let room = config.trace_max_bytes();
        let opened = span::own_work(|| globals::open(room, &parent, Box::new(details), flight));
        let Some((handle, context)) = opened else { return Err(NotTraced::AnotherSession) };
        let previous_provider = recorder::install();
        span::install_hook();
        Ok(Self {
            trace_id: context.span().span_context().trace_id(),
            _current: Current::attach(context),
            root: OpenSpan::new(handle),
            previous_provider,
            resource,
            config,
            buffer,
            recovered,
            interesting: false,
        })
    }

    /// Says on the root what was lost since the last trace that said it.
    fn tell(&self, losses: Losses) {
        let Losses { dropped_traces, refused_traces, lost_traces, rejected_spans } = losses;
        let counts = [
            ("charm_tracing.dropped_traces", dropped_traces.into()),
            ("charm_tracing.refused_traces", refused_traces.into()),
            ("charm_tracing.lost_traces", lost_traces.into()),
            ("charm_tracing.rejected_spans", rejected_spans),
        ];
        for (key, count) in counts {
            if count > 0 {
                self.root.set_attribute(KeyValue::new(key, i64::try_from(count).unwrap_or(i64::MAX)));
            }
        }
    }

    fn budget(&self) -> TimeBudget {
        TimeBudget { per_request: self.config.request_timeout, total: self.config.delivery_timeout }
    }

    /// Ends the root and encodes what was recorded. The number is that of the spans for which there was no room.
    fn into_trace(self) -> (Trace, u64, Option<FlightFile>) {
        let Self { _current: current, root, trace_id, previous_provider, resource, interesting, .. } = self;
        drop(current);
        let turned_away = globals::turned_away();
        if turned_away > 0 {
            let count = i64::try_from(turned_away).unwrap_or(i64::MAX);
            root.set_attribute(KeyValue::new(names::DROPPED_SPANS, count));
        }
        drop(root);
        let Ended { trace, spans, turned_away, flight } = globals::close();
        recorder::uninstall(previous_provider);
        let trace = Trace {
            payload: encode::request(&spans.ended(), trace, &own_scope(), &resource),
            trace_id: trace_id.to_bytes(),
            priority: if interesting { Priority::Interesting } else { Priority::Boring },
        };
        (trace, turned_away, flight)
    }
}

/// Counts for the next trace what this delivery lost, and no more what this dispatch's own trace has told if that one
/// arrives or waits.
fn note_losses(buffer: &Buffer, report: &DeliveryReport, told: Losses) {
    let lost = Losses {
        refused_traces: report.refused,
        lost_traces: report.lost.into(),
        rejected_spans: report.rejected_spans,
        ..Losses::default()
    };
    let told = if report.arrives { told } else { Losses::default() };
    if (lost, told) != (Losses::default(), Losses::default())
        && let Err(error) = buffer.note_losses(lost, told)
    {
        log::debug!("cannot count what was lost: {error}");
    }
}

fn buffer(config: &Config, dispatch: &Dispatch) -> Option<Buffer> {
    (config.buffer_max_events > 0).then(|| {
        Buffer::new(BufferConfig {
            path: config.buffer_file(dispatch.charm_dir()),
            max_dispatches: config.buffer_max_events,
            max_bytes: config.buffer_max_bytes(),
            max_age: config.buffer_max_age,
            lock_wait: LOCK_WAIT,
        })
    })
}

/// What the root of a dispatch is, and below what: the span that Juju passed, if it did.
fn root_span(dispatch: &Dispatch, name: String, dispatch_path: &str) -> (SpanContext, Details) {
    let path = KeyValue::new("juju.dispatch_path", dispatch_path.to_owned());
    let mut details = Details::named(name, vec![path]);
    let parent = match parent::from_environment(|name| dispatch.var(name)) {
        Some(parent) if parent.is_sampled() => parent,
        unsampled => {
            // An agent that does not sample its own trace says nothing about the charm's: a link keeps the two together.
            if let Some(agent) = unsampled {
                details.add_link(Link::with_context(agent), &mut Room::endless());
            }
            new_trace()
        }
    };
    (parent, details)
}

/// Why a session records nothing.
#[derive(Debug, thiserror::Error)]
enum NotTraced {
    #[error("tracing is switched off, or CHARM_TRACING_ENABLED is set to something else than 1")]
    SwitchedOff,
    #[error("another session of this process is open")]
    AnotherSession,
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
}
