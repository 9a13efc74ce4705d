use charm_tracing::testing::Trace;

use super::script_data::{Entry, Head, script_data};

/// The frame of the page. Texts in double braces are replaced.
const FRAME: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
/// The parts of the script, in the order in which they need each other.
const SCRIPTS: [&str; 5] = [
    include_str!("traces.js"),
    include_str!("rows.js"),
    include_str!("waterfall.js"),
    include_str!("details.js"),
    include_str!("page.js"),
];

/// The source of the traces of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The traces are in the page, and nothing is loaded.
    File,
    /// The page asks the program that serves it for new traces after those of this number.
    Live {
        /// The number of the newest change in the page.
        next: u64,
    },
}

/// Makes an HTML page of traces. It is one file, loads nothing, and works in any browser of today.
///
/// `title` says where the traces come from. Spans of several traces are several traces in the page.
///
/// ```
/// use charm_tracing::testing::Recording;
///
/// let recording = Recording::start();
/// charm_tracing::event("start", || ());
/// let page = charm_traces::page("my test", &recording.spans());
/// assert!(page.contains("event: start"));
/// ```
#[must_use]
pub fn page(title: &str, traces: &Trace) -> String {
    let traces = traces.traces();
    let entries: Vec<_> = traces.iter().map(Entry::of).collect();
    document(title, &entries, Kind::File)
}

pub(crate) fn document(title: &str, entries: &[Entry<'_>], kind: Kind) -> String {
    let data = script_data(&Head::of(title, kind), entries);
    let connect = if kind == Kind::File { "'none'" } else { "'self'" };
    let mut page = String::with_capacity(FRAME.len() + data.len() + 64 * 1024);
    let mut rest = FRAME;
    while let Some((before, behind)) = rest.split_once("{{") {
        page.push_str(before);
        let (name, behind) = behind.split_once("}}").unwrap_or((behind, ""));
        match name {
            "connect" => page.push_str(connect),
            "style" => page.push_str(STYLE),
            "script" => SCRIPTS.iter().for_each(|script| page.push_str(script)),
            "data" => page.push_str(&data),
            _ => {}
        }
        rest = behind;
    }
    page.push_str(rest);
    page
}
