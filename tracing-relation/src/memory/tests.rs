//! Remembering changes how often Juju is asked, and nothing else.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;

use crate::juju::Dispatch;
use crate::juju::testing::{HookContext, Model};
use crate::{ReceiverProtocol, TracingEndpointRequirer, charm_tracing_config};
use ReceiverProtocol::{OtlpGrpc, OtlpHttp};

const A_URL: &str = "http://tempo:4318";

/// A unit with a charm directory, and the Juju around it.
struct Unit {
    juju: Model,
    directory: TempDir,
    now: SystemTime,
}

impl Unit {
    fn new(leader: bool) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let metadata = "name: app\nrequires: {tracing: {interface: tracing, limit: 1}}\n";
        std::fs::write(directory.path().join("metadata.yaml"), metadata).expect("written");
        let juju = Model::new("app/0");
        juju.set_leader(leader);
        Self { juju, directory, now: SystemTime::UNIX_EPOCH + Duration::from_secs(1_763_750_000) }
    }

    /// A leader or follower whose backend is ready, and who has seen all events up to now.
    fn ready(leader: bool) -> (Self, u32) {
        let unit = Self::new(leader);
        let id = unit.relate(A_URL);
        for event in ["created", "joined", "changed"] {
            unit.use_it(&unit.relation_hook(event, id), &[OtlpHttp]);
        }
        (unit, id)
    }

    fn relate(&self, url: &str) -> u32 {
        let id = self.juju.add_relation("tracing", "tempo", &["tempo/0"]);
        self.publish(id, url);
        id
    }

    fn publish(&self, id: u32, url: &str) {
        let receivers = match url {
            "" => String::new(),
            url => format!(r#"[{{"protocol": {{"name": "otlp_http", "type": "http"}}, "url": "{url}"}}]"#),
        };
        self.juju.set_remote_app_data(id, "receivers", &receivers);
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join(".relations")
    }

    fn hook(&self, name: &str) -> Dispatch {
        self.begin(&[("JUJU_DISPATCH_PATH", &format!("hooks/{name}"))])
    }

    fn relation_hook(&self, event: &str, id: u32) -> Dispatch {
        self.begin(&[
            ("JUJU_DISPATCH_PATH", &format!("hooks/tracing-relation-{event}")),
            ("JUJU_RELATION", "tracing"),
            ("JUJU_RELATION_ID", &format!("tracing:{id}")),
            ("JUJU_REMOTE_APP", "tempo"),
        ])
    }

    fn begin(&self, vars: &[(&str, &str)]) -> Dispatch {
        let dispatch = self.without_memory(vars);
        self.juju.begin_hook(HookContext::from_dispatch(&dispatch));
        self.juju.clear_calls();
        dispatch.with_relation_memory_at(self.file(), self.now)
    }

    fn without_memory(&self, vars: &[(&str, &str)]) -> Dispatch {
        let directory = self.directory.path().display().to_string();
        let own = [
            ("JUJU_UNIT_NAME", "app/0"),
            ("JUJU_MODEL_UUID", "20e13b21-6a7b-4f39-8f5a-5f2f4b0d0c01"),
            ("JUJU_CHARM_DIR", directory.as_str()),
        ];
        Dispatch::from_vars(vars.iter().copied().chain(own)).with_hook_tools(Arc::new(self.juju.clone()))
    }

    /// A whole dispatch of a charm: where it would push its traces, and the hook tools it ran.
    fn use_it(&self, dispatch: &Dispatch, protocols: &[ReceiverProtocol]) -> (Option<String>, Vec<String>) {
        let endpoint = endpoint(dispatch, protocols);
        dispatch.remember_relations();
        self.juju.commit_hook();
        (endpoint, self.tools())
    }

    fn tools(&self) -> Vec<String> {
        self.juju.calls().into_iter().map(|call| call[0].clone()).collect()
    }

    fn status(&self) -> (Option<String>, Vec<String>) {
        self.use_it(&self.hook("update-status"), &[OtlpHttp])
    }
}

fn endpoint(dispatch: &Dispatch, protocols: &[ReceiverProtocol]) -> Option<String> {
    let requirer =
        TracingEndpointRequirer::new(dispatch, "tracing", protocols).expect("it is in the metadata");
    charm_tracing_config(&requirer, None).expect("no tool fails").endpoint
}

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
        String::from_utf8(intact.clone()).expect("text").replace("relations 1", "relations 2");
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
    assert!(other.relation_memory().is_none(), "it is another unit's");
    assert_eq!(unit.status(), (url(A_URL), vec![]), "who still has it");

    let nameless =
        [("JUJU_DISPATCH_PATH", "hooks/tracing-relation-broken"), ("JUJU_RELATION_ID", "tracing:1")];
    let nameless = Dispatch::from_vars(nameless).with_relation_memory_at(unit.file(), unit.now);
    assert!(nameless.relation_memory().is_none());
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
    slow.relation_memory().expect("usable").learn_app(99, "news");
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

/// What happens in a model, and to a unit's dispatches.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The backend publishes one of some URLs, or none.
    Publish(u8),
    Relate(u8),
    Remove,
    SetLeader(bool),
    /// The next event that Juju has for the unit, and how its dispatch ends.
    Next(Ending),
    /// Another event in between.
    Unrelated(Ending),
    Days(u8),
    Damage(u8),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Ending {
    Success,
    HookFails,
    DeliveryFails,
    /// After the session has started, before the charm is constructed.
    KilledEarly,
    KilledLate,
    /// Its charm does not look at the relation.
    NotUsed,
}

fn step() -> impl Strategy<Value = Step> {
    use Ending::{DeliveryFails, HookFails, KilledEarly, KilledLate, NotUsed, Success};
    let ending = || {
        prop_oneof![
            6 => Just(Success), 1 => Just(HookFails), 1 => Just(DeliveryFails), 1 => Just(KilledEarly),
            1 => Just(KilledLate), 1 => Just(NotUsed),
        ]
    };
    prop_oneof![
        4 => (0..4_u8).prop_map(Step::Publish),
        2 => (0..4_u8).prop_map(Step::Relate),
        2 => Just(Step::Remove),
        1 => any::<bool>().prop_map(Step::SetLeader),
        6 => ending().prop_map(Step::Next),
        6 => ending().prop_map(Step::Unrelated),
        1 => (0..3_u8).prop_map(Step::Days),
        1 => any::<u8>().prop_map(Step::Damage),
    ]
}

/// An event that Juju has still to tell the unit.
enum Due {
    Relation { event: &'static str, id: u32 },
    LeaderElected,
}

/// Plays a history, and checks in each dispatch that the endpoint is one that an uncached charm has seen since the last
/// event of the relation was dispatched.
fn play(steps: &[Step], leader: bool) {
    let mut unit = Unit::new(leader);
    let mut relation: Option<u32> = None;
    let mut due: std::collections::VecDeque<Due> = std::collections::VecDeque::new();
    // What an uncached charm would have found at any time since the last event of the relation was dispatched.
    let mut since_last_event = vec![None];
    for step in steps {
        match *step {
            Step::Publish(choice) => {
                if let Some(id) = relation {
                    unit.publish(id, ["", A_URL, "http://b:4318", "http://c:4318"][usize::from(choice)]);
                    due.push_back(Due::Relation { event: "changed", id });
                }
            }
            Step::Relate(choice) if relation.is_none() => {
                let id = unit.relate(["", A_URL, "http://b:4318", "http://c:4318"][usize::from(choice)]);
                relation = Some(id);
                due.extend(["created", "joined", "changed"].map(|event| Due::Relation { event, id }));
            }
            Step::Relate(_) => {}
            Step::Remove => {
                if let Some(id) = relation.take() {
                    // What was still to be told of it is not told any more.
                    due.retain(|due| !matches!(due, Due::Relation { .. }));
                    due.extend(["departed", "broken"].map(|event| Due::Relation { event, id }));
                    unit.juju.set_remote_app_data(id, "receivers", "");
                    unit.juju.remove_remote_unit(id, "tempo/0");
                }
            }
            Step::SetLeader(leads) => {
                if leads && !unit.juju.is_leader() {
                    due.push_back(Due::LeaderElected);
                }
                unit.juju.set_leader(leads);
            }
            Step::Next(ending) => match due.pop_front() {
                None => {}
                Some(Due::LeaderElected) => {
                    run(&unit, &unit.hook("leader-elected"), ending, &mut since_last_event);
                }
                Some(Due::Relation { event, id }) => {
                    since_last_event.clear();
                    run(&unit, &unit.relation_hook(event, id), ending, &mut since_last_event);
                    if event == "broken" {
                        unit.juju.remove_relation(id);
                    }
                }
            },
            Step::Unrelated(ending) => run(&unit, &unit.hook("update-status"), ending, &mut since_last_event),
            Step::Days(days) => unit.now += Duration::from_secs(u64::from(days) * 13 * 60 * 60),
            Step::Damage(how) => {
                if let Ok(mut content) = std::fs::read(unit.file())
                    && !content.is_empty()
                {
                    let at = usize::from(how) * content.len() / 256;
                    if how % 2 == 0 {
                        content.truncate(at);
                    } else {
                        content[at] ^= how;
                    }
                    std::fs::write(unit.file(), content).expect("written");
                }
            }
        }
        // What the uncached one finds now may be found by the cached one until the next event.
        since_last_event.push(uncached(&unit));
    }
    // When all has been told, both know the same.
    while let Some(last) = due.pop_front() {
        match last {
            Due::LeaderElected => _ = unit.use_it(&unit.hook("leader-elected"), &[OtlpHttp]),
            Due::Relation { event, id } => {
                unit.use_it(&unit.relation_hook(event, id), &[OtlpHttp]);
                if event == "broken" {
                    unit.juju.remove_relation(id);
                }
            }
        }
    }
    unit.status();
    assert_eq!(unit.status().0, uncached(&unit), "after all events");
    if let Some(id) = relation
        && unit.juju.is_leader()
    {
        assert_eq!(unit.juju.local_app_data(id)["receivers"], r#"["otlp_http"]"#, "it has asked in the end");
    }
}

/// What a charm without a memory finds in a dispatch for nothing in particular.
fn uncached(unit: &Unit) -> Option<String> {
    let dispatch = unit.without_memory(&[("JUJU_DISPATCH_PATH", "hooks/update-status")]);
    unit.juju.begin_hook(HookContext::from_dispatch(&dispatch));
    let found = endpoint(&dispatch, &[]);
    unit.juju.abort_hook();
    found
}

fn run(unit: &Unit, dispatch: &Dispatch, ending: Ending, since_last_event: &mut Vec<Option<String>>) {
    match ending {
        Ending::KilledEarly => return unit.juju.abort_hook(),
        Ending::NotUsed => {
            dispatch.remember_relations();
            return unit.juju.commit_hook();
        }
        _ => {}
    }
    let found = endpoint(dispatch, &[OtlpHttp]);
    let same_hook = {
        let vars = dispatch.relation().expect("valid").map(|relation| format!("tracing:{}", relation.id));
        let path = format!("hooks/{}", dispatch.event().replace('_', "-"));
        let plain = unit.without_memory(&[
            ("JUJU_DISPATCH_PATH", &path),
            ("JUJU_RELATION_ID", vars.as_deref().unwrap_or_default()),
        ]);
        endpoint(&plain, &[])
    };
    since_last_event.push(same_hook);
    assert!(since_last_event.contains(&found), "pushes to {found:?}, which is none of {since_last_event:?}");
    match ending {
        Ending::DeliveryFails => dispatch.forget_relations(),
        Ending::KilledLate => {}
        _ => dispatch.remember_relations(),
    }
    if matches!(ending, Ending::Success | Ending::DeliveryFails) {
        unit.juju.commit_hook();
    } else {
        unit.juju.abort_hook();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nobody_pushes_to_an_endpoint_that_an_event_has_withdrawn(steps in vec(step(), 1..60), leader: bool) {
        play(&steps, leader);
    }
}
