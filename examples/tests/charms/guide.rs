//! The test that `docs/guide/testing.md` shows. `readme.rs` compares them.

use charm_testing::collector::Collector;
use charm_testing::{Event, Juju};

#[test]
fn a_new_greeting_reaches_the_workload_and_the_traces_reach_tempo() {
    let mut juju = Juju::new(env!("CARGO_BIN_EXE_requirer-charm"))
        .charmcraft(include_str!("../../requirer/charmcraft.yaml"));
    juju.set_leader(true);
    for event in [Event::install(), Event::start()] {
        let outcome = juju.dispatch(event);
        assert!(outcome.success(), "{outcome}");
    }
    assert_eq!(juju.waiting_traces().len(), 2, "there is no backend yet");

    let backend = Collector::start();
    let tempo = juju.relate("tracing", "tempo");
    juju.dispatch(Event::relation_created(&tempo));
    assert_eq!(tempo.local_app_data()["receivers"], r#"["otlp_http"]"#);
    tempo.publish_endpoint(&backend.endpoint());
    juju.dispatch(Event::relation_changed(&tempo));
    assert_eq!((backend.requests().len(), juju.waiting_traces().len()), (4, 0));

    backend.clear();
    juju.set_config("greeting", "good morning");
    let outcome = juju.dispatch(Event::config_changed());
    assert!(outcome.success(), "{outcome}");
    assert_eq!(outcome.unit_status.status, "active");
    let config = std::fs::read_to_string(juju.charm_dir().join("workload.conf")).unwrap();
    assert_eq!(config, "greeting = \"good morning\"\n");
    backend.trace().assert_tree(
        "\
requirer-charm/0: config-changed event
  method call: RequirerCharm.new
    config-get
  event: config_changed
    method call: RequirerCharm.handle
      method call: RequirerCharm.on_configured
        config-get
        method call: Workload.configure
          function call: render
        event: workload_restarted
          method call: RequirerCharm.on_workload_restarted
            status-set
",
    );
}
