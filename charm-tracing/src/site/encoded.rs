use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;

use crate::protobuf::{attributes, bytes, int};

/// The fields of a `Span` that all spans of a call site have in common.
#[derive(Debug)]
pub(crate) struct EncodedSite {
    name_and_kind: Box<[u8]>,
    attributes: Box<[u8]>,
}

impl EncodedSite {
    pub(crate) fn new(name: &str, site: &[KeyValue]) -> Self {
        let (mut name_and_kind, mut encoded) = (Vec::new(), Vec::with_capacity(256));
        bytes(&mut name_and_kind, 5, name.as_bytes());
        write_kind(&mut name_and_kind, None);
        attributes(&mut encoded, 9, site);
        Self { name_and_kind: name_and_kind.into(), attributes: encoded.into() }
    }

    pub(crate) fn name_and_kind(&self) -> &[u8] {
        &self.name_and_kind
    }

    pub(crate) fn attributes(&self) -> &[u8] {
        &self.attributes
    }
}

pub(crate) fn write_kind(out: &mut Vec<u8>, kind: Option<&SpanKind>) {
    int(
        out,
        6,
        match kind {
            None | Some(SpanKind::Internal) => 1,
            Some(SpanKind::Server) => 2,
            Some(SpanKind::Client) => 3,
            Some(SpanKind::Producer) => 4,
            Some(SpanKind::Consumer) => 5,
        },
    );
}
