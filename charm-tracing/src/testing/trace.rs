use super::check::check;
use super::forest::walk;
use super::picture::picture;
use super::{Outline, Span};

/// Spans to look at and to assert on: usually those of one trace, but a collector has all that it received.
///
/// ```
/// # #[cfg(feature = "testing")] {
/// use charm_tracing::testing::Recording;
///
/// let recording = Recording::start();
/// let _ = charm_tracing::try_event("config_changed", || {
///     charm_tracing::event("reload", || ());
///     Err::<(), _>("no such port")
/// });
/// let trace = recording.spans();
/// trace.assert_tree(
///     "
///     event: config_changed [error: no such port]
///       event: reload
///     ",
/// );
/// let failed = trace.span("event: config_changed");
/// assert_eq!(failed.error(), Some("no such port"));
/// assert_eq!(trace.children(failed), [trace.span("event: reload")]);
/// # }
/// ```
///
/// Where a method returns several spans, they are in the order of the [`tree`](Self::tree).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    spans: Vec<Span>,
}

impl Trace {
    /// Returns the spans in the order in which they were sent or added.
    #[must_use]
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Returns the spans as [`spans`](Self::spans) does, without a copy.
    #[must_use]
    pub fn into_spans(self) -> Vec<Span> {
        self.spans
    }

    /// Returns an iterator over the spans, in the order of [`spans`](Self::spans).
    pub fn iter(&self) -> std::slice::Iter<'_, Span> {
        self.spans.iter()
    }

    /// Returns the number of spans.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Returns true if there is no span.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Splits the spans by their trace ids, in the order in which the traces start.
    #[must_use]
    pub fn traces(&self) -> Vec<Trace> {
        let mut traces: Vec<Trace> = Vec::new();
        let mut places = std::collections::HashMap::new();
        for span in &self.spans {
            let place = *places.entry(span.trace_id).or_insert_with(|| {
                traces.push(Trace::default());
                traces.len() - 1
            });
            traces[place].spans.push(span.clone());
        }
        traces.sort_by_key(|trace| trace.spans.iter().map(|span| span.start_unix_nanos).min());
        traces
    }

    /// Returns the one span of this name.
    ///
    /// # Panics
    ///
    /// Panics if no span or more than one has the name. The message shows the tree.
    #[must_use]
    #[track_caller]
    pub fn span(&self, name: &str) -> &Span {
        match &self.find(name)[..] {
            [span] => span,
            [] => panic!("no span is named {name:?} in\n{}", self.shown()),
            spans => panic!("{} spans are named {name:?} in\n{}", spans.len(), self.shown()),
        }
    }

    /// Returns all spans of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Vec<&Span> {
        self.chosen(|span| span.name == name)
    }

    /// Returns the spans whose status is an error.
    #[must_use]
    pub fn failed(&self) -> Vec<&Span> {
        self.chosen(Span::is_failed)
    }

    /// Returns the spans at the top of the [`tree`](Self::tree): those whose parent is not among the spans.
    #[must_use]
    pub fn roots(&self) -> Vec<&Span> {
        self.walk().into_iter().filter(|(depth, _)| *depth == 0).map(|(_, span)| span).collect()
    }

    /// Returns the spans whose parent is `span`.
    #[must_use]
    pub fn children(&self, span: &Span) -> Vec<&Span> {
        let parent = (span.trace_id, Some(span.span_id));
        self.chosen(|child| (child.trace_id, child.parent_span_id) == parent)
    }

    /// Returns the parent of `span`, if it is among the spans.
    #[must_use]
    pub fn parent(&self, span: &Span) -> Option<&Span> {
        let parent = (span.trace_id, span.parent_span_id?);
        self.spans.iter().find(|span| (span.trace_id, span.span_id) == parent)
    }

    /// Returns all spans below `span`: its children, their children, and so on.
    #[must_use]
    pub fn descendants(&self, span: &Span) -> Vec<&Span> {
        let ids = (span.trace_id, span.span_id);
        let mut walk = self.walk().into_iter();
        let Some((top, _)) = walk.find(|(_, span)| (span.trace_id, span.span_id) == ids) else {
            return Vec::new();
        };
        walk.take_while(|(depth, _)| *depth > top).map(|(_, span)| span).collect()
    }

    /// Returns the spans in the order of the [`tree`](Self::tree), each with its depth. The depth of a root is 0.
    #[must_use]
    pub fn walk(&self) -> Vec<(usize, &Span)> {
        walk(&self.spans).into_iter().map(|place| (place.depth, place.span)).collect()
    }

    /// Returns the names of the spans, one a line, each two blanks further to the right than its parent. Siblings are in the
    /// order in which they started. A failed span has `[error: <description>]` behind its name. A span whose parent is not
    /// among the spans is not indented.
    #[must_use]
    pub fn tree(&self) -> String {
        let mut text = self.outline().status().to_string();
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }

    /// Returns a tree that shows as much beside the names as an assertion is about.
    #[must_use]
    pub fn outline(&self) -> Outline<'_> {
        Outline::new(&self.spans)
    }

    /// Draws the traces for people: how long each span took, a bar at its part of the trace's time, and a cross before the
    /// error of a failed span. Each trace is below its id.
    ///
    /// A line has about `columns` characters. The bars have what the names and the durations leave of them; if that is less
    /// than 10, there are no bars. A span more than 40 levels below its root is indented by 40 levels, and has its level before
    /// its name.
    ///
    /// ```text
    /// trace 4bf92f3577b34da6a3ce929d0e0e4736
    /// app/0: update-status event                   12.3 ms  ████████████████████
    ///   event: update_status                       12.1 ms  ████████████████████
    ///     method call: MyCharm.handle              11.8 ms   ██████████████████   ✗ no such unit
    ///       method call: MyCharm.on_update_status   380 µs                  █
    /// ```
    #[must_use]
    pub fn picture(&self, columns: usize) -> String {
        picture(&self.spans, columns)
    }

    /// Checks that the spans form whole traces: each parent is among them, no id is used twice, no span ends before it starts.
    /// A parent in another process, which the span's flags say, need not be there.
    ///
    /// # Errors
    ///
    /// Returns everything that is wrong, in the order of the tree.
    pub fn check(&self) -> Result<(), Vec<String>> {
        check(&self.spans)
    }

    /// Asserts that the [`tree`](Self::tree) is `expected`. The lines of `expected` may all be indented as far as the first one
    /// is, and there may be empty lines at both ends.
    ///
    /// # Panics
    ///
    /// Panics if they differ. The message shows both, with the first line that differs marked.
    #[track_caller]
    pub fn assert_tree(&self, expected: &str) {
        let expected = dedented(expected);
        let tree = self.tree();
        if tree.lines().eq(expected.iter().copied()) {
            return;
        }
        let same = tree.lines().zip(&expected).take_while(|(line, expected)| line == *expected).count();
        panic!(
            "the trees differ in line {}\nexpected:\n{}found:\n{}",
            same + 1,
            marked(expected.into_iter(), same),
            marked(tree.lines(), same)
        );
    }

    fn chosen(&self, is_chosen: impl Fn(&Span) -> bool) -> Vec<&Span> {
        self.walk().into_iter().map(|(_, span)| span).filter(|span| is_chosen(span)).collect()
    }

    fn shown(&self) -> String {
        if self.is_empty() { "a trace without spans\n".to_owned() } else { self.tree() }
    }
}

/// Returns the lines of a text without the empty lines at its ends, and without the indentation of its first line.
fn dedented(text: &str) -> Vec<&str> {
    let text = text.trim_end();
    let mut lines: Vec<_> = text.lines().map(str::trim_end).skip_while(|line| line.is_empty()).collect();
    let first = lines.first().map_or(0, |line| line.len() - line.trim_start().len());
    for line in &mut lines {
        let indent = line.len() - line.trim_start().len();
        *line = &line[indent.min(first)..];
    }
    lines
}

/// Writes the lines, with an arrow before the one at `place`.
fn marked<'a>(lines: impl Iterator<Item = &'a str>, place: usize) -> String {
    let mut text = String::new();
    let mut count = 0;
    for (index, line) in lines.enumerate() {
        let mark = if index == place { "->" } else { "  " };
        text.extend([mark, " ", line, "\n"]);
        count += 1;
    }
    if count == place {
        text.push_str("-> (nothing)\n");
    }
    text
}

impl From<Vec<Span>> for Trace {
    fn from(spans: Vec<Span>) -> Self {
        Self { spans }
    }
}

impl FromIterator<Span> for Trace {
    fn from_iter<I: IntoIterator<Item = Span>>(spans: I) -> Self {
        Self { spans: spans.into_iter().collect() }
    }
}

impl Extend<Span> for Trace {
    fn extend<I: IntoIterator<Item = Span>>(&mut self, spans: I) {
        self.spans.extend(spans);
    }
}

impl IntoIterator for Trace {
    type Item = Span;
    type IntoIter = std::vec::IntoIter<Span>;

    fn into_iter(self) -> Self::IntoIter {
        self.spans.into_iter()
    }
}

impl<'a> IntoIterator for &'a Trace {
    type Item = &'a Span;
    type IntoIter = std::slice::Iter<'a, Span>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests;
