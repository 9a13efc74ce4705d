//! JSON as Python's `json.dumps` writes it: a space after `,` and `:`, and nothing but ASCII.
//!
//! Juju compares databags by their text, so data that Python charms write too has to have the same text: otherwise each
//! change of hands between a Python and a Rust charm would wake up the other side of the relation.

use std::fmt::Write as _;

/// What is to be written.
#[derive(Debug)]
pub(crate) enum PythonJson<'a> {
    Text(&'a str),
    List(Vec<Self>),
    /// In this order.
    Object(Vec<(&'a str, Self)>),
}

/// Writes a character that is not printable ASCII and has no short escape.
type WriteOther = fn(&mut String, char);

impl PythonJson<'_> {
    /// As Python writes it.
    pub(crate) fn dumps(&self) -> String {
        let mut json = String::new();
        self.write(&mut json, escape);
        json
    }

    /// The same for readers of YAML, as which Juju's tools read their input. A pair of escapes that stands for one
    /// character, beyond U+FFFF, is an error to them, so such a character is not escaped.
    pub(crate) fn to_yaml(&self) -> String {
        let mut yaml = String::new();
        self.write(&mut yaml, |to, character| {
            if character > '\u{ffff}' { to.push(character) } else { escape(to, character) }
        });
        yaml
    }

    fn write(&self, to: &mut String, other: WriteOther) {
        match self {
            Self::Text(text) => write_text(to, text, other),
            Self::List(items) => {
                to.push('[');
                for (index, item) in items.iter().enumerate() {
                    to.push_str(if index == 0 { "" } else { ", " });
                    item.write(to, other);
                }
                to.push(']');
            }
            Self::Object(fields) => {
                to.push('{');
                for (index, (name, value)) in fields.iter().enumerate() {
                    to.push_str(if index == 0 { "" } else { ", " });
                    write_text(to, name, other);
                    to.push_str(": ");
                    value.write(to, other);
                }
                to.push('}');
            }
        }
    }
}

fn write_text(to: &mut String, text: &str, other: WriteOther) {
    to.push('"');
    for character in text.chars() {
        match character {
            '"' => to.push_str("\\\""),
            '\\' => to.push_str("\\\\"),
            '\n' => to.push_str("\\n"),
            '\r' => to.push_str("\\r"),
            '\t' => to.push_str("\\t"),
            '\u{8}' => to.push_str("\\b"),
            '\u{c}' => to.push_str("\\f"),
            ' '..='~' => to.push(character),
            _ => other(to, character),
        }
    }
    to.push('"');
}

fn escape(to: &mut String, character: char) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        // Writing to a `String` cannot fail.
        let _ = write!(to, "\\u{unit:04x}");
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::btree_map;
    use proptest::prelude::*;
    use saphyr::{LoadableYamlNode, Yaml};
    use serde_json::json;

    use super::PythonJson::{List, Object, Text};

    const ODD: &str = "t\u{e9}\u{20ac}\u{1f600}\u{7f}\u{85}\u{2028}\u{fffe}\0\u{1f}\n\r\t\u{8}\u{c}\"\\/~ ";

    #[test]
    fn separators_have_a_space() {
        let nested = Object(vec![
            ("a", List(vec![Text("1"), Object(vec![("b", Text(""))]), Text("x,y:z")])),
            ("c", List(vec![])),
            ("a", Object(vec![])),
        ]);
        assert_eq!(nested.dumps(), r#"{"a": ["1", {"b": ""}, "x,y:z"], "c": [], "a": {}}"#);
    }

    #[test]
    fn everything_but_ascii_is_escaped_as_python_does() {
        // python3 -c 'import json; print(json.dumps("t\u00e9\u20ac\U0001f600\x7f\x85\u2028\ufffe\0\x1f\n\r\t\b\f\"\\/~ "))'
        let python = r#""t\u00e9\u20ac\ud83d\ude00\u007f\u0085\u2028\ufffe\u0000\u001f\n\r\t\b\f\"\\/~ ""#;
        assert_eq!(Text(ODD).dumps(), python);
        assert_eq!(Text(ODD).to_yaml(), python.replace("\\ud83d\\ude00", "\u{1f600}"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(mut databag in btree_map(any::<String>(), any::<String>(), 0..4)) {
            databag.insert("odd".to_owned(), ODD.to_owned());
            let object = Object(databag.iter().map(|(key, value)| (key.as_str(), Text(value))).collect());
            for json in [object.dumps(), object.to_yaml()] {
                prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&json).expect("JSON"), json!(databag));
            }
            let yaml = object.to_yaml();
            let documents = Yaml::load_from_str(&yaml).expect("YAML");
            for (key, value) in &databag {
                prop_assert_eq!(documents[0].as_mapping_get(key).and_then(Yaml::as_str), Some(value.as_str()));
            }
        }
    }
}
