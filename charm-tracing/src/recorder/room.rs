/// How much more a session may record, by [`weight`](super::weight).
#[derive(Debug)]
pub(crate) struct Room {
    left: u64,
    reserve: u64,
}

/// Who records something, by how much room is left for others.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Whose {
    /// The spans of the charm, and what it says about them.
    Charm,
    /// The failures of what is still open when there is no room for that.
    Failure,
    /// What the trace lacks.
    Trace,
}

impl Room {
    pub(crate) const fn new(bytes: u64) -> Self {
        Self { left: bytes, reserve: Whose::Charm.reserve() }
    }

    /// For what is weighed as a whole when it is ready.
    pub(crate) const fn endless() -> Self {
        Self::new(u64::MAX)
    }

    #[inline]
    pub(crate) fn of(&mut self, whose: Whose) -> &mut Self {
        self.reserve = whose.reserve();
        self
    }

    /// Takes so much, if there is more than the reserve.
    #[inline]
    pub(crate) fn take(&mut self, weight: usize) -> bool {
        let weight = weight as u64;
        let enough = self.left >= weight.saturating_add(self.reserve);
        if enough {
            self.left -= weight;
        }
        enough
    }

    /// Takes what stands in the place of something else.
    pub(crate) fn exchange(&mut self, old: usize, new: usize) -> bool {
        let enough = self.take(new.saturating_sub(old));
        if enough {
            self.left = self.left.saturating_add(old.saturating_sub(new) as u64);
        }
        enough
    }
}

impl Whose {
    const fn reserve(self) -> u64 {
        match self {
            Self::Charm => 64 * 1024,
            Self::Failure => 1024,
            Self::Trace => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_for_others_is_not_taken() {
        let mut room = Room::new(64 * 1024 + 100);
        assert!(room.of(Whose::Charm).take(100));
        assert!(!room.of(Whose::Charm).take(1));
        assert!(room.of(Whose::Failure).take(63 * 1024));
        assert!(!room.of(Whose::Failure).take(1));
        assert!(room.of(Whose::Trace).take(1024));
        assert!(!room.of(Whose::Trace).take(1));
    }

    #[test]
    fn what_is_replaced_gives_its_room_back() {
        let mut room = Room::new(64 * 1024 + 100);
        for _ in 0..1000 {
            assert!(room.of(Whose::Charm).exchange(0, 100));
            assert!(!room.of(Whose::Charm).exchange(10, 20));
            assert!(room.of(Whose::Charm).exchange(100, 0));
        }
    }
}
