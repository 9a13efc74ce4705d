use std::any::type_name;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use opentelemetry_sdk::trace::{SpanExporter, SpanProcessor};

use super::processor::OneBatch;

/// A value that [`Config::span_exporter`](crate::Config::span_exporter) accepts from the function of a charm: a `SpanExporter` or
/// a `SpanProcessor` of `opentelemetry_sdk`, or a `Result` of one.
///
/// `Kind` tells the implementations apart. The compiler finds it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot export spans",
    label = "the function returns a `{Self}`",
    note = "accepted is a function without arguments that returns a `SpanExporter` or a `SpanProcessor` of `opentelemetry_sdk` \
            0.33, or a `Result` of one"
)]
pub trait Exports<Kind> {
    /// Returns the name of the exporter's type, for messages.
    #[doc(hidden)]
    fn name() -> &'static str;

    /// Returns the processor to which the spans are given.
    #[doc(hidden)]
    fn processor(self) -> Result<Box<dyn SpanProcessor>, Box<dyn Error + Send + Sync>>;
}

/// The kind of an exporter.
#[derive(Debug)]
pub enum AnExporter {}

/// The kind of a span processor.
#[derive(Debug)]
pub enum AProcessor {}

/// The kind of a `Result`.
#[derive(Debug)]
pub struct Fallible<Kind>(Kind);

impl<E: SpanExporter + 'static> Exports<AnExporter> for E {
    fn name() -> &'static str {
        type_name::<E>()
    }

    fn processor(self) -> Result<Box<dyn SpanProcessor>, Box<dyn Error + Send + Sync>> {
        Ok(Box::new(OneBatch::new(self)))
    }
}

impl<P: SpanProcessor + 'static> Exports<AProcessor> for P {
    fn name() -> &'static str {
        type_name::<P>()
    }

    fn processor(self) -> Result<Box<dyn SpanProcessor>, Box<dyn Error + Send + Sync>> {
        Ok(Box::new(self))
    }
}

impl<Kind, T: Exports<Kind>, E: Into<Box<dyn Error + Send + Sync>>> Exports<Fallible<Kind>> for Result<T, E> {
    fn name() -> &'static str {
        T::name()
    }

    fn processor(self) -> Result<Box<dyn SpanProcessor>, Box<dyn Error + Send + Sync>> {
        self.map_err(Into::into)?.processor()
    }
}

/// A function that makes an exporter.
#[derive(Clone)]
pub(crate) struct NewExporter {
    /// The type of the exporter.
    pub(super) name: &'static str,
    pub(super) new: Arc<New>,
}

type New = dyn Fn() -> Result<Box<dyn SpanProcessor>, Box<dyn Error + Send + Sync>> + Send + Sync;

impl NewExporter {
    pub(crate) fn of<Kind, T: Exports<Kind>>(new: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self { name: T::name(), new: Arc::new(move || new().processor()) }
    }
}

impl fmt::Debug for NewExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
