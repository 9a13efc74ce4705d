use serde_json::{Value, json};

use super::arguments::{Arguments, FORMAT, RELATION, switch, value};
use super::call::{Call, pairs};
use super::output::{render, render_list};
use super::result::{Printed, ToolResult};
use super::state::{Databag, Leadership, Relation, application_of, write};
use super::version::{REFUSED, REFUSED_AS_A_WHOLE};

pub(super) fn ids(call: &mut Call<'_>) -> Printed {
    let args = Arguments::parse(call.args, &[FORMAT])?;
    args.at_most(1)?;
    let current = call.context.relation.as_ref().map(|(endpoint, _)| endpoint);
    let Some(endpoint) = args.positional.first().or(current) else {
        return Err(ToolResult::usage("no endpoint name specified"));
    };
    let relations = call.state.relations.iter().filter(|(_, relation)| relation.endpoint == *endpoint);
    let mut ids: Vec<String> = relations.map(|(id, _)| format!("{endpoint}:{id}")).collect();
    ids.sort();
    Ok(render_list(&ids, args.format()))
}

pub(super) fn list(call: &mut Call<'_>) -> Printed {
    let args = Arguments::parse(call.args, &[FORMAT, RELATION, switch(&["app"])])?;
    args.at_most(0)?;
    let (id, relation) = relation(call, &args)?;
    if args.is_set("app") {
        return Ok(render(&json!(relation.remote_app), args.format()));
    }
    Ok(render_list(&units(call, id, relation), args.format()))
}

pub(super) fn get(call: &mut Call<'_>) -> Printed {
    let args = Arguments::parse(call.args, &[FORMAT, RELATION, switch(&["app"])])?;
    args.at_most(2)?;
    let (_, relation) = relation(call, &args)?;
    let key = args.positional.first().map_or("-", String::as_str);
    let (whose, of_app) = whose(call, &args)?;
    let databag =
        if of_app { app_databag(call, relation, &whose)? } else { unit_databag(call, relation, &whose)? };
    let answer = if key == "-" { json!(databag) } else { databag.get(key).map_or(Value::Null, |v| json!(v)) };
    Ok(render(&answer, args.format()))
}

pub(super) fn set(call: &mut Call<'_>) -> Printed {
    let flags = [FORMAT, RELATION, switch(&["app"]), value(&["file"])];
    let args = Arguments::parse(call.args, &flags)?;
    let (id, severed) = {
        let (id, relation) = relation(call, &args)?;
        (id, relation.severed)
    };
    let pairs = pairs(args.value("file"), call.stdin, &args.positional)?;
    if args.value("format").is_some() {
        call.warnings.push_str("--format flag deprecated for command \"relation-set\"");
    }
    let of_app = args.is_set("app");
    if of_app && !call.state.agent_knows_leader("cannot determine leadership status")? {
        return Err(ToolResult::failed("cannot write relation settings"));
    }
    if of_app && (severed || call.state.leadership == Leadership::Deposed) {
        let why = format!("cannot read relation application settings: {REFUSED_AS_A_WHOLE}");
        return Err(ToolResult::failed(&why));
    }
    if severed {
        return Err(ToolResult::failed(&format!("cannot read relation settings: {REFUSED}")));
    }
    if let Some(relation) = call.state.relations.get_mut(&id) {
        let local = &mut relation.local;
        let databag = if of_app { &mut local.app } else { &mut local.unit };
        for (key, value) in pairs {
            write(databag, &key, &value);
        }
    }
    Ok(String::new())
}

/// Returns the remote units in the relation. A unit that departs in this hook is left out; a hook that ends the relation
/// has none.
fn units<'a>(call: &Call<'_>, id: u32, relation: &'a Relation) -> Vec<&'a String> {
    let context = call.context;
    let own_hook = context.relation.as_ref().is_some_and(|(_, of)| *of == id);
    let gone = |unit: &String| own_hook && (context.broken || context.departing_unit.as_ref() == Some(unit));
    relation.remote_units.keys().filter(|unit| !gone(unit)).collect()
}

/// Returns the relation that `-r` names, else the hook's own.
pub(super) fn relation<'a>(call: &'a Call<'_>, args: &Arguments) -> Result<(u32, &'a Relation), ToolResult> {
    let id = match args.value("r") {
        None => match &call.context.relation {
            Some((_, id)) => *id,
            None => return Err(ToolResult::usage("no relation id specified")),
        },
        Some(given) => match given.rsplit(':').next().unwrap_or(given).parse() {
            Ok(id) if call.state.relations.contains_key(&id) => id,
            Ok(_) => return Err(refused_id(given, "relation not found")),
            Err(_) => return Err(refused_id(given, "invalid relation id")),
        },
    };
    match call.state.relations.get(&id) {
        Some(relation) => Ok((id, relation)),
        None => Err(ToolResult::usage("relation not found")),
    }
}

fn refused_id(given: &str, why: &str) -> ToolResult {
    ToolResult::usage(&format!("invalid value \"{given}\" for option -r: {why}"))
}

/// Returns the owner of the requested databag. The boolean is true if the owner is an application.
fn whose(call: &Call<'_>, args: &Arguments) -> Result<(String, bool), ToolResult> {
    let of_app = args.is_set("app");
    let remote_app = call.context.remote_app.as_deref();
    let remote_unit = call.context.remote_unit.as_deref();
    match (args.positional.get(1).map(String::as_str), of_app) {
        (Some(name), true) => Ok((application_of(name).to_owned(), true)),
        (Some(name), false) => match name.split_once('/') {
            None => Err(ToolResult::usage(&format!("expected unit name, got application name \"{name}\""))),
            Some((app, number)) if !app.is_empty() && number.parse::<u32>().is_ok() => {
                Ok((name.to_owned(), false))
            }
            Some(_) => Err(ToolResult::usage(&format!("invalid unit name \"{name}\""))),
        },
        (None, false) if remote_unit.is_some() => Ok((remote_unit.unwrap_or_default().to_owned(), false)),
        (None, _) => match remote_app {
            Some(app) => Ok((app.to_owned(), true)),
            None => Err(ToolResult::usage("no unit or application specified")),
        },
    }
}

fn app_databag<'a>(call: &'a Call<'_>, relation: &'a Relation, app: &str) -> Result<&'a Databag, ToolResult> {
    let own = app == call.state.application();
    let peers = relation.remote_app == call.state.application();
    if own && call.state.agent_knows_leader("cannot determine leadership status")? {
        // The agent sends the leader's request for its own application's databag to the controller.
        return if relation.severed || call.state.leadership == Leadership::Deposed {
            Err(ToolResult::failed(REFUSED_AS_A_WHOLE))
        } else {
            Ok(&relation.local.app)
        };
    }
    if relation.severed {
        Err(ToolResult::failed(call.state.version.remote_databag_of_severed_relation()))
    } else if own {
        if peers { Ok(&relation.local.app) } else { Err(ToolResult::failed(REFUSED)) }
    } else if app == relation.remote_app {
        Ok(&relation.remote_app_data)
    } else {
        Err(ToolResult::failed(&format!("application \"{app}\" is not a member of the relation")))
    }
}

fn unit_databag<'a>(
    call: &'a Call<'_>,
    relation: &'a Relation,
    unit: &str,
) -> Result<&'a Databag, ToolResult> {
    let own = unit == call.state.unit;
    if relation.severed && own {
        Err(ToolResult::failed(REFUSED))
    } else if relation.severed {
        Err(ToolResult::failed(call.state.version.remote_databag_of_severed_relation()))
    } else if own {
        Ok(&relation.local.unit)
    } else {
        let known = relation.remote_units.get(unit).or_else(|| relation.departed_units.get(unit));
        known.ok_or_else(|| ToolResult::failed(&format!("unknown unit {unit}")))
    }
}

#[cfg(test)]
mod tests {
    use crate::juju::testing::model::told_in;
    use crate::juju::testing::{HookContext, Model, ToolResult};

    fn run(juju: &Model, context: &HookContext, line: &str) -> ToolResult {
        let argv: Vec<String> = line.split(' ').map(ToOwned::to_owned).collect();
        juju.run_tool(context, &argv, b"")
    }

    fn text(juju: &Model, context: &HookContext, line: &str) -> String {
        told_in(juju, context, &line.split(' ').collect::<Vec<_>>())
    }

    fn tempo() -> (Model, HookContext) {
        let juju = Model::new("app/0");
        let id = juju.add_relation("tracing", "tempo", &["tempo/1", "tempo/0"]);
        juju.set_remote_app_data(id, "receivers", "[]");
        (juju, HookContext::relation("tracing", id, "tempo", Some("tempo/0")))
    }

    #[test]
    fn answers_are_jujus() {
        let (juju, hook) = tempo();
        let plain = HookContext::new();
        let cases = [
            (&plain, "relation-ids tracing --format=json", "0 [\"tracing:1\"]\n"),
            (&plain, "relation-ids nowhere --format=json", "0 []\n"),
            (&hook, "relation-ids --format=json", "0 [\"tracing:1\"]\n"),
            (&plain, "relation-ids", "2 ERROR no endpoint name specified\n"),
            (&plain, "relation-list --format=json -r tracing:1", "0 [\"tempo/0\",\"tempo/1\"]\n"),
            (&plain, "relation-list --app --format=json -r 1", "0 \"tempo\"\n"),
            (&plain, "relation-list", "2 ERROR no relation id specified\n"),
            (&plain, "relation-get --format=json -r 1 --app - tempo", "0 {\"receivers\":\"[]\"}\n"),
            (&plain, "relation-get --format=json -r 1 --app - tempo/0", "0 {\"receivers\":\"[]\"}\n"),
            (&plain, "relation-get --format=json -r 1 --app color tempo", "0 null\n"),
            (&plain, "relation-get -r 1 --app color tempo", "0 "),
            (&hook, "relation-get --format=json --app receivers", "0 \"[]\"\n"),
            (&hook, "relation-get ingress-address", "0 10.0.0.1\n"),
            (&plain, "relation-get -r 1 -", "2 ERROR no unit or application specified\n"),
            (
                &plain,
                "relation-get -r 1 - tempo",
                "2 ERROR expected unit name, got application name \"tempo\"\n",
            ),
            (&plain, "relation-get -r 1 - unit//0", "2 ERROR invalid unit name \"unit//0\"\n"),
            (&plain, "relation-get -r 1 - tempo/0 args", "2 ERROR unrecognized args: [\"args\"]\n"),
            (&plain, "relation-get -r 1 - bad/0", "1 ERROR unknown unit bad/0\n"),
            (&plain, "relation-get -r 1 --app - app", "1 ERROR permission denied\n"),
            (&plain, "relation-set -r 1 --app a=b", "1 ERROR cannot write relation settings\n"),
            (
                &plain,
                "relation-list -r one",
                "2 ERROR invalid value \"one\" for option -r: invalid relation id\n",
            ),
            (
                &plain,
                "relation-list -r x:9",
                "2 ERROR invalid value \"x:9\" for option -r: relation not found\n",
            ),
        ];
        for (context, line, expected) in cases {
            assert_eq!(text(&juju, context, line), expected, "{line}");
        }
    }

    #[test]
    fn created_hooks_read_the_remote_application() {
        let (juju, _) = tempo();
        let created = HookContext::relation("tracing", 1, "tempo", None);
        assert_eq!(text(&juju, &created, "relation-get --format=json"), "0 {\"receivers\":\"[]\"}\n");
    }

    #[test]
    fn units_that_depart_are_not_listed_but_can_be_read() {
        let (juju, hook) = tempo();
        juju.set_remote_unit_data(1, "tempo/0", "a", "b");
        let other = juju.add_relation("tracing", "loki", &["loki/0"]);
        let departed = HookContext::relation_departed("tracing", 1, "tempo", "tempo/0");
        let broken = HookContext::relation_broken("tracing", 1, "tempo");
        assert_eq!(text(&juju, &departed, "relation-list --format=json"), "0 [\"tempo/1\"]\n");
        assert_eq!(text(&juju, &departed, "relation-get a"), "0 b\n");
        assert_eq!(text(&juju, &broken, "relation-list --format=json"), "0 []\n");
        assert_eq!(text(&juju, &broken, "relation-list --format=json --app"), "0 \"tempo\"\n");
        assert_eq!(text(&juju, &broken, "relation-ids --format=json"), "0 [\"tracing:1\",\"tracing:2\"]\n");
        let elsewhere = format!("relation-list --format=json -r {other}");
        assert_eq!(text(&juju, &broken, &elsewhere), "0 [\"loki/0\"]\n");

        assert_eq!(text(&juju, &hook, "relation-list --format=json"), "0 [\"tempo/0\",\"tempo/1\"]\n");
        juju.remove_remote_unit(1, "tempo/0");
        assert_eq!(text(&juju, &hook, "relation-list --format=json"), "0 [\"tempo/1\"]\n");
        assert_eq!(text(&juju, &hook, "relation-get a tempo/0"), "0 b\n");
        juju.remove_remote_unit(1, "tempo/9");
        assert_eq!(text(&juju, &hook, "relation-get a tempo/9"), "1 ERROR unknown unit tempo/9\n");
    }

    #[test]
    fn ids_are_sorted_as_text() {
        let juju = Model::new("app/0");
        for _ in 0..10 {
            let _ = juju.add_relation("x", "other", &[]);
        }
        let ids = text(&juju, &HookContext::new(), "relation-ids x --format=json");
        assert!(ids.starts_with("0 [\"x:1\",\"x:10\",\"x:2\""), "{ids}");
    }

    #[test]
    fn writes_are_seen_by_the_hook_and_kept_back_from_the_other_side() {
        let (juju, hook) = tempo();
        juju.set_leader(true);
        juju.begin_hook(hook.clone());
        assert_eq!(text(&juju, &hook, "relation-set --app a=b c=d"), "0 ");
        assert_eq!(text(&juju, &hook, "relation-set --app c="), "0 ");
        assert_eq!(text(&juju, &hook, "relation-get --format=json --app - app"), "0 {\"a\":\"b\"}\n");
        assert!(juju.local_app_data(1).is_empty());
        juju.abort_hook();
        assert_eq!(text(&juju, &hook, "relation-get --format=json --app - app"), "0 {}\n");

        juju.begin_hook(hook.clone());
        assert_eq!(text(&juju, &hook, "relation-set --app a=b"), "0 ");
        juju.commit_hook();
        assert_eq!(juju.local_app_data(1).into_iter().collect::<Vec<_>>(), [("a".into(), "b".into())]);
    }

    #[test]
    fn removed_and_severed_relations_refuse_in_different_words() {
        let (juju, hook) = tempo();
        juju.set_leader(true);
        juju.sever_relation(1);
        assert_eq!(text(&juju, &hook, "relation-ids --format=json"), "0 [\"tracing:1\"]\n");
        assert_eq!(text(&juju, &hook, "relation-get --app - tempo"), "1 ERROR permission denied\n");
        assert_eq!(run(&juju, &hook, "relation-set --app a=b").code, 1);
        juju.remove_relation(1);
        assert_eq!(text(&juju, &hook, "relation-ids --format=json"), "0 []\n");
        assert_eq!(text(&juju, &hook, "relation-get --app - tempo"), "2 ERROR relation not found\n");
    }
}
