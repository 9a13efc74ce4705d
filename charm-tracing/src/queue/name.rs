use std::fmt;
use std::time::{Duration, SystemTime};

/// The name of a waiting trace: `<stamp>-<trace id>-<crc32>.otlp`, or `.idle`. The order of names is the order of
/// sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TraceName {
    /// Milliseconds since 1970 when it was stored, or more if the clock was set back. It only gives the order.
    pub(super) stamp: u64,
    pub(super) trace_id: [u8; 16],
    /// The CRC-32 of the file's contents.
    pub(super) crc32: u32,
    /// True if only the handler ran in its dispatch.
    pub(super) idle: bool,
}

/// The largest number of sixteen digits.
const LARGEST_STAMP: u64 = 9_999_999_999_999_999;

impl TraceName {
    pub(super) fn new(stamp: u64, trace_id: [u8; 16], idle: bool, crc32: u32) -> Self {
        Self { stamp: stamp.min(LARGEST_STAMP), trace_id, crc32, idle }
    }

    /// Parses the name of a waiting trace; `None` for any other name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (rest, idle) = match name.strip_suffix(".otlp") {
            Some(rest) => (rest, false),
            None => (name.strip_suffix(".idle")?, true),
        };
        let mut parts = rest.split('-');
        let (stamp, trace_id, crc32) = (parts.next()?, parts.next()?, parts.next()?);
        parts.next().is_none().then_some(())?;
        Some(Self {
            stamp: parse_stamp(stamp)?,
            trace_id: parse_id(trace_id)?,
            crc32: u32::try_from(parse_hex(crc32, 8)?).ok()?,
            idle,
        })
    }
}

impl fmt::Display for TraceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stamp, trace_id, crc32, idle } = self;
        let extension = if *idle { "idle" } else { "otlp" };
        write!(f, "{stamp:016}-{:032x}-{crc32:08x}.{extension}", u128::from_be_bytes(*trace_id))
    }
}

/// Returns true for the name of a file that is being written: `<stamp>-<16 digits>.part` or `state-<16 digits>.part`.
pub(super) fn is_part(name: &str) -> bool {
    let Some((before, number)) = name.strip_suffix(".part").and_then(|rest| rest.rsplit_once('-')) else {
        return false;
    };
    (before == "state" || parse_stamp(before).is_some()) && parse_hex(number, 16).is_some()
}

/// Returns the name of a journal: `<unit>-<trace id>.journal`, the unit with `-` for `/`.
pub(super) fn journal_name(unit: &str, trace_id: [u8; 16]) -> String {
    format!("{}-{:032x}.journal", unit.replace('/', "-"), u128::from_be_bytes(trace_id))
}

/// Returns the trace id in the name of a journal of this unit; `None` for any other name.
pub(super) fn trace_id_of_journal(unit: &str, name: &str) -> Option<[u8; 16]> {
    let rest = name.strip_suffix(".journal")?.strip_prefix(&unit.replace('/', "-"))?;
    parse_id(rest.strip_prefix('-')?)
}

/// Returns the milliseconds since 1970; 0 for an earlier time.
pub(crate) fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Parses sixteen decimal digits; `None` for any other text.
fn parse_stamp(digits: &str) -> Option<u64> {
    let valid = digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_digit());
    valid.then(|| digits.parse().ok())?
}

fn parse_id(hex: &str) -> Option<[u8; 16]> {
    parse_hex(hex, 32).map(u128::to_be_bytes)
}

/// Parses lower-case hexadecimal digits. Refuses a sign and upper case, so that each name has one spelling.
fn parse_hex(hex: &str, digits: usize) -> Option<u128> {
    if hex.len() != digits {
        return None;
    }
    hex.bytes().try_fold(0, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(value))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_as_documented() {
        let name = TraceName::new(1_795_918_619_123, [0xab; 16], false, 0x00c0_ffee);
        let text = format!("0001795918619123-{}-00c0ffee.otlp", "ab".repeat(16));
        assert_eq!(name.to_string(), text);
        assert_eq!(TraceName { idle: true, ..name }.to_string(), text.replace(".otlp", ".idle"));
        assert_eq!(journal_name("app/0", [1; 16]), format!("app-0-{}.journal", "01".repeat(16)));
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
            assert_eq!(TraceName::parse(&other), None, "{other}");
        }
    }

    #[test]
    fn parts_of_others_are_none_of_ours() {
        assert!(is_part("0001795918619123-0123456789abcdef.part") && is_part("state-0123456789abcdef.part"));
        for other in ["model.gguf.part", "state.part", "0001795918619123.part", "a-0123456789abcdef.part"] {
            assert!(!is_part(other), "{other}");
        }
    }

    #[test]
    fn journals_of_other_units_are_told_apart() {
        let name = journal_name("app/1", [7; 16]);
        assert_eq!(trace_id_of_journal("app/1", &name), Some([7; 16]));
        for unit in ["app/11", "app/0", "ap", "app", "app/1-"] {
            assert_eq!(trace_id_of_journal(unit, &name), None, "{unit}");
        }
    }

    proptest! {
        #[test]
        fn names_are_read_as_they_are_written(
            stamp in 0..=LARGEST_STAMP, trace_id: [u8; 16], crc32: u32, idle: bool,
        ) {
            let name = TraceName { stamp, trace_id, crc32, idle };
            prop_assert_eq!(TraceName::parse(&name.to_string()), Some(name));
        }

        #[test]
        fn names_are_in_the_order_of_their_texts(stamps: [u32; 2], ids: [[u8; 16]; 2]) {
            let [a, b] = [0, 1].map(|at| TraceName::new(stamps[at].into(), ids[at], false, 0));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }

        #[test]
        fn any_text_is_a_name_or_none(text in "\\PC*") {
            if let Some(name) = TraceName::parse(&text) {
                prop_assert_eq!(name.to_string(), text);
            }
        }
    }
}
