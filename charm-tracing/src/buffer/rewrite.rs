//! Replaces the file by one that holds only the live records: to reclaim space, to close the holes that damage left,
//! or because the file is not ours.
//!
//! The new file is written beside the old one, synced, locked, and renamed over it, so at every moment the path names a
//! whole file. What is kept of a file that is not ours gets its second name before that, by a hard link.
//!
//! Where there are no hard links, that file is renamed first, and for a moment nothing has the path. A process that opens
//! it in just that moment makes a file of its own, and what it adds is lost with it. That is the price of not failing in
//! every dispatch on such a file system, and is paid only for a file that is not ours.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::fs::BufferFile;
use super::header::{FIRST_RECORD, Hint};
use super::ledger::{Ledger, count};
use super::scan::{Found, Scanner};

const CHUNK: usize = 64 * 1024;
/// A larger file that is not ours is not searched for records before it is set aside.
const SEARCHED_AT_MOST: u64 = 64 * 1024 * 1024;

impl Ledger<'_> {
    /// Keeps the file under another name and starts afresh with the intact records behind `from`.
    pub(super) fn set_aside(&mut self, suffix: &str, from: u64, len: u64) -> io::Result<()> {
        let aside = with_suffix(self.path, suffix);
        let from = if len - from > SEARCHED_AT_MOST { len } else { from };
        self.rewrite(from, len, Some(&aside))?;
        log::warn!(
            "{} is not a trace buffer that this version can read; it is kept as {}, and {} traces were carried over",
            self.path.display(),
            aside.display(),
            self.hint.live_records
        );
        Ok(())
    }

    /// Moves the live records of a stretch into a new file that takes the place of this one.
    pub(super) fn rewrite(&mut self, from: u64, end: u64, aside: Option<&Path>) -> io::Result<()> {
        let temporary = with_suffix(self.path, "new");
        let fresh = self.fs.create_anew(&temporary)?;
        let replaced = self.fill(&*fresh, from, end).and_then(|hint| {
            match aside {
                None => self.fs.rename(&temporary, self.path)?,
                Some(aside) => self.replace_and_keep(&temporary, aside)?,
            }
            Ok(hint)
        });
        match replaced {
            Ok(hint) => {
                self.hint = hint;
                *self.file = fresh;
                Ok(())
            }
            Err(error) => {
                let _ = self.fs.remove(&temporary);
                Err(error)
            }
        }
    }

    /// Puts the new file in the place of this one, which gets another name.
    fn replace_and_keep(&self, fresh: &Path, aside: &Path) -> io::Result<()> {
        if let Err(error) = self.fs.link(self.path, aside) {
            log::debug!("cannot link {}, so it is renamed: {error}", aside.display());
            self.fs.rename(self.path, aside)?;
        }
        self.fs.rename(fresh, self.path).inspect_err(|_| {
            // Whether it was linked or renamed: it has its old name afterwards, and the intact records are still in it.
            let _ = self.fs.rename(aside, self.path);
        })
    }

    fn fill(&self, fresh: &dyn BufferFile, from: u64, end: u64) -> io::Result<Hint> {
        if !fresh.try_lock()? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let mut hint = self.hint.emptied();
        let mut scanner = Scanner::new(&**self.file, from, end);
        while let Some(found) = scanner.next()? {
            hint.next_sequence = hint.next_sequence.max(found.header.sequence.saturating_add(1));
            if found.header.live {
                copy(&**self.file, &found, fresh, hint.tail)?;
                count(&mut hint, &found);
                hint.last = hint.tail;
                hint.tail += found.header.size();
            }
        }
        debug_assert_eq!(hint.tail, FIRST_RECORD + hint.live_bytes);
        fresh.write_all_at(&hint.encode(), 0)?;
        fresh.sync()?;
        Ok(hint)
    }
}

fn copy(from: &dyn BufferFile, found: &Found, to: &dyn BufferFile, offset: u64) -> io::Result<()> {
    let size = found.header.size();
    let mut chunk = vec![0; usize::try_from(size).map_or(CHUNK, |size| size.min(CHUNK))];
    let mut done = 0;
    while done < size {
        let want = chunk.len().min(usize::try_from(size - done).unwrap_or(CHUNK));
        if from.read_at(&mut chunk[..want], found.offset + done)? < want {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        to.write_all_at(&chunk[..want], offset + done)?;
        done += want as u64;
    }
    Ok(())
}

/// A file beside the buffer.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".");
    name.push(suffix);
    name.into()
}
