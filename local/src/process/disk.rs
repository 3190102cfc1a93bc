//! How much an instance keeps in its `/tmp`. Its guard looks at a few files at a time, and hears orders in between.

use std::fs::{self, ReadDir};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The pause between two looks at the whole folder.
const PAUSE: Duration = Duration::from_secs(1);

/// How many files are looked at in a row: a fraction of a millisecond.
const FILES: usize = 128;

/// Finds out whether a folder holds too much.
#[derive(Debug)]
pub(super) struct Disk {
    folder: PathBuf,
    /// How much it may hold, in bytes.
    most: u64,
    due: Instant,
    /// The look that has begun.
    look: Option<Look>,
}

#[derive(Debug)]
struct Look {
    /// Folders whose files are still to be counted.
    folders: Vec<PathBuf>,
    entries: Option<ReadDir>,
    /// What the files so far take on the disk, in bytes.
    total: u64,
}

impl Disk {
    pub(super) fn new(folder: PathBuf, most: u64) -> Self {
        Disk { folder, most, due: Instant::now() + PAUSE, look: None }
    }

    /// How long there is nothing to do.
    pub(super) fn pause(&self) -> Duration {
        self.due.saturating_duration_since(Instant::now())
    }

    /// Looks at some files, if that is due. Tells the size of the folder once that is too large.
    pub(super) fn look(&mut self) -> Option<u64> {
        if !self.pause().is_zero() {
            return None;
        }
        let folder = &self.folder;
        let look =
            self.look.get_or_insert_with(|| Look { folders: vec![folder.clone()], entries: None, total: 0 });
        if !look.go_on() {
            return None;
        }
        let total = look.total;
        (self.look, self.due) = (None, Instant::now() + PAUSE);
        (total > self.most).then_some(total)
    }
}

impl Look {
    /// Counts some files. True once all are counted. What is gone by now takes nothing.
    fn go_on(&mut self) -> bool {
        const BLOCK: u64 = 512;
        for _ in 0..FILES {
            let Some(entries) = &mut self.entries else {
                let Some(folder) = self.folders.pop() else { return true };
                self.entries = fs::read_dir(folder).ok();
                continue;
            };
            let Some(entry) = entries.next() else {
                self.entries = None;
                continue;
            };
            let Ok(entry) = entry else { continue };
            let Ok(metadata) = entry.metadata() else { continue };
            self.total += metadata.blocks() * BLOCK;
            if metadata.is_dir() {
                self.folders.push(entry.path());
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_files_are_counted_in_pieces() {
        let folder = std::env::temp_dir().join(format!("fclt-disk-{}", std::process::id()));
        fs::create_dir_all(folder.join("below")).unwrap();
        for file in 0..FILES {
            fs::write(folder.join(format!("{file}")), "x").unwrap();
            fs::write(folder.join(format!("below/{file}")), "x").unwrap();
        }
        let size = |most| {
            let mut disk = Disk { due: Instant::now(), ..Disk::new(folder.clone(), most) };
            let mut looks = 0;
            let size = loop {
                looks += 1;
                let size = disk.look();
                if disk.look.is_none() {
                    break size;
                }
            };
            assert!(looks > 2, "{looks}");
            assert!(!disk.pause().is_zero() && disk.look().is_none(), "the next look is not due");
            size
        };
        let all = size(0).unwrap();
        assert!(all >= 2 * FILES as u64 * 512, "{all}");
        assert_eq!((size(all), size(all - 1)), (None, Some(all)));
        fs::remove_dir_all(folder).unwrap();
    }
}
