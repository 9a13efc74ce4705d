//! A charm that writes each line that it logs into Juju's log, at every level.

use charm_testing::collector::Collector;

use crate::unit::{EITHER_WAY, act, assert_succeeded};

#[test]
fn a_logger_that_writes_into_jujus_log_is_not_called_by_itself() {
    for way in EITHER_WAY {
        let collector = Collector::start();
        for endpoint in [collector.endpoint(), charm_testing::collector::port_closed_endpoint()] {
            for buffer in [false, true] {
                let mut juju = way();
                let event = act("log-by-juju").env("TRACE_ENDPOINT", &endpoint);
                let outcome = juju.dispatch(if buffer { event.env("BUFFER", "1") } else { event });
                assert_succeeded(&juju, &outcome);
                // Tracing itself says other lines, which are not from the logger.
                let logged: Vec<_> =
                    outcome.log.iter().filter(|line| line.message.starts_with("logged by ")).collect();
                let at =
                    |text: &str| logged.iter().position(|line| line.message.ends_with(text)).expect("a line");
                assert!(at("first") < at("last"), "{outcome}");
                let clients = ["logged by ureq", "logged by rustls"];
                assert!(
                    !logged.iter().any(|line| clients.iter().any(|name| line.message.starts_with(name))),
                    "{outcome}"
                );
                let during_delivery = &logged[at("last") + 1..];
                assert!(
                    during_delivery.iter().all(|line| ["WARNING", "ERROR"].contains(&line.level.as_str())),
                    "{outcome}"
                );
            }
        }
        assert_eq!(collector.requests().len(), 2);
    }
}
