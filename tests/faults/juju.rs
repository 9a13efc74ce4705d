//! Faults of Juju: its variables and its hook tools.

use charm_testing::ToolFault;
use serde_json::json;

use crate::document::assert_documented;
use crate::fault::Fault;
use crate::trial::{Trial, relation_charm, session_charm};
use crate::waits::{NOTHING, TOOL, UP_TO_A_SECOND};

/// How long a hook tool may take that is run for tracing, in the charms of these rows.
const PATIENCE: &str = "300";

#[test]
fn whatever_juju_says() {
    assert_documented(
        "Juju",
        &[
            without("there is no `JUJU_UNIT_NAME`", "JUJU_UNIT_NAME").untraced(),
            without("there is no `JUJU_DISPATCH_PATH`", "JUJU_DISPATCH_PATH").untraced(),
            without("there is no `JUJU_MODEL_UUID`", "JUJU_MODEL_UUID").untraced(),
            without("there is no `JUJU_CHARM_DIR`", "JUJU_CHARM_DIR"),
            without("there is no `JUJU_VERSION`", "JUJU_VERSION"),
            without("there is no `PATH`", "PATH"),
            Fault::new("the unit's name is malformed", |trial| {
                trial.hook(trial.event().env("JUJU_UNIT_NAME", "app/zero"));
            })
            .untraced(),
            breaks("`juju-log` is missing", "juju-log", ToolFault::Missing).of(session_charm),
            breaks("`juju-log` fails", "juju-log", ToolFault::Exits(1, "ERROR connection is shut down\n"))
                .of(session_charm),
            breaks("`juju-log` hangs", "juju-log", ToolFault::Hangs)
                .of(session_charm)
                .waits(&[UP_TO_A_SECOND]),
            breaks("`relation-ids` is missing", "relation-ids", ToolFault::Missing),
            breaks(
                "`relation-ids` fails",
                "relation-ids",
                ToolFault::Exits(1, "ERROR connection is shut down\n"),
            ),
            breaks("`relation-ids` hangs", "relation-ids", ToolFault::Hangs).waits(&[TOOL]),
            breaks(
                "`relation-get` fails",
                "relation-get",
                ToolFault::Exits(1, "ERROR connection is shut down\n"),
            ),
            breaks("`relation-get` is killed", "relation-get", ToolFault::Killed),
            breaks("`relation-get` hangs", "relation-get", ToolFault::Hangs).waits(&[TOOL]),
            breaks("`relation-get` prints 40 MB", "relation-get", ToolFault::Floods(40_000_000))
                .waits(&[UP_TO_A_SECOND]),
            breaks("`relation-list` prints no JSON", "relation-list", ToolFault::Prints(b"<html>")),
            breaks("`is-leader` hangs", "is-leader", ToolFault::Hangs).waits(&[TOOL]),
            breaks("`relation-set` fails", "relation-set", ToolFault::Exits(1, "ERROR permission denied\n")),
            published("the endpoint in the databag is no JSON", "[{"),
            published(
                "the databag offers gRPC alone",
                r#"[{"protocol": {"name": "otlp_grpc", "type": "grpc"}, "url": "tempo:4317"}]"#,
            ),
            published("the databag is empty", ""),
            published(
                "the endpoint in the databag is a number",
                &json!([{"protocol": 7, "url": 4318}]).to_string(),
            ),
        ],
    );
}

/// Two hooks lack this variable.
fn without(name: &'static str, variable: &'static str) -> Fault {
    Fault::new(name, move |trial| {
        for _ in 0..2 {
            trial.hook(trial.event().env_remove(variable));
        }
    })
}

/// One hook of a charm that has to ask the relation finds this tool broken.
pub(crate) fn breaks(name: &'static str, tool: &'static str, fault: ToolFault) -> Fault {
    Fault::new(name, move |trial| {
        trial.juju.break_tool(tool, fault);
        forget(trial);
        trial.variables.insert(
            "TOOL_MILLISECONDS",
            if fault == ToolFault::Hangs { PATIENCE } else { "60000" }.to_owned(),
        );
        trial.hooks(1);
    })
    .mended(move |trial| trial.juju.break_tool(tool, None))
    .of(relation_charm)
    .waits(&[NOTHING])
}

/// The other side of the relation says this about its receivers.
pub(crate) fn published(name: &'static str, receivers: &str) -> Fault {
    let receivers = receivers.to_owned();
    Fault::new(name, move |trial| {
        trial.receivers(&receivers);
        forget(trial);
        trial.hooks(2);
    })
    .of(relation_charm)
    .mended(|trial| {
        trial.send_home();
        forget(trial);
    })
}

/// Removes what earlier dispatches have learned of relations, because it is not asked again.
pub(crate) fn forget(trial: &Trial) {
    _ = std::fs::remove_file(trial.path(".charm_tracing_relations"));
}
