//! Runs hook tools by their names.

use std::collections::HashSet;

use saphyr::{LoadableYamlNode, Yaml};

use super::context::HookContext;
use super::state::{Databag, State};
use super::{action_tools, port_tools, relation_tools, secret_tools, unit_tools};

/// The result of a hook tool: its exit code and output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolResult {
    /// The exit code: 0, 1 for a failure, 2 for a command line that was refused.
    pub code: i32,
    /// Its standard output; empty if it failed.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

impl ToolResult {
    pub(super) fn failure(code: i32, text: &str) -> Self {
        Self { code, stdout: Vec::new(), stderr: format!("ERROR {text}\n").into_bytes() }
    }

    pub(super) fn usage(text: &str) -> Self {
        Self::failure(2, text)
    }

    pub(super) fn failed(text: &str) -> Self {
        Self::failure(1, text)
    }
}

/// One call of a tool, with the state and the hook that it runs in.
pub(super) struct Call<'a> {
    pub state: &'a mut State,
    pub context: &'a HookContext,
    pub args: &'a [String],
    pub stdin: &'a [u8],
    /// The text for standard error of a tool that succeeds.
    pub warnings: String,
}

/// The output of a tool, or its failure.
pub(super) type Printed = Result<String, ToolResult>;

pub(super) fn run(
    state: &mut State,
    context: &HookContext,
    tool: &str,
    args: &[String],
    stdin: &[u8],
) -> ToolResult {
    let mut call = Call { state, context, args, stdin, warnings: String::new() };
    match dispatch(&mut call, tool) {
        Ok(stdout) => ToolResult { code: 0, stdout: stdout.into_bytes(), stderr: call.warnings.into_bytes() },
        Err(failure) => failure,
    }
}

fn dispatch(call: &mut Call<'_>, tool: &str) -> Printed {
    if call.context.restricted && tool != "juju-log" {
        return Err(ToolResult::failed("not implemented for restricted context not implemented"));
    }
    match tool {
        "relation-ids" => relation_tools::ids(call),
        "relation-list" => relation_tools::list(call),
        "relation-get" => relation_tools::get(call),
        "relation-set" => relation_tools::set(call),
        "is-leader" => unit_tools::is_leader(call),
        "juju-log" => unit_tools::juju_log(call),
        "status-set" => unit_tools::status_set(call),
        "status-get" => unit_tools::status_get(call),
        "config-get" => unit_tools::config_get(call),
        "application-version-set" => unit_tools::application_version_set(call),
        "state-get" => unit_tools::state_get(call),
        "state-set" => unit_tools::state_set(call),
        "state-delete" => unit_tools::state_delete(call),
        "network-get" => unit_tools::network_get(call),
        "goal-state" => unit_tools::goal_state(call),
        "resource-get" => unit_tools::resource_get(call),
        "open-port" => port_tools::open(call),
        "close-port" => port_tools::close(call),
        "opened-ports" => port_tools::opened(call),
        "secret-get" => secret_tools::get(call),
        "secret-info-get" => secret_tools::info(call),
        "action-get" if call.context.action.is_some() => action_tools::get(call),
        "action-set" if call.context.action.is_some() => action_tools::set(call),
        "action-fail" if call.context.action.is_some() => action_tools::fail(call),
        "action-log" if call.context.action.is_some() => action_tools::log(call),
        _ => Err(ToolResult::failed(&format!("bad request: unknown hook command: {tool}"))),
    }
}

/// Writes a key as Juju does: an empty value deletes it.
pub(super) fn write(databag: &mut Databag, key: &str, value: &str) {
    if value.is_empty() {
        databag.remove(key);
    } else {
        databag.insert(key.to_owned(), value.to_owned());
    }
}

/// Returns the pairs of a YAML map from `--file`, followed by the pairs of `key=value` arguments.
pub(super) fn pairs(
    file: Option<&str>,
    stdin: &[u8],
    words: &[String],
) -> Result<Vec<(String, String)>, ToolResult> {
    let mut pairs = match file {
        None => Vec::new(),
        Some("-") => yaml_map(stdin)?,
        Some(path) => match std::fs::read(path) {
            Ok(content) => yaml_map(&content)?,
            Err(error) => return Err(ToolResult::failed(&format!("{path}: {error}"))),
        },
    };
    let mut named = HashSet::new();
    for word in words {
        match word.split_once('=') {
            Some((key, _)) if !key.is_empty() && !named.insert(key) => {
                return Err(ToolResult::usage(&format!("key {key:?} specified more than once")));
            }
            Some((key, value)) if !key.is_empty() => pairs.push((key.to_owned(), value.to_owned())),
            _ => return Err(ToolResult::usage(&format!("expected \"key=value\", got {word:?}"))),
        }
    }
    Ok(pairs)
}

/// Reads a YAML map of text to text. Unlike Juju, it refuses unquoted numbers, because the YAML reader does not keep their
/// form.
fn yaml_map(content: &[u8]) -> Result<Vec<(String, String)>, ToolResult> {
    let refuse = || ToolResult::failed("cannot unmarshal the file into a map of strings");
    let text = str::from_utf8(content).map_err(|_| refuse())?;
    let documents = Yaml::load_from_str(text).map_err(|_| refuse())?;
    match documents.first() {
        None => Ok(Vec::new()),
        Some(document) if document.is_null() => Ok(Vec::new()),
        Some(document) => document
            .as_mapping()
            .ok_or_else(refuse)?
            .iter()
            .map(|(key, value)| Some((key.as_str()?.to_owned(), value.as_str()?.to_owned())))
            .map(|pair| pair.ok_or_else(refuse))
            .collect(),
    }
}

/// Returns the exit code and the whole output of a command line, outside of any hook.
#[cfg(test)]
pub(super) fn told(juju: &super::Model, line: &str) -> String {
    told_in(juju, &HookContext::new(), &line.split(' ').collect::<Vec<_>>())
}

/// Returns the exit code and the output as [`told`] does, but in a hook, and for arguments of any form.
#[cfg(test)]
pub(super) fn told_in(juju: &super::Model, context: &HookContext, argv: &[&str]) -> String {
    let argv: Vec<String> = argv.iter().map(|arg| (*arg).to_owned()).collect();
    let ToolResult { code, stdout, stderr } = juju.run_tool(context, &argv, b"");
    format!("{code} {}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_yaml_maps_of_text() {
        let pairs =
            pairs(Some("-"), b"{\"a\": \"[1, 2]\", \"e\": \"\\u00e9\\n\"}", &[]).expect("JSON is YAML");
        assert_eq!(pairs, [("a".to_owned(), "[1, 2]".to_owned()), ("e".to_owned(), "\u{e9}\n".to_owned())]);
        let pairs = super::pairs(Some("-"), b"port: '0080'\nname: x\n", &[]).expect("block YAML");
        assert_eq!(pairs[0].1, "0080", "nothing is interpreted");
        assert_eq!(super::pairs(Some("-"), b"", &[]), Ok(Vec::new()));
    }

    #[test]
    fn words_come_after_the_file_and_may_contain_equals_signs() {
        let pairs = pairs(Some("-"), b"{a: b}", &["a=c=d".to_owned()]).expect("valid");
        assert_eq!(pairs.last(), Some(&("a".to_owned(), "c=d".to_owned())));
    }

    #[test]
    fn anything_but_a_map_of_text_is_refused() {
        for content in [&b"[a]"[..], b"{a: [b]}", b"{a: ", b"\xff"] {
            assert_eq!(pairs(Some("-"), content, &[]).map_err(|r| r.code), Err(1), "{content:?}");
        }
        assert_eq!(pairs(None, b"", &["novalue".to_owned()]).map_err(|r| r.code), Err(2));
    }
}
