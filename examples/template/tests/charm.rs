//! The charm as a process, in a small Juju, with a collector as the backend.

use charm_testing::collector::Collector;
use charm_testing::{Event, Juju};

#[test]
fn a_new_greeting_reaches_the_workload_and_the_traces_reach_the_backend() {
    let mut juju = Juju::new(env!("CARGO_BIN_EXE_dispatch")).unit("app/0");
    juju.set_leader(true);
    let outcome = juju.dispatch(Event::start());
    assert!(outcome.success(), "{outcome}");
    assert_eq!(outcome.unit_status.to_string(), "active: says hello");
    assert_eq!(juju.waiting_traces().len(), 1, "there is no backend yet");

    let backend = Collector::start();
    let tempo = juju.relate("tracing", "tempo");
    juju.dispatch(Event::relation_created(&tempo));
    tempo.publish_endpoint(&backend.endpoint());
    juju.dispatch(Event::relation_changed(&tempo));
    assert_eq!(
        (backend.requests().len(), juju.waiting_traces().len()),
        (3, 0)
    );

    backend.clear();
    juju.set_config("greeting", "good morning");
    let outcome = juju.dispatch(Event::config_changed());
    assert!(outcome.success(), "{outcome}");
    let config =
        std::fs::read_to_string(juju.charm_dir().join("workload.conf")).expect("a configuration");
    assert_eq!(config, "greeting = good morning\n");
    backend.trace().assert_tree(
        "
        app/0: config-changed event
          method call: MyCharm.new
          event: config_changed
            method call: MyCharm.handle
              method call: MyCharm.on_configured
                config-get
                method call: Workload.configure
                  function call: render
                status-set
        ",
    );
}
