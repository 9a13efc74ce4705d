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

/// The side of the `tracing` interface that receives traces: learns which protocols the charms around it ask for, and
/// tells them where to send.
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
/// Every answer of a hook tool is kept for the rest of the dispatch. [`requested_protocols`] takes
/// `relation-ids` and, for each relation, `relation-get`, and `relation-list` for the name of the other application
/// unless it is the relation's own hook. [`publish_receivers`] adds `is-leader`, a `relation-get` for each relation to
/// compare, and a `relation-set` only for those that have to be told something new.
///
/// [`requested_protocols`]: Self::requested_protocols
/// [`publish_receivers`]: Self::publish_receivers
///
/// # Strictness
///
/// A request of protocols of which some are unknown counts for the others; the Python library ignores it altogether.
/// Where one relation is being removed, the others are told all the same; there, the first failure ends the loop. What
/// is published already is not written again, and other keys of the databag stay. [`RequirerAppData`] says which
/// databags are readable.
#[derive(Clone, Debug)]
pub struct TracingEndpointProvider {
    endpoint: RelationEndpoint,
    external_url: Option<String>,
}

impl TracingEndpointProvider {
    /// The provider side of the endpoint `relation_name` of the charm's metadata. No hook tool is run.
    ///
    /// Where the metadata cannot be read, that is logged, and the endpoint is not checked.
    ///
    /// # Errors
    ///
    /// The metadata has no such endpoint, or it has another interface than `tracing`, or it is not under `provides`.
    pub fn new(dispatch: &Dispatch, relation_name: &str) -> Result<Self, TracingError> {
        let endpoint = RelationEndpoint::new(dispatch, relation_name, INTERFACE, Role::Provides)?;
        Ok(Self { endpoint, external_url: None })
    }

    /// Sets the URL by which the backend is reached from outside its model, such as an ingress: `https://traces.example`.
    /// [`receiver`](Self::receiver) builds on its scheme, host and path; a port in it gives way to the receiver's. `None` and an
    /// empty text are none.
    #[must_use]
    pub fn with_external_url(mut self, url: Option<&str>) -> Self {
        self.external_url = url.filter(|url| !url.is_empty()).map(ToOwned::to_owned);
        self
    }

    /// The receiver of a protocol on a port of the external URL's host, or of `internal_url`'s if there is no external
    /// one: [`Receiver::on_port`]. `None` if that URL names no host.
    #[must_use]
    pub fn receiver(&self, protocol: ReceiverProtocol, internal_url: &str, port: u16) -> Option<Receiver> {
        Receiver::on_port(protocol, self.external_url.as_deref().unwrap_or(internal_url), port)
    }

    /// The relations on the endpoint, by ascending id. In a `relation-broken` hook, the one that it ends is not among
    /// them.
    ///
    /// # Errors
    ///
    /// A hook tool fails.
    pub fn relations(&self) -> Result<Vec<Relation>, TracingError> {
        self.endpoint.relations()
    }

    /// Whether the charm at the other end has published its request, which may be empty.
    ///
    /// # Errors
    ///
    /// A hook tool fails.
    pub fn is_requirer_ready(&self, relation: &Relation) -> Result<bool, TracingError> {
        Ok(self.request(relation)?.is_some())
    }

    /// The protocols that any of the related charms asks for, always in the order of [`ReceiverProtocol::ALL`]. Charms that
    /// have not published a request, or whose relation is gone, are passed over.
    ///
    /// # Errors
    ///
    /// A hook tool fails, be it for one relation alone: what its charm asks for is not known then, and must not be taken
    /// for nothing.
    pub fn requested_protocols(&self) -> Result<BTreeSet<ReceiverProtocol>, TracingError> {
        let mut requested = BTreeSet::new();
        for relation in self.relations()? {
            requested.extend(self.request(&relation)?.unwrap_or_default().receivers);
        }
        Ok(requested)
    }

    /// The protocols that the charm at the other end asks for, in its order, and as often. Unlike
    /// [`requested_protocols`](Self::requested_protocols) it tells why there are none.
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
        match RequirerAppData::load_and_tell(&databag, told) {
            Ok(request) => Ok(request.receivers),
            Err(source) => Err(TracingError::DataValidation { relation: relation.clone(), source }),
        }
    }

    /// Publishes these receivers on every relation of the endpoint, instead of what was published before. Without any,
    /// the other charms are told that the backend is ready and receives nothing.
    ///
    /// # Errors
    ///
    /// The unit is not the leader, or a hook tool fails; then, all relations that could be told were. A relation that is
    /// gone is no error.
    pub fn publish_receivers(&self, receivers: &[Receiver]) -> Result<(), TracingError> {
        self.endpoint.must_lead()?;
        self.endpoint.publish_to_all(&self.endpoint.ids()?, &ProviderAppData::new(receivers).to_databag())
    }

    /// Publishes these receivers on one relation, instead of what was published before.
    ///
    /// # Errors
    ///
    /// As for [`publish_receivers`](Self::publish_receivers).
    pub fn publish_receivers_on(
        &self,
        receivers: &[Receiver],
        relation: &Relation,
    ) -> Result<(), TracingError> {
        self.endpoint.must_lead()?;
        self.endpoint.publish(relation.id, &ProviderAppData::new(receivers).to_databag())
    }

    /// What the event that `dispatch` is for means to this endpoint; `None` if nothing.
    ///
    /// A `relation-created`, `-joined` or `-changed` is a [`Request`](TracingProviderEvent::Request) each time that there
    /// is one, whether it is new or not; a `relation-broken` is always a [`Broken`](TracingProviderEvent::Broken). If a
    /// hook tool fails, that is logged, and nothing is known to have changed.
    #[must_use]
    pub fn on(&self, dispatch: &Dispatch) -> Option<TracingProviderEvent> {
        let (relation, event) = self.endpoint.event_of(dispatch)?;
        match event {
            "broken" => Some(TracingProviderEvent::Broken { relation }),
            "created" | "joined" | "changed" => match self.request(&relation) {
                Ok(Some(request)) => {
                    Some(TracingProviderEvent::Request { relation, protocols: request.receivers })
                }
                Ok(None) => None,
                Err(error) => {
                    self.endpoint.cannot_be_read(&relation, &error);
                    None
                }
            },
            _ => None,
        }
    }

    /// What the charm at the other end has published; `None` while it has not.
    fn request(&self, relation: &Relation) -> Result<Option<RequirerAppData>, TracingError> {
        match self.requested_protocols_on(relation) {
            Ok(protocols) => Ok(Some(RequirerAppData::new(protocols))),
            Err(error @ (TracingError::NotReady { .. } | TracingError::DataValidation { .. })) => {
                self.endpoint.say_once(Level::Debug, &with_causes(&error));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
