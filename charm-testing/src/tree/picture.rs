//! Trees for people: how long everything took, and what failed.

use std::fmt::Write;
use std::time::Duration;

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

use super::forest::{Standing, walk};
use crate::collector::{CollectedSpan, attribute, hex};

/// Beyond this many columns a name pushes its own duration to the right, not everybody's.
const WIDEST_COLUMN: usize = 72;

/// Draws the traces with durations in a column of their own and a cross before what went wrong, each trace below its
/// id.
///
/// ```text
/// trace 4bf92f3577b34da6a3ce929d0e0e4736
/// app/0: update-status event                   12.3 ms
///   event: update_status                       12.1 ms
///     method call: MyCharm.handle              11.8 ms  ✗ no such unit
///       method call: MyCharm.on_update_status   380 µs
/// ```
#[must_use]
pub fn picture(spans: &[CollectedSpan]) -> String {
    let rows: Vec<Row> = walk(spans)
        .into_iter()
        .map(|place| Row {
            trace: &place.span.span.trace_id,
            top: place.depth == 0,
            label: format!("{}{}", "  ".repeat(place.depth), place.span.span.name),
            duration: duration(&place.span.span),
            complaint: complaint(&place.span.span, place.standing),
        })
        .collect();
    let column = |width: fn(&Row) -> usize| rows.iter().map(width).max().unwrap_or(0);
    let labels = column(|row| row.label.chars().count()).min(WIDEST_COLUMN);
    let durations = column(|row| row.duration.chars().count());

    let mut text = String::new();
    let mut trace: Option<&[u8]> = None;
    for row in &rows {
        if row.top && trace != Some(row.trace) {
            let gap = if trace.is_some() { "\n" } else { "" };
            _ = writeln!(text, "{gap}trace {}", hex(row.trace));
            trace = Some(row.trace);
        }
        _ = write!(text, "{:labels$}  {:>durations$}", row.label, row.duration);
        if let Some(complaint) = &row.complaint {
            _ = write!(text, "  ✗ {complaint}");
        }
        text.push('\n');
    }
    text
}

/// A [`picture`], indented or not, without what is another in every run: of each line the name, and the complaint
/// behind one blank.
#[must_use]
pub fn without_durations(picture: &str) -> String {
    let lasting = |line: &str| {
        let (name, complaint) = line.split_once('✗').unwrap_or((line, ""));
        let indent = name.len() - name.trim_start().len();
        // Names have no two blanks in a row, the columns are at least that far apart.
        let end = name[indent..].find("  ").map_or(name.len(), |end| indent + end);
        format!("{}{complaint}", &name[..end])
    };
    picture.lines().fold(String::new(), |text, line| text + lasting(line).trim_end() + "\n")
}

struct Row<'a> {
    trace: &'a [u8],
    top: bool,
    label: String,
    duration: String,
    complaint: Option<String>,
}

fn duration(span: &Span) -> String {
    let nanos = span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano);
    let seconds = Duration::from_nanos(nanos).as_secs_f64();
    // Three significant digits: with more, a reader compares noise.
    let (value, unit) = match seconds {
        small if small < 999.5e-6 => (small * 1e6, "µs"),
        middle if middle < 0.9995 => (middle * 1e3, "ms"),
        large => (large, "s"),
    };
    let digits = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
    format!("{value:.digits$} {unit}")
}

fn complaint(span: &Span, standing: Standing) -> Option<String> {
    match standing {
        Standing::Orphan => return Some("its parent is missing".to_owned()),
        Standing::InCircle => return Some("it is its own ancestor".to_owned()),
        Standing::Root | Standing::Child => {}
    }
    let status = span.status.as_ref().filter(|status| status.code() == StatusCode::Error)?;
    let exception = || {
        let event = span.events.iter().find(|event| event.name == "exception")?;
        attribute(&event.attributes, "exception.message")
    };
    let message = Some(status.message.clone()).filter(|message| !message.is_empty()).or_else(exception);
    // A message of many lines would break the columns; its first line is what one looks for.
    let first = message.as_deref().and_then(|message| message.lines().next());
    Some(first.unwrap_or("error").to_owned())
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::trace::v1::Status;

    use super::*;
    use crate::tree::forest::spans::{span, with};

    fn lasting(span: CollectedSpan, nanos: u64) -> CollectedSpan {
        with(span, |span| span.end_time_unix_nano = span.start_time_unix_nano + nanos)
    }

    #[test]
    fn aligns_durations_and_marks_errors() {
        let failed = with(lasting(span("method call: MyCharm.handle", 2, 1), 11_800_000), |span| {
            span.status =
                Some(Status { message: "no such unit\ncaused by".into(), code: StatusCode::Error.into() });
        });
        let other = with(lasting(span("app/0: stop event", 4, 0), 2_000_000_000), |span| {
            span.trace_id = vec![9; 16];
            span.start_time_unix_nano += 100;
            span.end_time_unix_nano += 100;
        });
        let spans = [lasting(span("app/0: start event", 1, 0), 12_345_000), failed, other];
        assert_eq!(
            picture(&spans),
            "\
trace 01010101010101010101010101010101
app/0: start event             12.3 ms
  method call: MyCharm.handle  11.8 ms  ✗ no such unit

trace 09090909090909090909090909090909
app/0: stop event               2.00 s
"
        );
    }

    #[test]
    fn without_durations_names_and_complaints_are_left() {
        let drawn = "  app/0: start event           12.3 ms\n    method call: MyCharm.handle  11.8 ms  ✗ no such unit\n";
        assert_eq!(
            without_durations(drawn),
            "  app/0: start event\n    method call: MyCharm.handle no such unit\n"
        );
    }

    #[test]
    fn draws_nothing_of_no_spans() {
        assert_eq!(picture(&[]), "");
    }

    #[test]
    fn writes_durations_with_three_digits_in_the_unit_that_fits() {
        let of = |nanos| duration(&lasting(span("x", 1, 0), nanos).span);
        assert_eq!(of(0), "0.00 µs");
        assert_eq!(of(1_234), "1.23 µs");
        assert_eq!(of(999_400), "999 µs");
        assert_eq!(of(999_900), "1.00 ms");
        assert_eq!(of(45_678_000), "45.7 ms");
        assert_eq!(of(61_000_000_000), "61.0 s");
    }
}
