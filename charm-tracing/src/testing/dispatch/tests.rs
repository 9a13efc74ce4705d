use std::io;
use std::thread;

use super::*;
use crate::Config;
use tracing_relation::juju::{HookToolCall, StatusValue};

struct Plain;

impl TracedCharm for Plain {
    fn config() -> Config {
        Config::new()
    }

    fn destination(&self) -> Option<Destination> {
        Some(Destination::new("http://tempo:4318", None))
    }
}

fn play(juju: &Model, name: &str, context: HookContext, fails: bool) -> Dispatched<Plain> {
    let handle = |_: &mut Plain, dispatch: &Dispatch| {
        dispatch.status_set(&StatusValue::Active, dispatch.event()).map_err(io::Error::other)?;
        if fails { Err(io::Error::other("on purpose")) } else { Ok(()) }
    };
    dispatch(juju, name, context, |_| Ok::<_, String>(Plain), handle)
}

#[test]
fn the_whole_trace_of_a_dispatch_is_there_and_juju_has_what_the_charm_wrote() {
    let juju = Model::new("app/0");
    let played = play(&juju, "update-status", HookContext::new(), false);
    played.trace.assert_tree("app/0: update-status event\n  event: update_status\n    status-set");
    assert_eq!(played.trace.check(), Ok(()));
    assert_eq!((played.result, played.charm.is_some()), (Ok(()), true));
    assert_eq!(played.destination, Some(Destination::new("http://tempo:4318", None)));
    assert_eq!(juju.status().message, "update_status");
    let resource = &played.trace.spans()[0].resource;
    assert_eq!(resource.attribute("juju_unit").unwrap(), "app/0");
    let id = played.trace.spans()[0].trace_id;
    assert_eq!(juju.log()[0].message, format!("Starting root trace with id='{id}'."));
}

#[test]
fn a_charm_that_fails_has_a_failed_trace_and_its_writes_are_dropped() {
    let juju = Model::new("app/0");
    let id = juju.add_relation("peers", "app", &[]);
    let write = |dispatch: &Dispatch| {
        let set = HookToolCall::new("relation-set").arg("-r").arg(format!("peers:{id}")).arg("key=value");
        dispatch.hook_tools().run(&set).map(|_| ())
    };
    for (fails, result) in [(true, Err("\"no such port\"".to_owned())), (false, Ok(()))] {
        let new = |dispatch: &Dispatch| {
            write(dispatch).expect("it can be written");
            if fails { Err("no such port") } else { Ok(Plain) }
        };
        let handle = |_: &mut Plain, _: &Dispatch| Ok::<_, String>(());
        let played = dispatch(&juju, "start", HookContext::new(), new, handle);
        assert_eq!((played.charm.is_none(), played.trace.failed().len()), (fails, usize::from(fails)));
        assert_eq!(played.result, result);
        assert_eq!(juju.local_unit_data(id).contains_key("key"), !fails);
    }
    let errors: Vec<_> = juju.log().into_iter().filter(|line| line.level == "ERROR").collect();
    assert_eq!(errors.iter().map(|line| line.message.as_str()).collect::<Vec<_>>(), ["\"no such port\""]);
}

#[test]
fn relation_events_and_actions_have_their_names_and_variables() {
    let juju = Model::new("app/0");
    let id = juju.add_relation("tracing", "tempo", &["tempo/0"]);
    let context = HookContext::relation_departed("tracing", id, "tempo", "tempo/0");
    let dispatch = Dispatch::from_vars(variables(&juju, "tracing-relation-departed", &context));
    assert_eq!(HookContext::from_dispatch(&dispatch), context);
    let context = HookContext::action(serde_json::json!({}));
    let dispatch = Dispatch::from_vars(variables(&juju, "back-up", &context));
    assert_eq!(HookContext::from_dispatch(&dispatch), context);
    let played = play(&juju, "back-up", context, false);
    played.trace.assert_tree("app/0: back-up event\n  event: back_up_action\n    status-set");
}

#[test]
#[should_panic(expected = "back-up-action is the name of an event; that of its action is back-up")]
fn the_event_of_an_action_is_not_taken_for_its_name() {
    play(&Model::new("app/0"), "back-up-action", HookContext::action(serde_json::json!({})), false);
}

#[test]
fn dispatches_on_several_threads_take_turns() {
    let one = || {
        let played = play(&Model::new("app/0"), "start", HookContext::new(), true);
        assert_eq!(played.result.unwrap_err(), r#"Custom { kind: Other, error: "on purpose" }"#);
        played.trace.tree()
    };
    let others: Vec<_> = (0..3).map(|_| thread::spawn(one)).collect();
    let expected = one();
    assert!(expected.starts_with("app/0: start event [error: "), "{expected}");
    for other in others {
        assert_eq!(other.join().unwrap(), expected);
    }
}
