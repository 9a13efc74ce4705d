//! A charm for `panic = "abort"`, where a panic of what only tracing asks for could not be caught: the hook ends as it would
//! without tracing, and the trace arrives. Started by hand, the program deploys itself and asserts that.
//!
//! Cargo builds no test with `panic = "abort"`, so `.ci/run abort` runs this with that profile; `end_to_end/panic_abort.rs` runs it
//! with the usual one.

use std::cell::RefCell;
use std::pin::Pin;
use std::process::ExitCode;
use std::task::{self, Waker};
use std::{env, fmt, fs, thread};

use anyhow::Context as _;
use charm_testing::collector::Collector;
use charm_testing::{Event, Juju, Outcome};
use charm_tracing::juju::Dispatch;
use charm_tracing::{trace_charm, trace_fn};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Its `Display` is never called by the charm.
struct Bomb;

impl fmt::Display for Bomb {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("in Display")
    }
}

struct AbortCharm {
    endpoint: Option<String>,
}

#[trace_charm(tracing_endpoint = "endpoint")]
impl AbortCharm {
    #[expect(clippy::unnecessary_wraps, reason = "as `run` wants it")]
    fn new(dispatch: &Dispatch) -> anyhow::Result<Self> {
        Ok(Self { endpoint: dispatch.var("TRACE_ENDPOINT").map(Into::into) })
    }

    fn handle(&mut self, dispatch: &Dispatch) -> anyhow::Result<()> {
        assert!(self.look_up().is_err());
        match dispatch.event() {
            "start" => {
                drop_late();
                Ok(())
            }
            "config_changed" => allow_no_thread(),
            _ => Err(anyhow::anyhow!("no such unit")).context("cannot stop"),
        }
    }

    #[expect(clippy::unused_self, reason = "it is there for its span")]
    fn look_up(&self) -> Result<u8, Bomb> {
        Err(Bomb)
    }
}

/// Drops a future with a span when OpenTelemetry's value of the thread is destroyed already.
fn drop_late() {
    thread_local!(static LATE: RefCell<Option<Pin<Box<dyn Future<Output = ()>>>>> = const { RefCell::new(None) });

    let thread = thread::spawn(|| {
        // It is older than OpenTelemetry's, so it is destroyed after it.
        LATE.set(None);
        let mut future = Box::pin(never());
        assert!(future.as_mut().poll(&mut task::Context::from_waker(Waker::noop())).is_pending());
        LATE.set(Some(future));
    });
    thread.join().expect("nothing panics");
}

#[trace_fn]
async fn never() {
    std::future::pending::<()>().await;
}

/// Leaves no room for the stack of a thread, which has 2 MiB. A limit of processes would not bind root.
fn allow_no_thread() -> anyhow::Result<()> {
    let pages: u64 = fs::read_to_string("/proc/self/statm")?.split(' ').next().context("a size")?.parse()?;
    let size = pages * u64::try_from(rustix::param::page_size())? + (3 << 19);
    setrlimit(Resource::As, Rlimit { current: Some(size), ..getrlimit(Resource::As) })?;
    assert!(thread::Builder::new().spawn(|| ()).is_err());
    Ok(())
}

fn main() -> ExitCode {
    if env::var_os("JUJU_DISPATCH_PATH").is_some() {
        return charm_tracing::run(AbortCharm::new, AbortCharm::handle);
    }
    let program = env::current_exe().expect("the program");
    let deployed = || (Juju::new(&program).unit("app/0"), Collector::start());

    let (mut juju, collector) = deployed();
    succeed(&mut juju, at(&collector.endpoint(), "start"));
    let trace = collector.trace();
    trace.check().expect("a whole trace");
    let span = trace.span("method call: AbortCharm.look_up");
    let [event] = &span.events[..] else { panic!("one exception: {span:?}") };
    let keys: Vec<_> = event.attributes.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["exception.type"]);

    let (mut juju, collector) = deployed();
    let outcome = juju.dispatch(at(&collector.endpoint(), "stop"));
    assert_eq!(outcome.code(), Some(1), "{outcome}");
    assert_eq!(outcome.stderr, "Error: cannot stop\n\nCaused by:\n    no such unit\n");
    let trace = collector.trace();
    for name in ["app/0: stop event", "event: stop"] {
        assert_eq!(trace.span(name).error(), Some("cannot stop"), "{name}");
    }

    // A name is looked up in a thread.
    let (mut juju, collector) = deployed();
    let by_name = collector.endpoint().replace("127.0.0.1", "localhost");
    let kept = succeed(&mut juju, at(&by_name, "config-changed"));
    assert!(collector.requests().is_empty());
    let sent = succeed(&mut juju, at(&by_name, "start"));
    let ids = [kept, sent].map(|outcome| outcome.trace_id().expect("a trace"));
    assert_eq!(collector.trace_ids(), ids);
    ExitCode::SUCCESS
}

fn at(endpoint: &str, hook: &str) -> Event {
    Event::hook(hook).env("TRACE_ENDPOINT", endpoint)
}

fn succeed(juju: &mut Juju, event: Event) -> Outcome {
    let outcome = juju.dispatch(event);
    assert!(outcome.success() && outcome.stderr.is_empty(), "{outcome}");
    outcome
}
