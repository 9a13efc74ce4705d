//! JSON as Python's `json.dumps` writes it: a space after `,` and `:`, and nothing but ASCII.
//!
//! Juju compares databags by their text, so data that Python charms write too has to have the same text: otherwise each
//! change of hands between a Python and a Rust charm would wake up the other side of the relation.

use std::io;

use serde::Serialize;
use serde_json::ser::Formatter;

/// The JSON text of data of which the keys are text and nothing can fail to be written.
pub(super) fn dumps(data: &impl Serialize) -> Result<String, serde_json::Error> {
    let mut json = Vec::new();
    data.serialize(&mut serde_json::Serializer::with_formatter(&mut json, PythonFormatter))?;
    String::from_utf8(json).map_err(serde::ser::Error::custom)
}

struct PythonFormatter;

impl Formatter for PythonFormatter {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(|c: char| !(' '..='~').contains(&c)) {
            let (plain, special) = rest.split_at(at);
            writer.write_all(plain.as_bytes())?;
            let mut characters = special.chars();
            for character in characters.by_ref().take(1) {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
            rest = characters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn separators_have_a_space() {
        let text = dumps(&json!({"a": [1, {"b": null}, "x,y:z"], "c": []})).expect("written");
        assert_eq!(text, r#"{"a": [1, {"b": null}, "x,y:z"], "c": []}"#);
    }

    #[test]
    fn everything_but_ascii_is_escaped_as_python_does() {
        // python3 -c 'import json; print(json.dumps("t\u00e9\u20ac\U0001f600\x7f\x00\x1f\n\"\\/~ "))'
        let text = dumps(&"t\u{e9}\u{20ac}\u{1f600}\u{7f}\0\u{1f}\n\"\\/~ ").expect("written");
        assert_eq!(text, r#""t\u00e9\u20ac\ud83d\ude00\u007f\u0000\u001f\n\"\\/~ ""#);
    }
}
