use std::path::Path;
use std::time::Duration;

use super::unit::{A_URL, Unit, endpoint};
use crate::ReceiverProtocol::{OtlpGrpc, OtlpHttp};
use crate::juju::Dispatch;

#[expect(clippy::unnecessary_wraps, reason = "endpoints are optional")]
fn url(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn an_unrelated_event_runs_no_hook_tool() {
    for leader in [true, false] {
        let (unit, _) = Unit::ready(leader);
        for _ in 0..3 {
            assert_eq!(unit.status(), (url(A_URL), vec![]));
        }
        let database = unit.begin(&[
            ("JUJU_DISPATCH_PATH", "hooks/database-relation-changed"),
            ("JUJU_RELATION", "database"),
            ("JUJU_RELATION_ID", "database:9"),
        ]);
        assert_eq!(unit.use_it(&database, &[OtlpHttp]), (url(A_URL), vec![]));
        let action = unit.begin(&[("JUJU_DISPATCH_PATH", "actions/backup"), ("JUJU_ACTION_NAME", "backup")]);
        assert_eq!(unit.use_it(&action, &[OtlpHttp]), (url(A_URL), vec![]));
    }
}

#[test]
fn a_charm_without_a_relation_asks_once() {
    let unit = Unit::new(true);
    assert_eq!(unit.status(), (None, vec!["relation-ids".to_owned()]));
    assert_eq!(unit.status(), (None, vec![]));
    let id = unit.relate(A_URL);
    assert_eq!(unit.status(), (None, vec![]), "the event of the relation is still to come");
    assert_eq!(unit.use_it(&unit.relation_hook("created", id), &[OtlpHttp]).0, url(A_URL));
}

#[test]
fn who_has_to_ask_again_needs_few_tools() {
    let (leader, _) = Unit::ready(true);
    let (follower, _) = Unit::ready(false);
    for hook in ["start", "upgrade-charm", "leader-elected"] {
        let (endpoint, tools) = leader.use_it(&leader.hook(hook), &[OtlpHttp]);
        assert_eq!((endpoint, tools.len()), (url(A_URL), 4), "{hook}: {tools:?}");
        assert_eq!(leader.status().1.len(), 0, "{hook}");
        let (endpoint, tools) = follower.use_it(&follower.hook(hook), &[OtlpHttp]);
        assert_eq!((endpoint, tools.len()), (url(A_URL), 3), "{hook}: {tools:?}");
        assert_eq!(follower.status().1.len(), 0, "{hook}");
    }
    let (endpoint, tools) = leader.use_it(&leader.hook("upgrade-charm"), &[OtlpHttp, OtlpGrpc]);
    assert_eq!((endpoint, tools.len()), (url(A_URL), 5), "it asks for another protocol: {tools:?}");
}

#[test]
fn what_a_hook_has_written_is_not_remembered_until_it_has_succeeded() {
    let unit = Unit::new(true);
    let id = unit.relate(A_URL);
    let created = unit.relation_hook("created", id);
    assert_eq!(endpoint(&created, &[OtlpHttp]), url(A_URL));
    created.remember_relations();
    unit.juju.abort_hook();
    assert!(unit.juju.local_app_data(id).is_empty(), "the hook has failed");
    let (_, tools) = unit.status();
    assert_eq!(tools, ["is-leader", "relation-get", "relation-set"], "it is published by the next one");
    assert_eq!(unit.juju.local_app_data(id)["receivers"], r#"["otlp_http"]"#);
    assert_eq!(unit.status().1, ["is-leader", "relation-get"], "which may have failed, too");
    assert_eq!(unit.status().1.len(), 0);
}

#[test]
fn another_request_is_published_at_once() {
    let (unit, id) = Unit::ready(true);
    let (_, tools) = unit.use_it(&unit.hook("config-changed"), &[OtlpHttp, OtlpGrpc]);
    assert_eq!(tools, ["is-leader", "relation-get", "relation-set"]);
    assert_eq!(unit.juju.local_app_data(id)["receivers"], r#"["otlp_http", "otlp_grpc"]"#);
}

/// Python compares in every hook. But another revision of the charm is followed by `upgrade-charm`, and another leader by
/// `leader-elected`, so that what is left are people with `juju exec`.
#[test]
fn what_somebody_else_has_published_for_the_charm_is_replaced_when_juju_is_asked_again() {
    let (unit, id) = Unit::ready(true);
    unit.status();
    for hook in ["upgrade-charm", "leader-elected", "start"] {
        unit.juju.set_local_app_data(id, "receivers", r#"[ "otlp_http" ]"#);
        assert_eq!(unit.status(), (url(A_URL), vec![]), "nothing has told the unit of it");
        unit.use_it(&unit.hook(hook), &[OtlpHttp]);
        assert_eq!(unit.juju.local_app_data(id)["receivers"], r#"["otlp_http"]"#, "{hook}");
        unit.status();
    }
}

#[test]
fn a_new_leader_publishes() {
    let (unit, id) = Unit::ready(false);
    unit.juju.set_leader(true);
    assert_eq!(unit.status().1.len(), 0, "it does not know yet");
    unit.use_it(&unit.hook("leader-elected"), &[OtlpHttp]);
    assert_eq!(unit.juju.local_app_data(id)["receivers"], r#"["otlp_http"]"#);
}

#[test]
fn a_day_later_juju_is_asked_again() {
    let (mut unit, id) = Unit::ready(false);
    unit.publish(id, "http://elsewhere:4318");
    unit.now += Duration::from_secs(24 * 60 * 60 - 1);
    assert_eq!(unit.status(), (url(A_URL), vec![]), "the event of the change is still to come");
    unit.now += Duration::from_secs(1);
    assert_eq!(unit.status().0, url("http://elsewhere:4318"));
    unit.now -= Duration::from_secs(2);
    assert_ne!(unit.status().1.len(), 0, "it was learned in the future");
}

#[test]
fn after_a_failed_delivery_juju_is_asked_again() {
    let (unit, _) = Unit::ready(false);
    let dispatch = unit.hook("update-status");
    assert_eq!(endpoint(&dispatch, &[OtlpHttp]), url(A_URL));
    dispatch.forget_relations();
    dispatch.remember_relations();
    assert_eq!(unit.status().1, ["relation-ids", "is-leader", "relation-get"]);
    assert_eq!(unit.status().1.len(), 0);
}

#[test]
fn a_file_that_cannot_be_used_is_none_and_a_damaged_one_is_mended() {
    let (unit, _) = Unit::ready(false);
    let intact = std::fs::read(unit.file()).expect("it was written");
    for damaged in [b"".to_vec(), b"x".repeat(1000), intact[..intact.len() - 1].to_vec()] {
        std::fs::write(unit.file(), &damaged).expect("written");
        let (endpoint, tools) = unit.status();
        assert_eq!((endpoint, tools.len()), (url(A_URL), 4), "{tools:?}");
        assert_eq!(unit.status(), (url(A_URL), vec![]));
    }
    let other_version =
        String::from_utf8(intact.clone()).expect("text").replace("relations 3", "relations 4");
    std::fs::write(unit.file(), other_version).expect("written");
    assert_ne!(unit.status().1.len(), 0);

    for unusable in [make_directory as fn(&Path), make_link, make_huge] {
        std::fs::remove_file(unit.file()).or_else(|_| std::fs::remove_dir(unit.file())).expect("removed");
        unusable(&unit.file());
        for _ in 0..2 {
            let (endpoint, tools) = unit.status();
            assert_eq!((endpoint, tools.len()), (url(A_URL), 4), "{tools:?}");
        }
        unit.use_it(&unit.hook("start"), &[OtlpHttp]);
    }
}

fn make_directory(path: &Path) {
    std::fs::create_dir(path).expect("made");
}

/// To a file that would do.
fn make_link(path: &Path) {
    let target = path.with_extension("target");
    std::fs::write(&target, "").expect("written");
    std::os::unix::fs::symlink(target, path).expect("linked");
}

fn make_huge(path: &Path) {
    std::fs::write(path, vec![b' '; 300 * 1024]).expect("written");
}

#[test]
fn the_file_is_private_and_of_one_unit() {
    use std::os::unix::fs::PermissionsExt as _;
    let (unit, _) = Unit::ready(false);
    let mode = std::fs::metadata(unit.file()).expect("it was written").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let other = unit.begin(&[("JUJU_DISPATCH_PATH", "hooks/update-status"), ("JUJU_UNIT_NAME", "app/1")]);
    assert_eq!(other.unit_name(), Ok("app/0"), "the last one counts");
    let vars = [("JUJU_UNIT_NAME", "app/1"), ("JUJU_DISPATCH_PATH", "hooks/update-status")];
    let other = Dispatch::from_vars(vars).with_relation_memory_at(unit.file(), unit.now);
    assert_eq!(other.relation_memory().app(1), None, "it is another unit's");
    assert_eq!(unit.status(), (url(A_URL), vec![]), "who still has it");

    let nameless =
        [("JUJU_DISPATCH_PATH", "hooks/tracing-relation-broken"), ("JUJU_RELATION_ID", "tracing:1")];
    let nameless = Dispatch::from_vars(nameless).with_relation_memory_at(unit.file(), unit.now);
    assert!(!nameless.relation_memory().is_used());
    assert_ne!(unit.status().1.len(), 0, "an event is an event, whoever it is for");
}

#[test]
fn databags_that_are_large_are_read_each_time() {
    let (unit, id) = Unit::ready(false);
    unit.juju.set_remote_app_data(id, "noise", &"x".repeat(300 * 1024));
    unit.use_it(&unit.relation_hook("changed", id), &[OtlpHttp]);
    for _ in 0..2 {
        assert_eq!(
            unit.status(),
            (url(A_URL), ["relation-ids", "is-leader", "relation-get"].map(Into::into).into())
        );
    }
}

#[test]
fn who_has_read_before_another_dispatch_writes_nothing() {
    let (unit, id) = Unit::ready(false);
    // A command that lasts: it has read all when the relation ends.
    let slow = unit.hook("update-status");
    assert_eq!(endpoint(&slow, &[OtlpHttp, OtlpGrpc]), url(A_URL));
    slow.relation_memory().learn_app(99, "news");
    let broken = unit.relation_hook("broken", id);
    unit.juju.remove_relation(id);
    slow.remember_relations();
    assert_eq!(unit.status().0, None, "what the event has forgotten stays so");
    assert_eq!(endpoint(&broken, &[OtlpHttp]), None);
    broken.remember_relations();
    slow.remember_relations();
    assert_eq!(unit.status(), (None, vec![]));

    // The same where there was no file when the first began.
    std::fs::remove_file(unit.file()).expect("removed");
    let id = unit.relate(A_URL);
    let slow = unit.hook("update-status");
    assert_eq!(endpoint(&slow, &[OtlpHttp]), url(A_URL));
    unit.juju.remove_relation(id);
    assert_eq!(unit.status().0, None);
    slow.remember_relations();
    assert_eq!(unit.status().0, None);
}

#[test]
fn a_relation_that_goes_while_it_is_read_is_not_remembered() {
    let (unit, id) = Unit::ready(true);
    unit.use_it(&unit.hook("start"), &[OtlpHttp]);
    unit.juju.sever_relation(id);
    let start = unit.use_it(&unit.hook("start"), &[OtlpHttp]);
    assert_eq!(start.0, None);
    assert_ne!(unit.status().1.len(), 0, "nobody knows how it ends");
}
