//! Reads JSON as any type that serde can deserialize.
//!
//! It accepts what `serde_json` accepts, and the numbers that this module's documents may have beyond that. A document
//! may be [`MAX_DEPTH`] levels deep, because a type such as `serde_json::Value` calls itself for each level and the stack
//! is finite.
//!
//! The errors show numbers, but never a text: it may be a password that an operator gave to an action.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{
    DeserializeOwned, Deserializer, Error as _, Expected, IntoDeserializer, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use super::{Json, JsonError};

/// The levels of lists and objects that are read, as in `serde_json`.
const MAX_DEPTH: u8 = 128;

impl Json<'_> {
    /// Reads the value as a type of the caller's.
    pub(crate) fn deserialize<T: DeserializeOwned>(self) -> Result<T, UnsuitableJson> {
        T::deserialize(Value { json: self, depth: 0 })
    }
}

/// A JSON value does not fit the type that it is read as.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct UnsuitableJson {
    message: String,
    located: bool,
}

impl UnsuitableJson {
    /// Adds the place of the innermost value that does not fit.
    fn at(self, json: Json<'_>) -> Self {
        if self.located {
            return self;
        }
        Self { message: format!("{} at byte {}", self.message, json.at), located: true }
    }
}

impl From<JsonError> for UnsuitableJson {
    fn from(error: JsonError) -> Self {
        Self { message: error.to_string(), located: true }
    }
}

impl serde::de::Error for UnsuitableJson {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { message: message.to_string(), located: false }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("invalid type: {}, expected {expected}", without_text(found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("invalid value: {}, expected {expected}", without_text(found)))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(format_args!("unknown variant, expected one of {expected:?}"))
    }
}

/// The value that was found, without the content of a text.
fn without_text(found: Unexpected<'_>) -> Unexpected<'_> {
    match found {
        Unexpected::Str(_) => Unexpected::Other("a text"),
        Unexpected::Char(_) => Unexpected::Other("a character"),
        Unexpected::Bytes(_) => Unexpected::Other("bytes"),
        other => other,
    }
}

/// A value and the number of lists and objects around it.
#[derive(Clone, Copy)]
struct Value<'de> {
    json: Json<'de>,
    depth: u8,
}

impl<'de> Value<'de> {
    fn inner(self) -> Result<impl Fn(Json<'de>) -> Self, UnsuitableJson> {
        if self.depth == MAX_DEPTH {
            return Err(UnsuitableJson::custom("too many lists and objects within each other"));
        }
        let depth = self.depth + 1;
        Ok(move |json| Value { json, depth })
    }

    fn fields(self) -> Result<impl Iterator<Item = (Cow<'de, str>, Self)>, UnsuitableJson> {
        let inner = self.inner()?;
        Ok(self.json.fields()?.into_iter().map(move |(name, json)| (name, inner(json))))
    }

    fn any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, UnsuitableJson> {
        match self.json.text {
            b"null" => visitor.visit_unit(),
            b"true" => visitor.visit_bool(true),
            b"false" => visitor.visit_bool(false),
            [b'"', ..] => match self.json.text()? {
                Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            },
            [b'[', ..] => {
                let mut items = SeqDeserializer::new(self.json.items()?.into_iter().map(self.inner()?));
                let value = visitor.visit_seq(&mut items)?;
                items.end().map(|()| value)
            }
            [b'{', ..] => {
                let mut fields = MapDeserializer::new(self.fields()?);
                let value = visitor.visit_map(&mut fields)?;
                fields.end().map(|()| value)
            }
            number => self.number(number, visitor),
        }
    }

    fn number<V: Visitor<'de>>(self, digits: &[u8], visitor: V) -> Result<V::Value, UnsuitableJson> {
        let digits = str::from_utf8(digits).map_err(UnsuitableJson::custom)?;
        if let Ok(number) = digits.parse::<u64>() {
            visitor.visit_u64(number)
        } else if let Ok(number) = digits.parse::<i64>()
            && number != 0
        {
            visitor.visit_i64(number)
        } else if let Ok(number) = digits.parse::<f64>() {
            // A negative zero, too.
            visitor.visit_f64(number)
        } else {
            Err(self.json.lacks("a value").into())
        }
    }
}

impl<'de> Deserializer<'de> for Value<'de> {
    type Error = UnsuitableJson;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, UnsuitableJson> {
        self.any(visitor).map_err(|error| error.at(self.json))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, UnsuitableJson> {
        if self.json.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, UnsuitableJson> {
        visitor.visit_newtype_struct(self)
    }

    /// Reads a variant from its name, or from an object of its name and its content.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, UnsuitableJson> {
        let variant = match self.json.text {
            [b'"', ..] => self
                .json
                .text()
                .map_err(Into::into)
                .and_then(|name| visitor.visit_enum(name.into_deserializer())),
            [b'{', ..] => self.fields().and_then(|fields| {
                visitor.visit_enum(MapAccessDeserializer::new(MapDeserializer::new(fields)))
            }),
            _ => Err(self.json.lacks("the name of a variant, or an object of it").into()),
        };
        variant.map_err(|error: UnsuitableJson| error.at(self.json))
    }

    /// Does not look into the value, which may be as deep as it likes.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, UnsuitableJson> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier
    }
}

impl<'de> IntoDeserializer<'de, UnsuitableJson> for Value<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    fn read<T: DeserializeOwned>(document: &str) -> Result<T, String> {
        let json = Json::parse(document.as_bytes()).expect("JSON");
        json.deserialize().map_err(|error| error.to_string())
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "kebab-case")]
    struct Options {
        port: u16,
        log_level: Level,
        ratio: f64,
        offset: Option<i64>,
        missing: Option<String>,
        nested: BTreeMap<String, Vec<(u8, String)>>,
        unit: (),
        wrapped: Wrapped,
        #[serde(flatten)]
        others: BTreeMap<String, Value>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Wrapped(char);

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Level {
        Info,
        Custom(u8),
        Both(u8, u8),
        Named { a: u8 },
    }

    #[test]
    fn types_of_all_kinds_are_read() {
        let options: Options = read(
            r#"{"port": 80, "log-level": "info", "ratio": 1, "offset": -3, "nested": {"a": [[1, "x"]]}, "unit": null,
                "wrapped": "\u00e9", "big": 18446744073709551615, "small": -9223372036854775808, "half": 0.5}"#,
        )
        .expect("it fits");
        assert_eq!(
            (options.port, options.log_level, options.ratio.to_bits()),
            (80, Level::Info, 1f64.to_bits())
        );
        assert_eq!((options.offset, options.missing), (Some(-3), None));
        assert_eq!(options.nested["a"], [(1, "x".to_owned())]);
        assert_eq!(options.wrapped, Wrapped('\u{e9}'));
        let others = json!({"big": u64::MAX, "small": i64::MIN, "half": 0.5});
        assert_eq!(json!(options.others), others);
        assert_eq!(read::<Option<Option<u8>>>("null"), Ok(None));
        assert_eq!(read::<i64>("-9223372036854775808"), Ok(i64::MIN));
    }

    #[test]
    fn variants_are_read_with_their_content() {
        assert_eq!(read::<Level>(r#"{"custom": 3}"#), Ok(Level::Custom(3)));
        assert_eq!(read::<Level>(r#"{"both": [3, 4]}"#), Ok(Level::Both(3, 4)));
        assert_eq!(read::<Level>(r#"{"named": {"a": 3}}"#), Ok(Level::Named { a: 3 }));
    }

    #[test]
    fn errors_name_the_place_and_repeat_no_text() {
        let cases = [
            (read::<u16>("70000"), "invalid value: integer `70000`, expected u16 at byte 0"),
            (read::<u16>("\"hunter2\""), "invalid type: a text, expected u16 at byte 0"),
            (read::<Vec<u16>>("[1, \"hunter2\"]").map(|_| 0), "invalid type: a text, expected u16 at byte 4"),
            (
                read::<(u8,)>("[1, 2]").map(|_| 0),
                "invalid length 2, expected 1 element in sequence at byte 0",
            ),
            (read::<Level>("\"hunter2\"").map(|_| 0), "unknown variant, expected one of"),
            (read::<Level>("3").map(|_| 0), "expected the name of a variant, or an object of it at byte 0"),
            (
                read::<Wrapped>("\"hunter2\"").map(|_| 0),
                "invalid value: a text, expected a character at byte 0",
            ),
            (read::<Options>("{\"port\": 1}").map(|_| 0), "missing field `log-level` at byte 0"),
            (read::<String>("\"\\ud800\"").map(|_| 0), "expected text that is Unicode at byte 7"),
        ];
        for (read, message) in cases {
            let error = read.expect_err(message);
            assert!(error.starts_with(message) && !error.contains("hunter2"), "{error}");
        }
    }

    #[derive(Deserialize)]
    struct Known {
        a: bool,
    }

    #[test]
    fn a_document_that_is_too_deep_is_refused_unless_nobody_reads_that_part() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(read::<Value>(&deep(128)).is_ok());
        let error = read::<Value>(&deep(10_000)).expect_err("too deep");
        assert_eq!(error, "too many lists and objects within each other at byte 128");
        let known: Known = read(&format!("{{\"a\": true, \"b\": {}}}", deep(1_000_000))).expect("it fits");
        assert!(known.a);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            // Without `float_roundtrip`, `serde_json` does not read every number exactly, but it does these.
            any::<i32>().prop_map(|number| Value::from(f64::from(number) / 8.0)),
            any::<String>().prop_map(Value::from),
        ];
        scalar.prop_recursive(6, 64, 8, |value| {
            prop_oneof![
                vec(value.clone(), 0..8).prop_map(Value::from),
                btree_map(any::<String>(), value, 0..8)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn values_are_those_of_serde_json(value in any_value()) {
            let document = value.to_string();
            let same: Value = serde_json::from_str(&document).expect("JSON");
            prop_assert_eq!(read::<Value>(&document), Ok(same));
        }
    }
}
