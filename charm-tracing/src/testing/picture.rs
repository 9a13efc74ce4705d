//! Trees for people: how long everything took, and what failed.

use std::collections::HashMap;
use std::fmt::Write;
use std::time::Duration;

use opentelemetry::trace::TraceId;

use super::Span;
use super::forest::{Place, Standing, walk};

/// The maximum width of the column of names. A longer name pushes its own duration to the right, but not those of others.
const WIDEST_NAME: usize = 72;
/// The maximum number of levels by which a name is indented. A deeper span has its level before its name: the lines of a trace
/// that is 10,000 deep would have 100 MB of blanks.
const MOST_INDENTED: usize = 40;
/// The columns that are kept for errors, if there are any.
const ERROR: usize = 24;
/// The minimum width of a bar that says something.
const NARROWEST_BAR: usize = 10;

pub(super) fn picture(spans: &[Span], columns: usize) -> String {
    let rows: Vec<Row> = walk(spans).into_iter().map(Row::new).collect();
    let widest = |width: fn(&Row) -> usize| rows.iter().map(width).max().unwrap_or(0);
    let names = widest(|row| row.name.chars().count()).min(WIDEST_NAME);
    let durations = widest(|row| row.duration.chars().count());
    let error = if rows.iter().any(|row| row.error.is_some()) { ERROR } else { 0 };
    // The formatter takes no greater width.
    let bars = columns.saturating_sub(names + 2 + durations + 2 + error).min(u16::MAX.into());
    let times = Times::of(spans);

    let mut text = String::new();
    let mut trace: Option<TraceId> = None;
    for row in &rows {
        if row.is_top && trace != Some(row.span.trace_id) {
            let gap = if trace.is_some() { "\n" } else { "" };
            _ = writeln!(text, "{gap}trace {}", row.span.trace_id);
            trace = Some(row.span.trace_id);
        }
        let mut line = format!("{:names$}  {:>durations$}", row.name, row.duration);
        if bars >= NARROWEST_BAR {
            _ = write!(line, "  {:bars$}", times.bar(row.span, bars));
        }
        if let Some(error) = &row.error {
            _ = write!(line, "  ✗ {error}");
        }
        text.extend([line.trim_end(), "\n"]);
    }
    text
}

struct Row<'a> {
    span: &'a Span,
    is_top: bool,
    /// The indented name.
    name: String,
    duration: String,
    error: Option<String>,
}

impl<'a> Row<'a> {
    fn new(Place { span, depth, standing }: Place<'a>) -> Self {
        let level = if depth > MOST_INDENTED { format!("({depth}) ") } else { String::new() };
        Self {
            span,
            is_top: depth == 0,
            name: format!("{}{level}{}", "  ".repeat(depth.min(MOST_INDENTED)), in_one_line(&span.name)),
            duration: in_words(span.duration()),
            error: error(span, standing).map(|error| in_one_line(&error)),
        }
    }
}

/// Replaces what would end the line, or do something to a terminal.
#[must_use]
pub fn in_one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// The first start and the last end of each trace.
struct Times(HashMap<TraceId, (u64, u64)>);

impl Times {
    fn of(spans: &[Span]) -> Self {
        let mut times = HashMap::new();
        for span in spans {
            let (start, end) = times.entry(span.trace_id).or_insert((u64::MAX, 0));
            *start = span.start_unix_nanos.min(*start);
            *end = span.end_unix_nanos.max(*end);
        }
        Self(times)
    }

    /// Draws the part of the trace's time that the span takes. It is at least one character long.
    fn bar(&self, span: &Span, width: usize) -> String {
        let (start, end) = self.0[&span.trace_id];
        let all = u128::from(end.saturating_sub(start).max(1));
        let place = |time: u64| {
            let part = u128::from(time.saturating_sub(start)) * width as u128;
            usize::try_from((part + all / 2) / all).unwrap_or(width).min(width)
        };
        let from = place(span.start_unix_nanos).min(width - 1);
        let to = place(span.end_unix_nanos).max(from + 1);
        " ".repeat(from) + &"█".repeat(to - from)
    }
}

/// Writes three significant digits. With more, a reader compares noise.
#[must_use]
pub fn in_words(duration: Duration) -> String {
    let (value, unit) = match duration.as_secs_f64() {
        small if small < 999.5e-6 => (small * 1e6, "µs"),
        middle if middle < 0.9995 => (middle * 1e3, "ms"),
        large => (large, "s"),
    };
    let digits = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
    format!("{value:.digits$} {unit}")
}

fn error(span: &Span, standing: Standing) -> Option<String> {
    match standing {
        Standing::Orphan => return Some("its parent is missing".to_owned()),
        Standing::InCircle => return Some("it is its own ancestor".to_owned()),
        Standing::Root | Standing::Child => {}
    }
    // A text of many lines would break the columns. Its first line is what one looks for.
    span.is_failed().then(|| span.error().and_then(|text| text.lines().next()).unwrap_or("error").to_owned())
}

#[cfg(test)]
mod tests;
