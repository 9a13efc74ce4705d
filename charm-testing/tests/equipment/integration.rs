//! Two related units of the simulated Juju: which hooks they get and what they can read in them.

use charm_testing::{Event, Integration, Juju, Outcome};

/// Says for each hook which units are listed, and what the application at the other end has published.
const LOOK: &str = r#"
    units=$(relation-list --format=json)
    data=$(relation-get --format=json -r "$JUJU_RELATION_ID" --app - "$JUJU_REMOTE_APP")
    echo "$JUJU_RELATION_ID about ${JUJU_REMOTE_UNIT:-$JUJU_REMOTE_APP}, lists $units, reads $data"
    "#;

#[test]
fn silent_charms_get_the_hooks_that_every_relation_has() {
    let (mut app, mut db) = (unit("app/0", LOOK), unit("db/0", LOOK));
    let mut relation = Integration::new((&mut app, "db"), (&mut db, "clients"));
    assert_eq!(
        hooks(&relation.run_hooks(&mut app, &mut db)),
        [
            "app/0 db-relation-created: db:1 about db, lists [], reads {}",
            "db/0 clients-relation-created: clients:1 about app, lists [], reads {}",
            r#"app/0 db-relation-joined: db:1 about db/0, lists ["db/0"], reads {}"#,
            r#"db/0 clients-relation-joined: clients:1 about app/0, lists ["app/0"], reads {}"#,
            r#"app/0 db-relation-changed: db:1 about db/0, lists ["db/0"], reads {}"#,
            r#"db/0 clients-relation-changed: clients:1 about app/0, lists ["app/0"], reads {}"#,
        ]
    );
    assert!(relation.run_hooks(&mut app, &mut db).is_empty());
    assert_eq!(
        hooks(&relation.remove(&mut app, &mut db)),
        [
            "app/0 db-relation-departed: db:1 about db/0, lists [], reads {}",
            "db/0 clients-relation-departed: clients:1 about app/0, lists [], reads {}",
            "app/0 db-relation-broken: db:1 about db, lists [], reads {}",
            "db/0 clients-relation-broken: clients:1 about app, lists [], reads {}",
        ]
    );
    assert!(relation.run_hooks(&mut app, &mut db).is_empty());
}

#[test]
fn what_one_application_publishes_is_read_by_the_other_and_told_once() {
    let ask = format!(r#"{LOOK} relation-set -r "$JUJU_RELATION_ID" --app want=${{WANT:-red}}"#);
    let answer = format!(
        r#"{LOOK} relation-set -r "$JUJU_RELATION_ID" --app got="$(relation-get --app want "$JUJU_REMOTE_APP")""#
    );
    let (mut app, mut db) = (unit("app/0", &ask), unit("db/0", &answer));
    let mut relation = Integration::new((&mut app, "db"), (&mut db, "clients"));
    assert_eq!(
        hooks(&relation.run_hooks(&mut app, &mut db)),
        [
            "app/0 db-relation-created: db:1 about db, lists [], reads {}",
            r#"db/0 clients-relation-created: clients:1 about app, lists [], reads {"want":"red"}"#,
            // The application's news come before its units.
            r#"app/0 db-relation-changed: db:1 about db, lists [], reads {"got":"red"}"#,
            r#"db/0 clients-relation-changed: clients:1 about app, lists [], reads {"want":"red"}"#,
            r#"app/0 db-relation-joined: db:1 about db/0, lists ["db/0"], reads {"got":"red"}"#,
            r#"db/0 clients-relation-joined: clients:1 about app/0, lists ["app/0"], reads {"want":"red"}"#,
            r#"app/0 db-relation-changed: db:1 about db/0, lists ["db/0"], reads {"got":"red"}"#,
            r#"db/0 clients-relation-changed: clients:1 about app/0, lists ["app/0"], reads {"want":"red"}"#,
        ]
    );

    let [of_app, _] = relation.relations();
    let elsewhere = Event::hook("config-changed")
        .env("JUJU_RELATION_ID", &of_app.to_string())
        .env("JUJU_REMOTE_APP", "db")
        .env("WANT", "blue");
    app.dispatch(elsewhere);
    // The next hook of the application takes it back.
    assert_eq!(
        hooks(&relation.run_hooks(&mut app, &mut db)),
        [
            r#"db/0 clients-relation-changed: clients:1 about app, lists ["app/0"], reads {"want":"blue"}"#,
            r#"app/0 db-relation-changed: db:1 about db, lists ["db/0"], reads {"got":"blue"}"#,
            r#"db/0 clients-relation-changed: clients:1 about app, lists ["app/0"], reads {"want":"red"}"#,
            r#"app/0 db-relation-changed: db:1 about db, lists ["db/0"], reads {"got":"red"}"#,
        ]
    );
}

#[test]
fn a_unit_is_told_what_the_other_unit_has_published_and_taken_back() {
    let look = r#"[ -z "$JUJU_REMOTE_UNIT" ] || relation-get colour "$JUJU_REMOTE_UNIT""#;
    let (mut app, mut db) = (unit("app/0", look), unit("db/0", r#"relation-set -r 1 colour="$COLOUR""#));
    let mut relation = Integration::new((&mut app, "db"), (&mut db, "clients"));
    relation.run_hooks(&mut app, &mut db);
    for (colour, printed) in [("red", "red\n"), ("", "")] {
        db.dispatch(Event::hook("update-status").env("COLOUR", colour));
        let told = relation.run_hooks(&mut app, &mut db);
        assert_eq!(hooks(&told), [format!("app/0 db-relation-changed: {}", printed.trim_end())]);
        assert_eq!(told[0].stdout, printed);
    }
}

#[test]
fn a_hook_that_fails_publishes_nothing_and_is_run_again() {
    let ask = r#"relation-set -r "$JUJU_RELATION_ID" --app want=red; test -e mended"#;
    let (mut app, mut db) = (unit("app/0", ask), unit("db/0", LOOK));
    let mut relation = Integration::new((&mut app, "db"), (&mut db, "clients"));
    assert_eq!(hooks(&relation.run_hooks(&mut app, &mut db)), ["app/0 db-relation-created: "]);
    let created = "db/0 clients-relation-created: clients:1 about app, lists [], reads {}";
    assert_eq!(
        hooks(&relation.run_hooks(&mut app, &mut db)),
        [created, "app/0 db-relation-created: "],
        "a unit does not wait for the other one"
    );
    std::fs::write(app.charm_dir().join("mended"), "").unwrap();
    let hooks = hooks(&relation.run_hooks(&mut app, &mut db));
    assert!(hooks.contains(&"app/0 db-relation-created: ".to_owned()), "{hooks:#?}");
    let told = r#"db/0 clients-relation-changed: clients:1 about app, lists ["app/0"], reads {"want":"red"}"#;
    assert!(hooks.contains(&told.to_owned()), "{hooks:#?}");
}

#[test]
fn a_relation_that_nobody_was_told_of_ends_without_a_word() {
    let (mut app, mut db) = (unit("app/0", LOOK), unit("db/0", LOOK));
    let mut relation = Integration::new((&mut app, "db"), (&mut db, "clients"));
    let created = relation.run_next_hook(&mut app, &mut db).unwrap();
    assert_eq!((created.unit.as_str(), created.event.as_str()), ("app/0", "db-relation-created"));
    assert_eq!(
        hooks(&relation.remove(&mut app, &mut db)),
        ["app/0 db-relation-broken: db:1 about db, lists [], reads {}"]
    );
}

#[test]
fn a_unit_can_have_several_relations() {
    let (mut app, mut db, mut other) = (unit("app/0", LOOK), unit("db/0", LOOK), unit("other/0", LOOK));
    let mut first = Integration::new((&mut app, "db"), (&mut db, "clients"));
    let mut second = Integration::new((&mut other, "db"), (&mut db, "clients"));
    let ids = |relation: &Integration| relation.relations().map(|relation| relation.id());
    assert_eq!((ids(&first), ids(&second)), ([1, 1], [1, 2]));
    assert_eq!(first.run_hooks(&mut app, &mut db).len(), 6);
    assert_eq!(second.run_hooks(&mut other, &mut db).len(), 6);
    assert!(first.run_hooks(&mut app, &mut db).is_empty());
}

#[test]
#[should_panic(expected = "the charms answer each other for ever")]
fn charms_that_never_agree_are_stopped() {
    let more = r#"relation-set -r "$JUJU_RELATION_ID" --app "count=$(relation-get --app count "$JUJU_REMOTE_APP")x""#;
    let (mut app, mut db) = (unit("app/0", more), unit("db/0", more));
    Integration::new((&mut app, "db"), (&mut db, "clients")).run_hooks(&mut app, &mut db);
}

#[test]
#[should_panic(expected = "not a unit of this relation")]
fn units_of_another_relation_are_refused() {
    let (mut app, mut db) = (unit("app/0", LOOK), unit("db/0", LOOK));
    Integration::new((&mut app, "db"), (&mut db, "clients")).run_hooks(&mut db, &mut app);
}

/// A leader whose charm is this shell script.
fn unit(name: &str, script: &str) -> Juju {
    let mut juju = Juju::from_script(&format!("#!/bin/sh\n{script}\n")).unit(name);
    juju.set_leader(true);
    juju
}

/// Returns a line for each hook: its unit, its name, and its output.
fn hooks(outcomes: &[Outcome]) -> Vec<String> {
    let hook = |outcome: &Outcome| {
        assert_eq!(outcome.stderr, "", "{outcome}");
        format!("{} {}: {}", outcome.unit, outcome.event, outcome.stdout.trim_end())
    };
    outcomes.iter().map(hook).collect()
}
