//! Spans: opened by the attributes, by the session and by the charm's own code.

mod alive;
mod current;
mod failure;
mod future;
mod guard;
mod panic;
mod quiet;
mod site;
mod text;

pub use current::{CurrentSpan, current_span};
pub(crate) use failure::Failure;
pub use failure::probe;
pub use future::trace_future;
pub use guard::{Entered, enter, event, try_event};
pub(crate) use guard::{OpenSpan, open_event};
pub(crate) use panic::install_hook;
pub(crate) use quiet::quietly;
pub use site::{Callee, Site};
pub(crate) use text::headline;
