use std::borrow::Cow;

use super::split;
use crate::buffer::Progress;

/// A trace on its way to the backend: as a whole, or in parts once it turned out to be too large.
#[derive(Debug)]
pub(super) struct Parcel<'a> {
    trace: &'a [u8],
    progress: Progress,
}

/// No backend takes less than this; what is refused although it is smaller is refused for something else.
const SMALLEST_TO_SPLIT: usize = 64 * 1024;
const MOST_PARTS: u16 = 1 << 15;

impl<'a> Parcel<'a> {
    pub(super) fn new(trace: &'a [u8], progress: Progress) -> Self {
        let divisible = progress.parts == 1 || split::spans(trace).is_some();
        Self { trace, progress: if divisible { progress } else { Progress::default() } }
    }

    /// How far it has come; none when all of it was taken or given up.
    pub(super) fn progress(&self) -> Option<Progress> {
        (self.progress.done < self.progress.parts).then_some(self.progress)
    }

    /// The request that has to be sent next; none if nothing is left.
    pub(super) fn next(&mut self) -> Option<Cow<'a, [u8]>> {
        while let Some(Progress { done, parts }) = self.progress() {
            let part = if parts > 1 { split::part(self.trace, done, parts) } else { None };
            match part {
                Some(empty) if empty.spans == 0 => self.settle(),
                Some(part) => return Some(part.request.into()),
                None => return Some(self.trace.into()),
            }
        }
        None
    }

    /// The request was taken, or given up.
    pub(super) fn settle(&mut self) {
        self.progress.done += 1;
    }

    /// Makes two of the request that was sent last. False if that cannot be done, or would not help.
    pub(super) fn halve(&mut self, request: &[u8]) -> bool {
        let Progress { done, parts } = self.progress;
        let divisible = parts < MOST_PARTS
            && request.len() >= SMALLEST_TO_SPLIT
            && split::spans(request).is_some_and(|spans| spans > 1);
        if divisible {
            self.progress = Progress { done: done * 2, parts: parts * 2 };
        }
        divisible
    }
}
