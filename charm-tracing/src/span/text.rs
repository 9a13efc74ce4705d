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
mod tests {
    use std::cell::Cell;
    use std::io;

    use proptest::prelude::*;

    use super::*;

    /// A value that formats itself with the function, and counts how often.
    struct Formatted<F>(F, Cell<u32>);

    impl<F: Fn(&mut fmt::Formatter<'_>) -> fmt::Result> Formatted<F> {
        fn by(format: F) -> Self {
            Self(format, Cell::new(0))
        }
    }

    impl<F: Fn(&mut fmt::Formatter<'_>) -> fmt::Result> fmt::Display for Formatted<F> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.1.set(self.1.get() + 1);
            (self.0)(f)
        }
    }

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Failed {
        text: String,
        source: Option<Box<Failed>>,
    }

    fn chain(texts: &[&str]) -> Option<Box<Failed>> {
        let (first, rest) = texts.split_first()?;
        Some(Box::new(Failed { text: (*first).to_owned(), source: chain(rest) }))
    }

    #[test]
    fn a_text_that_never_ends_is_cut() {
        let stops = Formatted::by(|f| {
            loop {
                f.write_str("more and ")?;
            }
        });
        let does_not_listen = Formatted::by(|f| {
            loop {
                let _ = f.write_str("more and ");
            }
        });
        for text in [display(&stops), display(&does_not_listen)] {
            let text = text.expect("what there is of it");
            assert_eq!(text.len(), MAX_BYTES + '…'.len_utf8());
            assert!(text.starts_with("more and more") && text.ends_with('…'));
        }
    }

    #[test]
    fn no_more_is_formatted_than_is_recorded() {
        let written = Cell::new(0);
        let long = Formatted::by(|f| {
            (0..1_000_000).try_for_each(|_| {
                written.set(written.get() + 1);
                f.write_str("0123456789")
            })
        });
        assert!(display(&long).is_some());
        assert_eq!(written.get(), MAX_BYTES / 10 + 1);
    }

    #[test]
    fn a_text_that_fails_or_panics_is_none() {
        let fails = Formatted::by(|f| f.write_str("begun").and(Err(fmt::Error)));
        let panics = Formatted::by(|f| f.write_str("begun").map(|()| panic!("in Display")));
        assert_eq!(display(&fails), None);
        assert_eq!(display(&panics), None);
    }

    #[test]
    fn causes_are_listed_as_far_as_there_is_room() {
        let error = chain(&["cannot start", "no config", "not found"]).expect("an error");
        assert_eq!(causes(&*error).as_deref(), Some("Caused by:\n    no config\n    not found"));
        assert_eq!(causes(&io::Error::other("alone")), None);
        let long = "x".repeat(MAX_BYTES);
        let error = chain(&["cannot start", "no config", &long, "not reached"]).expect("an error");
        let text = causes(&*error).expect("causes");
        assert_eq!(text.len(), MAX_BYTES + '…'.len_utf8());
        assert!(text.starts_with("Caused by:\n    no config\n    xx") && text.ends_with("x…"));
    }

    #[test]
    fn a_cause_that_cannot_be_shown_hides_no_other() {
        #[derive(Debug)]
        struct Bomb(io::Error);
        impl fmt::Display for Bomb {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("begun")?;
                panic!("in Display")
            }
        }
        impl Error for Bomb {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&self.0)
            }
        }
        #[derive(Debug, thiserror::Error)]
        #[error("above")]
        struct Above(#[source] Bomb);
        let error = io::Error::other(Bomb(io::Error::other("below")));
        assert_eq!(causes(&Above(Bomb(io::Error::other("below")))).as_deref(), Some("Caused by:\n    below"));
        assert_eq!(causes(&error).as_deref(), Some("Caused by:\n    below"));
    }

    #[test]
    fn a_chain_that_never_ends_is_cut() {
        #[derive(Debug, thiserror::Error)]
        #[error("again")]
        struct Circle;
        #[derive(Debug)]
        struct Endless;
        impl fmt::Display for Endless {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Circle.fmt(f)
            }
        }
        impl Error for Endless {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(self)
            }
        }
        assert_eq!(causes(&Endless).expect("causes").matches("again").count(), MAX_CAUSES);
    }

    #[test]
    fn a_headline_is_one_line_and_nothing_below_it_is_formatted() {
        struct Report<'a>(&'a Cell<bool>);
        impl fmt::Debug for Report<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("cannot start\n\nCaused by:")?;
                self.0.set(true);
                Ok(())
            }
        }
        let went_on = Cell::new(false);
        assert_eq!(headline(&Report(&went_on)), "cannot start");
        assert!(!went_on.get());
        assert_eq!(headline(&"plain"), "plain");
        assert_eq!(first_line(&"cannot start\n\nCaused by:"), "cannot start");
        assert_eq!(first_line(&r#""plain""#), "plain");
        assert_eq!(first_line(&""), "");
    }

    proptest! {
        #[test]
        fn a_text_is_the_beginning_of_what_was_written(pieces in prop::collection::vec("[a-zäß€𝄞\n]{0,3000}", 0..6)) {
            let whole = pieces.concat();
            let text = display(&Formatted::by(|f| pieces.iter().try_for_each(|piece| f.write_str(piece)))).expect("a text");
            if let Some(beginning) = text.strip_suffix('…') {
                prop_assert!(whole.starts_with(beginning) && whole.len() > beginning.len());
                prop_assert!(beginning.len() > MAX_BYTES - 4 && beginning.len() <= MAX_BYTES);
            } else {
                prop_assert_eq!(&text, &whole);
            }
            prop_assert_eq!(cut(&whole), text);
        }
    }
}
