//! Texts that come from the charm's own types: their `Display` and `Debug` may do anything.

use std::error::Error;
use std::fmt;

use super::quiet::quietly;

/// Longer texts are cut. Tempo keeps the first 2048 bytes of a value; this leaves room for other backends.
const MAX_BYTES: usize = 8 * 1024;
/// A longer chain of causes is cut: `source` may be implemented so that it never ends.
const MAX_CAUSES: usize = 32;

pub(super) fn display(value: &(impl fmt::Display + ?Sized)) -> Option<String> {
    written(&format_args!("{value}"))
}

pub(super) fn debug(value: &(impl fmt::Debug + ?Sized)) -> Option<String> {
    written(&format_args!("{value:?}"))
}

/// The texts of the causes below `error`, the nearest first.
pub(super) fn causes(error: &(impl Error + ?Sized)) -> Vec<String> {
    let walk = || {
        let mut texts = Vec::new();
        let mut next = error.source();
        while let (Some(cause), true) = (next, texts.len() < MAX_CAUSES) {
            texts.extend(display(cause));
            next = cause.source();
        }
        texts
    };
    quietly(walk).unwrap_or_default()
}

/// The first line of what `main` would print of an error; of a plain text without the quotes.
pub(crate) fn headline(error: &impl fmt::Debug) -> String {
    let text = debug(error).unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix('"').and_then(|line| line.strip_suffix('"')).unwrap_or(line).to_owned()
}

pub(super) fn cut(mut text: String) -> String {
    if text.len() > MAX_BYTES {
        let end = (0..=MAX_BYTES).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

/// `None` if writing it panicked or failed. Without tracing nobody would have asked for this text, so what goes
/// wrong here must not reach the hook.
fn written(text: &fmt::Arguments<'_>) -> Option<String> {
    quietly(|| {
        let mut out = String::new();
        fmt::write(&mut out, *text).ok().map(|()| cut(out))
    })
    .flatten()
}
