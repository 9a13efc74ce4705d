//! The traces as the script of the page reads them: JSON, in which values, resources and scopes are written once and named by
//! their numbers. `traces.js` is the reader.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use charm_tracing::opentelemetry::trace::{SpanKind, Status};
use charm_tracing::testing::{Resource, Scope, Span, Trace, Value};
use serde_json::{Value as Json, json};

use super::document::Kind;
use crate::summary::Summary;

/// A trace of the page.
#[derive(Clone, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) trace: &'a Trace,
    pub(crate) summary: Summary,
    /// A word about the dispatch, e.g. `interrupted`.
    pub(crate) state: &'static str,
    /// The file of the trace.
    pub(crate) source: String,
}

impl<'a> Entry<'a> {
    /// Returns an entry for a trace of which nothing is known beside its spans.
    pub(crate) fn of(trace: &'a Trace) -> Self {
        Self { trace, summary: Summary::of(trace), state: "", source: String::new() }
    }
}

/// The facts of the page, or of an answer to it, beside the traces.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    title: String,
    live: bool,
    next: u64,
    gone: Vec<String>,
}

impl Head {
    pub(super) fn of(title: &str, kind: Kind) -> Self {
        let next = if let Kind::Live { next } = kind { next } else { 0 };
        Self { title: title.to_owned(), live: kind != Kind::File, next, gone: Vec::new() }
    }

    /// Returns the head of an answer: the number of the newest change, and the keys of traces that are no longer kept.
    pub(crate) fn of_answer(next: u64, gone: Vec<String>) -> Self {
        Self { title: String::new(), live: true, next, gone }
    }
}

/// Writes the JSON. It has no `<`, so that nothing in it ends the element that it is written into.
pub(crate) fn script_data(head: &Head, entries: &[Entry<'_>]) -> String {
    let (mut tables, mut traces) = (Tables::default(), String::new());
    let mut keys: HashMap<&str, usize> = HashMap::new();
    for entry in entries {
        // Dispatches with the same parent have the same trace id.
        let count = keys.entry(&entry.summary.id).or_default();
        *count += 1;
        let key =
            if *count == 1 { entry.summary.id.clone() } else { format!("{}.{count}", entry.summary.id) };
        let comma = if traces.is_empty() { "" } else { ",\n" };
        traces.push_str(comma);
        write_trace(&mut traces, &mut tables, entry, &key);
    }
    let head =
        json!({ "title": head.title, "live": head.live, "next": head.next, "gone": head.gone }).to_string();
    let head = head.trim_end_matches('}');
    let [values, scopes, resources] =
        [tables.values, tables.scopes, tables.resources].map(|table| table.texts.join(","));
    let json = format!(
        "{head},\"table\":[{values}],\"scopes\":[{scopes}],\"resources\":[{resources}],\"traces\":[{traces}]}}"
    );
    json.replace('<', "\\u003c")
}

/// The values, scopes and resources that were written.
#[derive(Default)]
struct Tables {
    values: Table,
    scopes: Table,
    resources: Table,
    /// The numbers of scopes by the addresses of the scope and its resource, which their spans share.
    shared: HashMap<(usize, usize), usize>,
}

/// Texts that are written once and have numbers.
#[derive(Default)]
struct Table {
    texts: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl Table {
    fn number(&mut self, text: String) -> usize {
        if let Some(number) = self.numbers.get(&text) {
            return *number;
        }
        self.texts.push(text.clone());
        self.numbers.insert(text, self.texts.len() - 1);
        self.texts.len() - 1
    }
}

impl Tables {
    fn text(&mut self, text: &str) -> usize {
        self.values.number(Json::from(text).to_string())
    }

    fn value(&mut self, value: &Value) -> usize {
        self.values.number(as_json(value).to_string())
    }

    /// Writes attributes as numbers of keys and values in turn.
    fn attributes(&mut self, attributes: &[(String, Value)]) -> String {
        let mut text = String::from("[");
        for (at, (key, value)) in attributes.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            _ = write!(text, "{comma}{},{}", self.text(key), self.value(value));
        }
        text + "]"
    }

    fn scope(&mut self, scope: &Arc<Scope>, resource: &Arc<Resource>) -> usize {
        let addresses = (Arc::as_ptr(scope).addr(), Arc::as_ptr(resource).addr());
        if let Some(number) = self.shared.get(&addresses) {
            return *number;
        }
        let attributes = self.attributes(&resource.attributes);
        let resource = self.resources.number(attributes);
        let text = format!("[{resource},{},{}]", self.text(&scope.name), self.text(&scope.version));
        let number = self.scopes.number(text);
        self.shared.insert(addresses, number);
        number
    }
}

fn write_trace(out: &mut String, tables: &mut Tables, entry: &Entry<'_>, key: &str) {
    let Entry { trace, summary, state, source, .. } = entry;
    let facts = json!({
        "key": key,
        "id": summary.id,
        "unit": summary.unit,
        "service": summary.service,
        "event": summary.event,
        "start": millis(summary.start_nanos),
        "duration": nanos(summary.duration.as_nanos()),
        "failed": summary.failed,
        "state": state,
        "source": source,
    });
    out.push_str(facts.to_string().trim_end_matches('}'));
    out.push_str(",\"spans\":[");
    for (at, (depth, span)) in trace.walk().into_iter().enumerate() {
        out.push_str(if at == 0 { "\n" } else { ",\n" });
        write_span(out, tables, span, depth, summary.start_nanos);
    }
    out.push_str("]}");
}

/// Writes a span as an array; the constants at the head of `traces.js` name its elements. Empty ones at its end are left out.
fn write_span(out: &mut String, tables: &mut Tables, span: &Span, depth: usize, trace_start: u64) {
    let (status, message) = match &span.status {
        Status::Unset => ("0", None),
        Status::Ok => ("1", None),
        Status::Error { description } => ("2", Some(&**description).filter(|text| !text.is_empty())),
    };
    let kind = match span.kind {
        SpanKind::Internal => "1",
        SpanKind::Server => "2",
        SpanKind::Client => "3",
        SpanKind::Producer => "4",
        SpanKind::Consumer => "5",
    };
    let mut fields = vec![
        tables.text(&span.name).to_string(),
        depth.to_string(),
        span.start_unix_nanos.saturating_sub(trace_start).to_string(),
        nanos(span.duration().as_nanos()).to_string(),
        format!("\"{}\"", span.span_id),
        tables.scope(&span.scope, &span.resource).to_string(),
        kind.to_owned(),
        status.to_owned(),
        tables.attributes(&span.attributes),
        message.map_or_else(|| "null".to_owned(), |message| tables.text(message).to_string()),
        events(tables, span),
        links(tables, span),
        // A parent that should have been there.
        if depth == 0 && span.parent_span_id.is_some() && !span.has_remote_parent() { "1" } else { "0" }
            .to_owned(),
    ];
    while fields.len() > 9 && matches!(fields.last().map_or("", |field| field), "0" | "[]" | "null") {
        fields.pop();
    }
    _ = write!(out, "[{}]", fields.join(","));
}

fn events(tables: &mut Tables, span: &Span) -> String {
    let event = |event: &charm_tracing::testing::SpanEvent| {
        let at = event.unix_nanos.saturating_sub(span.start_unix_nanos);
        format!("[{},{at},{}]", tables.text(&event.name), tables.attributes(&event.attributes))
    };
    format!("[{}]", span.events.iter().map(event).collect::<Vec<_>>().join(","))
}

fn links(tables: &mut Tables, span: &Span) -> String {
    let link = |link: &charm_tracing::testing::SpanLink| {
        format!("[\"{}\",\"{}\",{}]", link.trace_id, link.span_id, tables.attributes(&link.attributes))
    };
    format!("[{}]", span.links.iter().map(link).collect::<Vec<_>>().join(","))
}

/// Returns milliseconds with their fraction, as the dates of the script have them.
#[expect(clippy::cast_precision_loss, reason = "a microsecond is not lost, and nobody reads less of a date")]
fn millis(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}

/// The script has no larger integers.
fn nanos(nanos: u128) -> u64 {
    u64::try_from(nanos).unwrap_or(u64::MAX).min(1 << 53)
}

fn as_json(value: &Value) -> Json {
    match value {
        Value::Int(number) if number.unsigned_abs() > 1 << 53 => Json::from(number.to_string()),
        Value::Double(number) if !number.is_finite() => Json::from(number.to_string()),
        Value::Empty => Json::Null,
        Value::String(text) => Json::from(&**text),
        Value::Bool(value) => Json::from(*value),
        Value::Int(number) => Json::from(*number),
        Value::Double(number) => Json::from(*number),
        Value::Bytes(_) => Json::from(value.to_string()),
        Value::Array(values) => values.iter().map(as_json).collect(),
        Value::Map(entries) => entries
            .iter()
            .map(|(key, value)| (key.clone(), as_json(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}
