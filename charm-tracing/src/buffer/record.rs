//! How one record is laid out, and nothing else: bytes in, bytes out.
//!
//! ```text
//!  0  marker          4   finds the next record behind a damaged one
//!  4  state           1   0x00 dead, anything else live; outside both checksums, so it can change in place
//!  5  kind            1   1 = a complete trace: an OTLP `ExportTraceServiceRequest`
//!  6  priority        1   0 = boring, 1 = interesting
//!  7  flown           1   1 = the trace had a flight, which is empty once a header counts the record
//!  8  payload length  4
//! 12  payload crc32   4
//! 16  sequence        8   grows by one with every record of a file, never reused
//! 24  written at      8   milliseconds since 1970
//! 32  trace id       16
//! 48  parts taken     2   outside both checksums, as the state: how many of so many parts the backend has taken of a
//! 50  parts           2   trace that was too large for it; 0 is 1
//! 52  header crc32    4   over bytes 0..4, 5..48 and four zeros
//! 56  payload
//! ```
//!
//! The header has its own checksum so that its length can be trusted without reading the payload.

use std::time::{Duration, SystemTime};

/// Size of a record without its payload.
pub(super) const RECORD_HEADER: usize = 56;
/// Where the state byte is, counted from the start of the record.
pub(super) const STATE_OFFSET: u64 = 4;
/// Where the progress is, counted from the start of the record.
pub(super) const PROGRESS_OFFSET: u64 = 48;
/// The state of a record that is gone. All other values are live: a flipped bit may deliver a trace twice, but not lose it.
pub(super) const DEAD: u8 = 0x00;
/// The first bytes of every record. Not ASCII and not a valid start of UTF-8, so text never looks like a record.
pub(super) const MARKER: [u8; 4] = [0xC7, 0x52, 0xEC, 0x0D];

const LIVE: u8 = 0xA5;

/// Which records make room first when the buffer is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Priority {
    /// Nothing handled the event: the trace says little more than that the charm ran.
    Boring,
    /// Everything else.
    Interesting,
}

/// How much of a trace a backend has taken that takes it only in parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Parts that need not be sent any more; fewer than `parts`.
    pub(crate) done: u16,
    /// Into how many parts it is split, by its spans: a power of two.
    pub(crate) parts: u16,
}

impl Default for Progress {
    /// It is sent as a whole.
    fn default() -> Self {
        Self { done: 0, parts: 1 }
    }
}

impl Progress {
    pub(super) fn encode(self) -> [u8; 4] {
        let [done, parts] = [self.done, self.parts].map(u16::to_le_bytes);
        [done[0], done[1], parts[0], parts[1]]
    }

    /// What makes no sense is no progress: a part may then be delivered twice, but is not lost.
    fn decode(bytes: [u8; 4]) -> Self {
        let [done, parts] = [[bytes[0], bytes[1]], [bytes[2], bytes[3]]].map(u16::from_le_bytes);
        if parts.is_power_of_two() && done < parts { Self { done, parts } } else { Self::default() }
    }
}

/// What a payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A finished dispatch, encoded as an OTLP `ExportTraceServiceRequest`.
    Trace,
}

/// A trace on its way into the buffer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewRecord<'a> {
    pub(crate) trace_id: [u8; 16],
    pub(crate) priority: Priority,
    pub(crate) payload: &'a [u8],
}

/// A trace as it comes out of the buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) sequence: u64,
    pub(crate) trace_id: [u8; 16],
    pub(crate) payload: Vec<u8>,
    pub(crate) progress: Progress,
    /// Where it was read: a hint for the acknowledgement, checked against `sequence`.
    pub(super) offset: u64,
}

/// Everything about a record but its payload and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RecordHeader {
    pub(super) live: bool,
    pub(super) kind: Kind,
    pub(super) priority: Priority,
    pub(super) payload_len: u32,
    pub(super) payload_crc: u32,
    pub(super) sequence: u64,
    pub(super) written_at: u64,
    pub(super) trace_id: [u8; 16],
    pub(super) progress: Progress,
    /// The trace had a flight.
    pub(super) flown: bool,
}

impl RecordHeader {
    /// The header of a new record, or none if the payload is longer than the format can say.
    pub(super) fn of(new: &NewRecord<'_>, sequence: u64, written_at: u64) -> Option<Self> {
        Some(Self {
            live: true,
            kind: Kind::Trace,
            priority: new.priority,
            payload_len: u32::try_from(new.payload.len()).ok()?,
            payload_crc: crc32fast::hash(new.payload),
            sequence,
            written_at,
            trace_id: new.trace_id,
            progress: Progress::default(),
            flown: false,
        })
    }

    pub(super) fn encode(&self) -> [u8; RECORD_HEADER] {
        let mut bytes = [0; RECORD_HEADER];
        bytes[0..4].copy_from_slice(&MARKER);
        bytes[4] = if self.live { LIVE } else { DEAD };
        bytes[5] = match self.kind {
            Kind::Trace => 1,
        };
        bytes[6] = match self.priority {
            Priority::Boring => 0,
            Priority::Interesting => 1,
        };
        bytes[7] = self.flown.into();
        bytes[8..12].copy_from_slice(&self.payload_len.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.payload_crc.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.written_at.to_le_bytes());
        bytes[32..48].copy_from_slice(&self.trace_id);
        bytes[48..52].copy_from_slice(&self.progress.encode());
        let crc = header_crc(&bytes);
        bytes[52..56].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads a header, or none if these bytes are not an intact one.
    pub(super) fn decode(bytes: &[u8; RECORD_HEADER]) -> Option<Self> {
        if bytes[0..4] != MARKER || read_u32(bytes, 52) != header_crc(bytes) {
            return None;
        }
        Some(Self {
            live: bytes[4] != DEAD,
            // A kind or priority that this version does not know comes with a new version of the file, so here it is
            // damage.
            kind: match bytes[5] {
                1 => Kind::Trace,
                _ => return None,
            },
            priority: match bytes[6] {
                0 => Priority::Boring,
                1 => Priority::Interesting,
                _ => return None,
            },
            payload_len: read_u32(bytes, 8),
            payload_crc: read_u32(bytes, 12),
            sequence: read_u64(bytes, 16),
            written_at: read_u64(bytes, 24),
            trace_id: read_array(bytes, 32),
            progress: Progress::decode(read_array(bytes, 48)),
            flown: bytes[7] != 0,
        })
    }

    /// Size of the whole record in the file.
    pub(super) fn size(&self) -> u64 {
        RECORD_HEADER as u64 + u64::from(self.payload_len)
    }

    pub(super) fn is_boring(&self) -> bool {
        self.priority == Priority::Boring
    }
}

/// The time as the file stores it. Times before 1970 are stored as 1970.
pub(crate) fn to_millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn read_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(read_array(bytes, at))
}

pub(super) fn read_u64(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(read_array(bytes, at))
}

fn read_array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

fn header_crc(bytes: &[u8; RECORD_HEADER]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&bytes[0..4]);
    hasher.update(&bytes[5..48]);
    hasher.update(&[0; 4]);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header(priority: Priority, payload: &[u8]) -> RecordHeader {
        RecordHeader::of(&NewRecord { trace_id: [7; 16], priority, payload }, 42, 1_700_000_000_000).unwrap()
    }

    #[test]
    fn bytes_of_a_record_are_those_of_the_format() {
        let bytes = header(Priority::Interesting, b"payload").encode();
        let expected = b"\xc7\x52\xec\x0d\xa5\x01\x01\x00\x07\x00\x00\x00\x15\x6a\x2c\x42\
            \x2a\x00\x00\x00\x00\x00\x00\x00\x00\x68\xe5\xcf\x8b\x01\x00\x00\
            \x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\
            \x00\x00\x01\x00\x5c\x20\x16\x5d";
        assert_eq!(&bytes, expected);
    }

    #[test]
    fn state_and_progress_are_outside_the_checksum() {
        let mut bytes = header(Priority::Boring, b"x").encode();
        bytes[usize::try_from(STATE_OFFSET).unwrap()] = DEAD;
        let progress = Progress { done: 3, parts: 256 };
        bytes[usize::try_from(PROGRESS_OFFSET).unwrap()..][..4].copy_from_slice(&progress.encode());
        let decoded = RecordHeader::decode(&bytes).unwrap();
        assert_eq!((decoded.live, decoded.progress), (false, progress));
    }

    #[test]
    fn progress_that_makes_no_sense_is_none() {
        for (done, parts) in [(0, 0), (1, 1), (2, 2), (0, 3), (9, 8)] {
            assert_eq!(Progress::decode(Progress { done, parts }.encode()), Progress::default());
        }
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(
            payload in proptest::collection::vec(any::<u8>(), 0..200), trace_id: [u8; 16], sequence: u64,
            written_at: u64, boring: bool, live: bool, done in 0_u16..4,
            flown: bool,
        ) {
            let priority = if boring { Priority::Boring } else { Priority::Interesting };
            let new = NewRecord { trace_id, priority, payload: &payload };
            let progress = Progress { done, parts: 4 };
            let header = RecordHeader { live, progress, flown, ..RecordHeader::of(&new, sequence, written_at).unwrap() };
            prop_assert_eq!(RecordHeader::decode(&header.encode()), Some(header));
            prop_assert_eq!(header.size(), 56 + payload.len() as u64);
        }

        #[test]
        fn arbitrary_bytes_are_no_record(bytes: [u8; RECORD_HEADER]) {
            prop_assert_eq!(RecordHeader::decode(&bytes), None);
        }

        #[test]
        fn every_flipped_bit_but_state_and_progress_is_noticed(bit in 0_usize..RECORD_HEADER * 8) {
            let intact = header(Priority::Interesting, b"payload");
            let mut bytes = intact.encode();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let decoded = RecordHeader::decode(&bytes).map(|header| RecordHeader { progress: intact.progress, ..header });
            let expected = matches!(bit / 8, 4 | 48..52).then_some(intact);
            prop_assert_eq!(decoded, expected);
        }
    }
}
