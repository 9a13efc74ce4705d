//! Formats values of the charm's own types, whose `Display` and `Debug` may do anything.
//!
//! Without tracing these texts would not be formatted. So a panic in one loses only that text, no more of it is formatted than
//! is recorded, and formatting all errors of a dispatch may take [`TIME_FOR_ERRORS`] together.

use std::any::Any;
use std::error::Error;
use std::fmt::{self, Write};
use std::panic::resume_unwind;
use std::time::{Duration, Instant};

use super::own_work::catch_panics;
use crate::recorder::globals;

/// The maximum length of a text in bytes; a longer one is cut. Tempo keeps the first 2048 bytes of a value, and other backends
/// may keep more.
const MAX_BYTES: usize = 8 * 1024;
/// The maximum number of causes; a longer chain is cut, because `source` may be implemented so that it never ends.
const MAX_CAUSES: usize = 32;
/// The time after which the texts of further errors of a dispatch are left out. A text takes some microseconds, but an error
/// may ask a server for its text, and it is formatted again for the span of each function that returns it.
const TIME_FOR_ERRORS: Duration = Duration::from_millis(50);
/// The number of failed writes after which a type is taken for one that never stops writing.
const MAX_FAILED_WRITES: u32 = 1_000_000;

/// Returns the text of a value; `None` if formatting it fails or panics.
pub(crate) fn display(value: &(impl fmt::Display + ?Sized)) -> Option<String> {
    let mut text = BoundedText::default();
    text.add(&format_args!("{value}")).then(|| text.finish())
}

pub(crate) fn debug(value: &(impl fmt::Debug + ?Sized)) -> Option<String> {
    let mut text = BoundedText::default();
    text.add(&format_args!("{value:?}")).then(|| text.finish())
}

/// Writes the causes below `error`, the nearest first, as Rust programs print them. `None` if there are none.
pub(crate) fn causes(error: &(impl Error + ?Sized)) -> Option<String> {
    let mut text = BoundedText::default();
    let walk = || {
        let mut next = error.source();
        let mut count = 0;
        while let (Some(cause), true) = (next, count < MAX_CAUSES && !text.is_cut) {
            let heading = if text.text.is_empty() { "Caused by:" } else { "" };
            text.add(&format_args!("{heading}\n    {cause}"));
            count += 1;
            next = cause.source();
        }
    };
    catch_panics(walk);
    Some(text.finish()).filter(|text| !text.is_empty())
}

/// Returns an error and its causes in one line; `None` if formatting one of them fails or panics.
#[cfg(feature = "sdk")]
pub(crate) fn with_causes(error: &dyn Error) -> Option<String> {
    let mut text = BoundedText::default();
    let mut causes = std::iter::successors(error.source(), |&cause| cause.source()).take(MAX_CAUSES);
    let is_whole =
        text.add(&format_args!("{error}")) && causes.all(|cause| text.add(&format_args!(": {cause}")));
    is_whole.then(|| text.finish())
}

/// Formats an error with `show`, which uses the functions of this module. Returns `None` if the errors of this dispatch have
/// taken [`TIME_FOR_ERRORS`] already, and where a panic cannot be caught.
pub(super) fn of_error<R>(show: impl FnOnce() -> R) -> Option<R> {
    if cfg!(not(panic = "unwind"))
        || globals::with(|trace| trace.time_for_errors).is_some_and(|taken| taken >= TIME_FOR_ERRORS)
    {
        return None;
    }
    let started = Instant::now();
    let shown = show();
    let taken = started.elapsed();
    globals::with(|trace| trace.time_for_errors = trace.time_for_errors.saturating_add(taken));
    Some(shown)
}

/// Returns the first line that `main` would print for an error. A plain text is returned without its quotes.
pub(crate) fn headline(error: &impl fmt::Debug) -> String {
    of_error(|| first_line(&format_args!("{error:?}"))).unwrap_or_default()
}

/// Returns the first line of a text, without quotes around it. No more than that line is formatted.
pub(crate) fn first_line(text: &dyn fmt::Display) -> String {
    let mut line = BoundedText { is_one_line: true, ..BoundedText::default() };
    line.add(&format_args!("{text}"));
    let line = line.finish();
    let line = line.strip_suffix('\r').unwrap_or(&line);
    line.strip_prefix('"').and_then(|line| line.strip_suffix('"')).unwrap_or(line).to_owned()
}

/// Copies at most [`MAX_BYTES`] of a text.
pub(crate) fn cut(text: &str) -> String {
    let mut bounded = BoundedText::default();
    let _ = bounded.write_str(text);
    bounded.finish()
}

/// A text that does not grow beyond [`MAX_BYTES`].
#[derive(Debug, Default)]
struct BoundedText {
    text: String,
    /// True if the text was longer than fits.
    is_cut: bool,
    /// True if only the first line is kept.
    is_one_line: bool,
    /// True if that line has ended.
    is_over: bool,
    failed_writes: u32,
}

impl BoundedText {
    /// Adds the text of `piece`. Returns false, and adds nothing, if formatting fails although the text is not full.
    fn add(&mut self, piece: &fmt::Arguments<'_>) -> bool {
        let before = self.text.len();
        // A failure is expected if the text is full, because the writes fail then.
        let added = catch_panics(|| self.write_fmt(*piece).is_ok()) == Some(true) || self.is_full();
        if !added {
            self.text.truncate(before);
        }
        added
    }

    fn is_full(&self) -> bool {
        self.is_cut || self.is_over
    }

    fn finish(mut self) -> String {
        if self.is_cut {
            self.text.push('…');
        }
        self.text
    }
}

impl Write for BoundedText {
    /// Fails when the text is full, so that `Display` and `Debug` stop.
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        if self.is_full() {
            self.failed_writes += 1;
            if self.failed_writes > MAX_FAILED_WRITES {
                // `catch_panics` catches this panic, and `resume_unwind` does not call the panic hook.
                resume_unwind(Box::new(NeverEnds) as Box<dyn Any + Send>);
            }
            return Err(fmt::Error);
        }
        let line = if self.is_one_line { piece.split_once('\n') } else { None };
        self.is_over = line.is_some();
        let piece = line.map_or(piece, |(line, _)| line);
        let left = MAX_BYTES - self.text.len();
        self.is_cut = piece.len() > left;
        let end = (0..=left.min(piece.len())).rev().find(|at| piece.is_char_boundary(*at)).unwrap_or(0);
        self.text.push_str(&piece[..end]);
        if self.is_full() { Err(fmt::Error) } else { Ok(()) }
    }
}

struct NeverEnds;

#[cfg(test)]
mod tests;
