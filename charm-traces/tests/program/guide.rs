//! The guide shows what the program prints.

use charm_testing::collector::Collector;

use crate::doctor::{doctor, remember};
use crate::fixture::{CharmDir, run};

const SEE_TRACES: &str = include_str!("../../../docs/guide/see-traces.md");
const TROUBLESHOOTING: &str = include_str!("../../../docs/guide/troubleshooting.md");

/// The lines below a command in the block of a page that begins with it.
fn below<'a>(page: &'a str, command: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("```text\n$ {command}\n")).expect("the page has the command");
    rest.split("```").next().unwrap_or_default()
}

#[test]
fn see_traces_shows_a_trace_that_failed() {
    let charm = CharmDir::with_two_traces();
    let ran = run(["show".as_ref(), "--failed".as_ref(), charm.path()]);
    assert_eq!(below(SEE_TRACES, "charm-traces show --failed"), ran.out);
}

#[test]
fn troubleshooting_shows_what_the_doctor_says_of_a_certificate() {
    let (collector, charm) = (Collector::start_tls(), CharmDir::with_two_traces());
    let url = collector.endpoint();
    let receivers = format!(r#"[{{"protocol": {{"name": "otlp_http", "type": "http"}}, "url": "{url}"}}]"#);
    remember(&charm, &receivers);
    let said = doctor(&charm, &[]);
    let expected = below(TROUBLESHOOTING, "charm-traces doctor").replace("https://tempo:4318", &url);
    assert_eq!((said.code, said.out), (Some(1), expected));
}
