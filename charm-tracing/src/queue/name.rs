use std::ffi::OsStr;
use std::fmt;
use std::io::Write as _;
use std::ops::{Range, RangeFrom};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// The name of a waiting trace: `<stamp>-<trace id>-<crc32>.otlp`, or `.idle`. The order of names is the order of
/// sending.
///
/// It is kept as text, because a dispatch lists up to a hundred of them and reads the parts of few.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TraceName([u8; LENGTH]);

const LENGTH: usize = 63;
const STAMP: Range<usize> = 0..16;
const TRACE_ID: Range<usize> = 17..49;
const CRC32: Range<usize> = 50..58;
const EXTENSION: RangeFrom<usize> = 58..;

/// The largest number of sixteen digits.
const LARGEST_STAMP: u64 = 9_999_999_999_999_999;

impl TraceName {
    pub(crate) fn new(stamp: u64, trace_id: [u8; 16], idle: bool, crc32: u32) -> Self {
        let stamp = stamp.min(LARGEST_STAMP);
        let extension = if idle { "idle" } else { "otlp" };
        let mut name = [0; LENGTH];
        // The text has exactly this length.
        let _ = write!(
            &mut name[..],
            "{stamp:016}-{:032x}-{crc32:08x}.{extension}",
            u128::from_be_bytes(trace_id)
        );
        Self(name)
    }

    /// Parses the name of a waiting trace; `None` for any other name.
    pub(crate) fn parse(name: &[u8]) -> Option<Self> {
        let name: &[u8; LENGTH] = name.try_into().ok()?;
        let dashes = [name[STAMP.end], name[TRACE_ID.end]] == *b"--";
        let known = matches!(&name[EXTENSION], b".otlp" | b".idle");
        let valid =
            name[STAMP].iter().all(u8::is_ascii_digit) && is_hex(&name[TRACE_ID]) && is_hex(&name[CRC32]);
        (dashes && known && valid).then_some(Self(*name))
    }

    /// Returns the milliseconds since 1970 when it was stored, or more if the clock was set back. It only gives the
    /// order.
    pub(super) fn stamp(&self) -> u64 {
        self.0[STAMP].iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
    }

    pub(super) fn trace_id(&self) -> [u8; 16] {
        number(&self.0[TRACE_ID]).to_be_bytes()
    }

    /// Returns true if this is the CRC-32 of the file's contents.
    pub(crate) fn has_crc32(&self, crc32: u32) -> bool {
        number(&self.0[CRC32]) == crc32.into()
    }

    /// Returns true if only the handler ran in its dispatch.
    pub(crate) fn is_idle(&self) -> bool {
        self.0[EXTENSION] == *b".idle"
    }
}

impl AsRef<Path> for TraceName {
    fn as_ref(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }
}

impl fmt::Display for TraceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for TraceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Returns true for the name of a file that is being written: `<16 hexadecimal digits>.part`.
pub(super) fn is_part(name: &str) -> bool {
    name.strip_suffix(".part").is_some_and(|name| name.len() == 16 && is_hex(name.as_bytes()))
}

/// Returns the name of a journal, with `-` for the `/` of the unit: number 0 is `<unit>.journal`, number 1 is
/// `<unit>.1.journal`.
pub(super) fn journal_name(unit: &str, number: u32) -> String {
    let unit = unit.replace('/', "-");
    if number == 0 { format!("{unit}.journal") } else { format!("{unit}.{number}.journal") }
}

/// Returns the number of a journal of this unit; `None` for any other name.
pub(super) fn number_of_journal(unit: &str, name: &str) -> Option<u32> {
    let rest = name.strip_prefix(&unit.replace('/', "-"))?.strip_suffix("journal")?.strip_prefix('.')?;
    let number = if rest.is_empty() { 0 } else { rest.strip_suffix('.')?.parse().ok()? };
    // Each number has one spelling.
    (journal_name(unit, number) == name).then_some(number)
}

/// Returns the milliseconds since 1970; 0 for an earlier time.
pub(crate) fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Returns true for lower-case digits only, so that each name has one spelling. It looks at all bytes, and is inlined where the
/// length is known, so that many are compared at once.
#[inline]
fn is_hex(text: &[u8]) -> bool {
    text.iter().fold(true, |valid, byte| valid & matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Returns the value of hexadecimal digits.
fn number(digits: &[u8]) -> u128 {
    let value = |digit: &u8| u128::from(char::from(*digit).to_digit(16).unwrap_or(0));
    digits.iter().fold(0, |number, digit| number << 4 | value(digit))
}

#[cfg(test)]
mod tests;
