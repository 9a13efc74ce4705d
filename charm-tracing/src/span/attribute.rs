use std::borrow::Cow;

use opentelemetry::{Array, KeyValue, StringValue, Value};

use super::{own_work, text};
use crate::recorder::{Handle, Purpose};

/// The attributes of a call that its author asked for with `attributes(key = expression)`.
#[derive(Debug, Default)]
pub struct Attributes(pub(super) Vec<KeyValue>);

impl Attributes {
    /// Evaluates one expression. If it panics only the attribute is missing, because without tracing the expression would not
    /// run.
    pub fn add(&mut self, key: &'static str, value: impl FnOnce() -> Option<Value>) {
        if let Some(value) = own_work::catch_panics(value).flatten() {
            self.0.push(KeyValue::new(key, value));
        }
    }
}

/// The span of a call that has begun, for attributes that can be evaluated only in the body. It is empty if nothing records.
#[derive(Clone, Copy, Debug)]
pub struct Opened(pub(super) Option<Handle>);

impl Opened {
    /// Evaluates attributes and adds them to the span.
    #[inline]
    pub fn add(self, attributes: impl FnOnce(&mut Attributes)) {
        if let Some(span) = self.0 {
            add_now(span, attributes);
        }
    }
}

#[cold]
#[inline(never)]
fn add_now(span: Handle, attributes: impl FnOnce(&mut Attributes)) {
    let mut own = Attributes::default();
    attributes(&mut own);
    for attribute in own.0 {
        span.set_attribute(Purpose::Charm, attribute);
    }
}

/// A type that has a counterpart among OpenTelemetry's attribute values.
pub trait AttributeValue {
    /// Returns the value as OpenTelemetry's type; `None` leaves the attribute out.
    fn attribute_value(&self) -> Option<Value>;
}

macro_rules! integers {
    ($($integer:ty)*) => { $(
        impl AttributeValue for $integer {
            /// Returns an integer. OpenTelemetry's integers have 64 bits and a sign, so a larger number becomes text.
            fn attribute_value(&self) -> Option<Value> {
                Some(i64::try_from(*self).map_or_else(|_| self.to_string().into(), Value::I64))
            }
        }
    )* };
}
integers!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize);

macro_rules! convertible {
    ($($ty:ty => |$value:ident| $convert:expr;)*) => { $(
        impl AttributeValue for $ty {
            fn attribute_value(&self) -> Option<Value> {
                let $value = self;
                Some($convert)
            }
        }
    )* };
}
convertible! {
    bool => |value| Value::Bool(*value);
    f32 => |value| Value::F64(f64::from(*value));
    f64 => |value| Value::F64(*value);
    str => |value| text::cut(value).into();
    String => |value| text::cut(value).into();
    Cow<'_, str> => |value| text::cut(value).into();
    StringValue => |value| Value::String(value.clone());
    Value => |value| value.clone();
    Array => |value| Value::Array(value.clone());
}

impl<T: AttributeValue> AttributeValue for Option<T> {
    fn attribute_value(&self) -> Option<Value> {
        self.as_ref().and_then(T::attribute_value)
    }
}

impl<T: AttributeValue + ?Sized> AttributeValue for &T {
    fn attribute_value(&self) -> Option<Value> {
        (**self).attribute_value()
    }
}

impl<T: AttributeValue + ?Sized> AttributeValue for &mut T {
    fn attribute_value(&self) -> Option<Value> {
        (**self).attribute_value()
    }
}

/// Finds the best way to record the value of an expression, as [`probe`](super::probe) does for errors.
///
/// `(&&&Evaluated(&value)).__value()` picks the first of the traits below whose bounds hold.
pub mod value {
    use std::fmt;

    use opentelemetry::Value;

    use super::{AttributeValue, text};

    /// The value of an expression.
    #[derive(Debug)]
    pub struct Evaluated<'a, T: ?Sized>(pub &'a T);

    /// A value with a counterpart in OpenTelemetry, such as a number, a text or a boolean, which is recorded as it is.
    pub trait AsItIs {
        /// Returns the value to record; `None` leaves the attribute out.
        fn __value(&self) -> Option<Value>;
    }
    impl<T: AttributeValue + ?Sized> AsItIs for &&Evaluated<'_, T> {
        fn __value(&self) -> Option<Value> {
            self.0.attribute_value()
        }
    }

    /// A value with `Display`, which is recorded as that text.
    pub trait Displayed {
        /// Returns the value to record; `None` leaves the attribute out.
        fn __value(&self) -> Option<Value>;
    }
    impl<T: fmt::Display + ?Sized> Displayed for &Evaluated<'_, T> {
        fn __value(&self) -> Option<Value> {
            text::display(self.0).map(Value::from)
        }
    }

    /// A value with `Debug` only, which is recorded as that text.
    pub trait Debugged {
        /// Returns the value to record; `None` leaves the attribute out.
        fn __value(&self) -> Option<Value>;
    }
    impl<T: fmt::Debug + ?Sized> Debugged for Evaluated<'_, T> {
        fn __value(&self) -> Option<Value> {
            text::debug(self.0).map(Value::from)
        }
    }
}

#[cfg(test)]
mod tests;
