//! The charm of a tracing backend: whoever relates to it learns where to send traces. Its own go over another relation,
//! perhaps to another backend.

mod config;

use std::process::ExitCode;

use anyhow::Context as _;
use charm_tracing::juju::{Dispatch, LogLevel, StatusValue};
use charm_tracing::relation::{
    Receiver, ReceiverProtocol, Relation, TracingEndpointProvider, TracingEndpointRequirer,
    TracingProviderEvent, charm_tracing_config,
};
use charm_tracing::{trace_charm, try_event};

use config::Config;

/// The protocols that the workload receives. The order is always the same, so that nobody is told of a change that is none.
const SUPPORTED: [ReceiverProtocol; 2] = [ReceiverProtocol::OtlpHttp, ReceiverProtocol::OtlpGrpc];

struct ProviderCharm {
    tracing: TracingEndpointProvider,
    own_endpoint: Option<String>,
}

#[trace_charm(tracing_endpoint = "own_endpoint", extra_types = [Config])]
impl ProviderCharm {
    fn new(dispatch: &Dispatch) -> anyhow::Result<Self> {
        let tracing = TracingEndpointProvider::new(dispatch, "tracing")?;
        let own = TracingEndpointRequirer::new(dispatch, "charm-tracing", &[ReceiverProtocol::OtlpHttp])?;
        Ok(Self { tracing, own_endpoint: charm_tracing_config(&own, None)?.endpoint })
    }

    /// After any event, all charms are told what holds now. That is cheap, as only what changed is written.
    fn handle(&mut self, dispatch: &Dispatch) -> anyhow::Result<()> {
        match self.tracing.on(dispatch) {
            Some(TracingProviderEvent::Request { relation, protocols, .. }) => {
                try_event("request", || Self::on_request(dispatch, &relation, &protocols))?;
            }
            Some(TracingProviderEvent::Broken { relation, .. }) => {
                try_event("broken", || Self::on_broken(dispatch, &relation))?;
            }
            _ => {}
        }
        self.reconcile(dispatch)
    }

    fn on_request(
        dispatch: &Dispatch,
        relation: &Relation,
        protocols: &[ReceiverProtocol],
    ) -> anyhow::Result<()> {
        for protocol in protocols.iter().filter(|protocol| !SUPPORTED.contains(protocol)) {
            let message = format!("{relation} asks for {protocol}, which is not received");
            dispatch.juju_log(LogLevel::Warn, &message)?;
        }
        Ok(())
    }

    fn on_broken(dispatch: &Dispatch, relation: &Relation) -> anyhow::Result<()> {
        dispatch.juju_log(LogLevel::Info, &format!("no more traces come over {relation}"))?;
        Ok(())
    }

    fn reconcile(&self, dispatch: &Dispatch) -> anyhow::Result<()> {
        if dispatch.is_leader()? {
            match self.receivers(dispatch) {
                Ok(receivers) => self.tracing.publish_receivers(&receivers)?,
                Err(error) => {
                    dispatch.status_set(&StatusValue::Blocked, &format!("{error:#}"))?;
                    return Ok(());
                }
            }
        }
        dispatch.status_set(&StatusValue::Active, "")?;
        Ok(())
    }

    /// One for each protocol that any charm asks for, as far as the workload has it, and OTLP over HTTP in any case.
    fn receivers(&self, dispatch: &Dispatch) -> anyhow::Result<Vec<Receiver>> {
        let config = Config::read(dispatch)?;
        let tracing = self.tracing.clone().with_external_url(config.external_url.as_deref());
        let address = Self::address(dispatch)?;
        let requested = self.tracing.requested_protocols()?;
        let wanted = SUPPORTED
            .into_iter()
            .filter(|protocol| *protocol == ReceiverProtocol::OtlpHttp || requested.contains(protocol));
        wanted
            .map(|protocol| tracing.receiver(protocol, &address, config.port(protocol)))
            .collect::<Option<_>>()
            .with_context(|| match config.external_url {
                Some(_) => "the option external-url names no host",
                None => "Juju knows no address of this unit yet",
            })
    }

    /// Where the charms of this model reach the unit.
    fn address(dispatch: &Dispatch) -> anyhow::Result<String> {
        let network = dispatch.network_get("tracing")?;
        Ok(network.ingress_address().unwrap_or_default().to_owned())
    }
}

pub(crate) fn main() -> ExitCode {
    charm_tracing::run(ProviderCharm::new, ProviderCharm::handle)
}
