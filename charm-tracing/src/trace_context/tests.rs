use std::collections::HashMap;

use super::*;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn headers(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn what_is_extracted_is_injected_again() {
    for given in [
        headers(&[("traceparent", PARENT)]),
        headers(&[("traceparent", PARENT), ("tracestate", "rojo=00f067aa,congo=t61r")]),
    ] {
        let context = W3cPropagator.extract_with_context(&Context::new(), &given);
        assert!(context.span().span_context().is_remote());
        let mut again = HashMap::new();
        W3cPropagator.inject_context(&context, &mut again);
        assert_eq!(again, given);
        assert!(W3cPropagator.fields().all(|field| [TRACEPARENT, TRACESTATE].contains(&field)));
    }
}

#[test]
fn without_a_valid_span_nothing_is_injected_and_the_context_stays() {
    let mut none = HashMap::new();
    W3cPropagator.inject_context(&Context::new(), &mut none);
    assert!(none.is_empty());
    for bad in
        ["", "00", &PARENT.to_uppercase(), &PARENT.replace("00-", "ff-"), &format!("{PARENT}-x"), "00-0-0-01"]
    {
        let context = W3cPropagator.extract_with_context(&Context::new(), &headers(&[("traceparent", bad)]));
        assert!(!context.span().span_context().is_valid(), "{bad}");
    }
}

#[test]
fn a_tracestate_that_is_not_valid_is_left_out() {
    for bad in ["no pair", "a=1\r\nx: y", "a=1\nb=2", "a=\u{e4}", "\u{e4}=1"] {
        let context = parse(PARENT, Some(bad)).expect("the parent is valid");
        assert_eq!(context.trace_state().header(), "", "{bad:?}");
    }
}

#[test]
fn flags_of_later_versions_are_not_passed_on() {
    let context = parse(&PARENT.replace("-01", "-ff"), None).expect("it is valid");
    assert_eq!(traceparent(&context), PARENT);
}
