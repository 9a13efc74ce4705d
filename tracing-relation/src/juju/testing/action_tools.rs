use serde_json::{Map, Value};

use super::arguments::{Arguments, FORMAT};
use super::call::Call;
use super::output::render;
use super::result::{Printed, ToolResult};

pub(super) fn get(call: &mut Call<'_>) -> Printed {
    let args = Arguments::parse(call.args, &[FORMAT])?;
    args.at_most(1)?;
    let mut answer = call.context.action.clone().unwrap_or_else(|| Value::Object(Map::new()));
    for key in args.positional.first().into_iter().flat_map(|path| path.split('.')) {
        answer = answer.get_mut(key).map(Value::take).unwrap_or_default();
    }
    Ok(render(&answer, args.format()))
}

pub(super) fn set(call: &mut Call<'_>) -> Printed {
    let args = Arguments::parse(call.args, &[])?;
    let mut results = Vec::new();
    for word in &args.positional {
        let Some((path, value)) = word.split_once('=') else {
            return Err(ToolResult::usage(&format!("argument {word:?} must be of the form key...=value")));
        };
        for key in path.split('.') {
            if !is_action_key(key) {
                let rule = "start and end with lowercase alphanumeric, and contain only lowercase alphanumeric, \
                            hyphens and periods";
                return Err(ToolResult::usage(&format!("key {key:?} must {rule}")));
            }
            if ["stdout", "stdout-encoding", "stderr", "stderr-encoding"].contains(&key) {
                return Err(ToolResult::usage(&format!("cannot set reserved action key {key:?}")));
            }
        }
        results.push((path.to_owned(), value.to_owned()));
    }
    call.state.action.results.extend(results);
    Ok(String::new())
}

fn is_action_key(key: &str) -> bool {
    let ends =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let key = key.as_bytes();
    ends(key.first()) && ends(key.last()) && key.iter().all(|byte| *byte == b'-' || ends(Some(byte)))
}

pub(super) fn fail(call: &mut Call<'_>) -> Printed {
    let args = Arguments::parse(call.args, &[])?;
    args.at_most(1)?;
    let default = "action failed without reason given, check action for errors";
    let message = args.positional.first().map_or(default, String::as_str);
    call.state.action.failure = Some(message.to_owned());
    Ok(String::new())
}

pub(super) fn log(call: &mut Call<'_>) -> Printed {
    let args = Arguments::parse(call.args, &[])?;
    if args.positional.is_empty() {
        return Err(ToolResult::usage("no message specified"));
    }
    call.state.action.log.push(args.positional.join(" "));
    Ok(String::new())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::juju::testing::model::told_in as text;
    use crate::juju::testing::{HookContext, Model};

    #[test]
    fn action_tools_exist_in_actions_only() {
        let juju = Model::new("app/0");
        assert_eq!(
            text(&juju, &HookContext::new(), &["action-get"]),
            "1 ERROR bad request: unknown hook command: action-get\n",
        );
        let action = HookContext::action(json!({"to": {"path": "/x"}}));
        juju.begin_hook(action.clone());
        assert_eq!(text(&juju, &action, &["action-get", "--format=json", "to.path"]), "0 \"/x\"\n");
        assert_eq!(text(&juju, &action, &["action-get", "--format=json", "to.nowhere.at.all"]), "0 null\n");
        assert_eq!(text(&juju, &action, &["action-set", "size.bytes=3"]), "0 ");
        assert_eq!(
            text(&juju, &action, &["action-set", "stdout=x"]),
            "2 ERROR cannot set reserved action key \"stdout\"\n",
        );
        assert_eq!(
            text(&juju, &action, &["action-set", "a=1", "b"]),
            "2 ERROR argument \"b\" must be of the form key...=value\n",
        );
        assert!(
            text(&juju, &action, &["action-set", "a=1", "B=2"]).starts_with("2 ERROR key \"B\" must start")
        );
        assert_eq!(text(&juju, &action, &["action-log", "--", "half", "way"]), "0 ");
        assert_eq!(text(&juju, &action, &["action-fail", "disk full"]), "0 ");
        let outcome = juju.action_outcome();
        assert_eq!(outcome.results["size.bytes"], "3");
        assert_eq!(outcome.results.len(), 1, "a refused command line sets nothing");
        assert_eq!(
            (outcome.failure.as_deref(), outcome.log),
            (Some("disk full"), vec!["half way".to_owned()])
        );
    }
}
