use super::super::BufferError;
use super::super::record::RECORD_HEADER;
use super::super::store::Appended;
use super::*;

#[test]
fn comes_out_in_the_order_it_went_in() {
    let fixture = Fixture::roomy();
    for number in 0..50 {
        append(&fixture.buffer, &format!("trace {number}"));
    }
    let expected: Vec<_> = (0..50).map(|number| format!("trace {number}")).collect();
    assert_eq!(drain(&fixture.reopened()), expected);
}

#[test]
fn evicts_oldest_when_full() {
    let fixture = Fixture::new(3, 10 << 20);
    for text in ["a", "b", "c"] {
        append(&fixture.buffer, text);
    }
    let appended = fixture.buffer.append(&trace(Priority::Interesting, b"d"), now()).unwrap();
    assert_eq!(appended, Appended { evicted: 1, kept_as: Some(4) });
    assert_eq!(drain(&fixture.buffer), ["b", "c", "d"]);
}

#[test]
fn drops_boring_before_interesting() {
    let fixture = Fixture::new(4, 10 << 20);
    append(&fixture.buffer, "interesting 1");
    append_as(&fixture.buffer, Priority::Boring, "boring 1");
    append_as(&fixture.buffer, Priority::Boring, "boring 2");
    append(&fixture.buffer, "interesting 2");
    append(&fixture.buffer, "interesting 3");
    append_as(&fixture.buffer, Priority::Boring, "boring 3");
    append(&fixture.buffer, "interesting 4");
    // No boring one is left to make room.
    append(&fixture.buffer, "interesting 5");
    assert_eq!(drain(&fixture.buffer), ["interesting 2", "interesting 3", "interesting 4", "interesting 5"]);
}

#[test]
fn boring_does_not_displace_interesting() {
    let fixture = Fixture::new(2, 10 << 20);
    append(&fixture.buffer, "interesting 1");
    append(&fixture.buffer, "interesting 2");
    let appended = fixture.buffer.append(&trace(Priority::Boring, b"boring"), now()).unwrap();
    assert_eq!(appended, Appended { evicted: 1, kept_as: None });
    assert_eq!(drain(&fixture.buffer), ["interesting 1", "interesting 2"]);
}

#[test]
fn evicts_until_the_bytes_fit() {
    let record = 100 + RECORD_HEADER as u64;
    let fixture = Fixture::new(1000, 3 * record);
    for number in 0..3 {
        append(&fixture.buffer, &format!("{number:0100}"));
    }
    let appended = fixture.buffer.append(&trace(Priority::Interesting, &[b'x'; 150]), now()).unwrap();
    assert_eq!(appended, Appended { evicted: 2, kept_as: Some(4) });
    assert_eq!(drain(&fixture.buffer), [format!("{:0100}", 2), "x".repeat(150)]);
}

#[test]
fn refuses_what_can_never_fit() {
    let fixture = Fixture::new(10, 1000);
    append(&fixture.buffer, "small");
    let error = fixture.buffer.append(&trace(Priority::Interesting, &[0; 2000]), now()).unwrap_err();
    assert!(matches!(error, BufferError::TooLarge { size: 2056, limit: 1000 }), "{error:?}");
    assert_eq!(error.to_string(), "cannot buffer a trace of 2056 bytes: the buffer is limited to 1000");
    assert_eq!(drain(&fixture.buffer), ["small"]);
}

#[test]
fn smaller_limits_hold_for_what_is_already_there() {
    let fixture = Fixture::roomy();
    for number in 0..20 {
        append(&fixture.buffer, &number.to_string());
    }
    let smaller = open(fixture.directory.path(), 3, 10 << 20);
    let appended = smaller.append(&trace(Priority::Interesting, b"20"), now()).unwrap();
    assert_eq!(appended, Appended { evicted: 18, kept_as: Some(21) });
    assert_eq!(drain(&smaller), ["18", "19", "20"]);
}

#[test]
fn acknowledged_records_stay_gone() {
    let fixture = Fixture::roomy();
    for text in ["a", "b", "c"] {
        append(&fixture.buffer, text);
    }
    let first = fixture.buffer.oldest().unwrap().unwrap();
    assert!(fixture.buffer.acknowledge(&first).unwrap());
    assert!(!fixture.reopened().acknowledge(&first).unwrap(), "it is gone already");
    assert_eq!(drain(&fixture.reopened()), ["b", "c"]);
}

#[test]
fn acknowledging_out_of_order_takes_only_that_record() {
    let fixture = Fixture::roomy();
    append(&fixture.buffer, "a");
    let first = fixture.buffer.oldest().unwrap().unwrap();
    append(&fixture.buffer, "b");
    assert!(fixture.buffer.acknowledge(&first).unwrap());
    append(&fixture.buffer, "c");
    let second = fixture.buffer.oldest().unwrap().unwrap();
    assert_eq!(text(&second), "b");
    assert!(!fixture.buffer.acknowledge(&first).unwrap());
    assert_eq!(drain(&fixture.buffer), ["b", "c"]);
}

#[test]
fn record_of_an_emptied_file_does_not_name_a_new_one() {
    let fixture = Fixture::roomy();
    append(&fixture.buffer, "a");
    let first = fixture.buffer.oldest().unwrap().unwrap();
    assert!(fixture.buffer.acknowledge(&first).unwrap());
    append(&fixture.buffer, "b");
    assert!(!fixture.buffer.acknowledge(&first).unwrap());
    assert_eq!(drain(&fixture.buffer), ["b"]);
}

#[test]
fn what_was_lost_is_counted_until_it_is_told() {
    let fixture = Fixture::new(2, 10 << 20);
    for number in 0..5 {
        append(&fixture.buffer, &number.to_string());
    }
    let dropped = Losses { dropped_traces: 3, ..Losses::default() };
    assert_eq!(fixture.reopened().legacy().unwrap().losses, dropped);
    let refused = Losses { refused_traces: 2, lost_traces: 1, rejected_spans: 7, ..Losses::default() };
    fixture.buffer.note_losses(refused, Losses::default()).unwrap();
    assert_eq!(drain(&fixture.buffer), ["3", "4"]);
    let all = fixture.reopened().legacy().unwrap().losses;
    assert_eq!(all, refused.plus(dropped), "they outlive the records");
    fixture.buffer.note_losses(dropped, all).unwrap();
    assert_eq!(fixture.reopened().legacy().unwrap().losses, dropped);
    fixture.buffer.note_losses(Losses::default(), all).unwrap();
    assert_eq!(fixture.reopened().legacy().unwrap().losses, Losses::default());
}

#[test]
fn what_is_too_old_is_dropped_when_the_next_is_stored() {
    const DAY: Duration = Duration::from_hours(24);
    let fixture = Fixture::roomy();
    let buffer =
        Buffer::new(BufferConfig { max_age: 14 * DAY, ..config(fixture.directory.path(), 10, 10 << 20) });
    let store = |text: &str, days: u32| {
        buffer.append(&trace(Priority::Interesting, text.as_bytes()), now() + days * DAY).unwrap().evicted
    };
    assert_eq!((store("a", 0), store("b", 1), store("c", 14)), (0, 0, 0));
    assert_eq!(store("d", 15), 1, "a is older than 14 days, b is not");
    // A clock that was set back makes nothing older.
    assert_eq!(store("e", 2), 0);
    assert_eq!(store("f", 20), 1);
    assert_eq!(buffer.legacy().unwrap().losses.dropped_traces, 2);
    assert_eq!(drain(&buffer), ["c", "d", "e", "f"]);
}
