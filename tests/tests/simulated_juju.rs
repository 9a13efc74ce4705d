//! The simulated Juju, seen from inside a charm: shell scripts that look around and call hook tools.
#![expect(clippy::unwrap_used, reason = "what cannot be unwrapped here has failed the test")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::json;
use tests::juju::{Deployment, Event, Outcome, SimulatedJuju};

const JUJUC: &str = env!("CARGO_BIN_EXE_jujuc");

/// Prints the environment that the charm was started with, not the one its shell made of it.
const SHOW_ENVIRONMENT: &str = r"tr '\0' '\n' < /proc/$$/environ";

#[test]
fn builds_the_environment_from_nothing() {
    let mut juju = deployment(SHOW_ENVIRONMENT).start();
    let outcome = juju.dispatch(Event::hook("update-status"));
    let charm = juju.charm_dir().display().to_string();
    let unit = juju.charm_dir().parent().unwrap().display().to_string();

    let expected = format!(
        "\
APT_LISTCHANGES_FRONTEND=none
CHARM_DIR={charm}
CLOUD_API_VERSION=
DEBIAN_FRONTEND=noninteractive
JUJU_AGENT_SOCKET_ADDRESS={unit}/agent.socket
JUJU_AGENT_SOCKET_NETWORK=unix
JUJU_API_ADDRESSES=10.0.0.2:17070 127.0.0.1:17070
JUJU_AVAILABILITY_ZONE=
JUJU_CHARM_DIR={charm}
JUJU_CHARM_FTP_PROXY=
JUJU_CHARM_HTTPS_PROXY=
JUJU_CHARM_HTTP_PROXY=
JUJU_CHARM_NO_PROXY=
JUJU_CONTEXT_ID={}
JUJU_DISPATCH_PATH=hooks/update-status
JUJU_HOOK_NAME=update-status
JUJU_MACHINE_ID=0
JUJU_MODEL_NAME=test-model
JUJU_MODEL_UUID=20e13b21-6a7b-4f39-8f5a-5f2f4b0d0c01
JUJU_PRINCIPAL_UNIT=
JUJU_SLA=unsupported
JUJU_UNIT_NAME=app/0
JUJU_VERSION=3.6.11
LANG=C.UTF-8
PATH={unit}/tools:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin
TERM=tmux-256color
",
        outcome.context_id
    );
    let mut lines: Vec<_> = outcome.stdout.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines.join("\n") + "\n", expected);
    assert!(outcome.context_id.starts_with("app/0-update-status-"));
}

#[test]
fn claims_to_be_what_it_is_told() {
    let of = |version: &str| {
        let deployment = deployment(SHOW_ENVIRONMENT).unit("db/3").model("m", "u").juju_version(version);
        variables(&deployment.start().dispatch(Event::hook("install")))
    };
    let newest = of("4.1-beta1");
    assert_eq!(newest["JUJU_UNIT_NAME"], "db/3");
    assert_eq!((newest["JUJU_MODEL_NAME"].as_str(), newest["JUJU_MODEL_UUID"].as_str()), ("m", "u"));
    assert_eq!(newest["JUJU_CHARM_TRACE_CONFIG_HTTP"], "");
    assert!(!newest.contains_key("JUJU_SLA"));
    let older = of("4.0.2");
    assert!(!older.contains_key("JUJU_CHARM_TRACE_CONFIG_HTTP") && !older.contains_key("JUJU_SLA"));
}

#[test]
fn tells_each_event_what_it_is_about() {
    let mut juju = deployment(SHOW_ENVIRONMENT).start();
    let id = juju.add_relation("tracing", "tempo", &["tempo/0", "tempo/1"]);
    let empty = juju.add_relation("logging", "loki", &[]);
    let plain = variables(&juju.dispatch(Event::hook("start")));
    let mut check = |event: Event, expected: &[&str]| {
        // What is different from a hook that is about nothing.
        let special: Vec<String> = variables(&juju.dispatch(event))
            .into_iter()
            .filter(|(key, value)| plain.get(key) != Some(value) && key != "JUJU_CONTEXT_ID")
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        assert_eq!(special, expected);
    };
    let relation = |hook: &str, unit: &str| {
        let hook = format!("tracing-relation-{hook}");
        vec![
            format!("JUJU_DISPATCH_PATH=hooks/{hook}"),
            format!("JUJU_HOOK_NAME={hook}"),
            "JUJU_RELATION=tracing".to_owned(),
            format!("JUJU_RELATION_ID=tracing:{id}"),
            "JUJU_REMOTE_APP=tempo".to_owned(),
            format!("JUJU_REMOTE_UNIT={unit}"),
        ]
    };
    let mut check_relation = |event: Event, expected: &[String]| {
        check(event, &expected.iter().map(String::as_str).collect::<Vec<_>>());
    };
    check_relation(Event::relation_created("tracing", id), &relation("created", ""));
    check_relation(Event::relation_joined("tracing", id), &relation("joined", "tempo/0"));
    let of_other_unit = Event::relation_changed("tracing", id).remote_unit("tempo/1");
    check_relation(of_other_unit, &relation("changed", "tempo/1"));
    let of_application = Event::relation_changed("tracing", id).remote_application();
    check_relation(of_application, &relation("changed", ""));
    let mut departed = relation("departed", "tempo/0");
    departed.insert(0, "JUJU_DEPARTING_UNIT=tempo/0".to_owned());
    check_relation(Event::relation_departed("tracing", id), &departed);

    check(
        Event::relation_changed("logging", empty),
        &[
            "JUJU_DISPATCH_PATH=hooks/logging-relation-changed",
            "JUJU_HOOK_NAME=logging-relation-changed",
            "JUJU_RELATION=logging",
            &format!("JUJU_RELATION_ID=logging:{empty}"),
            "JUJU_REMOTE_APP=loki",
            "JUJU_REMOTE_UNIT=",
        ],
    );
    check(
        Event::storage_attached("data/0", "/srv/data"),
        &[
            "JUJU_DISPATCH_PATH=hooks/data-storage-attached",
            "JUJU_HOOK_NAME=data-storage-attached",
            "JUJU_STORAGE_ID=data/0",
            "JUJU_STORAGE_KIND=filesystem",
            "JUJU_STORAGE_LOCATION=/srv/data",
        ],
    );
    check(
        Event::secret_changed("secret:9m4e", ""),
        &[
            "JUJU_DISPATCH_PATH=hooks/secret-changed",
            "JUJU_HOOK_NAME=secret-changed",
            "JUJU_SECRET_ID=secret:9m4e",
            "JUJU_SECRET_LABEL=",
        ],
    );
    check(
        Event::secret_expired("secret:9m4e", "password", 2),
        &[
            "JUJU_DISPATCH_PATH=hooks/secret-expired",
            "JUJU_HOOK_NAME=secret-expired",
            "JUJU_SECRET_ID=secret:9m4e",
            "JUJU_SECRET_LABEL=password",
            "JUJU_SECRET_REVISION=2",
        ],
    );
    check(
        Event::pebble_ready("web"),
        &[
            "JUJU_DISPATCH_PATH=hooks/web-pebble-ready",
            "JUJU_HOOK_NAME=web-pebble-ready",
            "JUJU_WORKLOAD_NAME=web",
        ],
    );
    check(
        Event::hook("install").env("TRACEPARENT", "00-x").without("LANG").env("TERM", "dumb"),
        &["JUJU_DISPATCH_PATH=hooks/install", "JUJU_HOOK_NAME=install", "TERM=dumb", "TRACEPARENT=00-x"],
    );
}

#[test]
fn takes_variables_away() {
    let outcome = dispatch(SHOW_ENVIRONMENT, Event::hook("install").without("JUJU_MODEL_NAME"));
    assert!(!variables(&outcome).contains_key("JUJU_MODEL_NAME"));
}

#[test]
fn starts_the_charm_in_its_directory_without_arguments_or_input() {
    let mut juju = deployment(r#"echo "$0 $#"; pwd -P; echo "input: $(cat)""#).start();
    let charm = juju.charm_dir().canonicalize().unwrap().display().to_string();
    let outcome = juju.dispatch(Event::hook("install"));
    let started_as = juju.charm_dir().join("dispatch").display().to_string();
    assert_eq!(outcome.stdout, format!("{started_as} 0\n{charm}\ninput: \n"));
}

#[test]
fn puts_the_charms_files_beside_it() {
    let list = "for file in *.yaml; do echo $file: $(cat $file); done";
    assert_eq!(dispatch(list, Event::hook("install")).stdout, "metadata.yaml: name: app\n");
    let of = |deployment: Deployment| deployment.start().dispatch(Event::hook("install")).stdout;
    assert_eq!(of(deployment(list).metadata("name: other")), "metadata.yaml: name: other\n");
    assert_eq!(of(deployment(list).charmcraft("type: charm")), "charmcraft.yaml: type: charm\n");
    let neither = deployment("ls").without_file("metadata.yaml").file("ca.crt", "PEM");
    assert_eq!(of(neither), "ca.crt\ndispatch\n");
}

#[test]
fn runs_hook_tools_from_path_over_the_socket() {
    let mut juju = deployment(
        r#"
        command -v relation-get
        is-leader --format=json
        relation-ids tracing --format=json
        relation-get --format=json -r "$JUJU_RELATION_ID" --app - tempo
        relation-get colour
        relation-get -r tracing:99 -
        echo "exit code $?"
        "#,
    )
    .start();
    juju.model().set_leader(true);
    let id = juju.add_relation("tracing", "tempo", &["tempo/0"]);
    juju.model().set_remote_app_data(id, "receivers", "[1, \"two\"]");
    juju.model().set_remote_unit_data(id, "tempo/0", "colour", "blue");

    let outcome = juju.dispatch(Event::relation_changed("tracing", id));
    let tools = juju.charm_dir().with_file_name("tools").join("relation-get").display().to_string();
    let relations = format!(r#"["tracing:{id}"]"#);
    let data = r#"{"receivers":"[1, \"two\"]"}"#;
    assert_eq!(outcome.stdout, format!("{tools}\ntrue\n{relations}\n{data}\nblue\nexit code 2\n"));
    assert_eq!(outcome.stderr, "ERROR invalid value \"tracing:99\" for option -r: relation not found\n");
    assert_eq!(outcome.calls[0], ["is-leader", "--format=json"]);
    assert_eq!(outcome.calls.len(), 5);

    assert_eq!(juju.dispatch(Event::hook("stop")).calls.len(), 5, "each dispatch has its own calls");
}

#[test]
fn keeps_what_a_hook_wrote_only_if_it_succeeded() {
    let mut juju = deployment(
        r#"
        relation-set -r tracing:1 --app colour="$COLOUR"
        relation-get -r tracing:1 --app colour app
        exit $CODE
        "#,
    )
    .start();
    juju.model().set_leader(true);
    let id = juju.add_relation("tracing", "tempo", &[]);
    let colour = |juju: &SimulatedJuju| juju.model().local_app_data(id).get("colour").cloned();

    let failed = juju.dispatch(Event::hook("install").env("COLOUR", "red").env("CODE", "3"));
    assert_eq!((failed.code(), failed.success()), (Some(3), false));
    assert_eq!(failed.stdout, "red\n", "the hook itself reads what it wrote");
    assert_eq!(colour(&juju), None);

    let succeeded = juju.dispatch(Event::hook("install").env("COLOUR", "blue").env("CODE", "0"));
    assert!(succeeded.success(), "{succeeded}");
    assert_eq!(colour(&juju).as_deref(), Some("blue"));
}

#[test]
fn reads_standard_input_only_for_tools_that_need_it() {
    let mut juju = deployment(
        r#"
        echo 'from: stdin' | { is-leader; relation-set -r 1 --file -; }
        echo 'other: file' > data.yaml
        relation-set -r 1 --file=data.yaml
        cd /; echo 'not: here' | relation-set -r 1 --file data.yaml; echo "exit code $?"
        "#,
    )
    .start();
    let id = juju.add_relation("tracing", "tempo", &[]);
    let outcome = juju.dispatch(Event::hook("install"));
    assert_eq!(outcome.stdout, "False\nexit code 1\n", "{outcome}");
    let data = juju.model().local_unit_data(id);
    assert_eq!((data["from"].as_str(), data["other"].as_str()), ("stdin", "file"));
    assert!(!data.contains_key("not"));
    assert_eq!(outcome.calls.len(), 4, "asking for standard input is not another call");
}

#[test]
fn keeps_the_log_in_order_with_levels() {
    let mut juju = deployment(
        r"
        juju-log --log-level DEBUG -- '-first'
        juju-log second word
        juju-log -l ERROR 'two
lines'
        ",
    )
    .start();
    let id = juju.add_relation("tracing", "tempo", &[]);
    let lines = |outcome: &Outcome| -> Vec<String> {
        outcome.log.iter().map(|line| format!("{} {}", line.level, line.message)).collect()
    };
    let outcome = juju.dispatch(Event::hook("install"));
    assert_eq!(lines(&outcome), ["DEBUG -first", "INFO second word", "ERROR two\nlines"]);
    let outcome = juju.dispatch(Event::relation_created("tracing", id));
    assert_eq!(lines(&outcome)[0], format!("DEBUG tracing:{id}: -first"));
    assert_eq!(outcome.log.len(), 3, "each dispatch has its own log");
}

#[test]
fn refuses_tools_of_another_dispatch() {
    let mut juju = deployment(
        r#"
        JUJU_CONTEXT_ID=app/0-install-1 is-leader; echo "exit code $?"
        env -u JUJU_CONTEXT_ID is-leader; echo "exit code $?"
        "#,
    )
    .start();
    let outcome = juju.dispatch(Event::hook("install"));
    assert_eq!(outcome.stdout, "exit code 1\nexit code 1\n");
    assert_eq!(
        outcome.stderr,
        format!(
            "ERROR bad request: expected context id \"{}\", got \"app/0-install-1\"\n\
             ERROR JUJU_CONTEXT_ID not set\n",
            outcome.context_id
        )
    );
    assert_eq!(outcome.calls.len(), 0);
    assert_ne!(juju.dispatch(Event::hook("install")).context_id, outcome.context_id);
}

#[test]
fn listens_only_while_a_dispatch_runs() {
    let mut juju = deployment("is-leader").start();
    let outcome = juju.dispatch(Event::hook("install"));
    assert_eq!(outcome.stdout, "False\n");
    let socket = juju.charm_dir().with_file_name("agent.socket");
    let late = tool("is-leader", &outcome.context_id, &socket);
    assert_eq!(late.status.code(), Some(1));
    let complaint = String::from_utf8(late.stderr).unwrap();
    assert!(complaint.starts_with("ERROR dial unix ") && complaint.contains("No such file"), "{complaint}");
}

#[test]
fn captures_output_and_how_the_charm_ended() {
    let outcome = dispatch("echo out; echo err >&2; echo more; exit 7", Event::hook("install"));
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("out\nmore\n", "err\n"));
    assert_eq!((outcome.code(), outcome.signal()), (Some(7), None));

    let outcome = dispatch("kill -TERM $$", Event::hook("install"));
    assert_eq!((outcome.code(), outcome.signal()), (None, Some(15)));
    assert!(!outcome.success());

    let much = dispatch("head -c 1000000 /dev/zero", Event::hook("install"));
    assert_eq!(much.stdout.len(), 1_000_000);
}

#[test]
fn kills_a_charm_that_takes_too_long_and_drops_what_it_wrote() {
    let mut juju = deployment(
        r"
        relation-set -r 1 colour=red
        echo started
        sleep 100 &
        wait
        ",
    )
    .start();
    let id = juju.add_relation("tracing", "tempo", &[]);
    let outcome = juju.dispatch(Event::hook("install").killed_after(Duration::from_millis(500)));
    assert_eq!(outcome.signal(), Some(9));
    assert!(outcome.wall >= Duration::from_millis(500), "{outcome}");
    assert_eq!(outcome.stdout, "started\n");
    assert!(!juju.model().local_unit_data(id).contains_key("colour"));
}

#[test]
fn does_not_wait_for_what_the_charm_leaves_running() {
    // It runs until its directory goes, with the end of this test.
    let mut juju = deployment("while [ -e dispatch ]; do sleep 0.05; done & echo done").start();
    let outcome = juju.dispatch(Event::hook("install").killed_after(Duration::from_secs(20)));
    assert!(outcome.success(), "{outcome}");
    assert_eq!(outcome.stdout, "done\n");
}

#[test]
fn runs_actions() {
    let script = r#"
        echo "$JUJU_DISPATCH_PATH,$JUJU_ACTION_NAME,$JUJU_ACTION_TAG,$JUJU_ACTION_UUID,$JUJU_HOOK_NAME"
        action-get target
        action-log -- working
        action-set result.size=3
        action-fail -- 'disk full'
        "#;
    let mut juju = deployment(script).start();
    let outcome = juju.dispatch(Event::action("backup", json!({"target": "s3"})));
    assert!(outcome.success(), "{outcome}");
    let number = outcome.context_id.rsplit('-').next().unwrap();
    assert_eq!(outcome.stdout, format!("actions/backup,backup,action-{number},{number},\ns3\n"));
    let action = outcome.action.unwrap();
    assert_eq!(action.results["result.size"], "3");
    assert_eq!(action.failure.as_deref(), Some("disk full"));
    assert_eq!(action.log, ["working"]);

    let hook = juju.dispatch(Event::hook("install"));
    assert_eq!(hook.action, None);
    assert!(hook.stderr.contains("unknown hook command: action-get"), "{hook}");
}

#[test]
fn forgets_a_relation_once_its_broken_hook_has_succeeded() {
    let mut juju = deployment("relation-ids tracing --format=json; exit ${CODE:-0}").start();
    let id = juju.add_relation("tracing", "tempo", &["tempo/0"]);
    let listed = format!("[\"tracing:{id}\"]\n");
    let failed = juju.dispatch(Event::relation_broken("tracing", id).env("CODE", "1"));
    assert_eq!(failed.stdout, listed);
    let again = juju.dispatch(Event::relation_broken("tracing", id));
    assert_eq!(again.stdout, listed, "a relation that breaks is still listed");
    assert_eq!(juju.dispatch(Event::hook("update-status")).stdout, "[]\n");
}

#[test]
fn keeps_the_charm_directory_from_one_dispatch_to_the_next_and_then_nothing() {
    let mut juju = deployment("echo x >> kept; cat kept").start();
    let unit = juju.charm_dir().parent().unwrap().to_owned();
    assert_eq!(juju.dispatch(Event::hook("install")).stdout, "x\n");
    assert_eq!(juju.dispatch(Event::hook("start")).stdout, "x\nx\n");
    let mut left: Vec<_> = fs::read_dir(&unit).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["charm", "tools"]);
    drop(juju);
    assert!(!unit.exists());
}

#[test]
fn starts_a_binary_charm_as_dispatch() {
    // The hook tool's program knows under which name it was started, and no tool is called `dispatch`.
    let mut juju = Deployment::new(JUJUC.as_ref(), JUJUC.as_ref()).start();
    let outcome = juju.dispatch(Event::hook("install"));
    assert_eq!(outcome.stderr, "ERROR bad request: unknown hook command: dispatch\n");
}

/// A charm that is this shell script.
fn deployment(script: &str) -> Deployment {
    Deployment::of_script(&format!("#!/bin/sh\n{script}\n"), JUJUC.as_ref())
}

fn dispatch(script: &str, event: Event) -> Outcome {
    deployment(script).start().dispatch(event)
}

fn variables(outcome: &Outcome) -> BTreeMap<String, String> {
    let pairs = outcome.stdout.lines().map(|line| line.split_once('=').unwrap());
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// A hook tool that is called from outside a hook.
fn tool(name: &str, context_id: &str, socket: &Path) -> Output {
    let mut command = Command::new(JUJUC);
    command.arg0(name).env("JUJU_CONTEXT_ID", context_id).env("JUJU_AGENT_SOCKET_ADDRESS", socket);
    command.output().unwrap()
}
