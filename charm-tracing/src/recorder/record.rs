use std::borrow::Cow;
use std::sync::Arc;

use opentelemetry::trace::{
    Event, Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue, StringValue};

use super::quota::Share;
use crate::site::Site;

/// A recorded span. It is small, because most spans have a call site and no details.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) site: Option<&'static Site>,
    pub(crate) span_id: SpanId,
    /// Invalid for a span without a parent.
    pub(crate) parent: SpanId,
    /// The start, in nanoseconds since 1970.
    pub(crate) start: u64,
    /// The end, in nanoseconds since 1970; 0 while the span is open.
    pub(crate) end: u64,
    pub(crate) details: Option<Box<Details>>,
}

/// The parts of a span that neither its call site nor its place in the trace gives.
#[derive(Debug, Default)]
pub(crate) struct Details {
    /// The name, if it is not that of the call site.
    pub(crate) name: Option<Cow<'static, str>>,
    pub(crate) kind: Option<SpanKind>,
    pub(crate) attributes: Vec<KeyValue>,
    pub(crate) dropped_attributes: u32,
    /// True if the attributes of the call site are in `attributes`, because one of them was changed.
    pub(crate) own_site: bool,
    pub(crate) events: Vec<Event>,
    pub(crate) dropped_events: u32,
    pub(crate) links: Vec<Link>,
    pub(crate) dropped_links: u32,
    pub(crate) status: Status,
    /// The instrumentation scope; `None` for our own.
    pub(crate) scope: Option<Arc<InstrumentationScope>>,
    pub(crate) remote: Option<Remote>,
}

/// The trace data of a span that has another trace or trace state than the session, or a remote parent.
#[derive(Debug)]
pub(crate) struct Remote {
    pub(crate) trace: TraceContext,
    pub(crate) state: TraceState,
    /// True if the parent is in another process.
    pub(crate) of_remote_parent: bool,
}

/// The id and the flags that the spans of a trace have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TraceContext {
    pub(crate) id: TraceId,
    pub(crate) flags: TraceFlags,
}

impl TraceContext {
    /// Returns the context of a span below `parent`. It is sampled even if `parent` is not.
    pub(crate) fn below(parent: &SpanContext) -> Self {
        Self { id: parent.trace_id(), flags: parent.trace_flags().with_sampled(true) }
    }
}

impl Default for TraceContext {
    fn default() -> Self {
        Self { id: TraceId::INVALID, flags: TraceFlags::SAMPLED }
    }
}

/// The attribute that names the kind of a span's failure. It has few values, so that failures can be counted by it.
pub(crate) const ERROR_TYPE: &str = "error.type";

/// The maximum number of attributes of a span. OpenTelemetry's SDK keeps 128 attributes and 128 events, which a loop in a
/// handler reaches.
const MAX_ATTRIBUTES: usize = 1024;
const MAX_EVENTS: usize = 4096;
/// The maximum number of links of a span. The SDK has the same limit, from OpenTelemetry's specification.
const MAX_LINKS: usize = 128;
const MAX_ATTRIBUTES_OF_EVENT: usize = 128;
const MAX_ATTRIBUTES_OF_LINK: usize = 128;

impl Record {
    /// The record of a vacant place.
    pub(crate) const VACANT: Self = Self {
        site: None,
        span_id: SpanId::INVALID,
        parent: SpanId::INVALID,
        start: 0,
        end: 0,
        details: None,
    };

    pub(crate) fn name(&self) -> &str {
        let own = self.details.as_ref().and_then(|details| details.name.as_deref());
        own.or(self.site.map(Site::name)).unwrap_or_default()
    }
}

impl Details {
    pub(crate) fn named(name: impl Into<Cow<'static, str>>, attributes: Vec<KeyValue>) -> Self {
        let mut details = Self { name: Some(name.into()), ..Self::default() };
        details.set_attributes(None, attributes);
        details
    }

    /// Returns the details of a span of `site` that has these attributes; `None` if there are none.
    pub(crate) fn of_site(site: &Site, attributes: Vec<KeyValue>) -> Option<Box<Self>> {
        if attributes.is_empty() {
            return None;
        }
        let mut details = Box::<Self>::default();
        details.set_attributes(Some(site), attributes);
        Some(details)
    }

    /// Sets the attributes of a span that has not begun yet.
    fn set_attributes(&mut self, site: Option<&Site>, attributes: Vec<KeyValue>) {
        for attribute in attributes {
            self.set_attribute(site, attribute, &mut Share::unlimited());
        }
    }

    /// Sets an attribute. It replaces one of the same key, as OpenTelemetry specifies.
    pub(crate) fn set_attribute(&mut self, site: Option<&Site>, attribute: KeyValue, share: &mut Share<'_>) {
        let is_of_site = |_: &&Site| !self.own_site && Site::KEYS.contains(&attribute.key.as_str());
        if let Some(site) = site.filter(is_of_site) {
            let attributes = site.attributes();
            if !share.take(attributes.iter().map(weight::attribute).sum()) {
                self.dropped_attributes = self.dropped_attributes.saturating_add(1);
                return;
            }
            self.attributes.splice(..0, attributes);
            self.own_site = true;
        }
        let new = weight::attribute(&attribute);
        let same = self.attributes.iter_mut().find(|other| other.key == attribute.key);
        if let Some(same) = same {
            if share.exchange(weight::attribute(same), new) {
                same.value = attribute.value;
                return;
            }
        } else if self.attributes.len() < MAX_ATTRIBUTES && share.take(new) {
            self.attributes.push(attribute);
            return;
        }
        self.dropped_attributes = self.dropped_attributes.saturating_add(1);
    }

    pub(crate) fn add_event(&mut self, mut event: Event, share: &mut Share<'_>) {
        event.dropped_attributes_count = cut(&mut event.attributes, MAX_ATTRIBUTES_OF_EVENT);
        if self.events.len() < MAX_EVENTS && share.take(weight::event(&event)) {
            self.events.push(event);
        } else {
            self.dropped_events = self.dropped_events.saturating_add(1);
        }
    }

    pub(crate) fn add_link(&mut self, mut link: Link, share: &mut Share<'_>) {
        link.dropped_attributes_count = cut(&mut link.attributes, MAX_ATTRIBUTES_OF_LINK);
        if self.links.len() < MAX_LINKS && share.take(weight::link(&link)) {
            self.links.push(link);
        } else {
            self.dropped_links = self.dropped_links.saturating_add(1);
        }
    }

    /// Sets the status. `Ok` is final, and an error is not replaced by `Unset`. Of two errors the one that is later in the
    /// alphabet is kept, as in OpenTelemetry's SDK. If the share is used up, the description is left out.
    pub(crate) fn set_status(&mut self, status: Status, share: &mut Share<'_>) {
        if status <= self.status {
            return;
        }
        if share.exchange(weight::status(&self.status), weight::status(&status)) {
            self.status = status;
        } else if self.status == Status::Unset {
            self.status = Status::error("");
        }
    }

    /// Sets the status to an error and the attribute `error.type`, unless the charm has set either of them to something else.
    pub(crate) fn fail(
        &mut self,
        site: Option<&Site>,
        error_type: StringValue,
        description: String,
        share: &mut Share<'_>,
    ) {
        self.set_status(Status::error(description), share);
        let is_set = self.attributes.iter().any(|attribute| attribute.key.as_str() == ERROR_TYPE);
        if matches!(self.status, Status::Error { .. }) && !is_set {
            self.set_attribute(site, KeyValue::new(ERROR_TYPE, error_type), share);
        }
    }

    pub(crate) fn set_name(&mut self, name: Cow<'static, str>, share: &mut Share<'_>) {
        if share.exchange(self.name.as_ref().map_or(0, |name| name.len()), name.len()) {
            self.name = Some(name);
        }
    }

    pub(crate) fn weight(&self) -> usize {
        size_of::<Self>()
            + self.name.as_ref().map_or(0, |name| name.len())
            + self.attributes.iter().map(weight::attribute).sum::<usize>()
            + self.events.iter().map(weight::event).sum::<usize>()
            + self.links.iter().map(weight::link).sum::<usize>()
            + weight::status(&self.status)
            + self.remote.as_ref().map_or(0, |remote| remote.state.header().len())
    }
}

/// Shortens a list to `most` attributes, and returns how many were removed.
fn cut(attributes: &mut Vec<KeyValue>, most: usize) -> u32 {
    let gone = attributes.len().saturating_sub(most);
    attributes.truncate(most);
    u32::try_from(gone).unwrap_or(u32::MAX)
}

/// The weights of the parts of a span in bytes: at least their size in a request, and about their size in memory.
pub(crate) mod weight {
    use opentelemetry::trace::{Event, Link, Status};
    use opentelemetry::{Array, InstrumentationScope, KeyValue, Value};

    /// The weight of a span without name and attributes: ids, times, kind, flags, an empty status, and the length of it all.
    pub(crate) const SPAN: usize = 80;
    /// The weight of the bytes before a text or a number.
    const PREFIX: usize = 16;

    pub(crate) fn attribute(attribute: &KeyValue) -> usize {
        let value = match &attribute.value {
            Value::String(text) => text.as_str().len(),
            Value::Array(Array::String(texts)) => texts.iter().map(|text| PREFIX + text.as_str().len()).sum(),
            Value::Array(Array::I64(numbers)) => numbers.len() * PREFIX,
            Value::Array(Array::F64(numbers)) => numbers.len() * PREFIX,
            Value::Array(Array::Bool(values)) => values.len() * PREFIX,
            _ => 0,
        };
        size_of::<KeyValue>() + attribute.key.as_str().len() + value
    }

    pub(crate) fn event(event: &Event) -> usize {
        size_of::<Event>() + event.name.len() + event.attributes.iter().map(attribute).sum::<usize>()
    }

    pub(crate) fn link(link: &Link) -> usize {
        size_of::<Link>()
            + link.span_context.trace_state().header().len()
            + link.attributes.iter().map(attribute).sum::<usize>()
    }

    pub(crate) fn status(status: &Status) -> usize {
        match status {
            Status::Error { description } => description.len(),
            Status::Unset | Status::Ok => 0,
        }
    }

    /// Returns the weight of an instrumentation scope. It is written once for all its spans, but each span may have its own.
    pub(crate) fn scope(scope: &InstrumentationScope) -> usize {
        let text = |text: Option<&str>| PREFIX + text.map_or(0, str::len);
        PREFIX
            + text(Some(scope.name()))
            + text(scope.version())
            + text(scope.schema_url())
            + scope.attributes().map(attribute).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_small() {
        assert_eq!(size_of::<Record>(), 48);
    }
}
