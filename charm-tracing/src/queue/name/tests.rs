use proptest::prelude::*;

use super::*;

#[test]
fn names_are_as_documented() {
    let name = TraceName::new(1_795_918_619_123, [0xab; 16], false, 0x00c0_ffee);
    let text = format!("0001795918619123-{}-00c0ffee.otlp", "ab".repeat(16));
    assert_eq!(name.to_string(), text);
    let idle = TraceName::new(1_795_918_619_123, [0xab; 16], true, 0x00c0_ffee);
    assert_eq!(idle.to_string(), text.replace(".otlp", ".idle"));
    assert_eq!([0, 1].map(|number| journal_name("app/0", number)), ["app-0.journal", "app-0.1.journal"]);
}

#[test]
fn names_of_others_are_none_of_ours() {
    let name = TraceName::new(7, [1; 16], false, 0).to_string();
    for other in [
        name.clone() + ".part",
        name.to_uppercase(),
        name.replace(".otlp", ".json"),
        name[1..].to_owned(),
        name.replacen('0', "+", 1),
        name.replace(".otlp", "-1.otlp"),
        "state".to_owned(),
        String::new(),
    ] {
        assert_eq!(TraceName::parse(other.as_bytes()), None, "{other}");
    }
}

#[test]
fn parts_of_others_are_none_of_ours() {
    assert!(is_part("0123456789abcdef.part"));
    for other in ["model.gguf.part", "state.part", "0123456789ABCDEF.part", "a-0123456789abcdef.part"] {
        assert!(!is_part(other), "{other}");
    }
}

#[test]
fn journals_of_other_units_are_told_apart() {
    for number in [0, 1, 17, u32::MAX] {
        let name = journal_name("app/1", number);
        assert_eq!(number_of_journal("app/1", &name), Some(number));
        for unit in ["app/0", "app/11", "app", "p/1", ""] {
            assert_eq!(number_of_journal(unit, &name), None, "{unit}");
        }
    }
    for name in [
        "app-1.0.journal",
        "app-1.01.journal",
        "app-1..journal",
        "app-1journal",
        "app-1.journal.part",
        "app-1",
    ] {
        assert_eq!(number_of_journal("app/1", name), None, "{name}");
    }
}

proptest! {
    #[test]
    fn names_are_read_as_they_are_written(
        stamp in 0..=LARGEST_STAMP, trace_id: [u8; 16], crc32: u32, idle: bool,
    ) {
        let name = TraceName::new(stamp, trace_id, idle, crc32);
        prop_assert_eq!(TraceName::parse(name.to_string().as_bytes()), Some(name));
        prop_assert_eq!((name.stamp(), name.trace_id(), name.is_idle()), (stamp, trace_id, idle));
        prop_assert!(name.has_crc32(crc32) && !name.has_crc32(!crc32));
    }

    #[test]
    fn names_are_in_the_order_of_their_texts(stamps: [u32; 2], ids: [[u8; 16]; 2]) {
        let [a, b] = [0, 1].map(|at| TraceName::new(stamps[at].into(), ids[at], false, 0));
        prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
    }

    #[test]
    fn any_text_is_a_name_or_none(text in "\\PC*") {
        if let Some(name) = TraceName::parse(text.as_bytes()) {
            prop_assert_eq!(name.to_string(), text);
        }
    }
}
