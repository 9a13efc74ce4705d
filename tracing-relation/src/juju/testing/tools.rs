//! Runs hook tools by their names.

use super::call::Call;
use super::context::HookContext;
use super::result::{Printed, ToolResult};
use super::state::State;
use super::{
    action_tools, own_secret_tools, port_tools, relation_tools, secret_tools, storage_tools, unit_tools,
};

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
        "storage-get" => storage_tools::get(call),
        "storage-list" => storage_tools::list(call),
        _ if tool.starts_with("secret-") && call.state.version.has_secrets() => secret(call, tool),
        "action-get" if call.context.action.is_some() => action_tools::get(call),
        "action-set" if call.context.action.is_some() => action_tools::set(call),
        "action-fail" if call.context.action.is_some() => action_tools::fail(call),
        "action-log" if call.context.action.is_some() => action_tools::log(call),
        _ => Err(unknown(tool)),
    }
}

fn secret(call: &mut Call<'_>, tool: &str) -> Printed {
    match tool {
        "secret-add" => own_secret_tools::add(call),
        "secret-get" => secret_tools::get(call),
        "secret-grant" => own_secret_tools::grant(call),
        "secret-ids" => own_secret_tools::ids(call),
        "secret-info-get" => secret_tools::info(call),
        "secret-remove" => own_secret_tools::remove(call),
        "secret-revoke" => own_secret_tools::revoke(call),
        "secret-set" => own_secret_tools::set(call),
        _ => Err(unknown(tool)),
    }
}

fn unknown(tool: &str) -> ToolResult {
    ToolResult::failed(&format!("bad request: unknown hook command: {tool}"))
}
