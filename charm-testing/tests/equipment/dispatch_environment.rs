//! A charm that is started finds the environment, the working directory, and nothing else.

use std::collections::BTreeMap;

use charm_testing::{Event, Juju, Outcome};

/// Prints the environment that the charm was started with, not the one its shell made of it.
const SHOW_ENVIRONMENT: &str = r"tr '\0' '\n' < /proc/$$/environ";

#[test]
fn builds_the_environment_from_nothing() {
    let mut juju = of_script(SHOW_ENVIRONMENT);
    let outcome = juju.dispatch(Event::hook("update-status"));
    let charm = juju.charm_dir().display().to_string();
    let unit = juju.charm_dir().parent().unwrap().display().to_string();

    let expected = format!(
        "\
APT_LISTCHANGES_FRONTEND=none
CHARM_DIR={charm}
CLOUD_API_VERSION=
DEBIAN_FRONTEND=noninteractive
JUJU_AGENT_SOCKET_ADDRESS=@{unit}/agent.socket
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
        let mut juju = of_script(SHOW_ENVIRONMENT).unit("db/3").model("m", "u").juju_version(version);
        variables(&juju.dispatch(Event::hook("install")))
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
    let mut juju = of_script(SHOW_ENVIRONMENT);
    let tempo = juju.relate("tracing", "tempo");
    tempo.add_remote_unit("tempo/1");
    let loki = juju.relate("logging", "loki");
    loki.remove_remote_unit("loki/0");
    let data = juju.add_storage("data");
    let secret = juju.add_secret(&[("key", "value")]);
    let own_secret = juju.add_own_secret("password", &[("key", "value")]);
    let mut check = |event, expected: &[&str]| assert_eq!(special(&mut juju, event), expected);
    let relation = |hook: &str, unit: &str| {
        let hook = format!("tracing-relation-{hook}");
        vec![
            format!("JUJU_DISPATCH_PATH=hooks/{hook}"),
            format!("JUJU_HOOK_NAME={hook}"),
            "JUJU_RELATION=tracing".to_owned(),
            format!("JUJU_RELATION_ID={tempo}"),
            "JUJU_REMOTE_APP=tempo".to_owned(),
            format!("JUJU_REMOTE_UNIT={unit}"),
        ]
    };
    let mut check_relation = |event: Event, expected: &[String]| {
        check(event, &expected.iter().map(String::as_str).collect::<Vec<_>>());
    };
    check_relation(Event::relation_created(&tempo), &relation("created", ""));
    check_relation(Event::relation_joined(&tempo), &relation("joined", "tempo/0"));
    let of_other_unit = Event::relation_changed(&tempo).by_unit("tempo/1");
    check_relation(of_other_unit, &relation("changed", "tempo/1"));
    let of_application = Event::relation_changed(&tempo).by_application();
    check_relation(of_application, &relation("changed", ""));
    let mut departed = relation("departed", "tempo/0");
    departed.insert(0, "JUJU_DEPARTING_UNIT=tempo/0".to_owned());
    check_relation(Event::relation_departed(&tempo), &departed);

    check(
        Event::relation_changed(&loki),
        &[
            "JUJU_DISPATCH_PATH=hooks/logging-relation-changed",
            "JUJU_HOOK_NAME=logging-relation-changed",
            "JUJU_RELATION=logging",
            &format!("JUJU_RELATION_ID={loki}"),
            "JUJU_REMOTE_APP=loki",
            "JUJU_REMOTE_UNIT=",
        ],
    );
    check(
        Event::storage_attached(&data),
        &[
            "JUJU_DISPATCH_PATH=hooks/data-storage-attached",
            "JUJU_HOOK_NAME=data-storage-attached",
            "JUJU_STORAGE_ID=data/0",
            "JUJU_STORAGE_KIND=filesystem",
            &format!("JUJU_STORAGE_LOCATION={}", data.location().display()),
        ],
    );
    check(
        Event::secret_changed(&secret),
        &[
            "JUJU_DISPATCH_PATH=hooks/secret-changed",
            "JUJU_HOOK_NAME=secret-changed",
            &format!("JUJU_SECRET_ID={}", secret.uri()),
            "JUJU_SECRET_LABEL=",
        ],
    );
    check(
        Event::secret_expired(&own_secret, 2),
        &[
            "JUJU_DISPATCH_PATH=hooks/secret-expired",
            "JUJU_HOOK_NAME=secret-expired",
            &format!("JUJU_SECRET_ID={}", own_secret.uri()),
            "JUJU_SECRET_LABEL=password",
            "JUJU_SECRET_REVISION=2",
        ],
    );
    check(
        Event::secret_rotate(&own_secret),
        &[
            "JUJU_DISPATCH_PATH=hooks/secret-rotate",
            "JUJU_HOOK_NAME=secret-rotate",
            &format!("JUJU_SECRET_ID={}", own_secret.uri()),
            "JUJU_SECRET_LABEL=password",
        ],
    );
}

#[test]
fn tells_of_workloads_and_of_the_life_of_the_unit() {
    let mut juju = of_script(SHOW_ENVIRONMENT);
    let mut check = |event, expected: &[&str]| assert_eq!(special(&mut juju, event), expected);
    check(
        Event::pebble_ready("web"),
        &[
            "JUJU_DISPATCH_PATH=hooks/web-pebble-ready",
            "JUJU_HOOK_NAME=web-pebble-ready",
            "JUJU_WORKLOAD_NAME=web",
        ],
    );
    check(
        Event::pebble_custom_notice("web", "12", "example.com/ready"),
        &[
            "JUJU_DISPATCH_PATH=hooks/web-pebble-custom-notice",
            "JUJU_HOOK_NAME=web-pebble-custom-notice",
            "JUJU_NOTICE_ID=12",
            "JUJU_NOTICE_KEY=example.com/ready",
            "JUJU_NOTICE_TYPE=custom",
            "JUJU_WORKLOAD_NAME=web",
        ],
    );
    for (event, hook) in [
        (Event::pebble_check_failed("web", "up"), "web-pebble-check-failed"),
        (Event::pebble_check_recovered("web", "up"), "web-pebble-check-recovered"),
    ] {
        check(
            event,
            &[
                &format!("JUJU_DISPATCH_PATH=hooks/{hook}"),
                &format!("JUJU_HOOK_NAME={hook}"),
                "JUJU_PEBBLE_CHECK_NAME=up",
                "JUJU_WORKLOAD_NAME=web",
            ],
        );
    }
    for (event, hook) in [
        (Event::pre_series_upgrade("ubuntu@24.04"), "pre-series-upgrade"),
        (Event::post_series_upgrade("ubuntu@24.04"), "post-series-upgrade"),
    ] {
        check(
            event,
            &[
                &format!("JUJU_DISPATCH_PATH=hooks/{hook}"),
                &format!("JUJU_HOOK_NAME={hook}"),
                "JUJU_TARGET_BASE=ubuntu@24.04",
            ],
        );
    }
    check(
        Event::meter_status_changed("RED", "not paid"),
        &[
            "JUJU_DISPATCH_PATH=hooks/meter-status-changed",
            "JUJU_HOOK_NAME=meter-status-changed",
            "JUJU_METER_INFO=not paid",
            "JUJU_METER_STATUS=RED",
        ],
    );
    for (event, hook) in [
        (Event::install(), "install"),
        (Event::stop(), "stop"),
        (Event::remove(), "remove"),
        (Event::config_changed(), "config-changed"),
        (Event::update_status(), "update-status"),
        (Event::upgrade_charm(), "upgrade-charm"),
        (Event::leader_elected(), "leader-elected"),
        (Event::leader_settings_changed(), "leader-settings-changed"),
        (Event::collect_metrics(), "collect-metrics"),
    ] {
        check(event, &[&format!("JUJU_DISPATCH_PATH=hooks/{hook}"), &format!("JUJU_HOOK_NAME={hook}")]);
    }
    check(
        Event::hook("install").env("TRACEPARENT", "00-x").env_remove("LANG").env("TERM", "dumb"),
        &["JUJU_DISPATCH_PATH=hooks/install", "JUJU_HOOK_NAME=install", "TERM=dumb", "TRACEPARENT=00-x"],
    );
}

#[test]
fn takes_variables_away() {
    let without = Event::hook("install").env_remove("JUJU_MODEL_NAME");
    let outcome = of_script(SHOW_ENVIRONMENT).dispatch(without);
    assert!(!variables(&outcome).contains_key("JUJU_MODEL_NAME"));
}

#[test]
fn starts_the_charm_in_its_directory_without_arguments_or_input() {
    let mut juju = of_script(r#"echo "$0 $#"; pwd -P; echo "input: $(cat)""#);
    let charm = juju.charm_dir().canonicalize().unwrap().display().to_string();
    let outcome = juju.dispatch(Event::hook("install"));
    let started_as = juju.charm_dir().join("dispatch").display().to_string();
    assert_eq!(outcome.stdout, format!("{started_as} 0\n{charm}\ninput: \n"));
}

/// A charm that is this shell script.
fn of_script(script: &str) -> Juju {
    Juju::from_script(&format!("#!/bin/sh\n{script}\n"))
}

/// The variables of an event that differ from those of a hook that is about nothing.
fn special(juju: &mut Juju, event: Event) -> Vec<String> {
    let plain = variables(&juju.dispatch(Event::start()));
    let differing = variables(&juju.dispatch(event))
        .into_iter()
        .filter(|(key, value)| plain.get(key) != Some(value) && key != "JUJU_CONTEXT_ID");
    differing.map(|(key, value)| format!("{key}={value}")).collect()
}

fn variables(outcome: &Outcome) -> BTreeMap<String, String> {
    let pairs = outcome.stdout.lines().map(|line| line.split_once('=').unwrap());
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}
