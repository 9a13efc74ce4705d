//! Faults of the relation with the collector on the unit's own machine, and of that collector.

use charm_testing::collector::port_closed_endpoint;
use charm_testing::{Event, ToolFault};
use serde_json::json;

use crate::document::assert_documented;
use crate::fault::Fault;
use crate::juju::{breaks, forget, published};
use crate::trial::{REMOTE_UNIT, cos_agent_charm};
use crate::waits::TOOL;

const FAILS: ToolFault = ToolFault::Exits(1, "ERROR connection is shut down\n");

#[test]
fn whatever_the_collector_says() {
    let url = |url: &str| json!([{"protocol": {"name": "otlp_http", "type": "http"}, "url": url}]);
    let nowhere = json!([{"protocol": {"name": "otlp_http", "type": "http"}, "url": null}]);
    let grpc = json!([{"protocol": {"name": "otlp_grpc", "type": "grpc"}, "url": "localhost:4317"}]);
    let faults = [
        Fault::new("the collector's unit is not there yet", |trial| {
            trial.relation.remove_remote_unit(REMOTE_UNIT);
            forget(trial);
            trial.hooks(2);
        })
        .mended(|trial| {
            trial.relation.add_remote_unit(REMOTE_UNIT);
            trial.send_home();
            forget(trial);
        }),
        Fault::new("the relation is removed", |trial| {
            trial.hook(trial.with_variables(Event::relation_broken(&trial.relation)));
            trial.hooks(2);
        })
        .mended(|trial| {
            trial.relate_again();
            forget(trial);
        }),
        Fault::new("the charm's own `config` is no JSON", |trial| {
            trial.relation.set_local_unit_data("config", "{");
            forget(trial);
            trial.hooks(2);
        }),
        published("the databag has no receivers", ""),
        published("the list of receivers is empty", "[]"),
        published("the receivers are no JSON", "[{"),
        published("the receivers are an object", "{}"),
        published("the collector has no backend", &nowhere.to_string()),
        published("the collector receives gRPC alone", &grpc.to_string()),
        published("the URL of the receiver is a number", r#"[{"protocol": 7, "url": 4318}]"#),
        published("the URL of the receiver is no URL", &url("collector, port 4318").to_string()),
        published("the collector is gone", &url(&port_closed_endpoint()).to_string()),
        breaks("`relation-ids` fails", "relation-ids", FAILS),
        breaks("`relation-list` fails", "relation-list", FAILS),
        breaks("`relation-list` prints no JSON", "relation-list", ToolFault::Prints(b"<html>")),
        breaks("`relation-list` hangs", "relation-list", ToolFault::Hangs).waits(&[TOOL]),
        breaks("`relation-get` fails", "relation-get", FAILS),
        breaks("`relation-get` is killed", "relation-get", ToolFault::Killed),
        Fault::new("`relation-set` fails", |trial| {
            // There is something to request.
            trial.relation.set_local_unit_data("config", "{}");
            trial.juju.break_tool("relation-set", FAILS);
            forget(trial);
            trial.hooks(1);
            assert_eq!(trial.relation.local_unit_data()["config"], "{}");
        })
        .mended(|trial| trial.juju.break_tool("relation-set", None)),
    ];
    let faults: Vec<_> =
        faults.into_iter().map(|fault| fault.of(cos_agent_charm).over("cos-agent")).collect();
    assert_documented("`cos_agent`", &faults);
}
