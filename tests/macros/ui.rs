//! The messages that an author reads after a mistake: each case is named for it, and each message was read by a person.

#[test]
fn mistakes_are_reported_where_they_are_made() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/*/*.rs");
}
