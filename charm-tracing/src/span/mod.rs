//! Opens, changes and ends spans for the attributes, the session and the charm's own code.

mod alive;
mod attribute;
mod carried;
mod current;
mod event;
mod failure;
mod future;
mod guard;
#[cfg(feature = "tracing")]
mod instrumented_span;
#[cfg(any(feature = "log", feature = "tracing"))]
mod logging_span;
mod open;
mod panic;
mod returned;
mod text;
mod type_name;

pub(crate) use crate::recorder::own_work::{self, catch_panics, catch_panics_traced, own_work};
pub use crate::site::{Callee, Site};
#[cfg(feature = "tracing")]
pub(crate) use alive::{can_open_spans, is_recording_here};
pub use attribute::{Attributes, value};
pub use carried::{ClosureWork, FutureWork, WithCurrent, Work, with_current_context};
pub use current::{CurrentSpan, current_span};
pub(crate) use event::open_event;
pub use event::{event, try_event};
pub(crate) use failure::Failure;
pub use failure::probe;
#[cfg(feature = "session")]
pub(crate) use future::in_span;
pub use guard::{
    Entered, RUN_IN_PLACE, call_for_future, call_for_future_of, enter, enter_with, open_future, run,
    trace_future,
};
#[cfg(feature = "tracing")]
pub(crate) use instrumented_span::InstrumentedSpan;
#[cfg(any(feature = "log", feature = "tracing"))]
pub(crate) use logging_span::LoggingSpan;
pub(crate) use open::StatusOnly;
pub(crate) use open::{Current, OpenSpan};
pub(crate) use panic::install_hook;
pub use returned::{Returns, leave};
#[cfg(any(feature = "log", feature = "tracing"))]
pub(crate) use text::display;
#[cfg(feature = "sdk")]
pub(crate) use text::with_causes;
#[cfg(feature = "tracing")]
pub(crate) use text::{causes, cut, debug};
pub(crate) use text::{first_line, headline};
