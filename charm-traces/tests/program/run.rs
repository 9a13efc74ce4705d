use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::fixture::{CharmDir, Ran, config_changed, request, run, run_with};

const CHARMCRAFT: &str = "\
name: db
requires:
  tracing: {interface: tracing}
  my_db: {interface: db}
  my-db: {interface: db}
containers: {web: {}}
storage: {data: {type: filesystem}}
config: {options: {port: {type: int, default: 80}}}
actions:
  back-up: {params: {path: {type: string}, count: {type: integer}}}
  backup: {params: {path: {type: string}}, additionalProperties: false}
  restore: {additionalProperties: true}
  take-action: {}
";

/// A charm as a script, with its files.
struct Charm {
    directory: CharmDir,
    binary: PathBuf,
}

impl Charm {
    fn new(script: &str) -> Self {
        let directory = CharmDir::new();
        let binary = directory.write("my-charm", format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(&binary, PermissionsExt::from_mode(0o755)).expect("a program");
        directory.write("charmcraft.yaml", CHARMCRAFT);
        Self { directory, binary }
    }

    fn run(&self, event: &str, arguments: &[&str]) -> Ran {
        let charm = self.directory.path().to_str().expect("a text");
        let charm: &[&str] = if arguments.contains(&"--charm") { &[] } else { &["--charm", charm] };
        let binary = self.binary.to_str().expect("a text");
        run([&["run", binary, event], charm, arguments].concat())
    }
}

#[test]
fn what_juju_saw_of_a_dispatch_is_printed_with_its_trace() {
    let charm = Charm::new(
        "status-set active \"leader: $(is-leader), port: $(config-get port)\"
         open-port 80
         application-version-set 1.2
         juju-log -l WARNING careful
         echo out; echo err >&2
         mkdir .charm_tracing_buffer && cp \"$TRACE\" .charm_tracing_buffer/a.otlp",
    );
    let trace = charm.directory.write("trace", request(&config_changed()));
    let variable = format!("TRACE={}", trace.display());
    let ran = charm.run("config-changed", &["--leader", "--config", "port=8080", "--env", &variable]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
    let (head, rest) = ran.out.split_once('\n').expect("lines");
    assert!(head.starts_with("db/0: config-changed  exit code 0 after "), "{head}");
    let expected = "  unit status         active: leader: True, port: 8080
  workload version    1.2
  opened ports        80/tcp
  WARNING careful
  stdout  out
  stderr  err

trace 11111111111111111111111111111111
app/0: config-changed event ";
    assert!(rest.starts_with(expected), "{rest}");
}

#[test]
fn a_relation_has_the_databags_of_its_file() {
    let charm = Charm::new(
        "test \"$JUJU_REMOTE_APP\" = tempo || exit 3
         relation-set --app \"answer=$(relation-get --app url tempo)\"
         relation-set \"unit=$(relation-get address tempo/1)\"",
    );
    let file = charm.directory.write(
        "tempo.json",
        r#"{"remote_app_name": "tempo", "remote_app_data": {"url": "http://t"},
            "remote_units_data": {"tempo/1": {"address": "10.0.0.9"}}}"#,
    );
    let relation = format!("tracing={}", file.display());
    let ran = charm.run("tracing-relation-changed", &["--leader", "--relation", &relation]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
    for line in [" application databag  answer = http://t\n", " unit databag  unit = 10.0.0.9\n"] {
        assert!(ran.out.contains(line), "{}", ran.out);
    }
    assert!(ran.out.ends_with("\nNo trace waits: it was sent, or nothing was recorded.\n"), "{}", ran.out);
}

#[test]
fn a_relation_has_the_units_of_its_file_and_an_endpoint_may_have_an_underscore() {
    let charm = Charm::new("echo $JUJU_REMOTE_UNIT; relation-list --format=json");
    let file = charm.directory.write("db.json", r#"{"remote_units_data": {"3": {"address": "10.0.0.9"}}}"#);
    for (endpoint, event) in [
        ("my_db", "my_db_relation_changed"),
        ("my_db", "my_db-relation-changed"),
        ("my-db", "my-db-relation-changed"),
    ] {
        let ran = charm.run(event, &["--relation", &format!("{endpoint}={}", file.display())]);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
        let lines = format!("  stdout  {endpoint}/3\n  stdout  [\"{endpoint}/3\"]\n");
        assert!(ran.out.contains(&lines), "{}", ran.out);
    }
}

#[test]
fn a_relation_has_the_spelling_of_its_endpoint() {
    let charm = Charm::new("echo $JUJU_RELATION; relation-ids db_x");
    charm.directory.write("charmcraft.yaml", "{name: db, requires: {db_x: {interface: db}}}");
    let ran = charm.run("db-x-relation-created", &["--relation", "db-x"]);
    assert!(ran.out.contains("  stdout  db_x\n  stdout  db_x:1\n"), "{}{}", ran.out, ran.err);
}

#[test]
fn an_action_has_parameters_and_results() {
    let charm =
        Charm::new("action-set \"saved=$(action-get path)\"; action-log working; action-fail 'disk full'");
    for event in ["backup-action", "actions/backup"] {
        let ran = charm.run(event, &["--action-param", "path=/srv"]);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
        let lines = "  action log          working\n  action result       saved = /srv\n  action failed       disk full\n";
        assert!(ran.out.contains(lines), "{}", ran.out);
    }
}

#[test]
fn a_parameter_that_is_declared_as_a_string_is_the_text_and_others_are_yaml() {
    let charm = Charm::new("action-get --format=json");
    for event in ["back-up-action", "back_up_action", "hooks/back_up-action", "actions/back-up"] {
        let ran = charm.run(event, &["--action-param", "path=5", "--action-param", "count=5"]);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
        assert!(ran.out.contains("  stdout  {\"count\":5,\"path\":\"5\"}\n"), "{}", ran.out);
    }
}

#[test]
fn dots_in_the_name_of_a_parameter_lead_into_objects() {
    let charm = Charm::new("action-get --format=json");
    charm
        .directory
        .write("charmcraft.yaml", "{name: db, actions: {tune: {params: {a: {type: object}, c: {}}}}}");
    let play = |parameters: &[&str]| {
        let parameters = parameters.iter().flat_map(|parameter| ["--action-param", parameter]);
        charm.run("tune-action", &["--juju-version", "4.0"].into_iter().chain(parameters).collect::<Vec<_>>())
    };
    let ran = play(&["a={x: 1}", "a.b=5", "a.y.z=[t]", "c=1", "c.d=2"]);
    let expected = r#"{"a":{"b":5,"x":1,"y":{"z":["t"]}},"c":{"d":2}}"#;
    assert!(ran.out.contains(&format!("  stdout  {expected}\n")), "{}{}", ran.out, ran.err);
    let ran = play(&["b.a=5"]);
    assert_eq!(ran.err, "charm-traces: the action tune has no parameter b; it declares a, c\n");
    let ran = play(&["a.b=.inf"]);
    assert_eq!(ran.err, "charm-traces: the value of a.b cannot be written as JSON: .inf\n");
}

#[test]
fn a_parameter_that_is_not_declared_is_refused_where_juju_does() {
    let charm = Charm::new("exit 0");
    let play = |action: &str, version: &str| {
        let ran = charm.run(action, &["--action-param", "paht=/", "--juju-version", version]);
        (ran.code, ran.err)
    };
    let unknown = "charm-traces: the action back-up has no parameter paht; it declares count, path";
    assert_eq!(play("back-up-action", "3.6"), (Some(0), format!("{unknown}; Juju 4 refuses it\n")));
    assert_eq!(play("back-up-action", "4.0"), (Some(1), format!("{unknown}\n")));
    let unknown = "charm-traces: the action backup has no parameter paht; it declares path\n";
    assert_eq!(play("backup-action", "2.9"), (Some(1), unknown.to_owned()));
    assert_eq!(play("restore-action", "4.0"), (Some(0), String::new()));
}

#[test]
fn an_event_that_the_charm_cannot_get_is_refused() {
    let charm = Charm::new("exit 0");
    for (event, reason) in [
        (
            "bakcup-action",
            "the charm has no action bakcup; it declares back-up, backup, restore, take-action",
        ),
        ("take-action-action", "take-action cannot be played, because its own name ends in -action"),
        ("backup", "backup is no hook; the event of the action backup is backup-action"),
        ("back_up", "back_up is no hook; the event of the action back-up is back-up-action"),
        (
            "config-change",
            "config-change is no event of Juju; that of an action ends in -action, and that of an endpoint is like db-relation-changed",
        ),
        (
            "trace-relation-changed",
            "the charm has no endpoint trace; it declares juju-info, tracing, my_db, my-db",
        ),
        ("web-storage-attached", "the charm has no storage web; it declares data"),
        ("data-pebble-ready", "the charm has no container data; it declares web"),
    ] {
        let ran = charm.run(event, &[]);
        let complaint = format!("charm-traces: {reason}\n");
        assert_eq!((ran.code, ran.out, ran.err), (Some(1), String::new(), complaint));
    }
    for event in ["web-pebble-ready", "data-storage-attached", "update_status", "hooks/collect-metrics"] {
        let ran = charm.run(event, &[]);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{event}");
    }

    let ran = charm.run("collect-metrics", &["--juju-version", "4.0"]);
    assert_eq!(ran.err, "charm-traces: collect-metrics is no event of Juju 4\n");
    let ran = charm.run("start", &["--action-param", "path=/srv"]);
    assert_eq!(ran.err, "charm-traces: start is no action, so it has no parameters\n");

    let old = CharmDir::new();
    old.write("metadata.yaml", "name: old\n");
    old.write("actions.yaml", "backup: {description: Saves.}\n");
    let charm_dir = old.path().to_str().expect("a text");
    assert_eq!(charm.run("backup-action", &["--charm", charm_dir]).code, Some(0));
    let ran = charm.run("web-pebble-ready", &["--charm", charm_dir]);
    assert_eq!(ran.err, "charm-traces: the charm has no container web; it declares none\n");
    old.write("actions.yaml", "{");
    let ran = charm.run("backup-action", &["--charm", charm_dir]);
    assert!(ran.err.starts_with("charm-traces: actions.yaml is no YAML: "), "{}", ran.err);
}

#[test]
fn charmcraft_yaml_and_metadata_yaml_both_count() {
    let charm = Charm::new("exit 0");
    charm.directory.write("charmcraft.yaml", "type: charm\nactions: {backup: {}}\n");
    charm.directory.write("metadata.yaml", "name: old\nrequires: {tracing: {interface: tracing}}\n");
    for event in ["tracing-relation-changed", "backup-action"] {
        let ran = charm.run(event, &["--relation", "tracing"]);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
        assert!(ran.out.starts_with("old/0: "), "{}", ran.out);
    }
}

#[test]
fn only_the_files_of_the_charms_directory_count() {
    let charm = Charm::new("ls *.yaml; config-get --format=json");
    for name in ["config.yaml", "actions.yaml"] {
        charm.directory.write(name, "{backup: {}, options: {port: {type: int, default: 80}}}");
    }
    let old = CharmDir::new();
    old.write("metadata.yaml", "name: old\n");
    let [package, directory] = [&charm.directory, &old].map(|one| one.path().to_str().expect("a text"));
    let binary = charm.binary.to_str().expect("a text");
    let play = |event| run_with("CARGO_MANIFEST_DIR", package, ["run", binary, event, "--charm", directory]);
    let ran = play("install");
    assert!(ran.out.contains("\n  stdout  metadata.yaml\n  stdout  {}\n"), "{}", ran.out);
    let ran = play("backup-action");
    assert_eq!(ran.err, "charm-traces: the charm has no action backup; it declares none\n");
}

#[test]
fn merge_keys_of_the_files_count() {
    let charm = Charm::new("test -z \"$JUJU_ACTION_NAME\" || action-get --format=json");
    charm.directory.write(
        "charmcraft.yaml",
        "name: db
x: &shared {db: {interface: db}, other: {interface: other}}
y: &stored {storage: {data: {type: filesystem}}}
<<: [*stored]
requires: {<<: *shared, other: {interface: own}}
actions: {backup: &backup {params: {path: {type: string}}}, restore: {<<: *backup, additionalProperties: false}}
",
    );
    for (event, arguments) in
        [("db-relation-changed", &["--relation", "db"][..]), ("data-storage-attached", &[])]
    {
        let ran = charm.run(event, arguments);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
    }
    let ran = charm.run("trace-relation-changed", &[]);
    assert_eq!(ran.err, "charm-traces: the charm has no endpoint trace; it declares juju-info, other, db\n");
    let ran = charm.run("restore-action", &["--action-param", "path=5"]);
    assert!(ran.out.contains("  stdout  {\"path\":\"5\"}\n"), "{}{}", ran.out, ran.err);
}

#[test]
fn a_charm_that_fails_ends_it_with_1() {
    let charm = Charm::new("exit 3");
    let ran = charm.run("install", &[]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.out.starts_with("db/0: install  exit code 3 after "), "{}", ran.out);
}

#[test]
fn what_cannot_be_played_is_said() {
    let charm = Charm::new("exit 0");
    for (event, arguments, reason) in [
        ("tracing-relation-changed", &[][..], "needs a relation: --relation tracing"),
        ("secret-changed", &[], "secret-changed cannot be played"),
        ("install", &["--relation", "tracing=/no/such/file"], "cannot read /no/such/file"),
        ("install", &["--relation", "tracing=charmcraft.yaml"], "cannot read charmcraft.yaml"),
        (
            "install",
            &["--relation", "trace"],
            "the charm has no endpoint trace; it declares juju-info, tracing, my_db, my-db",
        ),
        ("install", &["--config", "port=http"], "http is no int, which the option port is"),
        ("install", &["--config", "ports=80"], "the charm has no option ports"),
        ("install", &["--charm", "/no/such/place"], "/no/such/place is no directory"),
        ("install", &["--charm", "/"], "/ has no charmcraft.yaml and no metadata.yaml"),
    ] {
        let ran = charm.run(event, arguments);
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{event}");
        assert!(ran.err.contains(reason), "{}", ran.err);
    }
    for program in ["/no/such/charm", "/tmp", "Cargo.toml"] {
        let ran = run(["run", program, "install"]);
        assert_eq!((ran.code, ran.err.lines().count()), (Some(1), 1), "{}", ran.err);
    }
    fs::write(&charm.binary, "no program").expect("a file");
    let ran = charm.run("install", &[]);
    assert_eq!((ran.code, ran.err.lines().count()), (Some(1), 1), "{}", ran.err);
    assert!(ran.err.starts_with("charm-traces: cannot start the charm: "), "{}", ran.err);
    for arguments in [["--unit", "db"], ["--juju-version", "2.8"], ["--config", "port"]] {
        assert_eq!(charm.run("install", &arguments).code, Some(2), "{arguments:?}");
    }
}
