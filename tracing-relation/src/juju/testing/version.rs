//! The differences between the versions of Juju, and the texts with which its controller refuses.
//!
//! Every version has two texts for a refusal. If a call of the agent fails as a whole, the error's code is added in
//! brackets. If only one of several answers in a call fails, it is not. The agent of a leader asks for its application's
//! databag in the first way, and for all others in the second.

/// A version of Juju, as far as its hook tools depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(u32, u32);

/// The controller's text when it refuses one of several databags.
pub(super) const REFUSED: &str = "permission denied";

/// The controller's text when it refuses a leader its application's databag, because the relation is gone or it is not the
/// leader.
pub(super) const REFUSED_AS_A_WHOLE: &str = "permission denied (unauthorized access)";

impl Version {
    /// The version with long-term support.
    pub(super) const DEFAULT: Self = Self(3, 6);

    /// Reads a version: `4.1-beta1` is 4.1, and a part that is not a number counts as 0.
    pub(super) fn parse(text: &str) -> Self {
        let mut numbers = text.split(['.', '-']).map(|number| number.parse().unwrap_or(0));
        let mut next = || numbers.next().unwrap_or(0);
        Self(next(), next())
    }

    /// Returns true for Juju 3 and later, which has secrets.
    pub(super) fn has_secrets(self) -> bool {
        self >= Self(3, 0)
    }

    /// Returns true for Juju 4 and later, which stores relations in a database and has other error texts for them.
    pub(super) fn is_4(self) -> bool {
        self >= Self(4, 0)
    }

    /// Returns the error text for the remote databags of a relation that only the agent still knows. Before Juju 4, the
    /// controller does not reveal whether such a relation ever existed.
    pub(super) fn remote_databag_of_severed_relation(self) -> &'static str {
        if self.is_4() { "relation not found" } else { REFUSED }
    }

    /// Returns the error text of `network-get` for a relation that only the agent still knows.
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
