//! What differs between the versions of Juju, and how its controller refuses.
//!
//! A refusal comes in two lengths, in every version: a call of the agent that fails as a whole gets the error's code in
//! brackets, and one of several answers in a call does not. The agent of a leader asks for its application's databag in the
//! first way, and for all others in the second.

/// A version of Juju, as far as its hook tools differ by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(u32, u32);

/// How the controller refuses one of several databags.
pub(super) const REFUSED: &str = "permission denied";

/// How the controller refuses a leader its application's databag: the relation is gone, or it is no leader.
pub(super) const REFUSED_AS_A_WHOLE: &str = "permission denied (unauthorized access)";

impl Version {
    /// The one with long-term support.
    pub(super) const DEFAULT: Self = Self(3, 6);

    /// `4.1-beta1` is 4.1, and what is no number counts as 0.
    pub(super) fn parse(text: &str) -> Self {
        let mut numbers = text.split(['.', '-']).map(|number| number.parse().unwrap_or(0));
        let mut next = || numbers.next().unwrap_or(0);
        Self(next(), next())
    }

    /// Relations are rows of a database, and their errors worded anew.
    pub(super) fn is_4(self) -> bool {
        self >= Self(4, 0)
    }

    /// What is said of the remote databags of a relation that only the agent still knows. Until Juju 4 the controller does
    /// not want to tell whether there ever was such a relation.
    pub(super) fn remote_databag_of_severed_relation(self) -> &'static str {
        if self.is_4() { "relation not found" } else { REFUSED }
    }

    /// What `network-get` says of such a relation.
    pub(super) fn network_of_severed_relation(self, id: u32) -> String {
        if self.is_4() { REFUSED_AS_A_WHOLE.to_owned() } else { format!("relation {id} not found") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        assert_eq!(Version::parse("4.1-beta1"), Version(4, 1));
        assert_eq!(Version::parse("not a version"), Version(0, 0));
        assert!(Version::parse("3.10.1") > Version::parse("3.6.24"));
    }
}
