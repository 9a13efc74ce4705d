use std::collections::BTreeSet;

use log::Level;

use crate::endpoint::RelationEndpoint;
use crate::error::with_causes;
use crate::juju::{Dispatch, Role};
use crate::wire::INTERFACE;
use crate::{
    ProviderAppData, Receiver, ReceiverProtocol, Relation, RequirerAppData, TracingError,
    TracingProviderEvent,
};

/// The side of the `tracing` interface that receives traces: it reads which protocols other charms request, and publishes
/// the URLs to send to.
///
/// ```no_run
/// use tracing_relation::juju::Dispatch;
/// use tracing_relation::{ReceiverProtocol, TracingEndpointProvider, TracingError};
///
/// # fn main() -> Result<(), TracingError> {
/// let dispatch = Dispatch::from_env();
/// let tracing = TracingEndpointProvider::new(&dispatch, "tracing")?;
/// if dispatch.is_leader()? {
///     let host = "http://tempo-0.tempo-endpoints.my-model.svc.cluster.local";
///     let port = |protocol| if protocol == ReceiverProtocol::OtlpHttp { 4318 } else { 4317 };
///     let requested = tracing.requested_protocols()?;
///     let receivers: Vec<_> =
///         requested.into_iter().filter_map(|protocol| tracing.receiver(protocol, host, port(protocol))).collect();
///     tracing.publish_receivers(&receivers)?;
/// }
/// # Ok(()) }
/// ```
///
/// # Cost
///
/// Every answer of a hook tool is kept for the rest of the dispatch. [`requested_protocols`] runs `relation-ids` and, for
/// each relation, `relation-get`. It also runs `relation-list` for the name of the other application, except in the
/// relation's own hook. [`publish_receivers`] adds `is-leader`, a `relation-get` for each relation to compare, and a
/// `relation-set` for each relation whose data changes.
///
/// [`requested_protocols`]: Self::requested_protocols
/// [`publish_receivers`]: Self::publish_receivers
///
/// # Strictness
///
/// If a request names some unknown protocols, the known ones count; the Python library ignores the whole request. If one
/// relation is being removed, the others are still written; in Python the first failure ends the loop. Data that is already
/// published is not written again, and other keys of the databag stay. [`RequirerAppData`] says which databags are
/// readable.
#[derive(Clone, Debug)]
pub struct TracingEndpointProvider {
    endpoint: RelationEndpoint,
    external_url: Option<String>,
}

impl TracingEndpointProvider {
    /// Creates the provider side of the endpoint `relation_name` of the charm's metadata. Runs no hook tool.
    ///
    /// If the metadata cannot be read, this is logged, and the endpoint is not checked.
    ///
    /// # Errors
    ///
    /// The metadata has no such endpoint, the endpoint has another interface than `tracing`, or it is not under `provides`.
    pub fn new(dispatch: &Dispatch, relation_name: &str) -> Result<Self, TracingError> {
        let endpoint = RelationEndpoint::new(dispatch, relation_name, INTERFACE, Role::Provides)?;
        Ok(Self { endpoint, external_url: None })
    }

    /// Sets the URL by which the backend is reached from outside its model, such as an ingress: `https://traces.example`.
    /// [`receiver`](Self::receiver) uses its scheme, host and path, and replaces its port by the receiver's. `None` or an
    /// empty text removes the URL.
    #[must_use]
    pub fn with_external_url(mut self, url: Option<&str>) -> Self {
        self.external_url = url.filter(|url| !url.is_empty()).map(ToOwned::to_owned);
        self
    }

    /// Returns the receiver of a protocol on a port of the external URL's host, or of `internal_url`'s host if there is no
    /// external URL (see [`Receiver::on_port`]); `None` if that URL names no host.
    #[must_use]
    pub fn receiver(&self, protocol: ReceiverProtocol, internal_url: &str, port: u16) -> Option<Receiver> {
        Receiver::on_port(protocol, self.external_url.as_deref().unwrap_or(internal_url), port)
    }

    /// Returns the relations on the endpoint, by ascending id. A `relation-broken` hook does not list the relation that it
    /// ends.
    ///
    /// # Errors
    ///
    /// A hook tool fails.
    pub fn relations(&self) -> Result<Vec<Relation>, TracingError> {
        self.endpoint.relations()
    }

    /// Returns true if the charm at the other end has published its request, which may be empty.
    ///
    /// # Errors
    ///
    /// A hook tool fails.
    pub fn is_requirer_ready(&self, relation: &Relation) -> Result<bool, TracingError> {
        Ok(self.request(relation)?.is_some())
    }

    /// Returns the protocols that at least one related charm requests, in the order of [`ReceiverProtocol::ALL`]. Charms
    /// without a request, and relations that are gone, are skipped.
    ///
    /// # Errors
    ///
    /// A hook tool fails, even if only for one relation, because then the request of its charm is unknown, and must not
    /// count as empty.
    pub fn requested_protocols(&self) -> Result<BTreeSet<ReceiverProtocol>, TracingError> {
        let mut requested = BTreeSet::new();
        for relation in self.relations()? {
            requested.extend(self.request(&relation)?.unwrap_or_default());
        }
        Ok(requested)
    }

    /// Returns the protocols that the charm at the other end requests, in its order and with duplicates. Unlike
    /// [`requested_protocols`](Self::requested_protocols), it returns an error if there is no request.
    ///
    /// # Errors
    ///
    /// The relation is gone ([`NotReady`](TracingError::NotReady)), its databag holds no request
    /// ([`DataValidation`](TracingError::DataValidation)), or a hook tool fails.
    pub fn requested_protocols_on(&self, relation: &Relation) -> Result<Vec<ReceiverProtocol>, TracingError> {
        if relation.app.is_none() {
            return Err(TracingError::NotReady { relation: relation.clone() });
        }
        let databag = self.endpoint.remote_app_data(relation)?;
        let told = |ignored: &str| self.endpoint.say_once(Level::Debug, &format!("{relation}: {ignored}"));
        match RequirerAppData::load_reporting(&databag, told) {
            Ok(request) => Ok(request.receivers),
            Err(source) => Err(TracingError::DataValidation { relation: relation.clone(), source }),
        }
    }

    /// Publishes these receivers on every relation of the endpoint, and replaces what was published before. An empty list
    /// says that the backend is ready, but receives nothing.
    ///
    /// # Errors
    ///
    /// The unit is not the leader, or a hook tool fails. In the latter case the other relations are still written. A
    /// relation that is gone is not an error.
    pub fn publish_receivers(&self, receivers: &[Receiver]) -> Result<(), TracingError> {
        self.endpoint.must_lead()?;
        self.endpoint.publish_to_all(&self.endpoint.ids()?, &ProviderAppData::new(receivers).to_databag())
    }

    /// Publishes these receivers on one relation, and replaces what was published before.
    ///
    /// # Errors
    ///
    /// The errors are those of [`publish_receivers`](Self::publish_receivers).
    pub fn publish_receivers_on(
        &self,
        receivers: &[Receiver],
        relation: &Relation,
    ) -> Result<(), TracingError> {
        self.endpoint.must_lead()?;
        self.endpoint.publish(relation.id, &ProviderAppData::new(receivers).to_databag())
    }

    /// Returns the meaning of the event of `dispatch` for this endpoint; `None` if it has none.
    ///
    /// A `relation-created`, `-joined` or `-changed` is a [`Request`](TracingProviderEvent::Request) if there is a request,
    /// new or not. A `relation-broken` is always a [`Broken`](TracingProviderEvent::Broken). If a hook tool fails, this is
    /// logged, and `None` is returned.
    #[must_use]
    pub fn on(&self, dispatch: &Dispatch) -> Option<TracingProviderEvent> {
        let (relation, event) = self.endpoint.event_of(dispatch)?;
        match event {
            "broken" => Some(TracingProviderEvent::Broken { relation }),
            "created" | "joined" | "changed" => {
                let protocols = self.endpoint.readable(&relation, self.request(&relation))??;
                Some(TracingProviderEvent::Request { relation, protocols })
            }
            _ => None,
        }
    }

    /// Returns the protocols that the charm at the other end requests; `None` if there is no request.
    fn request(&self, relation: &Relation) -> Result<Option<Vec<ReceiverProtocol>>, TracingError> {
        match self.requested_protocols_on(relation) {
            Ok(protocols) => Ok(Some(protocols)),
            Err(error @ (TracingError::NotReady { .. } | TracingError::DataValidation { .. })) => {
                self.endpoint.say_once(Level::Debug, &with_causes(&error));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
