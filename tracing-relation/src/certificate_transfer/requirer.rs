use std::collections::BTreeSet;

use super::wire::Found;
use crate::endpoint::RelationEndpoint;
use crate::juju::{Dispatch, Role};
use crate::{Relation, TracingError};

const INTERFACE: &str = "certificate_transfer";

/// The side of the `certificate_transfer` interface that receives certificates: learns which authorities to trust.
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
/// The endpoint may have any number of relations. Nothing is ever written: a provider that looks for the version that
/// its requirer knows, and finds none, answers in version 0, and newer ones in both.
///
/// # What is trusted
///
/// In version 1 all `certificates` of the application databag. Where that has none, and does not say that there are none
/// any more, version 0: `ca` and `chain` of every remote unit's databag. `certificate` is not among them: the one that an
/// authority sends there it sends as `ca`, too, and in any other it is what the authority has signed for a server. An
/// anchor may sign for every name, so whoever has that server's key could pass as the tracing backend. (The Python
/// library takes `chain` alone, and of one unit.)
///
/// What is not a certificate in PEM never hides what is one; that something was left out is logged once, at debug.
///
/// # Cost
///
/// Each hook tool is a process, so every answer is kept for the rest of the dispatch. Without a relation there is 1
/// (`relation-ids`). Each relation takes 1 for the name of the application (`relation-list --app`), which its own hooks
/// know already, and 1 for the application's databag (`relation-get`). In version 0 there are the list of the units
/// (`relation-list`) and 1 for each of them. The construction takes none. In a charm that is traced, answers are kept for
/// later dispatches, too, as long as no event says that they may have changed: other events take none at all.
#[derive(Clone, Debug)]
pub struct CertificateTransferRequirer {
    endpoint: RelationEndpoint,
}

/// What an event of Juju means to a charm that trusts the certificates it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateTransferEvent {
    /// There are certificates on this relation, the same as before or others.
    #[non_exhaustive]
    CertificatesUpdated {
        /// The relation with the provider.
        relation: Relation,
        /// All that it sends now, in PEM.
        certificates: BTreeSet<String>,
    },
    /// There is none (any more) on this relation, which may still be there.
    #[non_exhaustive]
    CertificatesRemoved {
        /// The relation with the provider.
        relation: Relation,
    },
}

impl CertificateTransferRequirer {
    /// The requirer side of the endpoint `relation_name` of the charm's metadata.
    ///
    /// Where the metadata cannot be read, that is logged, and the endpoint is not checked.
    ///
    /// # Errors
    ///
    /// The metadata has no such endpoint, or it has another interface than `certificate_transfer`, or it is not under
    /// `requires`.
    pub fn new(dispatch: &Dispatch, relation_name: &str) -> Result<Self, TracingError> {
        let endpoint = RelationEndpoint::new(dispatch, relation_name, INTERFACE, Role::Requires)?;
        Ok(Self { endpoint })
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

    /// The certificates of all relations, each as a text in PEM that ends with a line break. Joined they are a bundle.
    ///
    /// A relation that is gone, or that Juju does not let the unit read, has none.
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

    /// The certificates of this relation.
    ///
    /// # Errors
    ///
    /// As for [`certificates`](Self::certificates).
    pub fn certificates_on(&self, relation: &Relation) -> Result<BTreeSet<String>, TracingError> {
        let gone = || relation.app.is_none() || self.endpoint.dispatch().found_gone(relation.id);
        let mut found = Found::default();
        if !gone() && !found.add_application(&self.endpoint.remote_app_data(relation)?) && !gone() {
            for unit in self.endpoint.units(relation)? {
                found.add_unit(&self.endpoint.remote_unit_data(relation, &unit)?);
            }
        }
        if found.ignored > 0 {
            let what =
                format!("ignored {} items on {relation} that are no certificates in PEM", found.ignored);
            self.endpoint.say_once(log::Level::Debug, &what);
        }
        Ok(found.certificates)
    }

    /// What the event that `dispatch` is for means to this endpoint; `None` if nothing.
    ///
    /// A `relation-changed` tells what is there, whether it is new or not, and so does a `relation-departed`: in version 0
    /// a unit takes its certificates with it. A `relation-broken` tells that there is nothing. If a hook tool fails, that
    /// is logged, and nothing is known to have changed.
    #[must_use]
    pub fn on(&self, dispatch: &Dispatch) -> Option<CertificateTransferEvent> {
        use CertificateTransferEvent::{CertificatesRemoved, CertificatesUpdated};
        let (relation, event) = self.endpoint.event_of(dispatch)?;
        match event {
            "broken" => Some(CertificatesRemoved { relation }),
            "changed" | "departed" => match self.certificates_on(&relation) {
                Ok(certificates) if certificates.is_empty() => Some(CertificatesRemoved { relation }),
                Ok(certificates) => Some(CertificatesUpdated { relation, certificates }),
                Err(error) => {
                    self.endpoint.cannot_be_read(&relation, &error);
                    None
                }
            },
            _ => None,
        }
    }
}
