//! Exporters and span processors of a charm get the spans of a dispatch beside the queue, and whatever they do harms nothing.
#![expect(clippy::unwrap_used, reason = "what cannot be unwrapped here has failed the test")]

use std::error::Error;
use std::fmt;
use std::future;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use charm_testing::collector::Collector;
use charm_tracing::juju::{Dispatch, HookToolCall, HookToolError, HookToolOutput, HookTools};
use charm_tracing::opentelemetry::trace::{SpanId, Tracer};
use charm_tracing::opentelemetry::{Context, Key, global};
use charm_tracing::{
    Config, DeliveryReport, Destination, ExportError, Session, TracedCharm as _, trace_charm, trace_fn,
};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{
    BatchSpanProcessor, InMemorySpanExporter, Span, SpanData, SpanExporter, SpanProcessor,
};
use prost::Message as _;

const GUIDE: &str = include_str!("../../docs/guide/exporters.md");

/// The limit of the exporters. It is long enough for those that do not hang.
const LIMIT: Duration = Duration::from_secs(1);

#[test]
fn an_exporter_gets_the_spans_that_the_backend_gets() {
    let (_turn, juju, collector) = (take_turn(), Juju::default(), Collector::start());
    let (in_memory, own) = (InMemorySpanExporter::default(), Own::default());
    let (first, second) = (in_memory.clone(), own.clone());
    let config = Config::new().service_name("exporting-charm");
    let config = config.span_exporter(move || first.clone()).span_exporter(move || second.clone());
    let report = juju.dispatch(config, Some(Destination::new(collector.endpoint(), None)));
    assert_eq!((report.delivered, report.failed_exporters.len()), (1, 0), "{report:?}");

    let exported = in_memory.get_finished_spans().unwrap();
    assert_eq!(exported, own.spans(), "each exporter gets the same");
    let resource = own.resource.lock().unwrap().clone().unwrap();
    let of_exporter = group_spans_by_resource_and_scope(exported, &(&resource).into());
    let of_backend = ExportTraceServiceRequest::decode(&*collector.requests()[0].otlp).unwrap();
    assert_eq!(in_order(of_exporter), in_order(of_backend.resource_spans));
    collector.trace().assert_tree(
        "app/0: start event\n  event: start\n    function call: install\n      of another library\n",
    );
    let service = resource.get(&Key::from_static_str("service.name")).unwrap();
    assert_eq!(service.as_str(), "exporting-charm");
    assert_eq!(resource.get(&Key::from_static_str("juju_unit")).unwrap().as_str(), "app/0");
    assert_eq!(juju.warnings(), [""; 0]);
}

/// Neither a request nor the SDK's resource has an order of scopes and of resource attributes.
fn in_order(mut all: Vec<ResourceSpans>) -> Vec<ResourceSpans> {
    for spans in &mut all {
        spans.resource.as_mut().unwrap().attributes.sort_by(|one, other| one.key.cmp(&other.key));
        spans.scope_spans.sort_by_key(|spans| spans.scope.as_ref().map(|scope| scope.name.clone()));
    }
    all
}

#[test]
fn an_exporter_is_made_when_the_charms_code_has_ended_and_its_trace_is_stored() {
    let (_turn, juju) = (take_turn(), Juju::default());
    let made = Arc::new(AtomicUsize::new(0));
    let (count, charm_dir) = (Arc::clone(&made), juju.charm_dir.path().to_owned());
    let config = Config::new().span_exporter(move || {
        assert_eq!(waiting(&charm_dir), 1, "the trace is stored");
        count.fetch_add(1, Ordering::Relaxed);
        Own::default()
    });
    let mut session = juju.session(&[], config);
    session.event(|| assert_eq!(made.load(Ordering::Relaxed), 0));
    let report = session.finish(None);
    assert_eq!(made.load(Ordering::Relaxed), 1);
    assert!(report.failed_exporters.is_empty(), "{report:?}");

    let (own, shared) = (Own::default(), Own::default());
    let config = Config::new().span_exporter(move || shared.clone());
    let config = config.span_exporter({
        let own = own.clone();
        move || own.clone()
    });
    drop(juju.session(&[], config));
    assert_eq!(own.spans().len(), 1, "a session that is dropped has a trace as well");
}

/// The ways in which an exporter can fail.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Error,
    Panic,
    PanicWhenPolled,
    PanicWhenDropped,
    PanicTwice,
    NeverReady,
    Blocks,
    IsLate,
    BlocksWhenDropped,
}

/// Never returns.
fn block() -> ! {
    loop {
        thread::park();
    }
}

#[derive(Debug)]
struct Faulty(Fault);

impl SpanExporter for Faulty {
    fn export(&self, _: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        match self.0 {
            Fault::Panic | Fault::PanicTwice => panic!("in export"),
            Fault::Blocks => block(),
            Fault::IsLate => thread::sleep(LIMIT + Duration::from_millis(200)),
            _ => {}
        }
        let fault = self.0;
        async move {
            match fault {
                Fault::Error => Err(OTelSdkError::InternalFailure("the backend is gone".to_owned())),
                Fault::PanicWhenPolled => panic!("in the future"),
                Fault::NeverReady => future::pending().await,
                _ => Ok(()),
            }
        }
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        match self.0 {
            Fault::PanicWhenDropped | Fault::PanicTwice => panic!("in drop"),
            Fault::BlocksWhenDropped => block(),
            _ => {}
        }
    }
}

#[test]
fn whatever_an_exporter_does_the_others_get_the_spans_in_time_and_the_trace_waits() {
    use Fault::{
        Blocks, BlocksWhenDropped, IsLate, NeverReady, Panic, PanicTwice, PanicWhenDropped, PanicWhenPolled,
    };

    let _turn = take_turn();
    for (fault, said) in [
        (Fault::Error, "Operation failed: the backend is gone"),
        (Panic, "it panicked"),
        (PanicWhenPolled, "it panicked"),
        (PanicWhenDropped, "it panicked"),
        (PanicTwice, "it panicked"),
        (NeverReady, "it has not ended within 1s"),
        (Blocks, "it has not ended within 1s"),
        (IsLate, "it has not ended within 1s"),
        (BlocksWhenDropped, "it has not ended within 1s"),
    ] {
        let (juju, own) = (Juju::default(), Own::default());
        let second = own.clone();
        let config = Config::new().delivery_timeout(LIMIT);
        let config = config.span_exporter(move || Faulty(fault)).span_exporter(move || second.clone());
        let started = Instant::now();
        let report = juju.dispatch(config, None);
        // The margin is for a busy machine.
        assert!(started.elapsed() < 10 * LIMIT, "{fault:?} took {:?}", started.elapsed());

        assert_eq!(own.spans().len(), 4, "{fault:?}");
        assert!(report.buffered, "{fault:?}");
        assert_eq!(waiting(juju.charm_dir.path()), 1, "{fault:?}");
        let fits = match (fault, &report.failed_exporters[..]) {
            (Fault::Error, [ExportError::Failed { .. }])
            | (Panic | PanicWhenPolled | PanicWhenDropped | PanicTwice, [ExportError::Panicked { .. }]) => {
                true
            }
            (_, [ExportError::TimedOut { limit, .. }]) => *limit == LIMIT,
            _ => false,
        };
        assert!(fits, "{fault:?}: {report:?}");
        let warning = format!("cannot export the spans of this event with exporters::Faulty: {said}");
        assert_eq!(juju.warnings(), [&*warning], "{fault:?}");
        if matches!(fault, Blocks) {
            let shown = warning.replace("exporters::Faulty", "my_charm::Slow").replace("1s", "2s");
            assert!(GUIDE.contains(&format!("```text\n{shown}\n```\n")), "the guide should show:\n{shown}");
        }
    }
}

#[test]
fn an_exporter_that_cannot_be_made_is_a_failure_and_all_are_counted() {
    let (_turn, juju) = (take_turn(), Juju::default());
    let config = Config::new()
        .span_exporter(|| Err::<Own, _>("the address is not valid"))
        .span_exporter(|| -> Own { panic!("in the function") })
        .span_exporter(|| Ok::<_, String>(Faulty(Fault::Error)));
    let report = juju.dispatch(config, None);
    assert_eq!(report.failed_exporters.len(), 3, "{report:?}");
    let warning = "cannot export the spans of this event with exporters::Own: the address is not valid; \
                   2 other exporters failed as well";
    assert_eq!(juju.warnings(), [warning]);
}

/// The ways in which the error of an exporter can fail.
#[derive(Clone, Copy, Debug)]
enum BadError {
    PanicsInDisplay,
    PanicsWhenDropped,
    BlocksInDisplay,
    NeverEnds,
    CausesItself,
}

impl fmt::Display for BadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PanicsInDisplay => panic!("in Display"),
            Self::BlocksInDisplay => block(),
            Self::NeverEnds => loop {
                let _ = f.write_str("x");
            },
            Self::PanicsWhenDropped | Self::CausesItself => f.write_str("bad"),
        }
    }
}

#[derive(Debug)]
struct Failed(BadError);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        matches!(self.0, BadError::CausesItself).then_some(self)
    }
}

impl Drop for Failed {
    fn drop(&mut self) {
        assert!(!matches!(self.0, BadError::PanicsWhenDropped), "in drop");
    }
}

#[test]
fn whatever_the_error_of_an_exporter_does_the_session_ends_in_time() {
    let _turn = take_turn();
    let chain = ["bad"; 33].join(": ");
    let cut = "x".repeat(8 * 1024) + "…";
    for (bad, said) in [
        (BadError::PanicsInDisplay, "it panicked"),
        (BadError::PanicsWhenDropped, "it panicked"),
        (BadError::BlocksInDisplay, "it has not ended within 1s"),
        (BadError::NeverEnds, &*cut),
        (BadError::CausesItself, &*chain),
    ] {
        let juju = Juju::default();
        let config = Config::new().delivery_timeout(LIMIT);
        let config = config.span_exporter(move || Err::<Own, _>(Failed(bad)));
        drop(juju.dispatch(config, None));
        let warning = format!("cannot export the spans of this event with exporters::Own: {said}");
        assert_eq!(juju.warnings(), [warning], "{bad:?}");
    }
}

#[test]
fn a_warning_about_the_delivery_does_not_hide_the_one_about_an_exporter() {
    let (_turn, juju) = (take_turn(), Juju::default());
    let config = Config::new().span_exporter(|| Faulty(Fault::Error));
    juju.dispatch(config, Some(Destination::new("tempo, port 4318", None)));
    let warnings = juju.warnings();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].starts_with("cannot send traces: the endpoint is not a URL"), "{warnings:?}");
    assert!(warnings[1].starts_with("cannot export the spans of this event with "), "{warnings:?}");
}

#[test]
fn a_processor_gets_each_span_and_is_flushed_and_shut_down() {
    #[derive(Clone, Debug, Default)]
    struct Notes(Arc<Mutex<Vec<String>>>);

    impl Notes {
        fn note(&self, note: &str) {
            self.0.lock().unwrap().push(note.to_owned());
        }
    }

    impl SpanProcessor for Notes {
        fn on_start(&self, _: &mut Span, _: &Context) {
            self.note("on_start");
        }
        fn on_end(&self, span: SpanData) {
            self.note(&span.name);
        }
        fn force_flush(&self) -> OTelSdkResult {
            self.note("force_flush");
            Ok(())
        }
        fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
            assert!(timeout <= LIMIT);
            self.note("shutdown");
            Err(OTelSdkError::Timeout(timeout))
        }
        fn set_resource(&mut self, _: &Resource) {
            self.note("set_resource");
        }
    }

    let (_turn, juju, notes) = (take_turn(), Juju::default(), Notes::default());
    let processor = notes.clone();
    let config = Config::new().delivery_timeout(LIMIT).span_exporter(move || processor.clone());
    let report = juju.dispatch(config, None);
    assert!(matches!(&report.failed_exporters[..], [ExportError::Failed { .. }]), "{report:?}");
    assert_eq!(
        *notes.0.lock().unwrap(),
        [
            "set_resource",
            "of another library",
            "function call: install",
            "event: start",
            "app/0: start event",
            "force_flush",
            "shutdown"
        ]
    );
}

#[test]
fn the_batch_processor_of_the_sdk_can_be_used() {
    let (_turn, juju, own) = (take_turn(), Juju::default(), Own::default());
    let exporter = own.clone();
    let config = Config::new().span_exporter(move || BatchSpanProcessor::builder(exporter.clone()).build());
    let report = juju.dispatch(config, None);
    assert!(report.failed_exporters.is_empty(), "{report:?}");
    assert_eq!(own.spans().len(), 4);
}

fn failing() -> Result<Own, OTelSdkError> {
    Err(OTelSdkError::AlreadyShutdown)
}

#[trace_charm(tracing_endpoint = "endpoint", span_exporters = [Own::default, failing, || Faulty(Fault::Error)])]
struct ExportingCharm {
    endpoint: Option<String>,
}

#[test]
fn the_attribute_names_functions_that_make_exporters() {
    let (_turn, juju) = (take_turn(), Juju::default());
    let charm = ExportingCharm { endpoint: None };
    let report = juju.dispatch(ExportingCharm::config(), charm.destination());
    assert_eq!(report.failed_exporters.len(), 2, "{report:?}");
}

#[test]
fn a_dispatch_that_is_not_traced_makes_no_exporter() {
    let (_turn, juju) = (take_turn(), Juju::default());
    let config = Config::new().span_exporter(|| -> Own { panic!("it is made") });
    let mut session = juju.session(&[("CHARM_TRACING_ENABLED", "0")], config);
    session.event(install);
    let report = session.finish(None);
    assert!(report.failed_exporters.is_empty(), "{report:?}");
    assert_eq!(juju.warnings(), [""; 0]);
}

/// An exporter whose own work is traced and logged.
#[derive(Debug)]
struct Observed(Own);

impl SpanExporter for Observed {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        install();
        let _span = global::tracer("exporter").start("of the exporter");
        log::warn!("{} spans", batch.len());
        self.0.export(batch).await
    }
}

#[test]
fn an_exporter_that_opens_spans_and_logs_does_not_export_itself() {
    let (_turn, juju, own) = (take_turn(), Juju::default(), Own::default());
    let exporter = own.clone();
    let config = Config::new().span_exporter(move || Observed(exporter.clone()));
    #[cfg(feature = "log")]
    let config = config.log("info");
    let report = juju.dispatch(config, None);
    assert!(report.failed_exporters.is_empty(), "{report:?}");
    assert_eq!(own.spans().len(), 4);
    #[cfg(feature = "log")]
    assert_eq!(juju.warnings(), ["4 spans"]);
}

#[trace_fn]
fn install() {
    global::tracer("other").in_span("of another library", |_| ());
}

/// Keeps what it gets, and does not forget it when it is shut down.
#[derive(Clone, Debug, Default)]
struct Own {
    spans: Arc<Mutex<Vec<SpanData>>>,
    resource: Arc<Mutex<Option<Resource>>>,
}

impl Own {
    fn spans(&self) -> Vec<SpanData> {
        self.spans.lock().unwrap().clone()
    }
}

impl SpanExporter for Own {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        assert!(batch.iter().all(|span| span.span_context.span_id() != SpanId::INVALID));
        self.spans.lock().unwrap().append(&mut batch);
        Ok(())
    }

    fn set_resource(&mut self, resource: &Resource) {
        *self.resource.lock().unwrap() = Some(resource.clone());
    }
}

/// Waits until no other test has a session, of which a process has one.
fn take_turn() -> MutexGuard<'static, ()> {
    static ONE_SESSION: Mutex<()> = Mutex::new(());
    ONE_SESSION.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The number of waiting traces.
fn waiting(charm_dir: &Path) -> usize {
    let names =
        charm_dir.join(".charm_tracing_buffer").read_dir().unwrap().map(|entry| entry.unwrap().path());
    names.filter(|name| name.extension().is_some_and(|end| end == "otlp" || end == "idle")).count()
}

/// A Juju that notes the warnings in its log.
#[derive(Debug)]
struct Juju {
    charm_dir: tempfile::TempDir,
    log: Arc<Log>,
}

#[derive(Debug, Default)]
struct Log(Mutex<Vec<String>>);

impl Default for Juju {
    fn default() -> Self {
        Self { charm_dir: tempfile::tempdir().unwrap(), log: Arc::default() }
    }
}

impl Juju {
    fn session(&self, vars: &[(&str, &str)], config: Config) -> Session {
        let unit = [
            ("JUJU_DISPATCH_PATH", "hooks/start"),
            ("JUJU_UNIT_NAME", "app/0"),
            ("JUJU_MODEL_NAME", "model"),
            ("JUJU_MODEL_UUID", "20e13b21-6a7b-4f39-8f5a-5f2f4b0d0c01"),
            ("JUJU_CHARM_DIR", self.charm_dir.path().to_str().unwrap()),
        ];
        let log: Arc<dyn HookTools> = self.log.clone();
        let dispatch = Dispatch::from_vars(unit.iter().chain(vars).copied()).with_hook_tools(log);
        Session::start(dispatch, config)
    }

    /// Plays a dispatch that has four spans.
    fn dispatch(&self, config: Config, destination: Option<Destination>) -> DeliveryReport {
        let mut session = self.session(&[], config);
        session.event(install);
        session.finish(destination)
    }

    fn warnings(&self) -> Vec<String> {
        self.log.0.lock().unwrap().clone()
    }
}

impl HookTools for Log {
    fn run(&self, call: &HookToolCall) -> Result<HookToolOutput, HookToolError> {
        let args = call.args();
        if args.iter().any(|arg| arg == "WARNING" || arg == "ERROR") {
            self.0.lock().unwrap().push(args.last().unwrap().clone());
        }
        Ok(HookToolOutput::default())
    }
}
