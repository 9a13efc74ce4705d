use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::arguments::{Arguments, FORMAT, RELATION, switch, value};
use super::call::{Call, pairs};
use super::output::render;
use super::relation_tools::relation;
use super::result::{Printed, ToolResult};
use super::state::{Leadership, LogLine, Status};

pub(super) fn is_leader(call: &mut Call<'_>) -> Printed {
    let args = Arguments::parse(call.args, &[FORMAT])?;
    args.at_most(0)?;
    let leader = call.state.agent_knows_leader("leadership status unknown")?;
    Ok(render(&json!(leader), args.format()))
}

pub(super) fn juju_log(call: &mut Call<'_>) -> Printed {
    let flags = [value(&["l", "log-level"]), switch(&["debug"]), FORMAT];
    let args = Arguments::parse(call.args, &flags)?;
    if args.positional.is_empty() {
        return Err(ToolResult::usage("no message specified"));
    }
    let asked = if args.is_set("debug") { "DEBUG" } else { args.value("l").unwrap_or("INFO") };
    let level = match asked.to_uppercase().as_str() {
        "WARN" | "WARNING" => "WARNING",
        "TRACE" => "TRACE",
        "DEBUG" => "DEBUG",
        "ERROR" => "ERROR",
        "CRITICAL" => "CRITICAL",
        _ => "INFO",
    };
    let text = args.positional.join(" ");
    let message = match &call.context.relation {
        Some((endpoint, id)) => format!("{endpoint}:{id}: {text}"),
        None => text,
    };
    call.state.log.push(LogLine { level: level.to_owned(), message });
    Ok(String::new())
}

pub(super) fn status_set(call: &mut Call<'_>) -> Printed {
    let args = Arguments::parse(call.args, &[switch(&["application"])])?;
    let Some(status) = args.positional.first() else {
        return Err(ToolResult::usage("invalid args, require <status> [message]"));
    };
    if !["maintenance", "blocked", "waiting", "active"].contains(&status.as_str()) {
        let expected = "expected one of [maintenance blocked waiting active]";
        return Err(ToolResult::usage(&format!("invalid status {status:?}, {expected}")));
    }
    args.at_most(2)?;
    let message = args.positional.get(1).cloned().unwrap_or_default();
    let new = Status { status: status.clone(), message };
    if !args.is_set("application") {
        call.state.status = new;
    } else if call.state.leadership == Leadership::Leader {
        call.state.application_status = new;
    } else {
        return Err(ToolResult::failed("setting application status: this unit is not the leader"));
    }
    Ok(String::new())
}

pub(super) fn status_get(call: &mut Call<'_>) -> Printed {
    let args = Arguments::parse(call.args, &[FORMAT, switch(&["application"]), switch(&["include-data"])])?;
    args.at_most(0)?;
    let include_data = args.is_set("include-data");
    let shown = |status: &Status| {
        if include_data {
            json!({"status": status.status, "message": status.message, "status-data": {}})
        } else {
            json!({"status": status.status})
        }
    };
    let bare = !include_data && args.format() == "smart";
    let unit = shown(&call.state.status);
    let answer = if args.is_set("application") {
        if call.state.leadership != Leadership::Leader {
            return Err(ToolResult::failed("finding application status: this unit is not the leader"));
        }
        if bare {
            return Ok(render(&json!(call.state.application_status.status), "smart"));
        }
        let mut application = shown(&call.state.application_status);
        application["units"] = json!({ call.state.unit.as_str(): unit });
        json!({ "application-status": application })
    } else if bare {
        json!(call.state.status.status)
    } else {
        unit
    };
    Ok(render(&answer, args.format()))
}

pub(super) fn config_get(call: &mut Call<'_>) -> Printed {
    let args = Arguments::parse(call.args, &[FORMAT, switch(&["a", "all"])])?;
    args.at_most(1)?;
    let answer = match args.positional.first().map(String::as_str) {
        Some(key) if !key.is_empty() => call.state.config.get(key).cloned().unwrap_or(Value::Null),
        _ => {
            let set = call.state.config.iter().filter(|(_, value)| args.is_set("a") || !value.is_null());
            Value::Object(set.map(|(key, value)| (key.clone(), value.clone())).collect())
        }
    };
    Ok(render(&answer, args.format()))
}

pub(super) fn application_version_set(call: &mut Call<'_>) -> Printed {
    let args = Arguments::parse(call.args, &[])?;
    let Some(version) = args.positional.first() else {
        return Err(ToolResult::usage("no version specified"));
    };
    args.at_most(1)?;
    call.state.workload_version = Some(version.clone());
    Ok(String::new())
}

pub(super) fn state_get(call: &mut Call<'_>) -> Printed {
    let args = Arguments::parse(call.args, &[FORMAT, switch(&["strict"])])?;
    args.at_most(1)?;
    let answer = match args.positional.first().map(String::as_str) {
        None | Some("-") if call.state.stored.is_empty() && call.state.version.is_4() => Value::Null,
        None | Some("-") => json!(call.state.stored),
        Some(key) => match call.state.stored.get(key) {
            Some(value) => json!(value),
            None if args.is_set("strict") => return Err(ToolResult::failed(&format!("{key:?} not found"))),
            None => json!(""),
        },
    };
    Ok(render(&answer, args.format()))
}

pub(super) fn state_set(call: &mut Call<'_>) -> Printed {
    let args = Arguments::parse(call.args, &[value(&["file"])])?;
    for (key, value) in pairs(args.value("file"), call.stdin, &args.positional)? {
        call.state.stored.insert(key, value);
    }
    Ok(String::new())
}

pub(super) fn state_delete(call: &mut Call<'_>) -> Printed {
    let args = Arguments::parse(call.args, &[])?;
    let Some(key) = args.positional.first() else {
        return Err(ToolResult::usage("no key specified"));
    };
    args.at_most(1)?;
    call.state.stored.remove(key);
    Ok(String::new())
}

pub(super) fn network_get(call: &mut Call<'_>) -> Printed {
    let names = ["bind-address", "ingress-address", "egress-subnets"];
    let flags = [
        FORMAT,
        RELATION,
        switch(&["bind-address"]),
        switch(&["ingress-address"]),
        switch(&["egress-subnets"]),
    ];
    let args = Arguments::parse(call.args, &flags)?;
    if args.positional.is_empty() {
        return Err(ToolResult::usage("no arguments specified"));
    }
    args.at_most(1)?;
    if args.value("r").is_some() {
        let (id, relation) = relation(call, &args)?;
        if relation.severed {
            return Err(ToolResult::failed(&call.state.version.network_of_severed_relation(id)));
        }
    }
    let asked: Vec<&str> = names.into_iter().filter(|name| args.is_set(name)).collect();
    let simple = |name: &str| if name == "egress-subnets" { json!("10.0.0.1/32") } else { json!("10.0.0.1") };
    let answer = match asked.as_slice() {
        [] => json!({
            "bind-addresses": [{
                "mac-address": "",
                "interface-name": "eth0",
                "addresses": [{"hostname": "", "value": "10.0.0.1", "cidr": "10.0.0.0/24"}],
            }],
            "egress-subnets": ["10.0.0.1/32"],
            "ingress-addresses": ["10.0.0.1"],
        }),
        [one] => simple(one),
        several => Value::Object(several.iter().map(|name| ((*name).to_owned(), simple(name))).collect()),
    };
    Ok(render(&answer, args.format()))
}

/// Prints the own unit, and the units of all relations, which count as joined.
pub(super) fn goal_state(call: &mut Call<'_>) -> Printed {
    let args = Arguments::parse(call.args, &[FORMAT])?;
    args.at_most(0)?;
    let since = |status: &str| json!({"status": status, "since": "2026-03-01 12:00:00Z"});
    let mut relations: BTreeMap<&str, BTreeMap<&str, Value>> = BTreeMap::new();
    for relation in call.state.relations.values() {
        let of_endpoint = relations.entry(&relation.endpoint).or_default();
        of_endpoint.insert(&relation.remote_app, since("joined"));
        of_endpoint.extend(relation.remote_units.keys().map(|unit| (unit.as_str(), since("active"))));
    }
    let own = since(&call.state.status.status);
    let answer = json!({"units": {call.state.unit.as_str(): own}, "relations": relations});
    Ok(render(&answer, args.value("format").unwrap_or("yaml")))
}

pub(super) fn resource_get(call: &mut Call<'_>) -> Printed {
    let args = Arguments::parse(call.args, &[])?;
    let Some(name) = args.positional.first() else {
        return Err(ToolResult::usage("missing required resource name"));
    };
    args.at_most(1)?;
    let path = call.state.resources.get(name).cloned();
    path.ok_or_else(|| {
        ToolResult::failed(&format!("could not download resource: resource {name:?} not found"))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::juju::testing::model::told_in as text;
    use crate::juju::testing::{HookContext, LogLine, Model};
    use crate::juju::{HookToolCall, HookToolErrorKind, HookTools};

    #[test]
    fn log_lines_carry_their_relation_in_its_hooks() {
        let juju = Model::new("app/0");
        let hook = HookContext::relation("tracing", 7, "tempo", None);
        assert_eq!(
            text(&juju, &HookContext::new(), &["juju-log", "-l", "warn", "--", "--two", "words"]),
            "0 "
        );
        assert_eq!(text(&juju, &hook, &["juju-log", "--log-level=odd", "text"]), "0 ");
        assert_eq!(text(&juju, &hook, &["juju-log"]), "2 ERROR no message specified\n");
        let expected = [("WARNING", "--two words"), ("INFO", "tracing:7: text")];
        let expected =
            expected.map(|(level, message)| LogLine { level: level.into(), message: message.into() });
        assert_eq!(juju.log(), expected);
    }

    #[test]
    fn status_is_the_units_and_application_status_the_leaders() {
        let juju = Model::new("app/0");
        let hook = HookContext::new();
        let set = ["status-set", "--application=False", "active", "--", "ready now"];
        assert_eq!(text(&juju, &hook, &set), "0 ");
        assert_eq!((juju.status().status, juju.status().message), ("active".into(), "ready now".into()));
        assert!(text(&juju, &hook, &["status-set", "--application", "active"]).starts_with("1 "));
        assert!(
            text(&juju, &hook, &["status-set", "idle"])
                .starts_with("2 ERROR invalid status \"idle\", expected one of")
        );
        juju.set_leader(true);
        assert_eq!(text(&juju, &hook, &["status-set", "--application", "blocked", "why"]), "0 ");
        assert_eq!(juju.application_status().message, "why");
        assert_eq!(text(&juju, &hook, &["status-get"]), "0 active\n");
        assert_eq!(text(&juju, &hook, &["status-get", "--format=json"]), "0 {\"status\":\"active\"}\n");
        assert_eq!(text(&juju, &hook, &["status-get", "--application"]), "0 blocked\n");
        let shown = text(&juju, &hook, &["status-get", "--include-data", "--format=json"]);
        assert_eq!(shown, "0 {\"message\":\"ready now\",\"status\":\"active\",\"status-data\":{}}\n");
    }

    #[test]
    fn config_has_json_types_and_unknown_keys_are_null() {
        let juju = Model::new("app/0");
        juju.set_config("port", json!(80));
        juju.set_config("debug", json!(null));
        let hook = HookContext::new();
        assert_eq!(text(&juju, &hook, &["config-get", "--format=json"]), "0 {\"port\":80}\n");
        assert_eq!(
            text(&juju, &hook, &["config-get", "-a", "--format=json"]),
            "0 {\"debug\":null,\"port\":80}\n"
        );
        assert_eq!(text(&juju, &hook, &["config-get", "--format=json", "nothing"]), "0 null\n");
    }

    #[test]
    fn the_goal_state_is_what_the_model_has() {
        let juju = Model::new("app/0");
        let _ = juju.add_relation("db", "mysql", &["mysql/0"]);
        let since = |status: &str| json!({"status": status, "since": "2026-03-01 12:00:00Z"});
        let expected = json!({
            "units": {"app/0": since("unknown")},
            "relations": {"db": {"mysql": since("joined"), "mysql/0": since("active")}},
        });
        let hook = HookContext::new();
        assert_eq!(text(&juju, &hook, &["goal-state", "--format=json"]), format!("0 {expected}\n"));
        assert_eq!(text(&juju, &hook, &["goal-state", "x"]), "2 ERROR unrecognized args: [\"x\"]\n");
    }

    #[test]
    fn a_resource_has_the_path_it_was_given() {
        let juju = Model::new("app/0");
        juju.set_resource("image", "/image.tar");
        let hook = HookContext::new();
        assert_eq!(text(&juju, &hook, &["resource-get", "image"]), "0 /image.tar");
        assert_eq!(text(&juju, &hook, &["resource-get"]), "2 ERROR missing required resource name\n");
        assert_eq!(
            text(&juju, &hook, &["resource-get", "none"]),
            "1 ERROR could not download resource: resource \"none\" not found\n"
        );
    }

    #[test]
    fn unit_state_is_dropped_with_a_failed_hook() {
        let juju = Model::new("app/0");
        let hook = HookContext::new();
        juju.begin_hook(hook.clone());
        assert_eq!(text(&juju, &hook, &["state-set", "a=1"]), "0 ");
        assert_eq!(text(&juju, &hook, &["state-get", "a"]), "0 1\n");
        juju.abort_hook();
        assert_eq!(text(&juju, &hook, &["state-get", "--format=json", "-"]), "0 {}\n");
        assert!(text(&juju, &hook, &["state-get", "--strict", "a"]).starts_with("1 "));
    }

    #[test]
    fn restricted_contexts_refuse_all_but_the_log() {
        let juju = Model::new("app/0");
        juju.begin_hook(HookContext::restricted());
        let error = juju.run(&HookToolCall::new("is-leader")).expect_err("refused");
        assert_eq!(error.kind(), HookToolErrorKind::RestrictedContext);
        juju.run(&HookToolCall::new("juju-log").arg("still here")).expect("allowed");
    }

    #[test]
    fn planned_failures_strike_once_or_always() {
        let juju = Model::new("app/0");
        juju.fail_next("is-leader", 1, "ERROR leadership status unknown: x\n");
        assert!(juju.run(&HookToolCall::new("is-leader")).is_err());
        assert!(juju.run(&HookToolCall::new("is-leader")).is_ok());
        juju.fail_every("is-leader", 2, "ERROR no\n");
        for _ in 0..3 {
            assert!(juju.run(&HookToolCall::new("is-leader")).is_err());
        }
        juju.clear_faults();
        juju.answer_next("is-leader", "maybe");
        assert_eq!(
            juju.run(&HookToolCall::new("is-leader")).map(|output| output.stdout).ok(),
            Some(b"maybe".to_vec())
        );
        assert_eq!(juju.calls().len(), 6, "refused calls are calls too");
    }
}
