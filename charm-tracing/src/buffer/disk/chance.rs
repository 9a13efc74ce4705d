/// Numbers that look random and are the same for the same seed (`SplitMix64`).
#[derive(Debug, Clone)]
pub(in crate::buffer) struct Chance(u64);

impl Chance {
    pub(in crate::buffer) fn of(seed: u64) -> Self {
        Self(seed)
    }

    pub(in crate::buffer) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to one less than `bound`, which is at least 1.
    pub(in crate::buffer) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.number() % bound as u64).unwrap_or(0)
    }

    /// True in so many of a hundred cases.
    #[cfg(test)]
    pub(in crate::buffer) fn percent(&mut self, cases: usize) -> bool {
        self.below(100) < cases
    }
}
