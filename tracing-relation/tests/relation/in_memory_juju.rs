//! The Juju in memory, as the author of a charm uses it: each test is one thing that a charm may meet in Juju, and how
//! to bring it about without one.

use std::sync::Arc;

use tracing_relation::juju::testing::{HookContext, Leadership, Model};
use tracing_relation::juju::{Databag, Dispatch, HookToolCall, HookToolError, HookToolErrorKind, HookTools};

/// A unit `app/0` that is related to `tempo`, and the relation's id.
fn related_unit() -> (Model, u32) {
    let juju = Model::new("app/0");
    let id = juju.add_relation("tracing", "tempo", &["tempo/0", "tempo/1"]);
    (juju, id)
}

/// Juju starts a hook: what the charm's code gets to know, with the model behind its hook tools.
fn hook(juju: &Model, vars: &[(&str, &str)]) -> Dispatch {
    let unit = juju.unit_name();
    let vars = vars.iter().copied().chain([("JUJU_UNIT_NAME", unit.as_str())]);
    let dispatch = Dispatch::from_vars(vars).with_hook_tools(Arc::new(juju.clone()));
    juju.begin_hook(HookContext::from_dispatch(&dispatch));
    dispatch
}

fn update_status(juju: &Model) -> Dispatch {
    hook(juju, &[("JUJU_DISPATCH_PATH", "hooks/update-status")])
}

fn relation_hook(juju: &Model, id: u32, event: &str, unit: &str) -> Dispatch {
    let path = format!("hooks/tracing-relation-{event}");
    let relation = format!("tracing:{id}");
    let departing = if event == "departed" { unit } else { "" };
    hook(
        juju,
        &[
            ("JUJU_DISPATCH_PATH", &path),
            ("JUJU_RELATION", "tracing"),
            ("JUJU_RELATION_ID", &relation),
            ("JUJU_REMOTE_APP", "tempo"),
            ("JUJU_REMOTE_UNIT", unit),
            ("JUJU_DEPARTING_UNIT", departing),
        ],
    )
}

fn databag<const N: usize>(pairs: [(&str, &str); N]) -> Databag {
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

/// A tool by its command line, for what `Dispatch` has no method for.
fn tool(juju: &Model, line: &str) -> Result<String, HookToolError> {
    let mut words = line.split(' ');
    let call = HookToolCall::new(words.next().unwrap_or_default());
    let output = juju.run(&words.fold(call, HookToolCall::arg))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

#[track_caller]
fn kind<T: std::fmt::Debug>(result: Result<T, HookToolError>) -> HookToolErrorKind {
    result.expect_err("the tool fails").kind()
}

#[track_caller]
fn words<T: std::fmt::Debug>(result: Result<T, HookToolError>) -> String {
    result.expect_err("the tool fails").stderr().trim_end().to_owned()
}

#[test]
fn several_relations_each_with_databags_of_both_sides() {
    let juju = Model::new("app/0");
    juju.set_leader(true);
    let tempo = juju.add_relation("tracing", "tempo", &["tempo/0"]);
    let other = juju.add_relation("tracing", "other-tempo", &[]);
    let ca = juju.add_relation("certificates", "ca", &["ca/0"]);
    juju.set_remote_app_data(tempo, "receivers", "[]");
    juju.set_remote_unit_data(ca, "ca/0", "certificate", "PEM");
    juju.set_local_app_data(other, "receivers", r#"["zipkin"]"#);

    let charm = update_status(&juju);
    assert_eq!(charm.relation_ids("tracing").expect("an answer"), [tempo, other]);
    assert_eq!(charm.relation_ids("certificates").expect("an answer"), [ca]);
    assert!(charm.relation_ids("no-such-endpoint").expect("an answer").is_empty());
    assert_eq!(charm.relation_app("tracing", other).expect("an answer").as_deref(), Some("other-tempo"));
    assert_eq!(charm.relation_units("tracing", tempo).expect("an answer"), ["tempo/0"]);
    let remote = charm.relation_get_app("tracing", tempo, "tempo").expect("an answer");
    assert_eq!(remote, databag([("receivers", "[]")]));
    let own = charm.relation_get_app("tracing", other, "app").expect("an answer");
    assert_eq!(own, databag([("receivers", r#"["zipkin"]"#)]));
    let unit = charm.relation_get_unit("certificates", ca, "ca/0").expect("an answer");
    assert_eq!(
        (&*unit["certificate"], &*unit["ingress-address"]),
        ("PEM", "10.0.0.1"),
        "Juju's own keys, too"
    );
}

#[test]
fn what_a_hook_writes_it_reads_and_the_other_side_sees_once_it_has_succeeded() {
    let (juju, id) = related_unit();
    juju.set_leader(true);
    let charm = update_status(&juju);
    charm.relation_set_app("tracing", id, &databag([("colour", "blue")])).expect("the leader may");
    tool(&juju, "relation-set -r tracing:1 ready=yes").expect("every unit may write its own");
    // Neither from what `Dispatch` remembers.
    assert_eq!(tool(&juju, "relation-get -r 1 --app colour app").expect("an answer"), "blue");
    assert_eq!(tool(&juju, "relation-get -r 1 ready app/0").expect("an answer"), "yes");
    assert!(juju.local_app_data(id).is_empty() && !juju.local_unit_data(id).contains_key("ready"));

    juju.commit_hook();
    assert_eq!(juju.local_app_data(id), databag([("colour", "blue")]));
    assert_eq!(juju.local_unit_data(id)["ready"], "yes");
}

#[test]
fn what_a_failed_hook_wrote_is_gone() {
    let (juju, id) = related_unit();
    juju.set_leader(true);
    juju.set_local_app_data(id, "colour", "red");
    let charm = update_status(&juju);
    charm.relation_set_app("tracing", id, &databag([("colour", "")])).expect("the leader may");
    juju.abort_hook();
    assert_eq!(juju.local_app_data(id), databag([("colour", "red")]));
}

#[test]
fn a_follower_may_neither_read_nor_write_its_applications_databag() {
    let (juju, id) = related_unit();
    let charm = update_status(&juju);
    assert!(!charm.is_leader().expect("an answer"));
    let read = charm.relation_get_app("tracing", id, "app");
    assert_eq!(words(read), "ERROR permission denied");
    let written = charm.relation_set_app("tracing", id, &databag([("a", "b")]));
    assert_eq!(words(written), "ERROR cannot write relation settings");
    // All else is everybody's.
    charm.relation_get_app("tracing", id, "tempo").expect("readable");
    charm.relation_get_unit("tracing", id, "tempo/1").expect("readable");
    charm.relation_get_unit("tracing", id, "app/0").expect("readable");
}

#[test]
fn a_follower_among_peers_may_read_its_applications_databag_but_not_write_it() {
    let juju = Model::new("app/0");
    let peers = juju.add_relation("cluster", "app", &["app/1"]);
    juju.set_local_app_data(peers, "seed", "7");
    let charm = update_status(&juju);
    assert_eq!(charm.relation_get_app("cluster", peers, "app").expect("readable"), databag([("seed", "7")]));
    let written = charm.relation_set_app("cluster", peers, &databag([("seed", "8")]));
    assert_eq!(kind(written), HookToolErrorKind::PermissionDenied);
}

#[test]
fn a_leader_that_is_none_any_more_is_refused_by_the_controller() {
    let (juju, _) = related_unit();
    juju.set_leadership(Leadership::Deposed);
    update_status(&juju);
    assert_eq!(tool(&juju, "is-leader").expect("the agent believes so"), "True");
    let written = tool(&juju, "relation-set -r 1 --app a=b");
    assert_eq!(
        words(written),
        "ERROR cannot read relation application settings: permission denied (unauthorized access)"
    );
    let read = tool(&juju, "relation-get -r 1 --app - app");
    assert_eq!(words(read), "ERROR permission denied (unauthorized access)");
}

#[test]
fn nobody_may_know_who_leads() {
    let (juju, id) = related_unit();
    juju.set_leadership(Leadership::Unknown);
    let charm = update_status(&juju);
    assert_eq!(words(charm.is_leader()), "ERROR leadership status unknown: connection is shut down");
    for needs_to_know in ["relation-get -r 1 --app - app", "relation-set -r 1 --app a=b"] {
        let error = tool(&juju, needs_to_know).expect_err("unknown");
        assert_eq!(error.kind(), HookToolErrorKind::Failed);
        assert!(error.stderr().starts_with("ERROR cannot determine leadership status: "), "{error}");
    }
    charm.relation_get_app("tracing", id, "tempo").expect("does not depend on it");
}

#[test]
fn a_relation_that_is_removed_is_not_found() {
    let (juju, id) = related_unit();
    let charm = update_status(&juju);
    juju.remove_relation(id);
    assert!(charm.relation_ids("tracing").expect("an answer").is_empty());
    let error = tool(&juju, "relation-get -r 1 --app - tempo").expect_err("gone");
    assert_eq!((error.kind(), error.code()), (HookToolErrorKind::RelationGone, Some(2)));
    assert_eq!(error.stderr(), "ERROR invalid value \"1\" for option -r: relation not found\n");
}

#[test]
fn a_relation_that_is_severed_is_refused_in_the_words_of_each_juju() {
    let denied = "ERROR permission denied";
    let denied_as_a_whole = "ERROR permission denied (unauthorized access)";
    let not_written =
        "ERROR cannot read relation application settings: permission denied (unauthorized access)";
    for (version, remote_databag, network) in [
        ("2.9.50", denied, "ERROR relation 1 not found"),
        ("3.6.28", denied, "ERROR relation 1 not found"),
        ("4.0.14", "ERROR relation not found", denied_as_a_whole),
        ("4.1-beta1", "ERROR relation not found", denied_as_a_whole),
    ] {
        let (juju, id) = related_unit();
        juju.set_juju_version(version);
        juju.set_leader(true);
        juju.sever_relation(id);
        let charm = update_status(&juju);
        assert_eq!(charm.relation_ids("tracing").expect("still listed"), [id], "{version}");
        assert_eq!(charm.relation_units("tracing", id).expect("still listed"), ["tempo/0", "tempo/1"]);
        for (line, expected) in [
            ("relation-get -r 1 --app - tempo", remote_databag),
            ("relation-get -r 1 - tempo/0", remote_databag),
            ("relation-get -r 1 - app/0", denied),
            ("relation-get -r 1 --app - app", denied_as_a_whole),
            ("relation-set -r 1 --app a=b", not_written),
            ("relation-set -r 1 a=b", "ERROR cannot read relation settings: permission denied"),
            ("network-get -r 1 tracing", network),
        ] {
            assert_eq!(words(tool(&juju, line)), expected, "{line} of {version}");
        }

        // `Dispatch` makes the same of all of them, for a leader,
        for app in ["tempo", "app"] {
            assert!(charm.relation_get_app("tracing", id, app).expect("reads as empty").is_empty());
        }
        for unit in ["tempo/0", "app/0"] {
            assert!(charm.relation_get_unit("tracing", id, unit).expect("reads as empty").is_empty());
        }
        let written = charm.relation_set_app("tracing", id, &databag([("a", "b")]));
        assert_eq!(kind(written), HookToolErrorKind::RelationGone, "{version}");
        // and for a follower, who cannot tell that its own application's is no refusal.
        juju.set_leader(false);
        let charm = update_status(&juju);
        assert!(charm.relation_get_app("tracing", id, "tempo").expect("reads as empty").is_empty());
    }
}

#[test]
fn a_unit_that_departs_is_not_listed_and_what_it_wrote_stays() {
    let (juju, id) = related_unit();
    juju.set_remote_unit_data(id, "tempo/0", "port", "80");
    let charm = relation_hook(&juju, id, "departed", "tempo/0");
    assert_eq!(charm.relation_units("tracing", id).expect("an answer"), ["tempo/1"]);
    assert_eq!(charm.relation_get_unit("tracing", id, "tempo/0").expect("an answer")["port"], "80");
}

#[test]
fn a_relation_that_breaks_has_an_application_and_no_units() {
    let (juju, id) = related_unit();
    juju.set_remote_app_data(id, "receivers", "[]");
    juju.set_leader(true);
    let charm = relation_hook(&juju, id, "broken", "");
    assert_eq!(charm.relation_ids("tracing").expect("still listed"), [id]);
    assert!(charm.relation_units("tracing", id).expect("an answer").is_empty());
    assert_eq!(tool(&juju, "relation-list --app").expect("an answer"), "tempo");
    let remote = charm.relation_get_app("tracing", id, "tempo").expect("still readable");
    assert_eq!(remote, databag([("receivers", "[]")]));
    charm.relation_set_app("tracing", id, &databag([("a", "b")])).expect("accepted, if useless");
}

#[test]
fn tools_take_what_they_are_not_told_from_the_hook() {
    let (juju, id) = related_unit();
    juju.set_remote_unit_data(id, "tempo/1", "port", "80");
    relation_hook(&juju, id, "changed", "tempo/1");
    assert_eq!(tool(&juju, "relation-ids").expect("an answer"), "tracing:1");
    assert_eq!(tool(&juju, "relation-list").expect("an answer"), "tempo/0\ntempo/1");
    assert_eq!(tool(&juju, "relation-get port").expect("an answer"), "80");
    update_status(&juju);
    assert_eq!(words(tool(&juju, "relation-ids")), "ERROR no endpoint name specified");
    assert_eq!(words(tool(&juju, "relation-get port")), "ERROR no relation id specified");
}

#[test]
fn some_hooks_and_some_tools_do_not_go_together() {
    let (juju, _) = related_unit();
    hook(&juju, &[("JUJU_DISPATCH_PATH", "hooks/collect-metrics")]);
    assert_eq!(kind(tool(&juju, "relation-ids tracing")), HookToolErrorKind::RestrictedContext);
    tool(&juju, "juju-log -- hello").expect("the log is always there");
    update_status(&juju);
    assert_eq!(kind(tool(&juju, "action-get")), HookToolErrorKind::RestrictedContext);
    hook(&juju, &[("JUJU_DISPATCH_PATH", "actions/backup"), ("JUJU_ACTION_NAME", "backup")]);
    assert_eq!(tool(&juju, "action-get --format=json").expect("an answer"), "{}");
}

#[test]
fn a_tool_fails_or_answers_as_planned() {
    let (juju, _) = related_unit();
    let charm = update_status(&juju);
    juju.fail_next("relation-ids", 1, "ERROR connection is shut down\n");
    assert_eq!(kind(charm.relation_ids("tracing")), HookToolErrorKind::Failed);
    juju.answer_next("relation-ids", "<html>");
    assert_eq!(kind(charm.relation_ids("tracing")), HookToolErrorKind::InvalidOutput);
    juju.fail_every("is-leader", 2, "ERROR option provided but not defined: --format\n");
    assert_eq!(kind(charm.is_leader()), HookToolErrorKind::Usage);
    juju.clear_faults();
    assert!(!charm.is_leader().expect("an answer"));
}

#[test]
fn calls_and_log_lines_are_kept_to_look_at() {
    let (juju, id) = related_unit();
    let charm = relation_hook(&juju, id, "changed", "tempo/0");
    charm.is_leader().expect("an answer");
    charm.is_leader().expect("the same answer");
    tool(&juju, "juju-log -l WARNING careful").expect("logged");
    let tools: Vec<String> = juju.calls().into_iter().map(|call| call[0].clone()).collect();
    assert_eq!(tools, ["is-leader", "juju-log"], "what was asked is not asked again");
    assert_eq!((&*juju.log()[0].level, &*juju.log()[0].message), ("WARNING", "tracing:1: careful"));
}

#[test]
fn a_key_given_twice_and_an_old_option_are_told() {
    let (juju, _) = related_unit();
    update_status(&juju);
    let twice = tool(&juju, "relation-set -r 1 a=b a=c").expect_err("refused");
    assert_eq!((twice.code(), twice.stderr()), (Some(2), "ERROR key \"a\" specified more than once\n"));
    let call = HookToolCall::new("relation-set").arg("-r").arg("1").arg("--format=json").arg("a=b");
    let output = juju.run(&call).expect("it works all the same");
    assert_eq!(output.stderr, b"--format flag deprecated for command \"relation-set\"");
}
