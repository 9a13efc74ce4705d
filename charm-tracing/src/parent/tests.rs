use proptest::prelude::*;

use super::*;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

fn parse(vars: &[(&str, &str)]) -> Option<(String, String, bool)> {
    from_environment(|name| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| *value))
        .map(|context| (context.trace_id().to_string(), context.span_id().to_string(), context.is_sampled()))
}

fn found(sampled: bool) -> (String, String, bool) {
    (TRACE.into(), SPAN.into(), sampled)
}

#[test]
fn jujus_own_variables_are_read() {
    let vars = [("JUJU_TRACE_ID", TRACE), ("JUJU_SPAN_ID", SPAN), ("JUJU_TRACE_FLAGS", "1")];
    assert_eq!(parse(&vars), Some(found(true)));
}

#[test]
fn jujus_flags_decide_over_the_fixed_ones_of_traceparent() {
    let w3c = format!("00-{TRACE}-{SPAN}-01");
    let vars = [
        ("TRACEPARENT", w3c.as_str()),
        ("JUJU_TRACE_ID", TRACE),
        ("JUJU_SPAN_ID", SPAN),
        ("JUJU_TRACE_FLAGS", "0"),
    ];
    assert_eq!(parse(&vars), Some(found(false)));
}

#[test]
fn a_traceparent_of_another_span_than_jujus_is_that_of_the_process_which_has_started_this_one() {
    let w3c = format!("00-{TRACE}-b7ad6b7169203331-01");
    let vars = [
        ("TRACEPARENT", w3c.as_str()),
        ("JUJU_TRACE_ID", TRACE),
        ("JUJU_SPAN_ID", SPAN),
        ("JUJU_TRACE_FLAGS", "1"),
    ];
    assert_eq!(parse(&vars), Some((TRACE.into(), "b7ad6b7169203331".into(), true)));
}

#[test]
fn traceparent_alone_is_enough() {
    assert_eq!(parse(&[("TRACEPARENT", &format!("00-{TRACE}-{SPAN}-01"))]), Some(found(true)));
    assert_eq!(parse(&[("TRACEPARENT", &format!("00-{TRACE}-{SPAN}-00"))]), Some(found(false)));
    assert_eq!(parse(&[("TRACEPARENT", &format!("01-{TRACE}-{SPAN}-01-later"))]), Some(found(true)));
}

#[test]
fn traceparent_stands_in_for_a_set_that_is_partial() {
    let w3c = format!("00-{TRACE}-{SPAN}-01");
    for partial in [("JUJU_TRACE_ID", TRACE), ("JUJU_SPAN_ID", SPAN), ("JUJU_TRACE_FLAGS", "0")] {
        assert_eq!(parse(&[partial, ("TRACEPARENT", &w3c)]), Some(found(true)), "{partial:?}");
    }
}

#[test]
fn a_tracestate_stays_with_its_parent() {
    let w3c = format!("00-{TRACE}-{SPAN}-01");
    let state = |vars: &[(&str, &str)]| {
        let find = |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        from_environment(find).map(|context| context.trace_state().header())
    };
    let own = [("JUJU_TRACE_ID", TRACE), ("JUJU_SPAN_ID", SPAN), ("JUJU_TRACE_FLAGS", "1")];
    let with = [("TRACEPARENT", w3c.as_str()), ("TRACESTATE", "rojo=1,congo=2")];
    assert_eq!(state(&with).as_deref(), Some("rojo=1,congo=2"));
    assert_eq!(state(&[&own[..], &with].concat()).as_deref(), Some("rojo=1,congo=2"));
    assert_eq!(state(&[&own[..], &with[1..]].concat()).as_deref(), Some(""), "it belongs to no TRACEPARENT");
    assert_eq!(state(&[with[0], ("TRACESTATE", "no pair")]).as_deref(), Some(""));
}

#[test]
fn partial_and_malformed_values_are_ignored() {
    assert_eq!(parse(&[]), None);
    assert_eq!(parse(&[("JUJU_TRACE_ID", TRACE)]), None);
    assert_eq!(parse(&[("JUJU_SPAN_ID", SPAN), ("JUJU_TRACE_FLAGS", "1")]), None);
    let zeros = "0".repeat(32);
    assert_eq!(parse(&[("JUJU_TRACE_ID", &zeros), ("JUJU_SPAN_ID", SPAN)]), None);
    assert_eq!(parse(&[("JUJU_TRACE_ID", TRACE), ("JUJU_SPAN_ID", SPAN), ("JUJU_TRACE_FLAGS", "yes")]), None);
    for bad in [
        "",
        "00",
        "00-1-2-01",
        &format!("ff-{TRACE}-{SPAN}-01"),
        &format!("00-{TRACE}-{SPAN}-01-x"),
        &format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
    ] {
        assert_eq!(parse(&[("TRACEPARENT", bad)]), None, "{bad}");
    }
}

proptest! {
    #[test]
    fn any_text_is_parsed_or_ignored(trace_id in ".*", span_id in ".*", flags in ".*", w3c in ".*") {
        let vars = [
            ("JUJU_TRACE_ID", trace_id.as_str()),
            ("JUJU_SPAN_ID", span_id.as_str()),
            ("JUJU_TRACE_FLAGS", flags.as_str()),
            ("TRACEPARENT", w3c.as_str()),
        ];
        if let Some((trace_id, span_id, _)) = parse(&vars) {
            prop_assert_eq!((trace_id.len(), span_id.len()), (32, 16));
        }
    }
}
