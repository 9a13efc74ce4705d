use std::fmt;

/// The value of an attribute.
///
/// It compares with what is written in a test, and its text is that of trees and pictures:
///
/// ```
/// # #[cfg(feature = "testing")] {
/// use charm_tracing::testing::Value;
///
/// let value = Value::Array(vec!["app".into(), 3.into()]);
/// assert_eq!(value.to_string(), "[app, 3]");
/// assert_eq!(Value::from("app"), "app");
/// assert_eq!(Value::from(3), 3);
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// No value.
    #[default]
    Empty,
    /// A text.
    String(String),
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A floating-point number.
    Double(f64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list.
    Array(Vec<Value>),
    /// Values with keys, in the order in which they were written.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// Returns the text, if the value is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the integer, if the value is one.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }
}

/// Writes strings without quotes, lists in brackets, maps in braces, bytes in hexadecimal, and no value as `null`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let comma = |index: usize| if index == 0 { "" } else { ", " };
        match self {
            Self::Empty => f.write_str("null"),
            Self::String(text) => f.write_str(text),
            Self::Bool(value) => value.fmt(f),
            Self::Int(number) => number.fmt(f),
            Self::Double(number) => number.fmt(f),
            Self::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            Self::Array(values) => {
                f.write_str("[")?;
                for (index, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", comma(index))?;
                }
                f.write_str("]")
            }
            Self::Map(entries) => {
                f.write_str("{")?;
                for (index, (key, value)) in entries.iter().enumerate() {
                    write!(f, "{}{key}: {value}", comma(index))?;
                }
                f.write_str("}")
            }
        }
    }
}

/// Returns the value of the first attribute with this key.
pub(super) fn find<'a>(attributes: &'a [(String, Value)], key: &str) -> Option<&'a Value> {
    attributes.iter().find(|(found, _)| found == key).map(|(_, value)| value)
}

macro_rules! conversions {
    ($($type:ty => $variant:ident,)*) => { $(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::$variant(value.into())
            }
        }
        impl PartialEq<$type> for Value {
            fn eq(&self, other: &$type) -> bool {
                matches!(self, Self::$variant(value) if value == other)
            }
        }
        impl PartialEq<$type> for &Value {
            fn eq(&self, other: &$type) -> bool {
                **self == *other
            }
        }
    )* };
}

conversions! {
    &str => String,
    String => String,
    bool => Bool,
    i64 => Int,
    f64 => Double,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_the_text_that_trees_show() {
        let map = vec![("a".to_owned(), Value::Empty), ("b".to_owned(), Value::Bytes(vec![0, 255]))];
        let all = ["x".into(), true.into(), (-3).into(), 1.5.into(), Value::Map(map), Value::Array(vec![])];
        assert_eq!(Value::Array(all.to_vec()).to_string(), "[x, true, -3, 1.5, {a: null, b: 00ff}, []]");
    }

    #[test]
    fn a_value_equals_only_what_has_its_type() {
        assert_eq!(&Value::from("3"), "3");
        assert_ne!(Value::from("3"), 3);
        assert_ne!(Value::from(1), true);
        assert_eq!((Value::from("3").as_str(), Value::from("3").as_i64()), (Some("3"), None));
        assert_eq!((Value::from(3).as_str(), Value::from(3).as_i64()), (None, Some(3)));
    }
}
