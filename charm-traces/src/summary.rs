use std::time::Duration;

use charm_tracing::testing::{Span, SpanEvent, Trace};

/// The facts of a trace that a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// The trace id, 32 hexadecimal digits.
    pub(crate) id: String,
    /// The unit, e.g. `app/0`; the service, if it is none of Juju's.
    pub(crate) unit: String,
    pub(crate) service: String,
    /// The event, e.g. `config_changed`; the name of the root, if the trace is none of a dispatch.
    pub(crate) event: String,
    pub(crate) start_nanos: u64,
    pub(crate) duration: Duration,
    pub(crate) spans: usize,
    pub(crate) failed: usize,
}

impl Summary {
    pub(crate) fn of(trace: &Trace) -> Self {
        let spans = trace.spans();
        let first = spans.iter().min_by_key(|span| span.start_unix_nanos);
        let start_nanos = first.map_or(0, |span| span.start_unix_nanos);
        let end = spans.iter().map(|span| span.end_unix_nanos).max().unwrap_or(start_nanos);
        let resource = |key| {
            let text = spans.first().and_then(|span| span.resource_attribute(key)).map(ToString::to_string);
            text.unwrap_or_default()
        };
        let (unit, service) = (resource("juju_unit"), resource("service.name"));
        Self {
            id: first.map(|span| span.trace_id.to_string()).unwrap_or_default(),
            unit: if unit.is_empty() { service.clone() } else { unit },
            service,
            event: event(trace).unwrap_or_default(),
            start_nanos,
            duration: Duration::from_nanos(end.saturating_sub(start_nanos)),
            spans: spans.len(),
            failed: spans.iter().filter(|span| span.is_failed()).count(),
        }
    }
}

/// Returns the event of a dispatch: that of the event span, of the root of a dispatch, or the one that `ops` notes in its root.
fn event(trace: &Trace) -> Option<String> {
    let walk = trace.walk();
    let named = walk.iter().find_map(|(_, span)| span.name.strip_prefix("event: "));
    if let Some(event) = named {
        return Some(event.to_owned());
    }
    let (_, root) = walk.first()?;
    Some(of_root(root).unwrap_or(&root.name).to_owned())
}

fn of_root(root: &Span) -> Option<&str> {
    if root.name == "ops.main" {
        // Events that were deferred earlier come first, those of the framework itself last.
        let of_juju =
            |event: &&SpanEvent| event.attribute("deferred").is_some_and(|deferred| deferred == false);
        return root.events.iter().find(of_juju)?.attribute("kind")?.as_str();
    }
    root.name.strip_suffix(" event")?.split_once(": ").map(|(_, event)| event)
}
