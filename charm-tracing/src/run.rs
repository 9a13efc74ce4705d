use std::cell::RefCell;
use std::fmt;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::process::ExitCode;
use std::rc::Rc;
use std::thread;

use opentelemetry::Context;
use tracing_relation::juju::Dispatch;

use crate::span::{StatusOnly, catch_panics, first_line};
use crate::{Config, Destination, Session, TracedCharm};

/// Runs a traced charm, as its `main`: constructs it with `new`, lets it `handle` the event, and delivers the trace.
///
/// ```no_run
/// # use charm_tracing::{juju::Dispatch, trace_charm};
/// # struct MyCharm { endpoint: Option<String> }
/// # #[trace_charm(tracing_endpoint = "endpoint")]
/// # impl MyCharm {
/// #     fn new(_: &Dispatch) -> Result<Self, String> { Ok(Self { endpoint: None }) }
/// #     fn handle(&mut self, _: &Dispatch) -> Result<(), String> { Ok(()) }
/// # }
/// fn main() -> std::process::ExitCode {
///     charm_tracing::run(MyCharm::new, MyCharm::handle)
/// }
/// ```
///
/// An error of either is reported as `fn main() -> Result<(), E>` would do: `Error: ` and its `Debug` on standard
/// error, and exit code 1, so Juju sees a failed hook. It is also written to Juju's log at ERROR. A panic continues
/// after the trace is delivered. A failure of tracing never changes the exit code and never prints anything.
///
/// `N` and `H` are `Result<C, E>` and `Result<(), F>`. A charm whose `handle` is an `async fn` uses [`run_async`].
#[must_use = "return it from `main`, or a hook that fails exits 0"]
pub fn run<C, E, F, N, H>(
    new: impl FnOnce(&Dispatch) -> N,
    handle: impl FnOnce(&mut C, &Dispatch) -> H,
) -> ExitCode
where
    N: Outcome<C, E>,
    H: Outcome<(), F>,
    C: TracedCharm,
    E: fmt::Debug,
    F: fmt::Debug,
{
    let mut session = Session::start(Dispatch::from_env(), C::config().handler_is_traced());
    let mut charm = None;
    let outcome = play(&mut session, &mut charm, new, handle);
    if let Ok(Err(report)) = &outcome {
        // If standard error is closed, the error cannot be printed.
        let _ = writeln!(io::stderr(), "Error: {report}");
    }
    record(&session, &outcome);
    // A charm that was not constructed names no endpoint, but Juju may.
    match charm.as_ref().map_or(Some(None), ask_for_destination) {
        Some(destination) => drop(session.finish(destination)),
        // The destination is not known, so the trace waits.
        None => drop(session),
    }
    match outcome {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(_)) => ExitCode::FAILURE,
        Err(panic) => resume_unwind(panic),
    }
}

/// Runs a traced charm as [`run`] does, but `handle` is an `async fn`, and `block_on` is that of the charm's runtime.
///
/// ```no_run
/// use charm_tracing::{juju::Dispatch, trace_charm};
///
/// struct MyCharm { endpoint: Option<String> }
///
/// #[trace_charm(tracing_endpoint = "endpoint")]
/// impl MyCharm {
///     fn new(_: &Dispatch) -> Result<Self, std::io::Error> {
///         Ok(Self { endpoint: None })
///     }
///     async fn handle(&mut self, _: &Dispatch) -> Result<(), std::io::Error> {
///         tokio::spawn(async {}).await?;
///         Ok(())
///     }
/// }
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn block_on<F: Future>(handled: F) -> F::Output {
///     handled.await
/// }
///
/// fn main() -> std::process::ExitCode {
///     charm_tracing::run_async(block_on, MyCharm::new, MyCharm::handle)
/// }
/// ```
///
/// `block_on` may be any function that waits for a future and returns its output, such as those of `smol`, `pollster` and
/// `futures`, or a closure: `|handled| runtime.block_on(handled)`. It is called once, after the charm was constructed, and the
/// future has the whole event. A runtime that ends in `block_on` drops its tasks before the trace is delivered.
///
/// The span of the event is the current one of the thread that calls `block_on`, so tasks that run on it are below the event, and
/// so are tasks and threads that have no current span. See [`with_current_context`](crate::with_current_context) for the parent
/// of a task to be the span that spawned it.
#[must_use = "return it from `main`, or a hook that fails exits 0"]
pub fn run_async<'a, C, E, F, N, H>(
    block_on: impl FnOnce(Pin<Box<dyn Future<Output = H> + 'a>>) -> H,
    new: impl FnOnce(&Dispatch) -> N,
    handle: impl AsyncFnOnce(&mut C, &Dispatch) -> H + 'a,
) -> ExitCode
where
    N: Outcome<C, E>,
    H: Outcome<(), F>,
    C: TracedCharm + 'a,
    E: fmt::Debug,
    F: fmt::Debug,
{
    run(
        |dispatch| new(dispatch).into_result().map(|charm| Shared(Rc::new(RefCell::new(charm)))),
        |Shared(charm), dispatch| {
            let (charm, dispatch) = (Rc::clone(charm), dispatch.clone());
            #[expect(clippy::await_holding_refcell_ref, reason = "nothing else uses the charm meanwhile")]
            block_on(Box::pin(async move { handle(&mut charm.borrow_mut(), &dispatch).await }))
        },
    )
}

/// A charm that the future of [`run_async`] and `run` itself both own. The future owns all that it uses, because otherwise its
/// type would have a lifetime that no name of a generic function, such as `futures::executor::block_on`, can stand for.
struct Shared<C>(Rc<RefCell<C>>);

impl<C: TracedCharm> TracedCharm for Shared<C> {
    fn config() -> Config {
        C::config()
    }

    fn destination(&self) -> Option<Destination> {
        // A future that `block_on` has leaked still borrows the charm.
        self.0.try_borrow().ok()?.destination()
    }
}

/// The exit code of a Rust program whose `main` panics.
const PANICKED: u8 = 101;

/// Constructs the charm and lets it handle the event, inside of the session's spans. Returns the panic of the charm, or its error
/// as text.
pub(crate) fn play<C, E, F, N, H>(
    session: &mut Session,
    charm: &mut Option<C>,
    new: impl FnOnce(&Dispatch) -> N,
    handle: impl FnOnce(&mut C, &Dispatch) -> H,
) -> thread::Result<Result<(), String>>
where
    N: Outcome<C, E>,
    H: Outcome<(), F>,
    E: fmt::Debug,
    F: fmt::Debug,
{
    let dispatch = session.dispatch().clone();
    // After a panic, only the charm's destination is read, and a panic there is caught as well.
    catch_unwind(AssertUnwindSafe(|| {
        let charm = charm.insert(match new(&dispatch).into_result() {
            Ok(charm) => charm,
            Err(error) => {
                let report = format!("{error:?}");
                session.failed_with::<E>(&report);
                return Err(report);
            }
        });
        // The error is formatted once, as `main` would do, because it may be long.
        let handle = || handle(charm, &dispatch).into_result().map_err(|error| format!("{error:?}"));
        session.in_event(handle, |result| {
            result.as_ref().err().map(|report| StatusOnly::of::<F>(first_line(report)))
        })
    }))
}

/// Writes the outcome of [`play`] into the trace and Juju's log.
pub(crate) fn record(session: &Session, outcome: &thread::Result<Result<(), String>>) {
    match outcome {
        Ok(Ok(())) => session.exits_with(0),
        Ok(Err(report)) => {
            session.exits_with(1);
            session.log_error(report);
        }
        Err(_) => {
            session.exits_with(PANICKED);
            session.panicked();
        }
    }
}

/// The `Result` that `new` and `handle` return. It is a trait because then the compiler explains better what is
/// missing.
#[diagnostic::on_unimplemented(
    message = "`run` needs a `Result` and not `{Self}`",
    label = "this has to return a `Result`",
    note = "if the charm's handler is an `async fn`: `run_async(block_on, MyCharm::new, MyCharm::handle)`, with the `block_on` \
            of a runtime; a charm's constructor is no `async fn`"
)]
pub trait Outcome<T, E> {
    /// Returns the `Result`.
    #[expect(clippy::missing_errors_doc, reason = "it is one")]
    fn into_result(self) -> Result<T, E>;
}

impl<T, E> Outcome<T, E> for Result<T, E> {
    fn into_result(self) -> Self {
        self
    }
}

/// Returns the charm's destination; the outer `None` if the charm panicked. The call is not part of the event, so it
/// leaves no spans.
#[expect(clippy::option_option, reason = "knowing of no destination is not the same as not knowing")]
pub(crate) fn ask_for_destination(charm: &impl TracedCharm) -> Option<Option<Destination>> {
    let _untraced = Context::enter_telemetry_suppressed_scope();
    catch_panics(|| charm.destination())
}
