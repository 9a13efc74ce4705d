//! Whatever hook tools print, and however they fail: nothing panics, neither in a leader nor in a follower, in no hook of
//! the relation, and what was refused is told by its kind.
//!
//! An input is what the tools print, one after the other, between bytes of 0xff, which no text has. A tool fails if that
//! begins with a byte below 8, its exit code (0 is a signal), with the rest on standard error. The first byte of all says
//! which hook runs and on which side of which relation, and the second which tools print what they should instead.

use std::sync::{Arc, Mutex};

use tracing_relation::juju::{
    Dispatch, HookToolCall, HookToolError, HookToolErrorKind, HookToolOutput, HookTools, SecretId,
    SecretRevision,
};
use tracing_relation::{
    CertificateTransferRequirer, CosAgentProvider, Receiver, ReceiverProtocol, TracingEndpointProvider,
    TracingEndpointRequirer, charm_tracing_config,
};

const HOOKS: [&str; 4] =
    ["tracing-relation-changed", "tracing-relation-broken", "update-status", "tracing-relation-created"];

pub(crate) fn check(input: &[u8]) {
    let [hook, usual, outputs @ ..] = input else { return };
    let outputs = outputs.split(|byte| *byte == 0xff).map(<[u8]>::to_vec).collect();
    let dispatch = dispatch(*hook, Printing { usual: *usual, outputs: Mutex::new(outputs) });
    match (hook >> 3) % 4 {
        0 => require(&dispatch),
        1 => provide(&dispatch),
        2 => trust(&dispatch),
        _ => ask_collector(&dispatch),
    }
}

fn dispatch(what: u8, tools: Printing) -> Dispatch {
    let hook = HOOKS[usize::from(what & 3)];
    Dispatch::from_vars([
        ("JUJU_UNIT_NAME", "app/0"),
        ("JUJU_DISPATCH_PATH", &format!("hooks/{hook}")),
        ("JUJU_RELATION_ID", if hook.starts_with("tracing-") { "tracing:3" } else { "" }),
        ("JUJU_REMOTE_APP", if what & 4 == 0 { "tempo" } else { "" }),
        // Without metadata the endpoint is taken as it is.
        ("JUJU_CHARM_DIR", "/nonexistent"),
    ])
    .with_hook_tools(Arc::new(tools))
}

fn require(dispatch: &Dispatch) {
    let requirer = TracingEndpointRequirer::new(dispatch, "tracing", &[ReceiverProtocol::OtlpHttp])
        .expect("the endpoint is taken as it is");
    let _ = requirer.on(dispatch);
    let _ = charm_tracing_config(&requirer, None);
    let _ = requirer.get_endpoint(ReceiverProtocol::Zipkin);
    let _ = requirer.request_protocols(&[ReceiverProtocol::OtlpGrpc]);
    for relation in requirer.relations().unwrap_or_default() {
        let _ = requirer.get_all_endpoints_on(&relation);
        let _ = dispatch.relation_units(&relation.endpoint, relation.id);
        let _ = dispatch.relation_get_unit(&relation.endpoint, relation.id, "tempo/0");
    }
}

fn provide(dispatch: &Dispatch) {
    let provider = TracingEndpointProvider::new(dispatch, "tracing").expect("the endpoint is taken as it is");
    let _ = provider.on(dispatch);
    let requested = provider.requested_protocols().unwrap_or_default();
    let receivers: Vec<_> =
        requested.into_iter().map(|protocol| Receiver::new(protocol, "http://tempo:1")).collect();
    let _ = provider.publish_receivers(&receivers);
    for relation in provider.relations().unwrap_or_default() {
        let _ = provider.is_requirer_ready(&relation);
        let _ = provider.requested_protocols_on(&relation);
    }
}

/// As of a relation over which certificates come.
fn trust(dispatch: &Dispatch) {
    let authorities =
        CertificateTransferRequirer::new(dispatch, "tracing").expect("the endpoint is taken as it is");
    let _ = authorities.on(dispatch);
    for certificate in authorities.certificates().unwrap_or_default() {
        assert!(certificate.contains("-----BEGIN CERTIFICATE-----"), "{certificate:?}");
    }
    read(dispatch);
}

/// Uses the relation as one with a collector on the same machine.
fn ask_collector(dispatch: &Dispatch) {
    let provider = CosAgentProvider::new(dispatch, "tracing", &[ReceiverProtocol::OtlpHttp])
        .expect("the endpoint is taken as it is");
    let _ = provider.on(dispatch);
    let _ = charm_tracing_config(&provider, None);
    for protocol in [ReceiverProtocol::OtlpHttp, ReceiverProtocol::Zipkin] {
        assert!(!provider.get_tracing_endpoint(protocol).is_ok_and(|url| url.is_empty()));
    }
    for relation in provider.relations().unwrap_or_default() {
        let _ = provider.get_all_endpoints_on(&relation);
    }
}

/// The tools whose output is read as types of this crate.
fn read(dispatch: &Dispatch) {
    let _ = dispatch.status_get();
    let _ = dispatch.application_status_get();
    let _ = dispatch.network_get("tracing").map(|network| network.ingress_address().map(str::to_owned));
    let _ = dispatch.opened_ports();
    let _ = dispatch.goal_state();
    let _ = dispatch.state_get();
    let _ = dispatch.resource_get("image");
    let _ = dispatch.secret_get(SecretId::Label("db"), SecretRevision::Tracked);
    let _ = dispatch.secret_info_get(SecretId::Label("db"));
}

/// Tools that print what they are told to, and the usual where a bit says so or nothing is left.
#[derive(Debug)]
struct Printing {
    usual: u8,
    outputs: Mutex<Vec<Vec<u8>>>,
}

impl HookTools for Printing {
    fn run(&self, call: &HookToolCall) -> Result<HookToolOutput, HookToolError> {
        let (bit, usual) = match call.tool() {
            "relation-ids" => (1, r#"["tracing:3"]"#),
            "is-leader" => (2, "true"),
            "relation-list" if call.args().iter().any(|arg| arg == "--app") => (4, r#""tempo""#),
            "relation-list" => (8, r#"["tempo/0"]"#),
            _ => (16, r#"{"receivers": "[]"}"#),
        };
        let mut outputs = self.outputs.lock().expect("one thread");
        let planned =
            if self.usual & bit == 0 && !outputs.is_empty() { Some(outputs.remove(0)) } else { None };
        match planned.as_deref() {
            Some([code @ 0..8, stderr @ ..]) => {
                let code = Some(i32::from(*code)).filter(|code| *code != 0);
                let error = HookToolError::from_exit(call.tool(), code, stderr);
                assert!(!error.to_string().is_empty());
                assert!(matches!(code, Some(1 | 2)) || error.kind() == HookToolErrorKind::Failed);
                Err(error)
            }
            Some(stdout) => Ok(HookToolOutput { stdout: stdout.into(), stderr: Vec::new(), pid: None }),
            None => Ok(HookToolOutput { stdout: usual.into(), stderr: Vec::new(), pid: None }),
        }
    }
}
