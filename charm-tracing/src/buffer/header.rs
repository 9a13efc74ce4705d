//! The head of the file: what it is, and a hint that saves reading the records.
//!
//! ```text
//!   0  magic           16   "charm-tracing\r\n\x1a"
//!  16  version          2   2
//!  18  header length    2   256: where the first record begins
//!  20  identity crc32   4   over bytes 0..20
//!  24  head             8   no live record begins before it
//!  32  boring head      8   no live boring record begins before it
//!  40  tail             8   end of the last record; believed only if it is the end of the file
//!  48  live bytes       8   of live records, their headers included
//!  56  next sequence    8
//!  64  pending          8   the record whose removal this header commits, 0 if none: its state may still say live
//!  72  live records     4
//!  76  live boring      4
//!  80  lease pid        4   process that sends the queue, 0 if none
//!  84  lease token      4   tells apart two senders of one process
//!  88  lease until      8   milliseconds since 1970
//!  96  failures         4   attempts to send since the last record that was taken
//! 100  destination      4   checksum of where they went: another destination starts without failures
//! 104  not before       8   milliseconds since 1970: the backend asked not to be tried earlier
//! 112  closing id       8   the flight whose trace is in the queue, 0 if none: its file may still hold it
//! 120  closing slot     4   of that flight
//! 124  slots            4   flights have had files with the numbers below this one
//! 128  dropped traces   4   what was lost since the last trace that tells: dropped by the limits
//! 132  refused traces   4   refused by a backend for good
//! 136  lost traces      4   neither stored nor sent
//! 140  reserved         4   zero
//! 144  rejected spans   8   rejected by a backend out of traces that it took
//! 152  last             8   where the last record begins, 0 if there is none: its end must be the tail
//! 160  reserved        92   zero
//! 252  hint crc32       4   over bytes 24..252
//! ```
//!
//! Version 1 had 128 bytes: none from 112 on, and the checksum at 124, over bytes 24..124. Its records are the same.
//!
//! Both parts lie in one 512-byte sector and are written together, so a header is old or new, hardly ever half of each.

use super::record::{read_u32, read_u64};

/// Size of the header, and offset of the first record.
pub(super) const HEADER: usize = 256;
/// The same as a file offset.
pub(super) const FIRST_RECORD: u64 = HEADER as u64;

const MAGIC: [u8; 16] = *b"charm-tracing\r\n\x1a";
const VERSION: u16 = 2;
/// Where the checksum of the hint is.
const CRC: usize = HEADER - 4;
const CRC_1: usize = 124;
/// Where the records of version 1 begin.
pub(super) const FIRST_RECORD_1: u64 = 128;

/// The hint: all that an operation needs to know without reading records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hint {
    pub(super) head: u64,
    pub(super) boring_head: u64,
    pub(super) tail: u64,
    pub(super) live_bytes: u64,
    pub(super) next_sequence: u64,
    pub(super) pending: u64,
    pub(super) live_records: u32,
    pub(super) live_boring: u32,
    pub(super) lease: Lease,
    pub(super) backoff: Backoff,
    pub(super) closing: Closing,
    /// How many flights may have files; the one with the number 0 always may.
    pub(super) slots: u32,
    pub(super) losses: Losses,
    /// The last record, dead or alive. 0 for none.
    pub(super) last: u64,
}

/// Who sends the queue, and until when that is believed. A `pid` of 0 is nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Lease {
    pub(super) pid: u32,
    pub(super) token: u32,
    pub(super) until: u64,
}

/// What the last attempts to send taught, remembered for the next dispatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Backoff {
    /// Attempts since the backend last took a record.
    pub(crate) failures: u32,
    /// Checksum of the destination that failed.
    pub(crate) destination: u32,
    /// Milliseconds since 1970 before which the backend asked not to be tried; 0 if it did not ask.
    pub(crate) not_before: u64,
}

/// The flight whose trace the last record is. An `id` of 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Closing {
    pub(super) id: u64,
    pub(super) slot: u32,
}

/// What was lost and not told yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Losses {
    /// Traces that the limits of the buffer cost.
    pub(crate) dropped_traces: u32,
    /// Traces that a backend refused for good.
    pub(crate) refused_traces: u32,
    /// Traces that could be neither stored nor sent.
    pub(crate) lost_traces: u32,
    /// Spans that a backend rejected out of traces that it took.
    pub(crate) rejected_spans: u64,
}

impl Losses {
    pub(super) fn count_dropped(&mut self) {
        self.dropped_traces = self.dropped_traces.saturating_add(1);
    }

    /// All of both.
    pub(crate) fn plus(self, more: Self) -> Self {
        Self {
            dropped_traces: self.dropped_traces.saturating_add(more.dropped_traces),
            refused_traces: self.refused_traces.saturating_add(more.refused_traces),
            lost_traces: self.lost_traces.saturating_add(more.lost_traces),
            rejected_spans: self.rejected_spans.saturating_add(more.rejected_spans),
        }
    }

    /// What is left when some of it was told.
    pub(crate) fn minus(self, told: Self) -> Self {
        Self {
            dropped_traces: self.dropped_traces.saturating_sub(told.dropped_traces),
            refused_traces: self.refused_traces.saturating_sub(told.refused_traces),
            lost_traces: self.lost_traces.saturating_sub(told.lost_traces),
            rejected_spans: self.rejected_spans.saturating_sub(told.rejected_spans),
        }
    }
}

/// What the first bytes of a file say about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Identity {
    /// This version of ours, with the hint if its checksum holds.
    Ours(Option<Hint>),
    /// The version before, of which the records can be carried over.
    Version1(Option<Hint>),
    /// A version of ours that this code does not know.
    OtherVersion(u16),
    /// Not ours, or no longer to be recognised.
    Foreign,
}

impl Hint {
    /// More flights than these have no files.
    pub(super) const MOST_SLOTS: u32 = 64;

    /// The hint of a file without records.
    pub(super) fn empty() -> Self {
        Self {
            head: FIRST_RECORD,
            boring_head: FIRST_RECORD,
            tail: FIRST_RECORD,
            live_bytes: 0,
            next_sequence: 1,
            pending: 0,
            live_records: 0,
            live_boring: 0,
            lease: Lease::default(),
            backoff: Backoff::default(),
            closing: Closing::default(),
            slots: 1,
            losses: Losses::default(),
            last: 0,
        }
    }

    /// The same knowledge about everything but the records, of which there are none.
    pub(super) fn emptied(&self) -> Self {
        Self {
            head: FIRST_RECORD,
            boring_head: FIRST_RECORD,
            tail: FIRST_RECORD,
            live_bytes: 0,
            pending: 0,
            live_records: 0,
            live_boring: 0,
            last: 0,
            ..*self
        }
    }

    pub(super) fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[0..16].copy_from_slice(&MAGIC);
        bytes[16..18].copy_from_slice(&VERSION.to_le_bytes());
        bytes[18..20].copy_from_slice(&256_u16.to_le_bytes());
        let crc = crc32fast::hash(&bytes[0..20]);
        bytes[20..24].copy_from_slice(&crc.to_le_bytes());
        let wide = [
            (24, self.head),
            (32, self.boring_head),
            (40, self.tail),
            (48, self.live_bytes),
            (56, self.next_sequence),
            (64, self.pending),
            (88, self.lease.until),
            (104, self.backoff.not_before),
            (112, self.closing.id),
            (144, self.losses.rejected_spans),
            (152, self.last),
        ];
        for (at, value) in wide {
            bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        }
        let narrow = [
            (72, self.live_records),
            (76, self.live_boring),
            (80, self.lease.pid),
            (84, self.lease.token),
            (96, self.backoff.failures),
            (100, self.backoff.destination),
            (120, self.closing.slot),
            (124, self.slots),
            (128, self.losses.dropped_traces),
            (132, self.losses.refused_traces),
            (136, self.losses.lost_traces),
        ];
        for (at, value) in narrow {
            bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        let crc = crc32fast::hash(&bytes[24..CRC]);
        bytes[CRC..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8; HEADER]) -> Option<Self> {
        if read_u32(bytes, CRC) != crc32fast::hash(&bytes[24..CRC]) {
            return None;
        }
        let hint = Self {
            closing: Closing { id: read_u64(bytes, 112), slot: read_u32(bytes, 120) },
            slots: read_u32(bytes, 124).clamp(1, Self::MOST_SLOTS),
            losses: Losses {
                dropped_traces: read_u32(bytes, 128),
                refused_traces: read_u32(bytes, 132),
                lost_traces: read_u32(bytes, 136),
                rejected_spans: read_u64(bytes, 144),
            },
            last: read_u64(bytes, 152),
            ..Self::common(bytes)
        };
        let last = if hint.last == 0 { hint.tail == FIRST_RECORD } else { hint.last < hint.tail };
        (last && hint.is_sound(FIRST_RECORD)).then_some(hint)
    }

    fn decode_version_1(bytes: &[u8; HEADER]) -> Option<Self> {
        if read_u32(bytes, CRC_1) != crc32fast::hash(&bytes[24..CRC_1]) {
            return None;
        }
        let hint = Self::common(bytes);
        hint.is_sound(FIRST_RECORD_1).then_some(hint)
    }

    /// What both versions have.
    fn common(bytes: &[u8; HEADER]) -> Self {
        Self {
            head: read_u64(bytes, 24),
            boring_head: read_u64(bytes, 32),
            tail: read_u64(bytes, 40),
            live_bytes: read_u64(bytes, 48),
            next_sequence: read_u64(bytes, 56),
            pending: read_u64(bytes, 64),
            live_records: read_u32(bytes, 72),
            live_boring: read_u32(bytes, 76),
            lease: Lease { pid: read_u32(bytes, 80), token: read_u32(bytes, 84), until: read_u64(bytes, 88) },
            backoff: Backoff {
                failures: read_u32(bytes, 96),
                destination: read_u32(bytes, 100),
                not_before: read_u64(bytes, 104),
            },
            ..Self::empty()
        }
    }

    fn is_sound(&self, first: u64) -> bool {
        let cursor = first..=self.tail;
        cursor.contains(&self.head)
            && cursor.contains(&self.boring_head)
            && (self.pending == 0 || (first..self.tail).contains(&self.pending))
            && self.live_boring <= self.live_records
            && self.live_bytes <= self.tail - first
    }
}

impl Identity {
    /// Recognises a file by its first bytes; a file shorter than a header is given with zeros behind it.
    pub(super) fn of(bytes: &[u8; HEADER]) -> Self {
        if bytes[0..16] != MAGIC || read_u32(bytes, 20) != crc32fast::hash(&bytes[0..20]) {
            return Self::Foreign;
        }
        match u16::from_le_bytes([bytes[16], bytes[17]]) {
            VERSION => Self::Ours(Hint::decode(bytes)),
            1 => Self::Version1(Hint::decode_version_1(bytes)),
            other => Self::OtherVersion(other),
        }
    }
}

/// Whether these are the first bytes that a new file gets, of which the rest was never written.
pub(super) fn begins_like_ours(bytes: &[u8]) -> bool {
    bytes.len() < HEADER && Hint::empty().encode()[..24].iter().zip(bytes).all(|(ours, found)| ours == found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hint() -> Hint {
        Hint {
            head: 300,
            boring_head: 400,
            tail: 1000,
            live_bytes: 500,
            next_sequence: 12,
            pending: 256,
            live_records: 5,
            live_boring: 2,
            lease: Lease { pid: 77, token: 3, until: 1_700_000_000_000 },
            backoff: Backoff { failures: 4, destination: 0xDEAD_BEEF, not_before: 1_700_000_000_500 },
            closing: Closing { id: 0x1234_5678_9ABC_DEF0, slot: 6 },
            slots: 7,
            losses: Losses { dropped_traces: 8, refused_traces: 9, lost_traces: 10, rejected_spans: 11 },
            last: 900,
        }
    }

    #[test]
    fn what_was_encoded_is_decoded() {
        assert_eq!(Identity::of(&hint().encode()), Identity::Ours(Some(hint())));
    }

    #[test]
    fn hint_that_contradicts_itself_is_not_believed() {
        for wrong in [
            Hint { head: 1001, ..hint() },
            Hint { boring_head: 0, ..hint() },
            Hint { pending: 1000, ..hint() },
            Hint { live_boring: 6, ..hint() },
            Hint { live_bytes: 745, ..hint() },
            Hint { tail: 0, ..hint() },
            Hint { last: 1000, ..hint() },
            Hint { last: 0, ..hint() },
        ] {
            assert_eq!(Identity::of(&wrong.encode()), Identity::Ours(None), "{wrong:?}");
        }
    }

    #[test]
    fn later_version_is_recognised_by_its_number() {
        let mut bytes = hint().encode();
        bytes[16] = 3;
        let crc = crc32fast::hash(&bytes[0..20]);
        bytes[20..24].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(Identity::of(&bytes), Identity::OtherVersion(3));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_foreign(bytes: [u8; HEADER]) {
            prop_assert_eq!(Identity::of(&bytes), Identity::Foreign);
        }

        #[test]
        fn flipped_bit_costs_the_hint_or_the_identity(bit in 0_usize..HEADER * 8) {
            let mut bytes = hint().encode();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let expected = if bit / 8 < 24 { Identity::Foreign } else { Identity::Ours(None) };
            prop_assert_eq!(Identity::of(&bytes), expected);
        }
    }
}
