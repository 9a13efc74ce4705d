use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;

use crate::protobuf::{attributes, bytes, int};

/// The bytes of a `Span` that all spans of a call site have in common: all but its ids. Times and flags are zero.
#[derive(Debug)]
pub(crate) struct EncodedSite {
    bytes: Box<[u8]>,
    /// The position of the times. The attributes follow them.
    times: usize,
}

/// The size of the two times in bytes.
pub(crate) const TIMES: usize = 18;

impl EncodedSite {
    pub(crate) fn new(name: &str, site: &[KeyValue]) -> Self {
        let mut out = Vec::with_capacity(256);
        bytes(&mut out, 5, name.as_bytes());
        write_kind(&mut out, None);
        let times = out.len();
        out.extend_from_slice(&[0x39, 0, 0, 0, 0, 0, 0, 0, 0, 0x41, 0, 0, 0, 0, 0, 0, 0, 0]);
        attributes(&mut out, 9, site);
        out.extend_from_slice(&PLAIN_END);
        Self { bytes: out.into(), times }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the position of the times.
    pub(crate) fn times(&self) -> usize {
        self.times
    }

    pub(crate) fn name_and_kind(&self) -> &[u8] {
        &self.bytes[..self.times]
    }

    pub(crate) fn attributes(&self) -> &[u8] {
        &self.bytes[self.times + TIMES..self.bytes.len() - PLAIN_END.len()]
    }
}

/// The end of a span without a remote parent: the status "unset", and the flags, in which those of the trace are still missing.
pub(crate) const PLAIN_END: [u8; 8] = [0x7a, 0x00, 0x85, 0x01, 0x00, 0x01, 0x00, 0x00];
/// Writes the kind of a span.
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
