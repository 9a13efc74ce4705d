//! The macro that the cases are written in, and what they leave in a trace.
#![expect(clippy::redundant_pub_crate, reason = "`unreachable_pub` asks for the opposite")]

/// A module for each construct, with the annotated items, what is done with them, and the spans that it leaves below
/// the event, each with the error of its status.
macro_rules! constructs {
    ($($(#[$meta:meta])* $name:ident { $($items:tt)* } runs { $($run:tt)* } traces $expected:literal)*) => { $(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports, reason = "not every case needs what its file imports")]
            use super::*;

            $($items)*

            #[test]
            fn is_traced() {
                let trace = tests::recording::recorded(|| { $($run)* });
                let expected = $crate::table::unindented($expected);
                assert!(trace == expected, "these spans were recorded:\n{trace}\nand not these:\n{expected}");
            }
        }
    )* };
}

/// A tree of spans as it is written beside the code: without the indentation of its first line.
pub(super) fn unindented(text: &str) -> String {
    let text = text.trim_matches('\n').trim_end();
    let indent = text.len() - text.trim_start().len();
    text.lines().fold(String::new(), |all, line| all + line.get(indent..).unwrap_or_default() + "\n")
}

/// Leaves the span `event: <place>` below the one that is open.
pub(super) fn at(place: &str) {
    charm_tracing::event(place, || ());
}

/// Leaves such a span when it is dropped.
pub(super) struct Dropped(pub(super) &'static str);

impl Drop for Dropped {
    fn drop(&mut self) {
        at(self.0);
    }
}
