use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use charm_tracing::opentelemetry::trace::TraceId;

use charm_tracing::__charm_traces::{in_one_line, in_words};

use crate::arguments::{Chosen, Show};
use crate::output::{
    BAD, HEADING, WARNING, WEAK, columns, complain, local_time, painted, painted_picture, print,
};
use crate::page::{Kind, document};
use crate::program::Outcome;
use crate::stored::{Fault, Shown, State, Stored, read};

/// Shows the traces at a path: as a list and trees, or as a page.
pub(crate) fn show(arguments: &Show) -> anyhow::Result<Outcome> {
    let (shown, faults) = chosen(&arguments.chosen);
    let outcome = Outcome::after(&faults);
    if arguments.html.is_some() || arguments.open {
        let title = &arguments.chosen.path;
        let title = fs::canonicalize(title).unwrap_or_else(|_| title.clone());
        let page = page(&title.display().to_string(), &shown);
        let path = match &arguments.html {
            Some(path) => path.clone(),
            None => temporary(),
        };
        fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))?;
        print(format_args!("{} with {}\n", path.display(), counted(shown.len(), "trace")))?;
        if arguments.open {
            open::that(&path)?;
        }
        return Ok(outcome);
    }
    if shown.is_empty() {
        complain(format_args!("{}: no such traces are here", arguments.chosen.path.display()));
        return Ok(outcome);
    }
    let mut text = list(&shown);
    if !arguments.list {
        let columns = columns();
        for Shown { trace, .. } in &shown {
            text.push('\n');
            text.push_str(&painted_picture(&trace.picture(columns)));
        }
    }
    print(text)?;
    Ok(outcome)
}

/// Reads the traces, and chooses those that are asked for.
pub(crate) fn chosen(chosen: &Chosen) -> (Vec<Shown>, Vec<Fault>) {
    let reading = read(&chosen.path);
    let mut shown = Shown::all(reading.stored);
    keep_chosen(chosen, &mut shown);
    (shown, reading.faults)
}

/// Returns the ids of the traces that are asked for.
pub(crate) fn chosen_ids(chosen: &Chosen, stored: &[Stored]) -> HashSet<TraceId> {
    let mut shown = Shown::all(stored.to_vec());
    keep_chosen(chosen, &mut shown);
    shown.iter().filter_map(|shown| shown.trace.spans().first()).map(|span| span.trace_id).collect()
}

/// Leaves the traces that are asked for.
fn keep_chosen(chosen: &Chosen, shown: &mut Vec<Shown>) {
    let id = chosen.trace.as_deref().unwrap_or_default().to_lowercase();
    shown.retain(|shown| shown.summary.id.starts_with(&id) && (!chosen.failed || shown.summary.failed > 0));
    if let Some(count) = chosen.slowest {
        shown.sort_by_key(|shown| std::cmp::Reverse(shown.summary.duration));
        shown.truncate(count);
    }
}

/// Writes a table of the traces.
pub(crate) fn list(shown: &[Shown]) -> String {
    let head = ["TIME", "UNIT", "EVENT", "DURATION", "SPANS", "FAILED", "TRACE", ""].map(str::to_owned);
    let row = |Shown { summary, state, .. }: &Shown| {
        let failed = if summary.failed == 0 { String::new() } else { summary.failed.to_string() };
        [
            local_time(summary.start_nanos),
            in_one_line(&summary.unit),
            in_one_line(&summary.event),
            in_words(summary.duration),
            summary.spans.to_string(),
            failed,
            summary.id.clone(),
            state.word().to_owned(),
        ]
    };
    let rows: Vec<_> = shown.iter().map(row).collect();
    let width =
        |at: usize| rows.iter().chain([&head]).map(|row| row[at].chars().count()).max().unwrap_or_default();
    let widths: [usize; 8] = std::array::from_fn(width);
    let line = |row: &[String; 8], styles: [anstyle::Style; 8]| {
        let cell = |at: usize| {
            let space = " ".repeat(widths[at] - row[at].chars().count());
            let text = painted(styles[at], &row[at]);
            if matches!(at, 3..=5) { space + &text } else { text + &space }
        };
        let cells: [String; 8] = std::array::from_fn(cell);
        cells.join("  ").trim_end().to_owned() + "\n"
    };
    let mut text = line(&head, [HEADING; 8]);
    let plain = anstyle::Style::new();
    for (row, shown) in rows.iter().zip(shown) {
        let state = if shown.state == State::Interrupted { WARNING } else { WEAK };
        text.push_str(&line(row, [WEAK, plain, plain, plain, plain, BAD, WEAK, state]));
    }
    text
}

/// Makes the page of the traces. `title` says where they come from.
pub(crate) fn page(title: &str, shown: &[Shown]) -> String {
    let entries: Vec<_> = shown.iter().map(Shown::entry).collect();
    document(title, &entries, Kind::File)
}

/// Returns a path for a page that nobody named. The browser reads it after the program has ended, so nothing removes it.
fn temporary() -> PathBuf {
    std::env::temp_dir().join(format!("charm-traces-{}.html", std::process::id()))
}

/// Writes a number of things.
pub(crate) fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
