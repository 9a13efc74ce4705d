//! The simulated Juju, seen from inside a charm: shell scripts that look around and call hook tools.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use charm_testing::{Event, Juju, Outcome};
use rustix::process::{getpgid, getppid, setpgid};
use serde_json::json;

#[test]
fn puts_the_charms_files_beside_it() {
    let list = "for file in *.yaml; do echo $file: $(cat $file); done";
    assert_eq!(dispatch(list, Event::hook("install")).stdout, "metadata.yaml: name: app\n");
    let of = |mut unit: Juju| unit.dispatch(Event::hook("install")).stdout;
    assert_eq!(of(of_script(list).metadata("name: other")), "metadata.yaml: name: other\n");
    assert_eq!(of(of_script(list).charmcraft("type: charm")), "charmcraft.yaml: type: charm\n");
    let neither = of_script("ls").without_file("metadata.yaml").file("ca.crt", "PEM");
    assert_eq!(of(neither), "ca.crt\ndispatch\n");
}

#[test]
fn runs_hook_tools_from_path_over_the_socket() {
    let mut juju = of_script(
        r#"
        command -v relation-get
        is-leader --format=json
        relation-ids tracing --format=json
        relation-get --format=json -r "$JUJU_RELATION_ID" --app - tempo
        relation-get colour
        relation-get -r tracing:99 -
        echo "exit code $?"
        "#,
    );
    juju.set_leader(true);
    let tempo = juju.relate("tracing", "tempo");
    tempo.set_remote_app_data("receivers", "[1, \"two\"]");
    tempo.set_remote_unit_data("tempo/0", "colour", "blue");

    let outcome = juju.dispatch(Event::relation_changed(&tempo));
    let tools = juju.charm_dir().with_file_name("tools").join("relation-get").display().to_string();
    let relations = format!(r#"["{tempo}"]"#);
    let data = r#"{"receivers":"[1, \"two\"]"}"#;
    assert_eq!(outcome.stdout, format!("{tools}\ntrue\n{relations}\n{data}\nblue\nexit code 2\n"));
    assert_eq!(outcome.stderr, "ERROR invalid value \"tracing:99\" for option -r: relation not found\n");
    assert_eq!(outcome.calls[0], ["is-leader", "--format=json"]);
    assert_eq!(outcome.calls.len(), 5);

    assert_eq!(juju.dispatch(Event::hook("stop")).calls.len(), 5, "each dispatch has its own calls");
}

#[test]
fn keeps_what_a_hook_wrote_only_if_it_succeeded() {
    let mut juju = of_script(
        r#"
        relation-set -r tracing:1 --app colour="$COLOUR"
        relation-get -r tracing:1 --app colour app
        exit $CODE
        "#,
    );
    juju.set_leader(true);
    let tempo = juju.relate("tracing", "tempo");
    let colour = || tempo.local_app_data().get("colour").cloned();

    let failed = juju.dispatch(Event::hook("install").env("COLOUR", "red").env("CODE", "3"));
    assert_eq!((failed.code(), failed.success()), (Some(3), false));
    assert_eq!(failed.stdout, "red\n", "the hook itself reads what it wrote");
    assert_eq!(colour(), None);

    let succeeded = juju.dispatch(Event::hook("install").env("COLOUR", "blue").env("CODE", "0"));
    assert!(succeeded.success(), "{succeeded}");
    assert_eq!(colour().as_deref(), Some("blue"));
}

#[test]
fn reads_standard_input_only_for_tools_that_need_it() {
    let mut juju = of_script(
        r#"
        echo 'from: stdin' | { is-leader; relation-set -r 1 --file -; }
        echo 'other: file' > data.yaml
        relation-set -r 1 --file=data.yaml
        cd /; echo 'not: here' | relation-set -r 1 --file data.yaml; echo "exit code $?"
        "#,
    );
    let tempo = juju.relate("tracing", "tempo");
    let outcome = juju.dispatch(Event::hook("install"));
    assert_eq!(outcome.stdout, "False\nexit code 1\n", "{outcome}");
    let data = tempo.local_unit_data();
    assert_eq!((data["from"].as_str(), data["other"].as_str()), ("stdin", "file"));
    assert!(!data.contains_key("not"));
    assert_eq!(outcome.calls.len(), 4, "asking for standard input is not another call");
}

#[test]
fn keeps_the_log_in_order_with_levels() {
    let mut juju = of_script(
        r"
        juju-log --log-level DEBUG -- '-first'
        juju-log second word
        juju-log -l ERROR 'two
lines'
        ",
    );
    let tempo = juju.relate("tracing", "tempo");
    let lines = |outcome: &Outcome| -> Vec<String> {
        outcome.log.iter().map(|line| format!("{} {}", line.level, line.message)).collect()
    };
    let outcome = juju.dispatch(Event::hook("install"));
    assert_eq!(lines(&outcome), ["DEBUG -first", "INFO second word", "ERROR two\nlines"]);
    let outcome = juju.dispatch(Event::relation_created(&tempo));
    assert_eq!(lines(&outcome)[0], format!("DEBUG {tempo}: -first"));
    assert_eq!(outcome.log.len(), 3, "each dispatch has its own log");
}

#[test]
fn refuses_tools_of_another_dispatch() {
    let mut juju = of_script(
        r#"
        JUJU_CONTEXT_ID=app/0-install-1 is-leader; echo "exit code $?"
        env -u JUJU_CONTEXT_ID is-leader; echo "exit code $?"
        "#,
    );
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
    for (version, is_abstract, refusal) in
        [("3.6.0", true, "Connection refused"), ("4.0.0", false, "No such file")]
    {
        let mut juju = of_script("echo $JUJU_AGENT_SOCKET_ADDRESS; is-leader").juju_version(version);
        let outcome = juju.dispatch(Event::hook("install"));
        let (address, answer) = outcome.stdout.split_once('\n').unwrap();
        assert_eq!((address.starts_with('@'), answer), (is_abstract, "False\n"), "{version}");
        let program = juju.charm_dir().with_file_name("jujuc");
        let mut late = Command::new(program);
        late.arg0("is-leader")
            .env("JUJU_CONTEXT_ID", &outcome.context_id)
            .env("JUJU_AGENT_SOCKET_ADDRESS", address);
        let late = late.output().unwrap();
        assert_eq!(late.status.code(), Some(1));
        let complaint = String::from_utf8(late.stderr).unwrap();
        let expected = format!("ERROR dial unix {address}: connect: {refusal}");
        assert!(complaint.starts_with(&expected), "{complaint}");
    }
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
    let mut juju = of_script(
        r"
        relation-set -r 1 colour=red
        echo started
        sleep 100 &
        wait
        ",
    );
    let tempo = juju.relate("tracing", "tempo");
    let outcome = juju.dispatch(Event::hook("install").killed_after(Duration::from_millis(500)));
    assert_eq!(outcome.signal(), Some(9));
    assert!(outcome.duration >= Duration::from_millis(500), "{outcome}");
    assert_eq!(outcome.stdout, "started\n");
    assert!(!tempo.local_unit_data().contains_key("colour"));
}

#[test]
fn kills_a_charm_that_has_left_its_process_group() {
    let program = std::env::current_exe().unwrap();
    let mut juju =
        of_script(&format!("exec '{}' --ignored --exact unit::leaves_its_process_group", program.display()));
    let event = Event::hook("install").env("LEAVE_GROUP", "1").killed_after(Duration::from_secs(1));
    assert_eq!(juju.dispatch(event).signal(), Some(9));
}

#[test]
#[ignore = "it is the charm of the test above"]
fn leaves_its_process_group() {
    if std::env::var_os("LEAVE_GROUP").is_some() {
        let group = getpgid(getppid()).unwrap();
        setpgid(None, Some(group)).unwrap();
        std::thread::sleep(Duration::from_secs(10));
    }
}

#[test]
fn does_not_wait_for_what_the_charm_leaves_running() {
    // It runs until its directory goes, with the end of this test.
    let mut juju = of_script("while [ -e dispatch ]; do sleep 0.05; done & echo done");
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
    let mut juju = of_script(script);
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
#[should_panic(expected = "back-up_action is the name of an event; that of its action is back-up")]
fn the_event_of_an_action_is_not_taken_for_its_name() {
    let _ = Event::action("back-up_action", json!({}));
}

#[test]
fn forgets_a_relation_once_its_broken_hook_has_succeeded() {
    let mut juju = of_script("relation-ids tracing --format=json; exit ${CODE:-0}");
    let tempo = juju.relate("tracing", "tempo");
    let listed = format!("[\"{tempo}\"]\n");
    let failed = juju.dispatch(Event::relation_broken(&tempo).env("CODE", "1"));
    assert_eq!(failed.stdout, listed);
    let again = juju.dispatch(Event::relation_broken(&tempo));
    assert_eq!(again.stdout, listed, "a relation that breaks is still listed");
    assert_eq!(juju.dispatch(Event::hook("update-status")).stdout, "[]\n");
}

#[test]
fn lists_the_units_that_stay() {
    let mut juju = of_script("relation-list --format=json");
    let tempo = juju.relate("tracing", "tempo");
    tempo.add_remote_unit("tempo/1");
    let mut listed = |event| juju.dispatch(event).stdout;
    assert_eq!(listed(Event::relation_changed(&tempo)), "[\"tempo/0\",\"tempo/1\"]\n");
    assert_eq!(listed(Event::relation_departed(&tempo)), "[\"tempo/1\"]\n");
    assert_eq!(listed(Event::relation_broken(&tempo)), "[]\n");
}

#[test]
fn keeps_the_charm_directory_from_one_dispatch_to_the_next_and_then_nothing() {
    let mut juju = of_script("echo x >> kept; cat kept");
    let unit = juju.charm_dir().parent().unwrap().to_owned();
    assert_eq!(juju.dispatch(Event::hook("install")).stdout, "x\n");
    assert_eq!(juju.dispatch(Event::hook("start")).stdout, "x\nx\n");
    let mut left: Vec<_> = fs::read_dir(&unit).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["charm", "jujuc", "tools"]);
    drop(juju);
    assert!(!unit.exists());
}

#[test]
fn starts_a_binary_charm_as_dispatch() {
    // The hook tool's program knows under which name it was started, and no tool is called `dispatch`.
    let other = of_script("");
    let mut juju = Juju::new(other.charm_dir().with_file_name("jujuc"));
    let outcome = juju.dispatch(Event::hook("install"));
    assert_eq!(outcome.stderr, "ERROR bad request: unknown hook command: dispatch\n");
}

/// A charm that is this shell script.
fn of_script(script: &str) -> Juju {
    Juju::from_script(&format!("#!/bin/sh\n{script}\n"))
}

fn dispatch(script: &str, event: Event) -> Outcome {
    of_script(script).dispatch(event)
}

#[test]
fn a_charm_that_cannot_be_started_is_an_error_and_another_dispatch_is_possible() {
    let mut juju = of_script("exit 0");
    let dispatch = juju.charm_dir().join("dispatch");
    fs::write(&dispatch, "no program").unwrap();
    let error = juju.try_dispatch(Event::install()).unwrap_err();
    assert!(error.to_string().starts_with("cannot start the charm: "), "{error}");
    fs::write(&dispatch, "#!/bin/sh\nexit 0\n").unwrap();
    assert!(juju.dispatch(Event::install()).success());
}
