use std::env;
use std::fmt::Write as _;
use std::sync::Once;

use log::kv::{self, VisitSource};
use log::{LevelFilter, Log, Metadata, Record};
use opentelemetry::{KeyValue, Value};

use crate::juju_log;
use crate::span::{self, LoggingSpan};

/// A logger for the crate `log`. Its lines go to Juju's log (`juju-log`) at their level, and become events of the current
/// span.
///
/// Give it to [`Config::log`](crate::Config::log) or to `#[trace_charm(log = "info")]`, or install it by hand at the top of
/// `main`:
///
/// ```
/// use charm_tracing::JujuLogger;
///
/// JujuLogger::new("info,my_charm::db=debug").install()?;
/// # Ok::<(), log::SetLoggerError>(())
/// ```
///
/// The event has the message as its name, and the attributes `level`, `target` and the line's key-values. In Juju's log the
/// key-values follow the message as `key=value`.
///
/// Lines that are logged while no session is open are lost. So are those of a thread that is writing a line already: of the
/// `Display` of a value in the line, or of the hook tool. A value whose `Display` panics does not make the hook fail.
#[derive(Clone, Debug)]
#[must_use = "it is installed by `install` or by the session"]
pub struct JujuLogger {
    filter: String,
    juju_level: LevelFilter,
    trace_ids: bool,
}

impl JujuLogger {
    /// Returns a logger for the lines that the filter lets through. The filter has the style of `RUST_LOG`: a level, or
    /// directives such as `info,my_charm::db=debug`, separated by commas. The environment variable `RUST_LOG` replaces it.
    /// A filter that cannot be read counts as `info`, and a warning in Juju's log says so.
    ///
    /// Lines of `charm_tracing`, `tracing_relation`, `opentelemetry`, `ureq`, `ureq_proto` and `rustls` are left out,
    /// unless the filter names that crate.
    pub fn new(filter: impl Into<String>) -> Self {
        Self { filter: filter.into(), juju_level: LevelFilter::Trace, trace_ids: false }
    }

    /// Sets the least severe level that is sent to Juju's log; the trace gets the other lines as well. Default: all levels.
    ///
    /// Juju itself drops what its `logging-config` does not let through, by default lines below INFO. But it does not tell
    /// the charm, and each line is sent first.
    pub const fn juju_level(mut self, level: LevelFilter) -> Self {
        self.juju_level = level;
        self
    }

    /// Sets whether each line in Juju's log ends with `trace_id=... span_id=...` of the current span. Default: false.
    pub const fn trace_ids(mut self, shown: bool) -> Self {
        self.trace_ids = shown;
        self
    }

    /// Makes it the logger of the process.
    ///
    /// # Errors
    ///
    /// The process has a logger already, and keeps it.
    pub fn install(self) -> Result<(), log::SetLoggerError> {
        let (logger, level) = self.filtered(env::var("RUST_LOG").ok().as_deref());
        // A process installs it once, so what a second attempt leaks is bounded.
        log::set_logger(Box::leak(Box::new(logger)))?;
        log::set_max_level(level);
        Ok(())
    }

    /// Returns it as a `Log`, for a charm whose own logger passes its lines on to several others.
    #[must_use]
    pub fn build(self) -> Box<dyn Log> {
        Box::new(self.filtered(env::var("RUST_LOG").ok().as_deref()).0)
    }

    /// Returns the logger with its filter, and the least severe level that the filter lets through.
    fn filtered(self, rust_log: Option<&str>) -> (Filtered, LevelFilter) {
        let text = rust_log.filter(|text| !text.is_empty()).unwrap_or(&self.filter);
        let parsed = env_filter::Builder::new().try_parse(text).map(env_filter::Builder::build);
        let (filter, complaint) = match parsed {
            Ok(filter) => (filter, None),
            Err(error) => {
                let complaint = format!("cannot read the log filter {text:?}, so it is `info`: {error}");
                (env_filter::Builder::new().filter_level(LevelFilter::Info).build(), Some(complaint))
            }
        };
        let (level, silent) = (filter.filter(), juju_log::silent_under(text));
        let Self { juju_level, trace_ids, .. } = self;
        (Filtered { filter, silent, juju_level, trace_ids, complaint, complain: Once::new() }, level)
    }
}

impl From<&str> for JujuLogger {
    fn from(filter: &str) -> Self {
        Self::new(filter)
    }
}

impl From<String> for JujuLogger {
    fn from(filter: String) -> Self {
        Self::new(filter)
    }
}

/// A [`JujuLogger`] whose filter is read.
struct Filtered {
    filter: env_filter::Filter,
    /// The crates whose lines are left out.
    silent: Vec<&'static str>,
    juju_level: LevelFilter,
    trace_ids: bool,
    /// A warning about the filter, which is written before the first line.
    complaint: Option<String>,
    complain: Once,
}

impl Log for Filtered {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.filter.enabled(metadata) && !self.silent.contains(&juju_log::crate_of(metadata.target()))
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        juju_log::unless_writing(|| {
            let span = LoggingSpan::current();
            // Values of the charm are formatted here, and the hook tools may be the charm's as well.
            span::catch_panics(|| self.write(record, span.as_ref()));
        });
    }

    fn flush(&self) {}
}

impl Filtered {
    fn write(&self, record: &Record<'_>, span: Option<&LoggingSpan>) {
        let message = span::catch_panics(|| self.filter.matches(record).then(|| record.args().to_string()));
        let message = match message {
            Some(Some(message)) => message,
            Some(None) => return,
            None => format!("cannot format this message: {}", place(record)),
        };
        let mut fields = Fields::default();
        let _ = record.key_values().visit(&mut fields);
        if let Some(span) = span {
            span.add_event(&message, fields.attributes(record));
        }
        if let Some(complaint) = &self.complaint {
            self.complain.call_once(|| juju_log::write(log::Level::Warn, complaint));
        }
        if record.level() <= self.juju_level {
            juju_log::write(record.level(), &self.line(message, &fields, span));
        }
    }

    fn line(&self, mut line: String, fields: &Fields, span: Option<&LoggingSpan>) -> String {
        for field in &fields.0 {
            let _ = write!(line, " {}={}", field.key, field.value);
        }
        if let Some(span) = span.filter(|_| self.trace_ids) {
            span.append_ids(&mut line);
        }
        line
    }
}

/// The key-values of a line.
#[derive(Default)]
struct Fields(Vec<KeyValue>);

impl Fields {
    fn attributes(&self, record: &Record<'_>) -> Vec<KeyValue> {
        let own = [
            KeyValue::new("level", record.level().as_str()),
            KeyValue::new("target", record.target().to_owned()),
        ];
        let others = self.0.iter().filter(|field| own.iter().all(|own| own.key != field.key));
        own.iter().chain(others).cloned().collect()
    }
}

impl<'kvs> VisitSource<'kvs> for Fields {
    fn visit_pair(&mut self, key: kv::Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), kv::Error> {
        let value = if let Some(number) = value.to_i64() {
            Value::I64(number)
        } else if let Some(number) = value.to_f64() {
            Value::F64(number)
        } else if let Some(flag) = value.to_bool() {
            Value::Bool(flag)
        } else if let Some(text) = span::display(&value) {
            text.into()
        } else {
            return Ok(());
        };
        self.0.push(KeyValue::new(key.to_string(), value));
        Ok(())
    }
}

fn place(record: &Record<'_>) -> String {
    match (record.file(), record.line()) {
        (Some(file), Some(line)) => format!("{file}:{line}"),
        _ => record.target().to_owned(),
    }
}

#[cfg(test)]
mod tests;
