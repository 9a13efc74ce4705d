use std::any::type_name;
use std::error::Error;
use std::fmt;
use std::ops::Deref;

use opentelemetry::KeyValue;
use opentelemetry::trace::Event;

use super::text;
use super::type_name::{known, short};
use crate::recorder::{Handle, Purpose, now_of_event};

/// The reason why a span ends as an error.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The type of the error, or `panic`.
    kind: &'static str,
    message: Option<String>,
    /// The text below the message: the causes of an error, or the place of a panic.
    trace: Option<String>,
}

impl Failure {
    pub(super) fn panic(message: String, location: Option<String>) -> Self {
        let trace = location.map(|at| format!("panicked at {at}"));
        Self { kind: "panic", message: Some(message), trace }
    }

    /// Describes an error; `show` returns its text and its causes.
    fn of<E>(show: impl FnOnce() -> (Option<String>, Option<String>)) -> Self {
        let (message, trace) = text::of_error(show).unwrap_or_default();
        Self { kind: type_name::<E>(), message, trace }
    }

    /// Replaces the type of an owner by that of the error inside, if that is known.
    fn with_kind(self, kind: Option<&'static str>) -> Self {
        Self { kind: kind.unwrap_or(self.kind), ..self }
    }

    /// Sets the status, and `error.type` unless the span has one, and adds the `exception` event of the OpenTelemetry semantic
    /// conventions.
    pub(crate) fn record(self, span: Handle) {
        let mut attributes = vec![KeyValue::new("exception.type", self.kind)];
        if let Some(message) = &self.message {
            attributes.push(KeyValue::new("exception.message", message.clone()));
        }
        if let Some(trace) = self.trace {
            attributes.push(KeyValue::new("exception.stacktrace", trace));
        }
        span.add_event(Purpose::Failure, Event::new("exception", now_of_event(), attributes, 0));
        span.fail(short(self.kind), self.message.unwrap_or_default());
    }
}

/// Finds out at compile time whether a returned value is a `Result`, and how much of its error can be recorded.
///
/// `(&&&&&&&Returned(&value)).__failure()` picks the first of the traits below whose bounds hold, because method lookup tries
/// the receiver with the most references first. In a generic function the bounds in scope decide. So an error type without
/// bounds is [`Opaque`](probe::Opaque): its status is set, but its text is not known. The name of the method is unusual,
/// because a trait of the charm with the same method might be implemented for all types.
pub mod probe {
    use super::{Deref, Error, Failure, fmt, known, text};
    use crate::span::catch_panics;

    /// A returned value that may be a failure.
    #[derive(Debug)]
    pub struct Returned<'a, T>(pub &'a T);

    type Dynamic = dyn Error + Send + Sync;
    type ReturnedResult<'a, T, E> = Returned<'a, Result<T, E>>;

    macro_rules! level {
        ($(#[$doc:meta])* $name:ident for $($receiver:tt)+) => {
            $(#[$doc])*
            pub trait $name {
                /// Returns the failure; `None` if the value is no failure.
                fn __failure(&self) -> Option<Failure>;
            }
            level!(@impl $name $($receiver)+);
        };
        (@impl $name:ident [$($refs:tt)*] $(where [$($bounds:tt)*])?, |$error:ident| $failure:expr) => {
            impl<T, E> $name for $($refs)* ReturnedResult<'_, T, E> $(where $($bounds)*)? {
                fn __failure(&self) -> Option<Failure> {
                    self.0.as_ref().err().map(|$error| $failure)
                }
            }
        };
    }

    level! {
        /// An owner of any error, such as `anyhow::Error`. Text and causes are recorded, and the type of the error if that is a
        /// known one. It is no `Box`, because that may hold an error that borrows, whose type cannot be compared.
        Report for [&&&&&&] where [E: Deref<Target = Dynamic> + AsRef<dyn Error> + fmt::Display],
        |error| {
            let mut kind = None;
            let failure = Failure::of::<E>(|| {
                kind = catch_panics(|| known(&**error)).flatten();
                (text::display(error), catch_panics(|| text::causes(&**error)).flatten())
            });
            failure.with_kind(kind)
        }
    }
    level! {
        /// A `std::error::Error`, of which the text and the causes are recorded.
        Standard for [&&&&&] where [E: Error],
        |error| Failure::of::<E>(|| (text::display(error), text::causes(error)))
    }
    level! {
        /// A pointer to an error that is no error itself, such as `Box<dyn Error>` or `anyhow::Error`. Text and causes are
        /// recorded.
        Pointer for [&&&&] where [E: Deref + fmt::Display, E::Target: Error],
        |error| Failure::of::<E>(|| (text::display(error), catch_panics(|| text::causes(&**error)).flatten()))
    }
    level! {
        /// Any other error with `Display`, of which the text is recorded.
        Shown for [&&&] where [E: fmt::Display],
        |error| Failure::of::<E>(|| (text::display(error), None))
    }
    level! {
        /// An error with `Debug` only, of which that text is recorded.
        Debugged for [&&] where [E: fmt::Debug],
        |error| Failure::of::<E>(|| (text::debug(error), None))
    }
    level! {
        /// An error that cannot be formatted, of which only the type is recorded.
        Opaque for [&],
        |_error| Failure::of::<E>(|| (None, None))
    }

    /// Any value that is not a `Result`, which is no failure.
    pub trait NoResult {
        /// Returns `None`.
        fn __failure(&self) -> Option<Failure>;
    }

    impl<T> NoResult for Returned<'_, T> {
        fn __failure(&self) -> Option<Failure> {
            None
        }
    }
}

#[cfg(test)]
mod tests;
