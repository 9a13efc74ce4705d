/// The purpose of recorded data. Each purpose leaves a reserve for those after it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// The spans of the charm, and all that it adds to them.
    Charm,
    /// The failures of spans that are open when the charm's part is used up.
    Failure,
    /// Attributes of the root that say what the trace lacks.
    Lack,
}

/// The part of a quota that may be used for one purpose.
#[derive(Debug)]
pub(crate) struct Share<'a> {
    /// `None` for data without a limit here, because it is weighed as a whole when it is complete.
    left: Option<&'a mut u64>,
    reserve: u64,
}

impl Share<'_> {
    pub(crate) const fn unlimited() -> Self {
        Self { left: None, reserve: 0 }
    }

    /// Takes `weight` if the reserve is left after it. Returns true if so.
    #[inline]
    pub(crate) fn take(&mut self, weight: usize) -> bool {
        let Some(left) = &mut self.left else { return true };
        let weight = weight as u64;
        let enough = **left >= weight.saturating_add(self.reserve);
        if enough {
            **left -= weight;
        }
        enough
    }

    /// Takes the weight `new` in exchange for `old`, if the reserve is left after it. Returns true if so.
    pub(crate) fn exchange(&mut self, old: usize, new: usize) -> bool {
        let enough = self.take(new.saturating_sub(old));
        if let (true, Some(left)) = (enough, &mut self.left) {
            **left = left.saturating_add(old.saturating_sub(new) as u64);
        }
        enough
    }
}

impl Purpose {
    /// Returns the share of the quota, of which `left` bytes are left by [`weight`](super::record::weight).
    #[inline]
    pub(crate) fn share(self, left: &mut u64) -> Share<'_> {
        Share { left: Some(left), reserve: self.reserve() }
    }

    const fn reserve(self) -> u64 {
        match self {
            Self::Charm => 64 * 1024,
            Self::Failure => 1024,
            Self::Lack => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_for_others_is_not_taken() {
        let mut quota = 64 * 1024 + 100;
        assert!(Purpose::Charm.share(&mut quota).take(100));
        assert!(!Purpose::Charm.share(&mut quota).take(1));
        assert!(Purpose::Failure.share(&mut quota).take(63 * 1024));
        assert!(!Purpose::Failure.share(&mut quota).take(1));
        assert!(Purpose::Lack.share(&mut quota).take(1024));
        assert!(!Purpose::Lack.share(&mut quota).take(1));
        assert!(Share::unlimited().take(usize::MAX));
    }

    #[test]
    fn what_is_replaced_gives_its_weight_back() {
        let mut quota = 64 * 1024 + 100;
        let mut share = Purpose::Charm.share(&mut quota);
        for _ in 0..1000 {
            assert!(share.exchange(0, 100));
            assert!(!share.exchange(10, 20));
            assert!(share.exchange(100, 0));
        }
    }
}
