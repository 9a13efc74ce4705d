use log::Level;

use super::wire::{self, CONFIG};
use crate::config::LearnsEndpoint;
use crate::endpoint::RelationEndpoint;
use crate::error::with_causes;
use crate::juju::{Databag, Dispatch, Role};
use crate::wire::RECEIVERS;
use crate::{ProviderAppData, Receiver, ReceiverProtocol, Relation, TracingError, TracingEvent};

const INTERFACE: &str = "cos_agent";

/// The side of the `cos_agent` interface that sends traces: a charm on a machine asks its collector, a subordinate such as
/// `opentelemetry-collector`, for receivers, and reads their URLs.
///
/// ```no_run
/// use tracing_relation::juju::Dispatch;
/// use tracing_relation::{CosAgentProvider, ReceiverProtocol, charm_tracing_config};
///
/// let dispatch = Dispatch::from_env();
/// let collector = CosAgentProvider::new(&dispatch, "cos-agent", &[ReceiverProtocol::OtlpHttp])?;
/// let config = charm_tracing_config(&collector, Some("/etc/my-charm/ca.crt".as_ref()))?;
/// # Ok::<(), tracing_relation::TracingError>(())
/// ```
///
/// Everything is in the databags of units, so no unit needs to be the leader. The relation is with the collector's unit on
/// the same machine. Before that unit is there, nothing is read or requested.
///
/// The methods without a relation are for an endpoint with `limit: 1` in the metadata. For another limit they fail with
/// [`AmbiguousRelationUsage`](TracingError::AmbiguousRelationUsage), even if there is only one relation. The methods that
/// end in `_on` take a relation of [`relations`](Self::relations), and work for any limit.
///
/// # What is written
///
/// The request is the member `tracing_protocols` of the JSON object `config` in the unit's databag. The other members are
/// about metrics, logs and dashboards. They keep their text, and those that the collector requires are added empty if they
/// are missing. A charm that publishes them itself should do so before it calls [`new`](Self::new), or keep
/// `tracing_protocols`. A `config` that is not a JSON object is replaced, because no collector can read it.
///
/// # Cost
///
/// Each hook tool is a round trip to the unit's agent, so every answer is kept for the rest of the dispatch. If the dispatch
/// has a memory ([`Dispatch::with_relation_memory`], which `charm_tracing` uses), the answers are kept for later dispatches
/// as well, until an event says that they changed. A charm that asks for its endpoint in every dispatch runs these hook
/// tools:
///
/// | dispatch | hook tools |
/// |---|---|
/// | no relation, first dispatch | 1 |
/// | no relation, any other event | 0 |
/// | `relation-created` | 2 |
/// | `relation-joined`: it asks | 5 |
/// | `relation-changed`: the collector has answered | 4 |
/// | any other event | **0** |
/// | `start`: all is asked again | 4 |
/// | any event after the memory was lost | 5 |
/// | `relation-broken` | 1 |
///
/// A tool that hangs is stopped after 10 s, or earlier if the dispatch's hook tools allow less.
///
/// # Strictness
///
/// One bad receiver does not hide the good ones, and of several receivers of a protocol, the first with a URL counts; the
/// Python library (`grafana_agent.v0.cos_agent`) refuses the whole list, and takes the first receiver. It keeps no other
/// members of `config`. It looks for its request in the wrong place, and therefore raises `ProtocolNotRequestedError`, a kind
/// of `ProtocolNotFoundError`, for requested protocols as well.
#[derive(Clone, Debug)]
pub struct CosAgentProvider {
    endpoint: RelationEndpoint,
    protocols: Vec<ReceiverProtocol>,
}

impl CosAgentProvider {
    /// Creates the charm's side of the endpoint `relation_name` of its metadata, usually `cos-agent`.
    ///
    /// It requests `protocols` from the collector, and replaces an earlier request. Without protocols, it withdraws the
    /// request. A databag that has the same request is not written. If this fails, the failure is logged and is not an error.
    ///
    /// Charm traces need [`OtlpHttp`](ReceiverProtocol::OtlpHttp). The collector's library does not know
    /// [`JaegerGrpc`](ReceiverProtocol::JaegerGrpc) (as of its patch 23), and its hook fails if this is requested.
    ///
    /// If the metadata cannot be read, this is logged, the endpoint is not checked, and its limit is assumed to be 1.
    ///
    /// # Errors
    ///
    /// The metadata has no such endpoint, the endpoint has another interface than `cos_agent`, or it is not under
    /// `provides`.
    pub fn new(
        dispatch: &Dispatch,
        relation_name: &str,
        protocols: &[ReceiverProtocol],
    ) -> Result<Self, TracingError> {
        let endpoint = RelationEndpoint::new(dispatch, relation_name, INTERFACE, Role::Provides)?;
        let provider = Self { endpoint: endpoint.that_only_waits(), protocols: protocols.to_vec() };
        provider.request_at_start();
        Ok(provider)
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

    /// Returns true if the collector has published its list of receivers. They may have no URLs yet, and the list may be
    /// empty.
    ///
    /// # Errors
    ///
    /// The endpoint's limit is not 1, or a hook tool fails.
    pub fn is_ready(&self) -> Result<bool, TracingError> {
        Ok(self.get_all_endpoints()?.is_some())
    }

    /// Returns true if the collector on this relation has published its list of receivers.
    ///
    /// # Errors
    ///
    /// A hook tool fails.
    pub fn is_ready_on(&self, relation: &Relation) -> Result<bool, TracingError> {
        Ok(self.get_all_endpoints_on(relation)?.is_some())
    }

    /// Returns the receivers that the collector has published; `None` while it has published none. The URL of a receiver is
    /// empty while the collector has no backend.
    ///
    /// # Errors
    ///
    /// The endpoint's limit is not 1, or a hook tool fails.
    pub fn get_all_endpoints(&self) -> Result<Option<Vec<Receiver>>, TracingError> {
        self.endpoint.the_relation()?.map_or(Ok(None), |relation| self.get_all_endpoints_on(&relation))
    }

    /// Returns the receivers that the collector on this relation has published, as
    /// [`get_all_endpoints`](Self::get_all_endpoints) does.
    ///
    /// # Errors
    ///
    /// A hook tool fails.
    pub fn get_all_endpoints_on(&self, relation: &Relation) -> Result<Option<Vec<Receiver>>, TracingError> {
        if relation.app.is_none() {
            return Ok(None);
        }
        // Juju shows one unit. If an endpoint without the scope `container` has more, the first with receivers counts.
        for unit in self.endpoint.units(relation)? {
            let databag = self.endpoint.remote_data(relation.id, &unit)?;
            let told =
                |ignored: &str| self.endpoint.say_once(Level::Debug, &format!("{relation}: {ignored}"));
            match wire::receivers(&databag, told) {
                Ok(receivers) => return Ok(Some(receivers)),
                Err(error) => {
                    let level = if databag.contains_key(RECEIVERS) { Level::Warn } else { Level::Debug };
                    let why = format!("{relation} is not ready: {}", with_causes(&error));
                    self.endpoint.say_once(level, &why);
                }
            }
        }
        Ok(None)
    }

    /// Returns the URL to send traces to with this protocol: a [`ReceiverProtocol`], or the name of one that is newer than
    /// this crate. The charm need not have requested it.
    ///
    /// # Errors
    ///
    /// - [`ProtocolNotFound`](TracingError::ProtocolNotFound): the collector has published no URL for the protocol (yet). It
    ///   may have no tracing backend.
    /// - [`ProtocolNotRequested`](TracingError::ProtocolNotRequested): there is none either, and the charm never requested
    ///   the protocol.
    /// - The endpoint's limit is not 1, or a hook tool fails.
    pub fn get_tracing_endpoint(&self, protocol: impl AsRef<str>) -> Result<String, TracingError> {
        match self.endpoint.the_relation()? {
            Some(relation) => self.get_tracing_endpoint_on(protocol, &relation),
            None => Err(self.not_found(protocol.as_ref())),
        }
    }

    /// Returns the URL to send traces to over this relation, as [`get_tracing_endpoint`](Self::get_tracing_endpoint) does.
    ///
    /// # Errors
    ///
    /// The errors are those of [`get_tracing_endpoint`](Self::get_tracing_endpoint), except that any limit is allowed.
    pub fn get_tracing_endpoint_on(
        &self,
        protocol: impl AsRef<str>,
        relation: &Relation,
    ) -> Result<String, TracingError> {
        let protocol = protocol.as_ref();
        let receivers = self.get_all_endpoints_on(relation)?.unwrap_or_default();
        if let Some(receiver) = ProviderAppData::new(receivers).receiver(protocol) {
            return Ok(receiver.url.clone());
        }
        Err(if self.may_have_requested(protocol, relation) {
            self.not_found(protocol)
        } else {
            TracingError::ProtocolNotRequested { protocol: protocol.to_owned(), relation: relation.clone() }
        })
    }

    /// Returns the meaning of the event of `dispatch` for this endpoint; `None` if it has none.
    ///
    /// A `relation-changed` or `relation-departed` is an [`EndpointChanged`](TracingEvent::EndpointChanged) if the collector
    /// has published its receivers, new or not, and an [`EndpointRemoved`](TracingEvent::EndpointRemoved) if it has not. A
    /// departure matters because the databag leaves with the collector's unit. A `relation-broken` is always an
    /// `EndpointRemoved`. If a hook tool fails, this is logged, and `None` is returned.
    #[must_use]
    pub fn on(&self, dispatch: &Dispatch) -> Option<TracingEvent> {
        let (relation, event) = self.endpoint.event_of(dispatch)?;
        match event {
            "broken" => Some(TracingEvent::EndpointRemoved { relation }),
            "changed" | "departed" => {
                match self.endpoint.readable(&relation, self.get_all_endpoints_on(&relation))? {
                    Some(receivers) => Some(TracingEvent::EndpointChanged { relation, receivers }),
                    None => Some(TracingEvent::EndpointRemoved { relation }),
                }
            }
            _ => None,
        }
    }

    /// Returns false only if it is certain that the protocol was not requested.
    fn may_have_requested(&self, protocol: &str, relation: &Relation) -> bool {
        // A name that this crate does not know cannot be requested, so its absence is not a mistake of the author.
        let Ok(known) = protocol.parse::<ReceiverProtocol>() else { return true };
        if self.protocols.contains(&known) {
            return true;
        }
        match self.endpoint.published_by_unit(relation.id) {
            Ok(published) => {
                let requested = published.get(CONFIG).map_or_else(Vec::new, |text| wire::requested_in(text));
                requested.iter().any(|name| name == protocol)
            }
            Err(error) => {
                log::debug!("cannot tell what was requested on {relation}: {}", with_causes(&error));
                true
            }
        }
    }

    fn not_found(&self, protocol: &str) -> TracingError {
        let (protocol, endpoint) = (protocol.to_owned(), self.endpoint.name().to_owned());
        TracingError::ProtocolNotFound { protocol, endpoint }
    }

    /// Requests the protocols of the constructor on all relations. Logs a failure.
    fn request_at_start(&self) {
        let requested = || {
            for relation in self.endpoint.relations()? {
                self.request_on(&relation)?;
            }
            Ok(())
        };
        if let Err::<(), TracingError>(error) = requested() {
            log::warn!(
                "cannot request tracing protocols on `{}`: {}",
                self.endpoint.name(),
                with_causes(&error)
            );
        }
    }

    /// Requests the protocols if the collector's unit is there, and the databag does not have the request.
    fn request_on(&self, relation: &Relation) -> Result<(), TracingError> {
        let request =
            |databag: &Databag| wire::with_request(databag.get(CONFIG).map(String::as_str), &self.protocols);
        let known = self.endpoint.remembered_of_unit(relation.id);
        if known.is_some_and(|databag| request(&databag).is_none())
            || self.endpoint.units(relation)?.is_empty()
        {
            return Ok(());
        }
        let published = self.endpoint.published_by_unit(relation.id)?;
        match request(&published) {
            Some(config) if !self.endpoint.dispatch().found_gone(relation.id) => {
                let data = Databag::from([(CONFIG.to_owned(), config)]);
                self.endpoint.publish_by_unit(relation.id, &data)
            }
            _ => Ok(()),
        }
    }
}

impl LearnsEndpoint for CosAgentProvider {
    /// Returns `None`, and warns the operator, while a collector that is there has no endpoint. This is never an error, as in
    /// Python, because the operator may relate the collector to a backend later.
    fn charm_endpoint(&self) -> Result<Option<String>, TracingError> {
        use TracingError::{ProtocolNotFound, ProtocolNotRequested};
        if !self.is_ready()? {
            return Ok(None);
        }
        match self.get_tracing_endpoint(ReceiverProtocol::OtlpHttp) {
            Err(error @ (ProtocolNotFound { .. } | ProtocolNotRequested { .. })) => {
                let why = format!(
                    "cannot send traces yet, so they are kept: {}. The collector may need a relation to a tracing backend.",
                    with_causes(&error)
                );
                self.dispatch().warn_operator("endpoint", &why);
                Ok(None)
            }
            endpoint => endpoint.map(Some),
        }
    }

    fn dispatch(&self) -> &Dispatch {
        self.endpoint.dispatch()
    }
}
