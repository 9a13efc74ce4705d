//! JSON as other programs hand it to us: hook tools, and the other side of a relation.
//!
//! - A document is checked as a whole, but what is odd in one value (a text that is not Unicode, a number of any size)
//!   spoils only that value, and only for who reads it.
//! - Any nesting is read: brackets are counted, not recursed into, and a value is but its place in the document.
//! - Of equal names in an object the last one counts, as in Python, and `NaN` and `Infinity` are numbers, which Python
//!   writes, too.
//!
//! Not `serde_json`: its `impl PartialEq<Value> for u8` and others, just by being somewhere in a charm's dependency
//! tree, leave the compiler without a type for the `[]` of `assert_eq!(&*bytes, &[])` in the charm.

use std::borrow::Cow;
use std::collections::BTreeMap;

use hifijson::num::{self, Lex as _};
use hifijson::str::{self as text, Lex as _, LexAlloc as _};
use hifijson::token::{Expect, Lex as _};
use hifijson::{Read as _, SliceLexer};

mod deserialize;

/// A text is not the JSON that is needed: what was expected, and at which byte.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} at byte {at}")]
pub struct JsonError {
    expected: &'static str,
    /// Counted from 0, in the whole document.
    at: usize,
}

/// A value in a JSON document: where it is. The text is known to be JSON.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json<'a> {
    text: &'a [u8],
    at: usize,
}

/// What a JSON value can be read as.
pub(crate) trait FromJson: Sized {
    fn from_json(json: Json<'_>) -> Result<Self, JsonError>;
}

impl<'a> Json<'a> {
    /// The value that is all of a document.
    pub(crate) fn parse(document: &'a [u8]) -> Result<Self, JsonError> {
        let all = Self { text: document, at: 0 };
        all.lex(|lexer| lexer.exactly_one(SliceLexer::ws_peek, |_, lexer| all.value(lexer)))
    }

    /// The items of a list.
    pub(crate) fn items(self) -> Result<Vec<Self>, JsonError> {
        self.lex(|lexer| {
            begin(lexer, b'[', "a list")?;
            let mut items = Vec::new();
            lexer.seq(b']', SliceLexer::ws_peek, |_, lexer| {
                items.push(self.value(lexer)?);
                Ok::<_, Expected>(())
            })?;
            Ok(items)
        })
    }

    /// The fields of an object, without those of which the name is not Unicode.
    pub(crate) fn fields(self) -> Result<BTreeMap<Cow<'a, str>, Self>, JsonError> {
        self.lex(|lexer| {
            begin(lexer, b'{', "an object")?;
            let mut fields = BTreeMap::new();
            lexer.seq(b'}', SliceLexer::ws_peek, |_, lexer| {
                let name = self.value(lexer)?;
                lexer.expect(SliceLexer::ws_peek, b':').ok_or(Expect::Colon)?;
                let value = self.value(lexer)?;
                if let Ok(name) = name.text() {
                    fields.insert(name, value);
                }
                Ok::<_, Expected>(())
            })?;
            Ok(fields)
        })
    }

    /// The content of a text.
    pub(crate) fn text(self) -> Result<Cow<'a, str>, JsonError> {
        self.lex(|lexer| {
            begin(lexer, b'"', "a text")?;
            Ok(lexer.str_string()?)
        })
    }

    /// The error of who expected something else in this place.
    pub(crate) fn lacks(self, expected: &'static str) -> JsonError {
        JsonError { expected, at: self.at }
    }

    /// The number of a port, not 0; also in a text.
    pub(crate) fn port(self) -> Result<u16, JsonError> {
        let digits =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?;
        let port = match self.text() {
            Ok(text) => digits(&text),
            // 4318.0 is the same number.
            Err(_) => {
                str::from_utf8(self.text).ok().and_then(|text| text.parse::<f64>().ok()).and_then(whole)
            }
        };
        port.filter(|port| *port > 0).ok_or_else(|| self.lacks("the number of a port"))
    }

    pub(crate) fn is_null(self) -> bool {
        self.text == b"null"
    }

    /// Runs lexers over the value's text. Where they stop is where an error is.
    fn lex<T>(self, read: impl FnOnce(&mut SliceLexer<'a>) -> Result<T, Expected>) -> Result<T, JsonError> {
        let mut lexer = SliceLexer::new(self.text);
        read(&mut lexer).map_err(|Expected(expected)| JsonError { expected, at: self.position(&lexer) })
    }

    /// The value within this one at which the lexer is.
    fn value(self, lexer: &mut SliceLexer<'a>) -> Result<Self, Expected> {
        lexer.eat_whitespace();
        let (rest, at) = (lexer.as_slice(), self.position(lexer));
        skip_value(lexer)?;
        Ok(Self { text: &rest[..rest.len() - lexer.as_slice().len()], at })
    }

    fn position(self, lexer: &SliceLexer<'_>) -> usize {
        self.at + self.text.len() - lexer.as_slice().len()
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is a whole number in range")]
fn whole(number: f64) -> Option<u16> {
    (number.fract() == 0.0 && (0.0..=f64::from(u16::MAX)).contains(&number)).then_some(number as u16)
}

/// What should be where the lexer is.
struct Expected(&'static str);

fn begin(lexer: &mut SliceLexer<'_>, with: u8, expected: &'static str) -> Result<(), Expected> {
    lexer.expect(SliceLexer::ws_peek, with).ok_or(Expected(expected))
}

/// Passes a value of any depth, and checks its form. `hifijson::ignore` would recurse, and so leave it to the other side
/// of a relation whether the stack overflows.
fn skip_value(lexer: &mut SliceLexer<'_>) -> Result<(), Expected> {
    // What ends each list and object in which the lexer is.
    let mut ends = Vec::new();
    loop {
        let mut first = true;
        if lexer.expect(SliceLexer::ws_peek, b'[').is_some() {
            ends.push(b']');
        } else if lexer.expect(SliceLexer::ws_peek, b'{').is_some() {
            ends.push(b'}');
        } else {
            skip_scalar(lexer)?;
            first = false;
        }
        while ends.last().is_some_and(|end| lexer.expect(SliceLexer::ws_peek, *end).is_some()) {
            ends.pop();
            first = false;
        }
        let Some(end) = ends.last() else { return Ok(()) };
        if !first {
            lexer.expect(SliceLexer::ws_peek, b',').ok_or(Expect::CommaOrEnd)?;
        }
        if *end == b'}' {
            lexer.expect(SliceLexer::ws_peek, b'"').ok_or(Expect::String)?;
            lexer.str_ignore()?;
            lexer.expect(SliceLexer::ws_peek, b':').ok_or(Expect::Colon)?;
        }
    }
}

fn skip_scalar(lexer: &mut SliceLexer<'_>) -> Result<(), Expected> {
    match lexer.peek_next() {
        Some(b'"') => lexer.discarded().str_ignore()?,
        Some(b'N') if lexer.strip_prefix(b"NaN") => {}
        Some(b'I') if lexer.strip_prefix(b"Infinity") => {}
        Some(b'-') if lexer.strip_prefix(b"-Infinity") => {}
        Some(b'-' | b'0'..=b'9') => _ = lexer.num_ignore().validate()?,
        Some(b'n') if lexer.strip_prefix(b"null") => {}
        Some(b't') if lexer.strip_prefix(b"true") => {}
        Some(b'f') if lexer.strip_prefix(b"false") => {}
        _ => Err(Expect::Value)?,
    }
    Ok(())
}

impl From<Expect> for Expected {
    fn from(expect: Expect) -> Self {
        Self(match expect {
            Expect::Value => "a value",
            Expect::ValueOrEnd => "a value or the end of the list or object",
            Expect::CommaOrEnd => "a comma or the end of the list or object",
            Expect::String => "the name of a field",
            Expect::Colon => "a colon",
            Expect::Eof => "the end of the document",
        })
    }
}

impl From<num::Error> for Expected {
    fn from(num::Error::ExpectedDigit: num::Error) -> Self {
        Self("a digit")
    }
}

impl From<text::Error> for Expected {
    fn from(error: text::Error) -> Self {
        Self(match error {
            unicode if unicode.is_unicode_error() => "text that is Unicode",
            text::Error::Escape(_) => "an escape sequence",
            text::Error::Control => "text without control characters",
            text::Error::Eof | text::Error::Utf8(_) => "the end of a text",
        })
    }
}

impl FromJson for bool {
    fn from_json(json: Json<'_>) -> Result<Self, JsonError> {
        match json.text {
            b"true" => Ok(true),
            b"false" => Ok(false),
            _ => Err(JsonError { expected: "`true` or `false`", at: json.at }),
        }
    }
}

impl FromJson for String {
    fn from_json(json: Json<'_>) -> Result<Self, JsonError> {
        json.text().map(Cow::into_owned)
    }
}

impl<T: FromJson> FromJson for Option<T> {
    fn from_json(json: Json<'_>) -> Result<Self, JsonError> {
        if json.is_null() { Ok(None) } else { T::from_json(json).map(Some) }
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(json: Json<'_>) -> Result<Self, JsonError> {
        json.items()?.into_iter().map(T::from_json).collect()
    }
}

impl<T: FromJson> FromJson for BTreeMap<String, T> {
    fn from_json(json: Json<'_>) -> Result<Self, JsonError> {
        let fields = json.fields()?.into_iter();
        fields.map(|(name, value)| Ok((name.into_owned(), T::from_json(value)?))).collect()
    }
}

#[cfg(test)]
mod tests;
