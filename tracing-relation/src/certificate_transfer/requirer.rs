use std::collections::BTreeSet;

use super::wire::Found;
use crate::endpoint::RelationEndpoint;
use crate::juju::{Dispatch, Role};
use crate::{Relation, TracingError};

const INTERFACE: &str = "certificate_transfer";

/// The side of the `certificate_transfer` interface that receives certificates: it reads which authorities to trust.
///
/// ```no_run
/// use tracing_relation::CertificateTransferRequirer;
/// use tracing_relation::juju::Dispatch;
///
/// let authorities = CertificateTransferRequirer::new(&Dispatch::from_env(), "receive-ca-cert")?;
/// let bundle: String = authorities.certificates()?.into_iter().collect();
/// # Ok::<(), tracing_relation::TracingError>(())
/// ```
///
/// The endpoint may have any number of relations. Nothing is ever written. A provider that finds no version in its
/// requirer's databag answers in version 0, and newer providers in versions 0 and 1.
///
/// # What is trusted
///
/// In version 1, all `certificates` of the application databag are trusted. Version 0 is read only if there are none, and
/// the databag does not say that there are none any more. In version 0, `ca` and `chain` of every remote unit's databag are
/// trusted. `certificate` is not: an authority sends its own certificate there as `ca` as well, and any other `certificate`
/// is a server's, signed by the authority. A trust anchor may sign for every name, so the owner of that server's key could
/// pretend to be the tracing backend. (The Python library reads only `chain`, and only of one unit.)
///
/// Invalid items do not affect the valid certificates. That items were ignored is logged once, at debug.
///
/// # Cost
///
/// Each hook tool is a round trip to the unit's agent, so every answer is kept for the rest of the dispatch. The constructor
/// runs no tool. Reading runs `relation-ids`, and for each relation `relation-list --app` for the name of the application (not in the relation's
/// own hooks) and `relation-get` for the application's databag. In version 0 it also runs `relation-list` for the units,
/// and `relation-get` for each unit. A charm that is traced keeps the answers for later dispatches, until an event says
/// that they may have changed; other events run no tool.
#[derive(Clone, Debug)]
pub struct CertificateTransferRequirer {
    endpoint: RelationEndpoint,
}

/// The meaning of a Juju event for a charm that trusts the certificates of this interface.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateTransferEvent {
    /// The relation has certificates, changed or not.
    #[non_exhaustive]
    CertificatesUpdated {
        /// The relation with the provider.
        relation: Relation,
        /// All certificates that the relation has now, in PEM.
        certificates: BTreeSet<String>,
    },
    /// The relation has no certificates (any more), but the relation itself may still exist.
    #[non_exhaustive]
    CertificatesRemoved {
        /// The relation with the provider.
        relation: Relation,
    },
}

impl CertificateTransferRequirer {
    /// Creates the requirer side of the endpoint `relation_name` of the charm's metadata.
    ///
    /// If the metadata cannot be read, this is logged, and the endpoint is not checked.
    ///
    /// # Errors
    ///
    /// The metadata has no such endpoint, the endpoint has another interface than `certificate_transfer`, or it is not
    /// under `requires`.
    pub fn new(dispatch: &Dispatch, relation_name: &str) -> Result<Self, TracingError> {
        let endpoint = RelationEndpoint::new(dispatch, relation_name, INTERFACE, Role::Requires)?;
        Ok(Self { endpoint: endpoint.that_only_waits() })
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

    /// Returns the certificates of all relations, each as a PEM text that ends with a line break. Joined, the texts are a
    /// bundle.
    ///
    /// A relation that is gone, or that Juju does not let the unit read, has no certificates.
    ///
    /// # Errors
    ///
    /// A hook tool fails for another reason.
    pub fn certificates(&self) -> Result<BTreeSet<String>, TracingError> {
        let mut all = BTreeSet::new();
        for relation in self.relations()? {
            all.append(&mut self.certificates_on(&relation)?);
        }
        Ok(all)
    }

    /// Returns the certificates of this relation.
    ///
    /// # Errors
    ///
    /// The errors are those of [`certificates`](Self::certificates).
    pub fn certificates_on(&self, relation: &Relation) -> Result<BTreeSet<String>, TracingError> {
        let gone = || relation.app.is_none() || self.endpoint.dispatch().found_gone(relation.id);
        let mut found = Found::default();
        if !gone() && !found.add_application(&self.endpoint.remote_app_data(relation)?) && !gone() {
            for unit in self.endpoint.units(relation)? {
                found.add_unit(&self.endpoint.remote_data(relation.id, &unit)?);
            }
        }
        if found.ignored > 0 {
            let what =
                format!("ignored {} items on {relation} that are no certificates in PEM", found.ignored);
            self.endpoint.say_once(log::Level::Debug, &what);
        }
        Ok(found.certificates)
    }

    /// Returns the meaning of the event of `dispatch` for this endpoint; `None` if it has none.
    ///
    /// A `relation-changed` or `relation-departed` reports the current certificates, new or not, or that there are none. A
    /// departure matters because in version 0 the certificates of a unit leave with it. A `relation-broken` always reports
    /// that there are none. If a hook tool fails, this is logged, and `None` is returned.
    #[must_use]
    pub fn on(&self, dispatch: &Dispatch) -> Option<CertificateTransferEvent> {
        use CertificateTransferEvent::{CertificatesRemoved, CertificatesUpdated};
        let (relation, event) = self.endpoint.event_of(dispatch)?;
        match event {
            "broken" => Some(CertificatesRemoved { relation }),
            "changed" | "departed" => {
                match self.endpoint.readable(&relation, self.certificates_on(&relation))? {
                    none if none.is_empty() => Some(CertificatesRemoved { relation }),
                    certificates => Some(CertificatesUpdated { relation, certificates }),
                }
            }
            _ => None,
        }
    }
}
