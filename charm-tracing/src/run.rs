use std::fmt;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::ExitCode;
use std::thread;

use opentelemetry::Context;
use tracing_relation::juju::Dispatch;

use crate::span::{StatusOnly, catch_panics, first_line};
use crate::{Destination, Session, TracedCharm};

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
/// `N` and `H` are `Result<C, E>` and `Result<(), F>`. A charm that waits for futures needs a runtime in `handle`, for
/// example with `#[tokio::main(flavor = "current_thread")]`.
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
    note = "an `async fn` needs a runtime: put `#[tokio::main(flavor = \"current_thread\")]` on it, or build one in it and \
            wait for an inner `async fn` there"
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
