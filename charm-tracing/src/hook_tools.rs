use std::sync::Arc;

use opentelemetry::{Array, KeyValue, StringValue, Value};
use tracing_relation::juju::{HookToolCall, HookToolError, HookToolOutput, HookTools, PendingCall};

use crate::span::OpenSpan;
use crate::span::probe::{Returned, Standard as _};

/// Hook tools with a span for each call. Calls that are only started (`juju-log`) have none.
#[derive(Debug)]
pub(crate) struct TracedHookTools(pub(crate) Arc<dyn HookTools>);

impl HookTools for TracedHookTools {
    fn run(&self, call: &HookToolCall) -> Result<HookToolOutput, HookToolError> {
        if call.tool() == "juju-log" {
            return self.0.run(call);
        }
        let span = OpenSpan::start(call.tool().to_owned(), attributes(call));
        let result = self.0.run(call);
        if let Some(span) = span
            && let Some(failure) = (&&&&&Returned(&result)).failure()
        {
            failure.record(&span.span());
        }
        result
    }

    fn start(&self, call: &HookToolCall) -> Result<PendingCall, HookToolError> {
        self.0.start(call)
    }
}

fn attributes(call: &HookToolCall) -> Vec<KeyValue> {
    let shown = shown(call.tool(), call.args()).into_iter().map(StringValue::from).collect();
    vec![KeyValue::new("juju.hook_tool.arguments", Value::Array(Array::String(shown)))]
}

/// The arguments of a call as far as they say what is asked for. What a call writes (values, messages, secret content)
/// is left out: of `key=value` the key stays.
fn shown(tool: &str, args: &[String]) -> Vec<String> {
    if reads(tool) {
        return args.to_vec();
    }
    let mut shown = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--" {
            break;
        } else if arg == "-r" || arg == "--relation" {
            shown.push(arg.clone());
            shown.extend(args.next().cloned());
        } else if arg.starts_with('-') || arg.contains('=') {
            let name = arg.split(['=', '#']).next().unwrap_or_default();
            // The format and the relation are no data.
            let plain = ["--format", "--file", "--relation", "--app"].contains(&name);
            shown.push(if plain { arg.clone() } else { name.to_owned() });
        } else if tool == "status-set" && shown.iter().all(|arg| arg.starts_with('-')) {
            shown.push(arg.clone());
        }
    }
    shown
}

fn reads(tool: &str) -> bool {
    tool.ends_with("-get")
        || matches!(tool, "is-leader" | "relation-ids" | "relation-list" | "secret-ids" | "storage-list")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown_of(line: &str) -> String {
        let mut words = line.split(' ').map(str::to_owned);
        let tool = words.next().unwrap();
        shown(&tool, &words.collect::<Vec<_>>()).join(" ")
    }

    #[test]
    fn what_is_asked_for_is_shown() {
        assert_eq!(
            shown_of("relation-get --format=json -r tracing:3 --app - tempo"),
            "--format=json -r tracing:3 --app - tempo"
        );
        assert_eq!(shown_of("is-leader --format=json"), "--format=json");
        assert_eq!(shown_of("secret-get secret:abc --label db"), "secret:abc --label db");
    }

    #[test]
    fn what_is_written_is_not_shown() {
        assert_eq!(shown_of("relation-set -r 3 --app receivers=[\"otlp_http\"]"), "-r 3 --app receivers");
        assert_eq!(shown_of("relation-set -r 3 --app --file -"), "-r 3 --app --file -");
        assert_eq!(
            shown_of("secret-add password=hunter2 key#base64=aHVudGVy --label=db"),
            "password key --label"
        );
        assert_eq!(shown_of("status-set --application=False active -- all is well"), "--application active");
        assert_eq!(shown_of("action-fail -- the password is hunter2"), "");
        assert_eq!(shown_of("action-log progress"), "");
        assert_eq!(shown_of("state-set token=abc"), "token");
    }
}
