//! Faults of earlier versions, and possible ones: ways in which a hook, a process or an operator does not do what one expects.

use std::sync::Arc;
use std::time::Duration;

use super::unit::{A_URL, Unit, endpoint};
use crate::ReceiverProtocol::{OtlpGrpc, OtlpHttp};
use crate::TracingEndpointRequirer;
use crate::juju::{Databag, Dispatch};

const REQUEST: &str = r#"["otlp_http"]"#;

/// The process is gone before the charm has looked at anything.
fn killed(unit: &Unit, dispatch: Dispatch) {
    drop(dispatch);
    unit.juju.abort_hook();
}

#[test]
fn a_relation_whose_last_hook_dies_and_is_skipped_is_not_learned_again() {
    for leader in [true, false] {
        for lost in [false, true] {
            let (unit, id) = Unit::ready(leader);
            if lost {
                std::fs::remove_file(unit.file()).expect("removed");
            }
            killed(&unit, unit.relation_hook("broken", id));
            let action =
                unit.begin(&[("JUJU_DISPATCH_PATH", "actions/backup"), ("JUJU_ACTION_NAME", "backup")]);
            assert_eq!(unit.use_it(&action, &[OtlpHttp]).0, None, "Juju still lists it");
            // juju resolved --no-retry
            unit.juju.remove_relation(id);
            assert_eq!(unit.status(), (None, vec![]));
        }
    }
}

#[test]
fn a_relation_that_was_suspended_begins_again() {
    let (unit, id) = Unit::ready(false);
    unit.use_it(&unit.relation_hook("broken", id), &[OtlpHttp]);
    assert_eq!(unit.status().0, None);
    unit.use_it(&unit.relation_hook("created", id), &[OtlpHttp]);
    assert_eq!(unit.status(), (Some(A_URL.to_owned()), vec![]));
}

#[test]
fn an_event_that_does_not_say_which_relation_ends_is_not_learned_from() {
    for path in ["hooks/tracing-relation-broken", "/var/lib/juju/charm/hooks/tracing-relation-broken"] {
        let (unit, id) = Unit::ready(false);
        let broken = unit.begin(&[("JUJU_DISPATCH_PATH", path)]);
        unit.use_it(&broken, &[OtlpHttp]);
        unit.juju.remove_relation(id);
        assert_eq!(unit.status().0, None, "{path}");
    }
    let (unit, _) = Unit::ready(false);
    killed(&unit, unit.begin(&[("JUJU_RELATION_ID", "tracing"), ("JUJU_DISPATCH_PATH", "hooks/other")]));
    assert_ne!(unit.status().1.len(), 0, "it is malformed");
}

#[test]
fn a_slow_dispatch_never_brings_back_what_an_event_has_withdrawn() {
    for event in ["changed", "broken"] {
        for prepare in [
            |unit: &Unit| std::fs::remove_file(unit.file()).expect("removed"),
            |unit: &Unit| killed(unit, unit.hook("start")),
            |_: &Unit| {},
        ] {
            let (unit, id) = Unit::ready(false);
            prepare(&unit);
            let slow = unit.hook("update-status");
            assert!(endpoint(&slow, &[OtlpHttp]).is_some());
            slow.relation_memory().learn_app(99, "news");
            unit.publish(id, "");
            killed(&unit, unit.relation_hook(event, id));
            slow.remember_relations();
            unit.juju.remove_relation(id);
            assert_eq!(unit.status().0, None, "{event}");
        }
    }
}

#[test]
fn what_is_just_being_written_does_not_survive_an_event() {
    let (unit, id) = Unit::ready(false);
    let whole = std::fs::read(unit.file()).expect("it was written");
    std::fs::write(unit.file(), &whole[..20]).expect("written");
    killed(&unit, unit.relation_hook("broken", id));
    assert_ne!(std::fs::read(unit.file()).expect("it is there"), &whole[..20]);
}

#[test]
fn what_the_charm_itself_has_published_is_not_believed_before_the_hook_has_succeeded() {
    let unit = Unit::new(true);
    let id = unit.relate(A_URL);
    let created = unit.relation_hook("created", id);
    let request = Databag::from([("receivers".to_owned(), REQUEST.to_owned())]);
    created.relation_set_app("tracing", id, &request).expect("the leader may");
    endpoint(&created, &[OtlpHttp]);
    created.remember_relations();
    unit.juju.abort_hook();
    unit.status();
    assert_eq!(unit.juju.local_app_data(id)["receivers"], REQUEST);
}

#[test]
fn what_was_published_is_not_believed_by_a_second_session_of_the_same_hook() {
    let unit = Unit::new(true);
    let id = unit.relate(A_URL);
    let full_id = format!("tracing:{id}");
    let vars = [
        ("JUJU_DISPATCH_PATH", "hooks/tracing-relation-created"),
        ("JUJU_CONTEXT_ID", "app/0-tracing-relation-created-1"),
        ("JUJU_RELATION_ID", &full_id),
        ("JUJU_REMOTE_APP", "tempo"),
    ];
    let first = unit.begin(&vars);
    let second = unit.without_memory(&vars);
    for dispatch in [&first, &second.with_relation_memory_at(unit.file(), unit.now)] {
        endpoint(dispatch, &[OtlpHttp]);
        endpoint(dispatch, &[OtlpHttp]);
        dispatch.remember_relations();
    }
    unit.juju.abort_hook();
    unit.status();
    assert_eq!(unit.juju.local_app_data(id)["receivers"], REQUEST);
}

#[test]
fn a_request_that_goes_there_and_back_is_published_both_times() {
    let (unit, id) = Unit::ready(true);
    unit.use_it(&unit.hook("config-changed"), &[OtlpHttp, OtlpGrpc]);
    unit.use_it(&unit.hook("config-changed"), &[OtlpHttp]);
    assert_eq!(unit.juju.local_app_data(id)["receivers"], REQUEST);
}

#[test]
fn one_relation_that_was_asked_is_not_all_of_them() {
    let unit = Unit::new(true);
    let use_it = |dispatch: &Dispatch| {
        TracingEndpointRequirer::new(dispatch, "tracing", &[OtlpHttp]).expect("it is in the metadata");
        dispatch.remember_relations();
        unit.juju.commit_hook();
    };
    let first = unit.relate(A_URL);
    use_it(&unit.relation_hook("created", first));
    use_it(&unit.hook("update-status"));
    let second = unit.relate(A_URL);
    let created = unit.relation_hook("created", second);
    unit.juju.fail_next("relation-set", 1, "ERROR connection is shut down\n");
    use_it(&created);
    use_it(&unit.hook("update-status"));
    assert_eq!(unit.juju.local_app_data(second)["receivers"], REQUEST);
}

#[test]
fn a_relation_that_goes_is_asked_for_each_time() {
    let (unit, id) = Unit::ready(false);
    unit.juju.sever_relation(id);
    let start = unit.hook("start");
    endpoint(&start, &[OtlpHttp]);
    unit.use_it(&start, &[OtlpHttp]);
    for _ in 0..2 {
        let tools = unit.status().1;
        assert!(tools.contains(&"relation-ids".to_owned()) && tools.contains(&"relation-get".to_owned()));
    }

    let unit = Unit::new(true);
    let created = unit.relation_hook("created", unit.relate(A_URL));
    unit.juju.fail_next("relation-set", 2, "ERROR relation not found\n");
    unit.use_it(&created, &[OtlpHttp]);
    assert_eq!(unit.status().1[0], "relation-ids");
}

#[test]
fn the_oldest_that_was_read_counts() {
    let (mut unit, _) = Unit::ready(true);
    unit.now += Duration::from_hours(20);
    for _ in 0..2 {
        unit.use_it(&unit.hook("config-changed"), &[OtlpHttp, OtlpGrpc]);
    }
    unit.now += Duration::from_hours(5);
    let tools = unit.use_it(&unit.hook("update-status"), &[OtlpHttp, OtlpGrpc]).1;
    assert_eq!(tools[0], "relation-ids");
}

#[test]
fn another_model_and_other_tools() {
    let (unit, _) = Unit::ready(false);
    let status = unit.hook("update-status").with_hook_tools(Arc::new(unit.juju.clone()));
    assert_eq!(unit.use_it(&status, &[OtlpHttp]).1.len(), 0, "they are of the same unit");
    let vars =
        [("JUJU_UNIT_NAME", "app/0"), ("JUJU_MODEL_UUID", "another"), ("JUJU_HOOK_NAME", "update-status")];
    let other = Dispatch::from_vars(vars).with_relation_memory_at(unit.file(), unit.now);
    assert_eq!(other.relation_memory().app(1), None);
}

#[test]
fn names_of_applications_do_not_pile_up() {
    let unit = Unit::new(false);
    for _ in 0..3 {
        let id = unit.relate(A_URL);
        unit.use_it(&unit.relation_hook("created", id), &[OtlpHttp]);
        unit.use_it(&unit.relation_hook("broken", id), &[OtlpHttp]);
        unit.juju.remove_relation(id);
    }
    let content = std::fs::read_to_string(unit.file()).expect("it was written");
    assert!(!content.contains("tempo"), "{content}");
}
