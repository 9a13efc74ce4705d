//! A test changes what Juju knows of the unit, and reads what the charm has told Juju.

use std::fs;

use charm_testing::{Event, Juju, Outcome};

#[test]
fn the_charms_own_files_name_the_application_and_give_the_configuration_its_defaults() {
    let print = "#!/bin/sh\necho $JUJU_UNIT_NAME; config-get --format=json\n";
    let charmcraft =
        "{name: my-charm, config: {options: {port: {type: int, default: 80}, host: {type: string}}}}";
    let printed = |mut juju: Juju| juju.dispatch(Event::install()).stdout;
    assert_eq!(printed(Juju::from_script(print)), "app/0\n{}\n");
    assert_eq!(printed(Juju::from_script(print).charmcraft(charmcraft)), "my-charm/0\n{\"port\":80}\n");
    let named = Juju::from_script(print).unit("other/3").charmcraft(charmcraft);
    assert_eq!(printed(named), "other/3\n{\"port\":80}\n");
    let older =
        Juju::from_script(print).metadata("name: old").file("config.yaml", "options: {a: {default: b}}");
    assert_eq!(printed(older), "old/0\n{\"a\":\"b\"}\n");
    let packages = || Juju::from_script(print).charmcraft(charmcraft).file("actions.yaml", "backup: {}");
    for replace in [Juju::charmcraft, Juju::metadata] {
        let replaced = replace(packages(), "name: new");
        assert!(!replaced.charm_dir().join("actions.yaml").exists());
        assert_eq!(printed(replaced), "new/0\n{}\n");
    }
    let mut set = Juju::from_script(print).charmcraft(charmcraft);
    set.set_config("port", 8080);
    set.set_config("host", "here");
    assert_eq!(printed(set), "my-charm/0\n{\"host\":\"here\",\"port\":8080}\n");
}

#[test]
fn an_outcome_has_what_the_charm_told_juju() {
    let mut juju = juju(
        r"
        status-set blocked 'no database'
        status-set --application active
        application-version-set 1.2.3
        open-port 80; open-port 8000-8010/udp
        ",
    );
    juju.set_leader(true);
    let outcome = succeed(&mut juju, Event::start());
    assert_eq!(outcome.unit_status.to_string(), "blocked: no database");
    assert_eq!(outcome.application_status.to_string(), "active");
    assert_eq!(outcome.workload_version.as_deref(), Some("1.2.3"));
    assert_eq!(outcome.opened_ports, ["80/tcp", "8000-8010/udp"]);
    assert!(outcome.to_string().contains("status: blocked: no database\n"), "{outcome}");
}

#[test]
fn all_databags_of_a_relation_can_be_read_and_written() {
    let mut juju = juju(
        r#"
        relation-get --format=json -r "$ID" --app - tempo
        relation-get --format=json -r "$ID" colour tempo/1
        relation-get --format=json -r "$ID" --app - app
        relation-get --format=json -r "$ID" own app/0
        relation-list --format=json -r "$ID"
        relation-set -r "$ID" own=unit; relation-set -r "$ID" --app own=app
        "#,
    );
    juju.set_leader(true);
    let tempo = juju.relate("tracing", "tempo");
    assert_eq!((tempo.to_string().as_str(), tempo.remote_app()), ("tracing:1", "tempo"));
    tempo.set_remote_app_data("a", "b");
    tempo.set_remote_unit_data("tempo/1", "colour", "blue");
    tempo.add_remote_unit("tempo/2");
    tempo.remove_remote_unit("tempo/0");
    tempo.set_local_app_data("c", "d");
    tempo.set_local_unit_data("own", "old");
    assert_eq!(
        (tempo.remote_app_data()["a"].as_str(), tempo.remote_unit_data("tempo/1")["colour"].as_str()),
        ("b", "blue")
    );
    let outcome = succeed(&mut juju, Event::start().env("ID", &tempo.to_string()));
    assert_eq!(
        outcome.stdout,
        "{\"a\":\"b\"}\n\"blue\"\n{\"c\":\"d\"}\n\"old\"\n[\"tempo/1\",\"tempo/2\"]\n"
    );
    assert_eq!(
        (tempo.local_unit_data()["own"].as_str(), tempo.local_app_data()["own"].as_str()),
        ("unit", "app")
    );
}

#[test]
fn a_peer_relation_has_no_other_units_at_first() {
    let mut juju = juju("relation-list --format=json; relation-list --format=json --app");
    let peers = juju.relate("peers", "app");
    assert_eq!(succeed(&mut juju, Event::relation_created(&peers)).stdout, "[]\n\"app\"\n");
    peers.add_remote_unit("app/1");
    assert_eq!(succeed(&mut juju, Event::relation_joined(&peers)).stdout, "[\"app/1\"]\n\"app\"\n");
}

#[test]
#[should_panic(expected = "the relation tracing:1 of tracing-relation-changed is gone")]
fn an_event_of_a_relation_that_is_gone_is_a_mistake_of_the_test() {
    let mut juju = juju("true");
    let tempo = juju.relate("tracing", "tempo");
    tempo.remove();
    juju.dispatch(Event::relation_changed(&tempo));
}

#[test]
fn secrets_have_revisions_and_are_granted_and_revoked() {
    let mut juju = juju(
        r#"secret-get "$ID" --format=json 2>&1; secret-get "$ID" --refresh --label db --format=json 2>&1; echo "$JUJU_SECRET_LABEL""#,
    );
    let secret = juju.add_secret(&[("key", "one")]);
    let changed =
        |juju: &mut Juju| succeed(juju, Event::secret_changed(&secret).env("ID", secret.uri())).stdout;
    assert_eq!(changed(&mut juju), "{\"key\":\"one\"}\n{\"key\":\"one\"}\n\n");
    secret.add_revision(&[("key", "two")]);
    assert_eq!(changed(&mut juju), "{\"key\":\"one\"}\n{\"key\":\"two\"}\ndb\n", "it has its label now");
    secret.revoke();
    assert_eq!(changed(&mut juju), "ERROR permission denied\nERROR permission denied\ndb\n");
    secret.grant();
    assert_eq!(changed(&mut juju), "{\"key\":\"two\"}\n{\"key\":\"two\"}\ndb\n");
    secret.remove();
    assert!(changed(&mut juju).contains(" not found\n"));
}

#[test]
fn secrets_of_the_charm_are_seen_with_their_content_and_grants() {
    let mut juju = juju(
        r#"uri=$(secret-add --label db key=one); secret-grant "$uri" -r "$JUJU_RELATION_ID"; secret-set "$uri" key=two; exit "$CODE""#,
    );
    juju.set_leader(true);
    let [db, other] = ["db", "other"].map(|name| juju.relate(name, "web"));
    let failed = juju.dispatch(Event::relation_changed(&db).env("CODE", "1"));
    assert_eq!(failed.code(), Some(1), "{failed}");
    assert!(juju.own_secrets().is_empty(), "the hook has failed");

    succeed(&mut juju, Event::relation_changed(&db).env("CODE", "0"));
    let [secret] = &juju.own_secrets()[..] else { panic!("one secret") };
    assert_eq!((secret.label().as_deref(), secret.content()["key"].as_str()), (Some("db"), "two"));
    assert!(secret.is_granted_over(&db) && !secret.is_granted_over(&other));
}

#[test]
fn storage_is_a_directory_that_hook_tools_know() {
    let mut juju =
        juju(r#"echo x > "$JUJU_STORAGE_LOCATION/file"; storage-get location; storage-list --format=json"#);
    let data = juju.add_storage("data");
    let more = juju.add_storage("data");
    let outcome = succeed(&mut juju, Event::storage_attached(&more));
    assert_eq!(outcome.stdout, format!("{}\n[\"data/0\",\"data/1\"]\n", more.location().display()));
    assert_eq!((data.id(), more.id(), more.name()), ("data/0", "data/1", "data"));
    assert_eq!(fs::read_to_string(more.location().join("file")).unwrap(), "x\n");
    assert_eq!(fs::read_dir(data.location()).unwrap().count(), 0);
}

#[test]
fn resources_have_a_file() {
    let mut juju = juju("resource-get image");
    juju.set_resource("image", "/srv/image.tar");
    assert_eq!(succeed(&mut juju, Event::install()).stdout, "/srv/image.tar");
}

#[test]
fn hook_tools_are_jujus_own_unless_they_shadow_them() {
    let whose = "#!/bin/sh\nreadlink \"$(command -v is-leader)\" | sed 's/.*[/]//'; is-leader\n";
    let mut jujus_own = Juju::from_script(whose);
    assert_eq!(succeed(&mut jujus_own, Event::install()).stdout, "jujuc\nFalse\n");
    let mut others = Juju::from_script(whose).over_processes();
    assert_eq!(succeed(&mut others, Event::install()).stdout, "shadowing-tool\nFalse\n");
}

#[test]
fn juju_2_has_no_secrets() {
    let which = "#!/bin/sh\ncommand -v secret-get > /dev/null && echo there || echo missing\n";
    let told = |version| succeed(&mut Juju::from_script(which).juju_version(version), Event::start()).stdout;
    assert_eq!(["2.9", "3.1", "4.1"].map(told), ["missing\n", "there\n", "there\n"]);
}

/// A charm that is this shell script.
fn juju(script: &str) -> Juju {
    Juju::from_script(&format!("#!/bin/sh\n{script}\n"))
}

#[track_caller]
fn succeed(juju: &mut Juju, event: Event) -> Outcome {
    let outcome = juju.dispatch(event);
    assert!(outcome.success(), "{outcome}");
    assert_eq!(outcome.stderr, "", "{outcome}");
    outcome
}
