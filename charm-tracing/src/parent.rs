//! The trace context that Juju may pass to a dispatch.
//!
//! Since Juju 4.0 an agent that traces its own work sets `JUJU_TRACE_ID`, `JUJU_SPAN_ID` and `JUJU_TRACE_FLAGS`; later
//! versions set the W3C `TRACEPARENT` as well, with the flags fixed to 01. The set may be partial (juju#21321).

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

/// Returns the context that becomes the root's parent; `None` if `var` returns no complete and valid one.
pub(crate) fn from_environment<'a>(var: impl Fn(&str) -> Option<&'a str>) -> Option<SpanContext> {
    let own = || juju(var("JUJU_TRACE_ID")?, var("JUJU_SPAN_ID")?, var("JUJU_TRACE_FLAGS"));
    let w3c = || traceparent(var("TRACEPARENT")?);
    own().or_else(w3c)
}

fn juju(trace_id: &str, span_id: &str, flags: Option<&str>) -> Option<SpanContext> {
    // Decimal, as Go prints a byte.
    let flags = match flags {
        Some(flags) => flags.parse().ok()?,
        None => 0,
    };
    context(trace_id, span_id, flags)
}

/// Parses `00-<trace id>-<span id>-<flags>`. A later version may append fields; version ff is invalid.
fn traceparent(header: &str) -> Option<SpanContext> {
    let mut fields = header.split('-');
    let (version, trace_id, span_id, flags) =
        (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let version = hex_byte(version)?;
    if version == 0xff || (version == 0 && fields.next().is_some()) {
        return None;
    }
    context(trace_id, span_id, hex_byte(flags)?)
}

fn context(trace_id: &str, span_id: &str, flags: u8) -> Option<SpanContext> {
    if !is_hex(trace_id, 32) || !is_hex(span_id, 16) {
        return None;
    }
    let context = SpanContext::new(
        TraceId::from_hex(trace_id).ok()?,
        SpanId::from_hex(span_id).ok()?,
        TraceFlags::new(flags),
        true,
        TraceState::NONE,
    );
    context.is_valid().then_some(context)
}

fn hex_byte(text: &str) -> Option<u8> {
    is_hex(text, 2).then(|| u8::from_str_radix(text, 16).ok())?
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    fn parse(vars: &[(&str, &str)]) -> Option<(String, String, bool)> {
        from_environment(|name| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)).map(
            |context| (context.trace_id().to_string(), context.span_id().to_string(), context.is_sampled()),
        )
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
    fn partial_and_malformed_values_are_ignored() {
        assert_eq!(parse(&[]), None);
        assert_eq!(parse(&[("JUJU_TRACE_ID", TRACE)]), None);
        assert_eq!(parse(&[("JUJU_SPAN_ID", SPAN), ("JUJU_TRACE_FLAGS", "1")]), None);
        let zeros = "0".repeat(32);
        assert_eq!(parse(&[("JUJU_TRACE_ID", &zeros), ("JUJU_SPAN_ID", SPAN)]), None);
        assert_eq!(
            parse(&[("JUJU_TRACE_ID", TRACE), ("JUJU_SPAN_ID", SPAN), ("JUJU_TRACE_FLAGS", "yes")]),
            None
        );
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
}
