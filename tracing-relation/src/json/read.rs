//! Reads JSON that other programs have written: hook tools, and the other side of a relation.
//!
//! - A value that is read as [`RawValue`] is checked only for its syntax, so an odd value (text that is not Unicode, any
//!   number, any nesting) does not affect the values around it.
//! - If an [`Object`] has a name twice, the last one counts, as in Python.
//! - Errors never show text from the document, because it may be a password.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The error of a text that is not the expected JSON.
///
/// It says what was expected, and where in the document, except for an error within an item. It shows no text from the
/// document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct JsonError {
    message: String,
}

/// The fields of an object, with values of any type.
pub(crate) type Object<'a> = BTreeMap<String, &'a RawValue>;

/// Reads a whole document.
pub(crate) fn read<'a, T: Deserialize<'a>>(json: &'a (impl AsRef<[u8]> + ?Sized)) -> Result<T, JsonError> {
    Ok(serde_json::from_slice(json.as_ref())?)
}

/// Reads a value of a document. Its errors have no position, because only the position within this value is known.
pub(crate) fn read_part<'a, T: Deserialize<'a>>(value: &'a RawValue) -> Result<T, JsonError> {
    T::deserialize(value).map_err(JsonError::of_part)
}

/// Reads a text that may be JSON or plain; `None` if it is JSON of another type.
pub(crate) fn unquoted(value: &str) -> Option<Cow<'_, str>> {
    match read::<&RawValue>(value) {
        Ok(json) => read_part::<String>(json).ok().map(Cow::Owned),
        Err(_) => Some(Cow::Borrowed(value)),
    }
}

impl JsonError {
    /// Creates the error without its position, because that is the position within a part of a document.
    pub(crate) fn of_part(error: serde_json::Error) -> Self {
        let place = format!(" at line {} column {}", error.line(), error.column());
        let mut error = Self::from(error);
        if error.message.ends_with(&place) {
            error.message.truncate(error.message.len() - place.len());
        }
        error
    }
}

impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> Self {
        Self { message: without_content(error.to_string()) }
    }
}

/// Removes the unexpected value from a message of serde, but keeps a number that is out of range.
fn without_content(message: String) -> String {
    const SHOW_IT: [&str; 5] = [
        "invalid type: ",
        "invalid value: string ",
        "invalid value: character ",
        "unknown variant ",
        "unknown field ",
    ];
    if !SHOW_IT.iter().any(|beginning| message.starts_with(beginning)) {
        return message;
    }
    // The search starts from the right, because the value may contain these words. Only words of the type follow them,
    // unless the type has no variants or fields.
    let (found, expected) = message
        .rsplit_once(", expected ")
        .filter(|(_, expected)| !expected.contains(", there are no "))
        .unwrap_or((&message, "something else"));
    let kind = found.split(['`', '"']).next().unwrap_or_default().trim_end();
    format!("{kind}, expected {expected}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    const DEEP: usize = 100_000;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    #[expect(dead_code, reason = "it is never read successfully")]
    enum Level {
        Info,
        Custom(char),
        Named { port: u16 },
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "it is never read successfully")]
    struct Options {
        port: u16,
        #[serde(default)]
        nested: BTreeMap<String, Vec<(u8, Level)>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}

    #[derive(Debug, Deserialize)]
    struct Known {
        #[serde(rename = "a")]
        _a: bool,
    }

    fn message<'a, T: Deserialize<'a> + std::fmt::Debug>(document: &'a str) -> String {
        read::<T>(document).expect_err(document).to_string()
    }

    #[test]
    fn errors_say_what_was_expected_and_where_and_repeat_no_text() {
        let cases = [
            (message::<bool>(""), "EOF while parsing a value at line 1 column 0"),
            (message::<Vec<u16>>("[1] x"), "trailing characters at line 1 column 5"),
            (message::<u16>("70000"), "invalid value: integer `70000`, expected u16 at line 1 column 5"),
            (message::<u16>(r#""hunter2""#), "invalid type: string, expected u16 at line 1 column 9"),
            (message::<u16>(r#""a, expected b""#), "invalid type: string, expected u16 at line 1 column 15"),
            (message::<u16>(r#""`\"hunter2""#), "invalid type: string, expected u16 at line 1 column 12"),
            (message::<String>("4711"), "invalid type: integer, expected a string at line 1 column 4"),
            (message::<String>("47.5"), "invalid type: floating point, expected a string at line 1 column 4"),
            (message::<String>("null"), "invalid type: null, expected a string at line 1 column 4"),
            (message::<bool>("[[]]"), "invalid type: sequence, expected a boolean at line 1 column 0"),
            (
                message::<Level>(r#""hunter2""#),
                "unknown variant, expected one of `info`, `custom`, `named` at line 1 column 9",
            ),
            (
                message::<Level>(r#"{"custom": "hunter2"}"#),
                "invalid value: string, expected a character at line 1 column 20",
            ),
            (
                message::<Options>(r#"{"hunter2": 1}"#),
                "unknown field, expected `port` or `nested` at line 1 column 10",
            ),
            (message::<Nothing>(r#"{"a, expected hunter2": 1}"#), "unknown field, expected something else"),
            (message::<Options>("{}"), "missing field `port` at line 1 column 2"),
            (message::<String>(r#""\ud800""#), "unexpected end of hex escape at line 1 column 8"),
        ];
        for (message, expected) in cases {
            assert_eq!(message, expected);
        }
    }

    #[test]
    fn odd_values_spoil_only_themselves() {
        let nested = format!("{}{}", "[{\"a\":".repeat(DEEP) + "1", "}]".repeat(DEEP));
        for odd in [r#""\ud800""#, r#""\udc00x""#, "1e999", "-0.00e-99999999999999999999", &nested] {
            let list = format!("[{odd}, \"good\"]");
            let list: Vec<&RawValue> = read(&list).expect("a list");
            assert_eq!(read_part::<String>(list[1]), Ok("good".to_owned()));
            read_part::<String>(list[0]).expect_err("odd");
            let object = format!("{{\"odd\": 1, \"odd\": {odd}, \"a\": \"bad\", \"\\u0061\": \"good\"}}");
            let object: Object<'_> = read(&object).expect("an object");
            assert_eq!(object["odd"].get(), odd);
            assert_eq!(
                read_part::<String>(object["a"]),
                Ok("good".to_owned()),
                "of equal names the last counts"
            );
        }
    }

    #[test]
    fn nesting_is_no_limit_where_a_value_is_not_looked_into_and_an_error_where_it_is() {
        let unclosed = "[".repeat(DEEP);
        assert!(message::<&RawValue>(&unclosed).starts_with("EOF while parsing a list"));
        let closed = unclosed.clone() + &"]".repeat(DEEP);
        assert_eq!(read::<&RawValue>(&closed).map(|value| value.get().len()), Ok(2 * DEEP));
        assert!(message::<Value>(&closed).starts_with("recursion limit exceeded"));
        read::<Known>(&format!("{{\"a\": true, \"x\": {closed}}}")).expect("nobody looks into it");
    }

    #[test]
    fn numbers_are_those_that_were_written() {
        // This needs the feature `float_roundtrip`.
        assert_eq!(read::<f64>("0.30000000000000004"), Ok(0.1 + 0.2));
        assert_eq!(read("18446744073709551615"), Ok(u64::MAX));
        assert_eq!(read("-9223372036854775808"), Ok(i64::MIN));
    }

    #[test]
    fn a_text_is_read_with_and_without_quotation_marks() {
        let cases = [
            ("http://tempo", Some("http://tempo")),
            (r#" "t\u00e9mpo" "#, Some("t\u{e9}mpo")),
            ("", Some("")),
            (r#""tempo"#, Some(r#""tempo"#)),
            (r#""\ud800""#, None),
            ("null", None),
            ("[[", Some("[[")),
            ("[]", None),
        ];
        for (value, expected) in cases {
            assert_eq!(unquoted(value).as_deref(), expected, "{value}");
        }
    }

    proptest! {
        #[test]
        fn any_document_is_read_or_refused(document: Vec<u8>) {
            let _ = (read::<Value>(&document), read::<Vec<&RawValue>>(&document), read::<Level>(&document));
        }

        #[test]
        fn no_error_repeats_a_text(secret in r#"[a",]?(, expected )?hunter2["`,\\ a-z]{0,9}(, expected )?"#, number: u32) {
            let text = json!(secret);
            let documents =
                [json!(text), json!([text]), json!({secret.as_str(): text}), json!({"custom": text}), json!({"port": text})];
            for document in documents.map(|document| document.to_string()) {
                let errors = [
                    read::<u16>(&document).map(drop),
                    read::<(char, u8)>(&document).map(drop),
                    read::<Level>(&document).map(drop),
                    read::<Options>(&document).map(drop),
                    read::<Nothing>(&document).map(drop),
                    read::<BTreeMap<u8, Level>>(&document).map(drop),
                    read::<BTreeMap<String, (bool,)>>(&document).map(drop),
                ];
                for error in errors.into_iter().filter_map(Result::err) {
                    prop_assert!(!error.to_string().contains("hunter2"), "{}", error);
                }
            }
            let error = read::<String>(&number.to_string()).expect_err("a number").to_string();
            prop_assert_eq!(error.split_once(" at line").map(|(error, _)| error), Some("invalid type: integer, expected a string"));
        }
    }
}
