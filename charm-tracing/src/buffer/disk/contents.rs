//! The bytes of one file: as every process sees them, and as they are on the disk.

use std::sync::Arc;

use super::chance::Chance;

/// The disk writes a sector whole or not at all.
const SECTOR: usize = 512;

#[derive(Debug, Clone, Default)]
pub(super) struct Contents {
    written: Vec<u8>,
    durable: Arc<Vec<u8>>,
    /// What leads from the one to the other, oldest first.
    unsynced: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Write { offset: usize, bytes: Arc<[u8]> },
    Length(usize),
}

impl Contents {
    pub(super) fn len(&self) -> usize {
        self.written.len()
    }

    /// Reads into as much of `bytes` as there is.
    pub(super) fn read(&self, bytes: &mut [u8], offset: usize) -> usize {
        let there = self.written.get(offset..).unwrap_or_default();
        let read = there.len().min(bytes.len());
        bytes[..read].copy_from_slice(&there[..read]);
        read
    }

    pub(super) fn write(&mut self, bytes: &[u8], offset: usize) {
        put(&mut self.written, bytes, offset);
        self.unsynced.push(Change::Write { offset, bytes: bytes.into() });
    }

    pub(super) fn set_len(&mut self, len: usize) {
        self.written.resize(len, 0);
        self.unsynced.push(Change::Length(len));
    }

    pub(super) fn sync(&mut self) {
        self.durable = Arc::new(self.written.clone());
        self.unsynced.clear();
    }

    /// What the disk may hold when the power fails now.
    ///
    /// Of each sector any of the states it had since the last sync, zeros where nothing arrived, and of the length the same:
    /// the sectors and the length know nothing of one another. Only what lies behind a cut that did not arrive is not
    /// reached by later writes, since those went to other blocks, and what was cut off does not come back behind a new end.
    pub(super) fn after_power_cut(&self, chance: &mut Chance) -> Self {
        let changes = self.unsynced.len();
        let arrivals = Arrivals::new(changes, chance);
        let mut bytes = self.durable.to_vec();
        let mut len = bytes.len();
        let mut cut_in_vain = usize::MAX;
        for (number, change) in self.unsynced.iter().enumerate() {
            match change {
                Change::Length(new) if number < arrivals.lengths => {
                    bytes.truncate(*new);
                    len = *new;
                }
                Change::Length(new) => cut_in_vain = cut_in_vain.min(*new),
                Change::Write { offset, bytes: new } => {
                    for (at, part) in sectors(*offset, new) {
                        if at < cut_in_vain && number < arrivals.of_sector(at / SECTOR) {
                            put(&mut bytes, part, at);
                        }
                    }
                    if number < arrivals.lengths {
                        len = len.max(offset + new.len());
                    }
                }
            }
        }
        bytes.resize(len, 0);
        Self { written: bytes.clone(), durable: Arc::new(bytes), unsynced: Vec::new() }
    }
}

/// How many of the changes to a file arrived on the disk.
struct Arrivals {
    changes: usize,
    lengths: usize,
    sectors: Sectors,
}

enum Sectors {
    All(usize),
    AllOrNothing(u64),
    Any(u64),
}

impl Arrivals {
    fn new(changes: usize, chance: &mut Chance) -> Self {
        let lengths = if chance.below(2) == 0 { changes } else { chance.below(changes + 1) };
        let sectors = match chance.below(6) {
            0 => Sectors::All(0),
            1 => Sectors::All(changes),
            2 => Sectors::All(chance.below(changes + 1)),
            3 => Sectors::AllOrNothing(chance.number()),
            _ => Sectors::Any(chance.number()),
        };
        Self { changes, lengths, sectors }
    }

    fn of_sector(&self, sector: usize) -> usize {
        let chance = |seed: u64| Chance::of(seed ^ sector as u64);
        match self.sectors {
            Sectors::All(arrived) => arrived,
            Sectors::AllOrNothing(seed) => chance(seed).below(2) * self.changes,
            Sectors::Any(seed) => chance(seed).below(self.changes + 1),
        }
    }
}

/// A write as parts that each lie in one sector, with their offsets.
fn sectors(offset: usize, mut bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = offset;
    std::iter::from_fn(move || {
        let (part, rest) = bytes.split_at((SECTOR - at % SECTOR).min(bytes.len()));
        let place = at;
        at += part.len();
        bytes = rest;
        (!part.is_empty()).then_some((place, part))
    })
}

fn put(file: &mut Vec<u8>, bytes: &[u8], offset: usize) {
    let end = offset + bytes.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    file[offset..end].copy_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Everything that may be there.
    fn ways(contents: &Contents) -> BTreeSet<Vec<u8>> {
        (0..2000).map(|seed| contents.after_power_cut(&mut Chance::of(seed)).written).collect()
    }

    #[test]
    fn what_was_synced_survives_a_power_cut() {
        let mut contents = Contents::default();
        contents.write(b"durable", 0);
        contents.sync();
        assert_eq!(ways(&contents), BTreeSet::from([b"durable".to_vec()]));
    }

    #[test]
    fn what_was_not_is_kept_lost_or_zeros_but_never_torn_within_a_sector() {
        let mut contents = Contents::default();
        contents.write(b"old", 0);
        contents.sync();
        contents.write(b"new, longer", 0);
        let expected = [&b"old"[..], b"new", b"new, longer", b"old\0\0\0\0\0\0\0\0"].map(<[u8]>::to_vec);
        assert_eq!(ways(&contents), BTreeSet::from(expected));
    }

    #[test]
    fn sectors_arrive_on_their_own() {
        let mut contents = Contents::default();
        contents.write(&[0; 2 * SECTOR], 0);
        contents.sync();
        contents.write(&[1; 2 * SECTOR], 0);
        let halves = [[0, 0], [0, 1], [1, 0], [1, 1]].map(|halves| {
            let [first, second] = halves.map(|byte| vec![byte; SECTOR]);
            [first, second].concat()
        });
        assert_eq!(ways(&contents), BTreeSet::from(halves));
    }

    #[test]
    fn what_was_cut_off_does_not_come_back_behind_a_new_end() {
        let mut contents = Contents::default();
        contents.write(&[1; SECTOR], 0);
        contents.sync();
        contents.set_len(0);
        contents.write(&[2; 10], 100);
        let ways = ways(&contents);
        let whole = [vec![0; 100], vec![2; 10]].concat();
        let expected = [vec![], vec![0; 110], whole, vec![1; SECTOR]];
        assert_eq!(ways, BTreeSet::from(expected));
    }
}
