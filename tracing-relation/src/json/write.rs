//! Writes JSON as Python's `json.dumps` does: with a space after `,` and `:`, and only ASCII.
//!
//! Juju compares databags by their text, so data that Python charms also write must have the same text. Otherwise each
//! change of leadership between a Python and a Rust charm would start a hook on the other side of the relation.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

/// Writes a value as Python does. The keys of its maps must be texts or numbers.
pub(crate) fn dumps(value: &impl Serialize) -> String {
    write(value, Python { escapes_up_to: char::MAX })
}

/// Writes a value as [`dumps`] does, but for YAML, which Juju's tools read as input. Characters beyond U+FFFF are not
/// escaped, because their pair of escapes is an error in YAML.
pub(crate) fn to_yaml(value: &impl Serialize) -> String {
    write(value, Python { escapes_up_to: '\u{ffff}' })
}

fn write(value: &impl Serialize, format: Python) -> String {
    let mut json = Vec::new();
    let written = value.serialize(&mut Serializer::with_formatter(&mut json, format));
    debug_assert!(written.is_ok(), "only a map with other keys cannot be written");
    String::from_utf8(json).unwrap_or_default()
}

struct Python {
    escapes_up_to: char,
}

impl Formatter for Python {
    fn begin_array_value<W: ?Sized + Write>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { to.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { to.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        to.write_all(b": ")
    }

    /// Writes a part of a text in which U+007F is the only ASCII character that needs an escape.
    fn write_string_fragment<W: ?Sized + Write>(&mut self, to: &mut W, fragment: &str) -> io::Result<()> {
        for character in fragment.chars() {
            if matches!(character, ' '..='~') || character > self.escapes_up_to {
                to.write_all(character.encode_utf8(&mut [0; 4]).as_bytes())?;
            } else {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(to, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::btree_map;
    use proptest::prelude::*;
    use saphyr::{LoadableYamlNode, Yaml};
    use serde_json::json;

    use super::*;

    const ODD: &str = "t\u{e9}\u{20ac}\u{1f600}\u{7f}\u{85}\u{2028}\u{fffe}\0\u{1f}\n\r\t\u{8}\u{c}\"\\/~ ";

    #[test]
    fn separators_have_a_space() {
        let nested = json!({"a": ["1", {"b": ""}, "x,y:z"], "c": [], "d": {}});
        assert_eq!(dumps(&nested), r#"{"a": ["1", {"b": ""}, "x,y:z"], "c": [], "d": {}}"#);
    }

    #[test]
    fn everything_but_ascii_is_escaped_as_python_does() {
        // python3 -c 'import json; print(json.dumps("t\u00e9\u20ac\U0001f600\x7f\x85\u2028\ufffe\0\x1f\n\r\t\b\f\"\\/~ "))'
        let python = r#""t\u00e9\u20ac\ud83d\ude00\u007f\u0085\u2028\ufffe\u0000\u001f\n\r\t\b\f\"\\/~ ""#;
        assert_eq!(dumps(&ODD), python);
        assert_eq!(to_yaml(&ODD), python.replace("\\ud83d\\ude00", "\u{1f600}"));
        assert_eq!(dumps(&BTreeMap::from([(ODD, ODD)])), format!("{{{python}: {python}}}"), "a key, too");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(mut databag in btree_map(any::<String>(), any::<String>(), 0..4)) {
            databag.insert("odd".to_owned(), ODD.to_owned());
            for json in [dumps(&databag), to_yaml(&databag)] {
                prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&json).expect("JSON"), json!(databag));
            }
            let yaml = to_yaml(&databag);
            let documents = Yaml::load_from_str(&yaml).expect("YAML");
            for (key, value) in &databag {
                prop_assert_eq!(documents[0].as_mapping_get(key).and_then(Yaml::as_str), Some(value.as_str()));
            }
        }
    }
}
