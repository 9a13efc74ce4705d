//! Writes attributes and the messages that have them.

use opentelemetry::{Array, InstrumentationScope, KeyValue, Value};

use super::fields::{boolean, bytes, bytes_always, double, int, message};

/// Writes a list of attributes as messages `KeyValue`.
pub(crate) fn attributes<'a>(
    out: &mut Vec<u8>,
    field: u32,
    attributes: impl IntoIterator<Item = &'a KeyValue>,
) {
    for KeyValue { key, value, .. } in attributes {
        message(out, field, |out| {
            bytes(out, 1, key.as_str().as_bytes());
            message(out, 2, |out| any_value(out, value));
        });
    }
}

/// Writes the one field of an `AnyValue`, even if the value is empty.
fn any_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::String(value) => text(out, value.as_str()),
        Value::Bool(value) => boolean(out, 2, *value),
        Value::I64(value) => int(out, 3, *value),
        Value::F64(value) => double(out, 4, *value),
        Value::Array(array) => message(out, 5, |out| match array {
            Array::Bool(values) => elements(out, values, |out, value| boolean(out, 2, *value)),
            Array::I64(values) => elements(out, values, |out, value| int(out, 3, *value)),
            Array::F64(values) => elements(out, values, |out, value| double(out, 4, *value)),
            Array::String(values) => elements(out, values, |out, value| text(out, value.as_str())),
            // A kind of a later version of OpenTelemetry is written as text, so that it is not lost.
            other => elements(out, &[other.to_string()], |out, value| text(out, value)),
        }),
        other => text(out, &other.as_str()),
    }
}

fn text(out: &mut Vec<u8>, value: &str) {
    bytes_always(out, 1, value.as_bytes());
}

fn elements<T>(out: &mut Vec<u8>, values: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
    for value in values {
        message(out, 1, |out| write(out, value));
    }
}

/// Writes the fields of an `InstrumentationScope`.
pub(crate) fn scope(out: &mut Vec<u8>, scope: &InstrumentationScope) {
    bytes(out, 1, scope.name().as_bytes());
    bytes(out, 2, scope.version().unwrap_or_default().as_bytes());
    attributes(out, 3, scope.attributes());
}
