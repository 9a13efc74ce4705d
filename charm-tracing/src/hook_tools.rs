use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::{Array, KeyValue, StringValue, Value};
use tracing_relation::juju::{HookToolCall, HookToolError, HookToolOutput, HookTools};

use crate::names;
use crate::recorder::{Details, ERROR_TYPE, Purpose};
use crate::span::OpenSpan;
use crate::span::probe::{Returned, Standard as _};

/// Hook tools with a span for each call except `juju-log`.
#[derive(Debug)]
pub(crate) struct TracedHookTools {
    tools: Arc<dyn HookTools>,
    action_failed: Arc<AtomicBool>,
}

impl HookTools for TracedHookTools {
    fn run(&self, call: &HookToolCall) -> Result<HookToolOutput, HookToolError> {
        self.in_span(call, || self.tools.run(call), |output| (Some(0), output.pid))
    }

    fn send(&self, call: &HookToolCall) -> Result<(), HookToolError> {
        self.in_span(call, || self.tools.send(call), |()| (None, None))
    }

    fn flush(&self) {
        self.tools.flush();
    }
}

impl TracedHookTools {
    pub(crate) fn new(tools: Arc<dyn HookTools>, action_failed: Arc<AtomicBool>) -> Self {
        Self { tools, action_failed }
    }

    /// Runs a tool in its span. `ended` returns its exit code and its process, as far as they are known.
    fn in_span<T>(
        &self,
        call: &HookToolCall,
        run: impl FnOnce() -> Result<T, HookToolError>,
        ended: impl FnOnce(&T) -> (Option<i32>, Option<u32>),
    ) -> Result<T, HookToolError> {
        if call.tool() == "juju-log" {
            return run();
        }
        let details = Details::named(call.tool().to_owned(), attributes(call));
        let span = OpenSpan::start(details).map(|(span, _)| span);
        let result = run();
        if result.is_ok() && call.tool() == "action-fail" {
            self.action_failed.store(true, Ordering::Relaxed);
        }
        if let Some(span) = span {
            let (code, pid) = result.as_ref().map_or_else(|error| (error.code(), error.pid()), ended);
            for attribute in code.map(names::exit_code).into_iter().chain(pid.map(names::process_id)) {
                span.describe(attribute);
            }
            if let Some(failure) = (&&&&&Returned(&result)).__failure() {
                // The exit code says more than the type of the error, which `failed` would set.
                if let Some(code) = code {
                    let error_type = KeyValue::new(ERROR_TYPE, code.to_string());
                    span.handle().set_attribute(Purpose::Failure, error_type);
                }
                span.failed(failure);
            }
        }
        result
    }
}

fn attributes(call: &HookToolCall) -> Vec<KeyValue> {
    let shown = shown(call.tool(), call.args()).into_iter().map(StringValue::from).collect();
    vec![KeyValue::new("juju.hook_tool.arguments", Value::Array(Array::String(shown)))]
}

/// Returns the arguments of a call that say what is asked for. What a call writes (values, messages, secret content) is
/// left out: `key=value` becomes its key.
///
/// Shows only arguments that are known to be harmless, so a tool of a later Juju shows none.
fn shown(tool: &str, args: &[String]) -> Vec<String> {
    if NAMING.contains(&tool) {
        return args.to_vec();
    }
    let keys = WRITING.contains(&tool);
    let mut shown = Vec::new();
    let mut args = args.iter().map(String::as_str);
    while let Some(arg) = args.next() {
        match arg {
            "--" if keys => {
                shown.extend(args.filter_map(key).map(str::to_owned));
                break;
            }
            "--" => break,
            "--app" => shown.push(arg.to_owned()),
            _ if arg.starts_with('-') => {
                let (option, inline) = arg.split_once('=').map_or((arg, false), |(option, _)| (option, true));
                let value = if inline { None } else { args.next() };
                if HARMLESS.contains(&option) {
                    shown.push(arg.to_owned());
                    shown.extend(value.map(str::to_owned));
                }
            }
            _ if keys => shown.extend(key(arg).map(str::to_owned)),
            "maintenance" | "blocked" | "waiting" | "active" if tool == "status-set" => {
                shown.push(arg.to_owned());
                break;
            }
            _ => {}
        }
    }
    shown
}

/// Options whose value is not secret.
const HARMLESS: [&str; 4] = ["-r", "--relation", "--format", "--file"];
/// Tools whose arguments are all names of things, such as keys, endpoints and ports.
const NAMING: [&str; 20] = [
    "action-get",
    "close-port",
    "config-get",
    "credential-get",
    "goal-state",
    "is-leader",
    "network-get",
    "open-port",
    "opened-ports",
    "relation-get",
    "relation-ids",
    "relation-list",
    "resource-get",
    "secret-get",
    "secret-ids",
    "secret-info-get",
    "state-get",
    "status-get",
    "storage-get",
    "storage-list",
];
/// Tools whose arguments are `key=value` pairs.
const WRITING: [&str; 5] = ["action-set", "relation-set", "secret-add", "secret-set", "state-set"];

/// Returns the key of `key=value`, `key#base64=value` or `key#file=path`; `None` for any other text.
fn key(pair: &str) -> Option<&str> {
    let key = pair.split_once('=')?.0;
    let key = key.split_once('#').map_or(key, |(key, _how)| key);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (!key.is_empty() && key.bytes().all(plain)).then_some(key)
}

#[cfg(test)]
mod tests;
