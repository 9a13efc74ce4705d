use std::sync::{Arc, Mutex};

use super::*;
use crate::juju::HookTools;
use crate::juju::testing::Model;

const DENIED: &str = "ERROR permission denied (unauthorized access)\n";

fn related(leader: bool) -> (Model, Dispatch, u32) {
    let juju = Model::new("app/0");
    juju.set_leader(leader);
    let id = juju.add_relation("tracing", "tempo", &["tempo/0"]);
    let dispatch = Dispatch::from_vars([("JUJU_UNIT_NAME", "app/0"), ("JUJU_HOOK_NAME", "update-status")]);
    (juju.clone(), dispatch.with_hook_tools(Arc::new(juju)), id)
}

fn databag<const N: usize>(pairs: [(&str, &str); N]) -> Databag {
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

#[test]
fn answers_are_kept_and_shared_by_clones() {
    let (juju, dispatch, id) = related(true);
    juju.set_remote_app_data(id, "a", "b");
    for dispatch in [dispatch.clone(), dispatch] {
        assert!(dispatch.is_leader().expect("an answer"));
        assert_eq!(dispatch.relation_ids("tracing").expect("an answer"), [id]);
        assert_eq!(dispatch.relation_units("tracing", id).expect("an answer"), ["tempo/0"]);
        assert_eq!(dispatch.relation_app("tracing", id).expect("an answer").as_deref(), Some("tempo"));
        let remote = dispatch.relation_get_app("tracing", id, "tempo").expect("an answer");
        assert_eq!(remote, databag([("a", "b")]));
        let unit = dispatch.relation_get_unit("tracing", id, "tempo/0").expect("an answer");
        assert_eq!(unit["ingress-address"], "10.0.0.1");
    }
    assert_eq!(juju.calls().len(), 6, "{:?}", juju.calls());
}

#[test]
fn other_hook_tools_start_with_nothing_known() {
    let (_, dispatch, _) = related(true);
    assert!(dispatch.is_leader().expect("an answer"));
    let (follower, _, _) = related(false);
    assert!(!dispatch.with_hook_tools(Arc::new(follower)).is_leader().expect("an answer"));
}

#[test]
fn ids_are_in_ascending_order() {
    let (juju, dispatch, _) = related(true);
    juju.answer_next("relation-ids", "[\"tracing:10\", \"tracing:9\"]");
    assert_eq!(dispatch.relation_ids("tracing").expect("an answer"), [9, 10]);
}

#[test]
fn the_relations_own_hooks_know_its_application() {
    let (juju, _, id) = related(false);
    let vars = [("JUJU_RELATION_ID", format!("tracing:{id}")), ("JUJU_REMOTE_APP", "tempo".to_owned())];
    let dispatch = Dispatch::from_vars(vars).with_hook_tools(Arc::new(juju.clone()));
    assert_eq!(dispatch.relation_app("tracing", id).expect("known").as_deref(), Some("tempo"));
    assert!(juju.calls().is_empty());
    assert_eq!(dispatch.relation_app("tracing", id + 1).expect("gone"), None);
}

#[test]
fn writes_are_read_back() {
    let (juju, dispatch, id) = related(true);
    juju.set_local_app_data(id, "old", "1");
    assert_eq!(dispatch.relation_get_app("tracing", id, "app").expect("own"), databag([("old", "1")]));
    let changes = databag([("old", ""), ("new", "\u{e9}\u{1f600}=\"x\"\n")]);
    dispatch.relation_set_app("tracing", id, &changes).expect("the leader may");
    let expected = databag([("new", "\u{e9}\u{1f600}=\"x\"\n")]);
    juju.clear_calls();
    for _ in 0..2 {
        assert_eq!(dispatch.relation_get_app("tracing", id, "app").expect("own"), expected);
    }
    assert_eq!(juju.calls().len(), 1, "{:?}", juju.calls());
    assert_eq!(juju.local_app_data(id), expected);
}

/// Tools whose `relation-set` writes, but whose answer to it is lost.
#[derive(Debug)]
struct LosesAnswers(Model);

impl HookTools for LosesAnswers {
    fn run(&self, call: &HookToolCall) -> Result<HookToolOutput, HookToolError> {
        let output = self.0.run(call)?;
        match call.tool() {
            "relation-set" => Err(HookToolError::new(HookToolErrorKind::AnswerLost, call.tool(), None)),
            _ => Ok(output),
        }
    }
}

#[test]
fn a_write_whose_answer_is_lost_is_read_back() {
    let (juju, dispatch, id) = related(true);
    let dispatch = dispatch.with_hook_tools(Arc::new(LosesAnswers(juju)));
    let changes = databag([("a", "b")]);
    assert!(dispatch.relation_get_app("tracing", id, "app").expect("own").is_empty());
    let lost = dispatch.relation_set_app("tracing", id, &changes).expect_err("lost");
    assert_eq!(lost.kind(), HookToolErrorKind::AnswerLost);
    assert_eq!(dispatch.relation_get_app("tracing", id, "app").expect("own"), changes);
}

#[test]
fn nothing_to_write_is_no_call() {
    let (juju, dispatch, id) = related(true);
    dispatch.relation_set_app("tracing", id, &Databag::new()).expect("nothing to do");
    assert!(juju.calls().is_empty());
}

#[test]
fn every_unit_writes_its_own_databag_and_reads_it_back() {
    let (juju, dispatch, id) = related(false);
    let before = dispatch.relation_get_unit("tracing", id, "app/0").expect("own");
    assert_eq!(before.keys().collect::<Vec<_>>(), ["egress-subnets", "ingress-address", "private-address"]);
    dispatch.relation_set_unit("tracing", id, &Databag::new()).expect("nothing to do");
    juju.clear_calls();
    let changes = databag([("-dash", "1"), ("private-address", "")]);
    dispatch.relation_set_unit("tracing", id, &changes).expect("its own");
    let after = dispatch.relation_get_unit("tracing", id, "app/0").expect("own");
    assert_eq!(after.keys().collect::<Vec<_>>(), ["-dash", "egress-subnets", "ingress-address"]);
    let tools: Vec<String> = juju.calls().into_iter().map(|call| call[0].clone()).collect();
    assert_eq!(tools, ["relation-set", "relation-get"]);
    assert_eq!(juju.local_unit_data(id), after);
}

#[test]
fn a_follower_is_refused_its_own_applications_databag() {
    for wording in [None, Some(DENIED)] {
        let (juju, dispatch, id) = related(false);
        if let Some(stderr) = wording {
            juju.fail_next("relation-get", 1, stderr);
            juju.fail_next("relation-set", 1, stderr);
        }
        let read = dispatch.relation_get_app("tracing", id, "app").expect_err("refused");
        assert_eq!(read.kind(), HookToolErrorKind::PermissionDenied);
        let written = dispatch.relation_set_app("tracing", id, &databag([("a", "b")])).expect_err("refused");
        assert_eq!(written.kind(), HookToolErrorKind::PermissionDenied);
    }
}

#[test]
fn a_follower_is_not_refused_among_peers() {
    let charm = tempfile::tempdir().expect("a directory");
    let metadata = "name: app\npeers: {cluster: {interface: cluster}}\nrequires: {tracing: tracing}\n";
    std::fs::write(charm.path().join("metadata.yaml"), metadata).expect("written");
    let juju = Model::new("app/0");
    let dispatch = Dispatch::from_vars([
        ("JUJU_UNIT_NAME", "app/0".as_ref()),
        ("JUJU_CHARM_DIR", charm.path().as_os_str()),
    ])
    .with_hook_tools(Arc::new(juju.clone()));
    let [peers, tracing] = [("cluster", "app"), ("tracing", "tempo")]
        .map(|(endpoint, app)| juju.add_relation(endpoint, app, &[]));
    juju.set_local_app_data(peers, "a", "b");
    let read = |endpoint, id| dispatch.relation_get_app(endpoint, id, "app");
    assert_eq!(read("cluster", peers).expect("readable"), databag([("a", "b")]));
    assert!(read("tracing", tracing).is_err());

    let other = juju.add_relation("cluster", "app", &[]);
    juju.fail_next("relation-get", 1, DENIED);
    assert!(read("cluster", other).expect("gone").is_empty());
}

const USUALLY: Duration = Duration::from_mins(1);

/// Tools that take too long, and tell how long they were given.
#[derive(Debug, Default)]
struct Hanging {
    given: Mutex<Vec<Duration>>,
    answers: Mutex<Vec<&'static str>>,
}

impl HookTools for Hanging {
    fn run(&self, call: &HookToolCall) -> Result<HookToolOutput, HookToolError> {
        self.given.lock().expect("not poisoned").push(call.time_allowed(USUALLY));
        match self.answers.lock().expect("not poisoned").pop() {
            Some(stdout) => Ok(HookToolOutput { stdout: stdout.into(), stderr: Vec::new(), pid: None }),
            None => Err(HookToolError::new(HookToolErrorKind::TimedOut, call.tool(), None)),
        }
    }
}

#[test]
fn after_a_tool_that_hangs_the_others_get_little_time_until_one_answers() {
    let tools = Arc::new(Hanging::default());
    let dispatch = Dispatch::from_vars([("JUJU_UNIT_NAME", "app/0")]).with_hook_tools(tools.clone());
    for _ in 0..2 {
        let error = dispatch.is_leader().expect_err("it hangs");
        assert_eq!(error.kind(), HookToolErrorKind::TimedOut);
    }
    tools.answers.lock().expect("not poisoned").push("[\"tracing:3\"]");
    assert_eq!(dispatch.relation_ids("tracing").expect("an answer"), [3]);
    assert!(dispatch.relation_units("tracing", 3).is_err());
    let given = tools.given.lock().expect("not poisoned");
    let briefly = |given: &Duration| *given <= SHORT_PATIENCE;
    assert_eq!(given.iter().map(briefly).collect::<Vec<_>>(), [false, true, true, false]);
}

#[test]
fn a_requirer_waits_for_ten_seconds_and_a_provider_for_as_long_as_its_tools() {
    use crate::{TracingEndpointProvider, TracingEndpointRequirer};
    let tools = Arc::new(Hanging::default());
    let dispatch = Dispatch::from_vars([("JUJU_UNIT_NAME", "app/0")]).with_hook_tools(tools.clone());
    let requirer = TracingEndpointRequirer::new(&dispatch, "tracing", &[]).expect("there is no metadata");
    assert!(requirer.is_ready().is_err());
    assert_eq!(tools.given.lock().expect("not poisoned").pop(), Some(Duration::from_secs(10)));

    let hurried = dispatch.clone().with_hook_tools(tools.clone()).with_patience(Duration::from_secs(2));
    let requirer = TracingEndpointRequirer::new(&hurried, "tracing", &[]).expect("there is no metadata");
    assert!(requirer.is_ready().is_err());
    assert_eq!(tools.given.lock().expect("not poisoned").pop(), Some(Duration::from_secs(2)));

    let dispatch = dispatch.with_hook_tools(tools.clone());
    let provider = TracingEndpointProvider::new(&dispatch, "tracing").expect("there is no metadata");
    assert!(provider.relations().is_err());
    assert_eq!(tools.given.lock().expect("not poisoned").pop(), Some(USUALLY));
}

#[test]
fn a_gone_relation_reads_as_empty_in_every_wording() {
    for leader in [true, false] {
        for wording in ["ERROR relation 1 not found\n", "ERROR permission denied\n", DENIED] {
            let (juju, dispatch, id) = related(leader);
            juju.fail_every("relation-get", 1, wording);
            juju.fail_every("relation-list", 1, wording);
            assert!(dispatch.relation_units("tracing", id).expect("no units").is_empty());
            assert_eq!(dispatch.relation_app("tracing", id).expect("no application"), None);
            assert!(dispatch.relation_get_app("tracing", id, "tempo").expect("empty").is_empty());
            assert!(dispatch.relation_get_unit("tracing", id, "tempo/0").expect("empty").is_empty());
            if leader {
                assert!(dispatch.relation_get_app("tracing", id, "app").expect("empty").is_empty());
            }
        }
    }
}

#[test]
fn writing_to_a_gone_relation_is_told() {
    let (juju, dispatch, id) = related(true);
    juju.sever_relation(id);
    let severed = dispatch.relation_set_app("tracing", id, &databag([("a", "b")])).expect_err("gone");
    assert_eq!(severed.kind(), HookToolErrorKind::RelationGone);
    let severed = dispatch.relation_set_unit("tracing", id, &databag([("a", "b")])).expect_err("gone");
    assert_eq!(severed.kind(), HookToolErrorKind::RelationGone);
    juju.remove_relation(id);
    let removed = dispatch.relation_set_app("tracing", id, &databag([("a", "b")])).expect_err("gone");
    assert_eq!(removed.kind(), HookToolErrorKind::RelationGone);
    let removed = dispatch.relation_set_unit("tracing", id, &databag([("a", "b")])).expect_err("gone");
    assert_eq!(removed.kind(), HookToolErrorKind::RelationGone);
}

#[test]
fn answers_that_make_no_sense_are_invalid_output() {
    let nested = "[".repeat(1_000_000);
    for (answer, tool) in [
        ("", "is-leader"),
        ("3", "is-leader"),
        (&nested, "is-leader"),
        ("[\"x\"]", "relation-ids"),
        ("{}", "relation-ids"),
    ] {
        let (juju, dispatch, _) = related(true);
        juju.answer_next(tool, answer);
        let error = match tool {
            "is-leader" => dispatch.is_leader().map(drop).expect_err(answer),
            _ => dispatch.relation_ids("tracing").map(drop).expect_err(answer),
        };
        assert_eq!(error.kind(), HookToolErrorKind::InvalidOutput, "{answer:.9}");
    }
}

#[test]
fn failures_are_not_kept() {
    let (juju, dispatch, _) = related(true);
    juju.fail_next("is-leader", 1, "ERROR leadership status unknown: x\n");
    assert!(dispatch.is_leader().is_err());
    assert!(dispatch.is_leader().expect("asked again"));
}

#[test]
fn leadership_is_asked_again_when_the_guarantee_has_run_out() {
    let (juju, dispatch, _) = related(true);
    assert!(dispatch.is_leader().expect("an answer"));
    juju.set_leader(false);
    assert!(dispatch.is_leader().expect("still guaranteed"));
    let asked = Instant::now().checked_sub(LEADERSHIP_GUARANTEE).expect("the machine runs for longer");
    dispatch.reads().leader = Some((asked, true));
    assert!(!dispatch.is_leader().expect("asked again"));
}
