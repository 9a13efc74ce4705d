use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{dumps, read};

/// The members of an object in their order, for a program that changes some of them and keeps the text of the others.
///
/// Names and values are kept as JSON text, so even an odd one (text that is not Unicode, any number, any nesting) stays as
/// it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Members<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl Members<'_> {
    /// Returns the value of a member, as JSON text. If several members have the name, the last one counts, as in Python.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.position(name).map(|position| &*self.0[position].1)
    }

    /// Replaces the value of a member by this JSON text, or adds the member at the end.
    pub(crate) fn set(&mut self, name: &str, value: String) {
        match self.position(name) {
            Some(position) => self.0[position].1 = value.into(),
            None => self.0.push((dumps(&name).into(), value.into())),
        }
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.0.iter().rposition(|(json, _)| read::<String>(&**json).is_ok_and(|found| found == name))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Members::default();
                while let Some((name, value)) = map.next_entry::<&RawValue, &RawValue>()? {
                    members.0.push((name.get().into(), value.get().into()));
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(Object)
    }
}

/// Writes the object with the separators of Python's `json.dumps`.
impl fmt::Display for Members<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (index, (name, value)) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{name}: {value}")?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_keeps_its_text_and_its_place() {
        let nested = "[".repeat(100_000) + &"]".repeat(100_000);
        let odd = format!(r#"{{"b" :1e999,"\ud800":"\udc00", "a": -0.00, "b":{nested} , "\u0063": " x"}}"#);
        let mut members: Members<'_> = read(&odd).expect("an object");
        assert_eq!(members.get("b"), Some(nested.as_str()), "of equal names the last counts");
        assert_eq!(members.get("c"), Some("\" x\""));
        assert_eq!(members.get("d"), None);
        members.set("b", "[2]".to_owned());
        members.set("d\"", "3".to_owned());
        assert_eq!(
            members.to_string(),
            r#"{"b": 1e999, "\ud800": "\udc00", "a": -0.00, "b": [2], "\u0063": " x", "d\"": 3}"#
        );
    }

    #[test]
    fn only_an_object_is_read() {
        for other in ["", "null", "[]", "[[1, 2]]", "\"{}\"", "3", "{", "{}x", "{3: 4}", "{\"a\"}"] {
            read::<Members<'_>>(other).expect_err(other);
        }
        assert_eq!(read::<Members<'_>>(" {} ").map(|none| none.to_string()), Ok("{}".to_owned()));
    }
}
