//! What differs between the versions of Juju: mostly words.

/// A version of Juju, as far as its hook tools differ by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(u32, u32, u32);

impl Version {
    /// Where versions differ and nothing is said: that of the long-term support.
    pub(super) const DEFAULT: Self = Self(3, 6, 0);

    /// `4.1-beta1` is 4.1.0, and what is no number counts as 0.
    pub(super) fn parse(text: &str) -> Self {
        let mut numbers = text.split(['.', '-']).map(|number| number.parse().unwrap_or(0));
        let mut next = || numbers.next().unwrap_or(0);
        Self(next(), next(), next())
    }

    /// Relations are rows of a database, and their tools worded anew.
    pub(super) fn is_4(self) -> bool {
        self >= Self(4, 0, 0)
    }

    /// How the controller refuses.
    pub(super) fn permission_denied(self) -> &'static str {
        if self >= Self(3, 6, 24) { "permission denied (unauthorized access)" } else { "permission denied" }
    }

    /// What a tool says that reads a databag of a relation that only the agent still knows. Until Juju 4 the controller
    /// does not want to tell whether there ever was such a relation.
    pub(super) fn databag_of_severed_relation(self) -> &'static str {
        if self.is_4() { "relation not found" } else { self.permission_denied() }
    }

    /// What `network-get` says of such a relation.
    pub(super) fn network_of_severed_relation(self, id: u32) -> String {
        if self.is_4() { self.permission_denied().to_owned() } else { format!("relation {id} not found") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        assert_eq!(Version::parse("4.1-beta1"), Version(4, 1, 0));
        assert_eq!(Version::parse("not a version"), Version(0, 0, 0));
        assert!(Version::parse("3.6.9") < Version::parse("3.6.24"));
    }
}
