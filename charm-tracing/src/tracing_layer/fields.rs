use std::error::Error;
use std::fmt::{self, Write as _};

use opentelemetry::{KeyValue, Value};
use tracing_core::field::{Field, Visit};

use crate::span;

/// The fields of a span or an event of `tracing`, as attributes.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) attributes: Vec<KeyValue>,
    /// The text of the event.
    pub(super) message: Option<String>,
    /// The text of the field `error`, and the causes below it.
    pub(super) error: Option<(String, Option<String>)>,
    /// The target of a line that came from the crate `log`.
    pub(super) log_target: Option<String>,
    /// True if a field `error` is left out of the attributes, because it becomes an `exception`.
    pub(super) is_failure: bool,
    /// True if a field `message` is the text of an event, and not an attribute.
    is_event: bool,
}

impl Fields {
    /// Returns the fields of an event. An event at ERROR that has a field `error` is a failure.
    pub(super) fn of_event(is_error: bool) -> Self {
        Self { is_failure: is_error, is_event: true, ..Self::default() }
    }

    /// Returns the message with the fields behind it, for Juju's log.
    pub(super) fn line(&self) -> String {
        let mut line = self.message.clone().unwrap_or_default();
        let error = self
            .error
            .as_ref()
            .filter(|_| self.is_failure)
            .map(|(text, _)| ("error", text as &dyn fmt::Display));
        let others =
            self.attributes.iter().map(|field| (field.key.as_str(), &field.value as &dyn fmt::Display));
        for (key, value) in error.into_iter().chain(others) {
            let space = if line.is_empty() { "" } else { " " };
            let _ = write!(line, "{space}{key}={value}");
        }
        line
    }

    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        let (key, value) = (field.name(), value.into());
        match self.attributes.iter_mut().find(|other| other.key.as_str() == key) {
            Some(same) => same.value = value,
            None => self.attributes.push(KeyValue::new(key, value)),
        }
    }

    fn put_text(&mut self, field: &Field, text: String) {
        match field.name() {
            "message" if self.is_event => self.message = Some(text),
            "error" => self.put_error(field, text, None),
            "log.target" => self.log_target = Some(text),
            name if name.starts_with("log.") => {}
            _ => self.put(field, text),
        }
    }

    fn put_error(&mut self, field: &Field, text: String, causes: Option<String>) {
        if !self.is_failure {
            self.put(field, text.clone());
        }
        self.error = Some((text, causes));
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        if !field.name().starts_with("log.") {
            self.put(field, value);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.put(field, value.to_string()),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put_text(field, span::cut(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let text = span::display(value).unwrap_or_default();
        if field.name() == "error" {
            self.put_error(field, text, span::causes(value));
        } else {
            self.put(field, text);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if let Some(text) = span::debug(value) {
            self.put_text(field, text);
        }
    }
}
