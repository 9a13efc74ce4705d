use proptest::prelude::*;

use super::super::Backoff;
use super::super::header::HEADER;
use super::super::record::{MARKER, RECORD_HEADER};
use super::*;

const TEXTS: [&str; 5] = ["first", "the second", "third", "number four", "last"];

/// A file with all the texts in it, and where each record begins; the last number is the end.
fn written() -> (Vec<u8>, Vec<usize>) {
    let fixture = Fixture::roomy();
    let mut begins = vec![HEADER];
    for text in TEXTS {
        append(&fixture.buffer, text);
        begins.push(begins[begins.len() - 1] + RECORD_HEADER + text.len());
    }
    (std::fs::read(fixture.path()).unwrap(), begins)
}

fn drained(bytes: &[u8]) -> Vec<String> {
    let fixture = Fixture::roomy();
    std::fs::write(fixture.path(), bytes).unwrap();
    let drained = drain(&fixture.buffer);
    append(&fixture.buffer, "afterwards");
    assert_eq!(drain(&fixture.reopened()), ["afterwards"], "the next dispatch works");
    drained
}

#[test]
fn file_cut_anywhere_keeps_the_whole_records() {
    let (bytes, begins) = written();
    for len in 0..bytes.len() {
        let whole = begins.iter().skip(1).filter(|end| **end <= len).count();
        assert_eq!(drained(&bytes[..len]), TEXTS[..whole], "cut at {len}");
    }
}

#[test]
fn append_after_a_torn_record_loses_neither() {
    let (bytes, begins) = written();
    let fixture = Fixture::roomy();
    std::fs::write(fixture.path(), &bytes[..begins[4] + 20]).unwrap();
    append(&fixture.buffer, "new");
    assert_eq!(drain(&fixture.reopened()), ["first", "the second", "third", "number four", "new"]);
}

#[test]
fn record_that_the_header_missed_is_counted_in() {
    let fixture = Fixture::roomy();
    append(&fixture.buffer, "a");
    let before = std::fs::read(fixture.path()).unwrap();
    append(&fixture.buffer, "b");
    let mut bytes = std::fs::read(fixture.path()).unwrap();
    bytes[..HEADER].copy_from_slice(&before[..HEADER]);
    assert_eq!(drained(&bytes), ["a", "b"]);
}

#[test]
fn committed_removal_is_finished() {
    let fixture = Fixture::roomy();
    append(&fixture.buffer, "a");
    append(&fixture.buffer, "b");
    let before = std::fs::read(fixture.path()).unwrap();
    let first = fixture.buffer.oldest().unwrap().unwrap();
    assert!(fixture.buffer.acknowledge(&first).unwrap());
    // The header is new, the record still as it was.
    let mut bytes = std::fs::read(fixture.path()).unwrap();
    bytes[HEADER..].copy_from_slice(&before[HEADER..]);
    std::fs::write(fixture.path(), &bytes).unwrap();
    append(&fixture.buffer, "c");
    // Even a scan does not bring it back.
    let mut bytes = std::fs::read(fixture.path()).unwrap();
    bytes[HEADER - 1] ^= 1;
    assert_eq!(drained(&bytes), ["b", "c"]);
}

#[test]
fn emptied_file_that_was_not_truncated_stays_empty() {
    let fixture = Fixture::roomy();
    append(&fixture.buffer, "a");
    let first = fixture.buffer.oldest().unwrap().unwrap();
    let mut bytes = std::fs::read(fixture.path()).unwrap();
    assert!(fixture.buffer.acknowledge(&first).unwrap());
    bytes[..HEADER].copy_from_slice(&std::fs::read(fixture.path()).unwrap());
    bytes[HEADER + 4] = 0;
    assert_eq!(drained(&bytes), Vec::<String>::new());
}

/// As after a power cut: the header that counts the removal arrived on the disk, the record's state did not.
#[test]
fn removal_that_did_not_arrive_costs_no_other_record() {
    let fixture = Fixture::new(2, 10 << 20);
    append(&fixture.buffer, "a");
    append_as(&fixture.buffer, Priority::Boring, "b");
    append(&fixture.buffer, "c");
    fixture.buffer.set_backoff(Backoff::default()).unwrap();
    let mut bytes = std::fs::read(fixture.path()).unwrap();
    let state = HEADER + RECORD_HEADER + "a".len() + 4;
    assert_eq!(bytes[state], 0, "b made room");
    bytes[state] = 1;
    assert_eq!(drained(&bytes), ["a", "b", "c"]);
}

/// The other way round.
#[test]
fn record_that_is_gone_but_counted_makes_no_other_make_room() {
    let (mut bytes, begins) = written();
    bytes[begins[1] + 4] = 0;
    let fixture = Fixture::new(4, 10 << 20);
    std::fs::write(fixture.path(), &bytes).unwrap();
    assert_eq!(drain(&fixture.buffer), ["first", "third", "number four", "last"]);
}

#[test]
fn unreadable_header_costs_no_record() {
    let (mut bytes, _) = written();
    for byte in [0, 17, 30, 127] {
        bytes[byte] ^= 0x40;
        assert_eq!(drained(&bytes), TEXTS, "byte {byte} of the header");
        bytes[byte] ^= 0x40;
    }
    bytes[..HEADER].fill(0);
    assert_eq!(drained(&bytes), TEXTS, "no header at all");
}

#[test]
fn zeros_where_data_should_be_cost_what_they_cover() {
    let (mut bytes, begins) = written();
    bytes[begins[3]..].fill(0);
    assert_eq!(drained(&bytes), TEXTS[..3]);
    let (mut bytes, begins) = written();
    bytes[begins[1]..begins[3]].fill(0);
    assert_eq!(drained(&bytes), ["first", "number four", "last"]);
}

#[test]
fn damaged_payload_that_looks_like_a_record_never_becomes_one() {
    let (bytes, begins) = written();
    let fixture = Fixture::roomy();
    let disguised = [b"outside ", &bytes[begins[0]..begins[1]]].concat();
    fixture.buffer.append(&trace(Priority::Interesting, &disguised), now()).unwrap();
    append(&fixture.buffer, "next");
    let mut bytes = std::fs::read(fixture.path()).unwrap();
    assert_eq!(bytes.windows(4).filter(|window| *window == MARKER).count(), 3);
    bytes[HEADER + RECORD_HEADER] ^= 1;
    assert_eq!(drained(&bytes), ["next"]);
}

/// The length of the second record, with one bit flipped, ends exactly where the fifth begins.
#[test]
fn damaged_length_skips_no_intact_record() {
    let (mut bytes, begins) = written();
    assert_eq!(begins[4] - begins[2], 128);
    bytes[begins[1] + 8] ^= 128;
    assert_eq!(drained(&bytes), ["first", "third", "number four", "last"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn damage_costs_only_the_damaged_records(
        flips in proptest::collection::vec((any::<proptest::sample::Index>(), 0_u8..8), 1..4),
    ) {
        let (mut bytes, begins) = written();
        let mut intact = [true; TEXTS.len()];
        for (at, bit) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            for (record, bounds) in intact.iter_mut().zip(begins.windows(2)) {
                *record &= !(bounds[0]..bounds[1]).contains(&at);
            }
        }
        let drained = drained(&bytes);
        for (text, intact) in TEXTS.iter().zip(intact) {
            prop_assert!(!intact || drained.iter().any(|drained| drained == text), "{text} is missing");
        }
        prop_assert!(drained.iter().all(|text| TEXTS.contains(&text.as_str())), "{drained:?}");
        prop_assert!(drained.is_sorted_by_key(|text| TEXTS.iter().position(|other| other == text)));
    }

    #[test]
    fn arbitrary_bytes_cost_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert_eq!(drained(&bytes), Vec::<String>::new());
    }
}

/// As a power cut may leave it: the header is that of a file with other records.
#[test]
fn a_tail_in_the_middle_of_a_record_is_no_tail() {
    let (short, _) = written();
    let fixture = Fixture::roomy();
    append(&fixture.buffer, &"long ".repeat(200));
    let mut bytes = std::fs::read(fixture.path()).unwrap();
    assert!(bytes.len() > short.len());
    bytes[..HEADER].copy_from_slice(&short[..HEADER]);
    std::fs::write(fixture.path(), bytes).unwrap();
    append(&fixture.buffer, "next");
    assert_eq!(drain(&fixture.reopened()), ["long ".repeat(200), "next".to_owned()]);
}
