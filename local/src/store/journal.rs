//! The journal: the changes since the database file was written, one behind the other. A commit appends to it, which is
//! one write and one wait for the disk; the pages of the database are written later, many commits at a time.
//!
//! A *frame* has the changes of one commit. The frames from the beginning of the file on belong to one *lap*, whose number
//! the database holds too. Once the database has all of them, the next lap begins, and writes over the last one: a file
//! that does not grow is synced in half the time. What is left of an earlier lap has another number, or a wrong checksum.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::error::Broken;

/// What precedes the changes of a frame: the lap, the length of the changes, and a checksum of all three.
const HEAD: usize = 8 + 4 + 4;

/// From this length on, in bytes, the database is brought up to date. A start after a crash reads no more than this and
/// one commit. The longer it is, the fewer calls wait for the database.
const LONG: u64 = 32 * 1024 * 1024;

/// By how many bytes the file grows at least: a wait for the disk is longer while a file grows.
const GROWTH: usize = 1024 * 1024;

/// The most memory that a frame keeps from one commit to the next, in bytes.
const KEPT: usize = 256 * 1024;

/// The changes of one commit, with room for their head.
#[derive(Debug)]
pub(super) struct Frame(Vec<u8>);

impl Default for Frame {
    fn default() -> Self {
        Frame(vec![0; HEAD])
    }
}

impl Frame {
    pub(super) fn push_byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    /// Adds a part, behind its length.
    pub(super) fn push(&mut self, part: &[u8]) {
        // A value of 4 GiB is more than a table takes.
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&length.to_le_bytes());
        self.0.extend_from_slice(part);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len() - HEAD
    }

    /// Takes everything out. A buffer that one large commit has made is not kept.
    pub(super) fn clear(&mut self) {
        self.0.truncate(HEAD);
        self.0.shrink_to(KEPT);
    }

    /// The frame as it is written.
    fn finished(&mut self, lap: u64) -> &[u8] {
        let length = u32::try_from(self.len()).unwrap_or(u32::MAX);
        let sum = checksum(lap, length, &self.0[HEAD..]);
        self.0[..8].copy_from_slice(&lap.to_le_bytes());
        self.0[8..12].copy_from_slice(&length.to_le_bytes());
        self.0[12..HEAD].copy_from_slice(&sum.to_le_bytes());
        &self.0
    }
}

fn checksum(lap: u64, length: u32, changes: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&lap.to_le_bytes());
    sum.update(&length.to_le_bytes());
    sum.update(changes);
    sum.finalize()
}

/// An open journal.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    path: PathBuf,
    lap: u64,
    /// Where the next frame goes.
    at: u64,
    /// The length of the file.
    size: u64,
}

impl Journal {
    /// Opens the file, or makes it. Frames may be [read](Self::read), and then the first [lap](Self::begin) begins.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let is_new = !path.exists();
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        if let (true, Some(folder)) = (is_new, path.parent()) {
            // Without this a crash of the machine could lose the name of the file.
            File::open(folder)?.sync_all()?;
        }
        let size = file.metadata()?.len();
        Ok(Journal { file, path: path.to_owned(), lap: 0, at: 0, size })
    }

    /// Gives the frames of a lap, in their order, up to the first that was not written to its end.
    pub(super) fn read(
        &self,
        lap: u64,
        mut redo: impl FnMut(&[u8]) -> Result<(), Broken>,
    ) -> Result<(), Broken> {
        let (mut at, mut head, mut changes) = (0, [0; HEAD], Vec::new());
        while at + HEAD as u64 <= self.size {
            self.file.read_exact_at(&mut head, at)?;
            let [own @ .., _, _, _, _, _, _, _, _] = head;
            let length = u32::from_le_bytes([head[8], head[9], head[10], head[11]]);
            let sum = u32::from_le_bytes([head[12], head[13], head[14], head[15]]);
            at += HEAD as u64;
            if u64::from_le_bytes(own) != lap || u64::from(length) > self.size - at {
                break;
            }
            changes.resize(usize::try_from(length).unwrap_or(0), 0);
            self.file.read_exact_at(&mut changes, at)?;
            if checksum(lap, length, &changes) != sum {
                break;
            }
            redo(&changes)?;
            at += u64::from(length);
        }
        Ok(())
    }

    /// Begins a lap: the database has all frames of the one before.
    pub(super) fn begin(&mut self, lap: u64) {
        (self.lap, self.at) = (lap, 0);
    }

    pub(super) fn lap(&self) -> u64 {
        self.lap
    }

    pub(super) fn is_long(&self) -> bool {
        self.at >= LONG
    }

    /// Appends a frame, and waits until it is on the disk.
    ///
    /// # Errors
    ///
    /// The frame is not there: the next one is written over it.
    pub(super) fn append(&mut self, frame: &mut Frame) -> io::Result<()> {
        let frame = frame.finished(self.lap);
        if let Err(error) = self.write(frame) {
            // A frame that came to the disk all the same must not be found after a crash. If this fails too, the frame is
            // most likely not there.
            _ = self.file.write_all_at(&[0; HEAD], self.at).and_then(|()| self.file.sync_data());
            return Err(error);
        }
        self.at += frame.len() as u64;
        Ok(())
    }

    fn write(&mut self, frame: &[u8]) -> io::Result<()> {
        self.file.write_all_at(frame, self.at)?;
        let end = self.at + frame.len() as u64;
        if end > self.size {
            // Zeros that are written, for room that is only reserved is converted when it is used, which is as slow.
            // On a disk that is nearly full there is none to spare.
            let grown = self.file.write_all_at(&vec![0; GROWTH], end).map_or(0, |()| GROWTH as u64);
            self.size = end + grown;
        }
        self.file.sync_data()
    }

    /// Removes the file: the database has all of it.
    pub(super) fn remove(self) {
        // If it stays, the next start reads nothing of it: its lap is over.
        _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use testkit::Folder;

    use super::*;

    fn open(folder: &Folder) -> Journal {
        Journal::open(&folder.path().join("a.journal")).unwrap()
    }

    fn frame(text: &str) -> Frame {
        let mut frame = Frame::default();
        text.bytes().for_each(|byte| frame.push_byte(byte));
        frame
    }

    /// The frames of a lap that are found in the file.
    fn found(folder: &Folder, lap: u64) -> Vec<String> {
        let mut found = Vec::new();
        let keep = |frame: &[u8]| {
            found.push(String::from_utf8(frame.to_owned()).unwrap());
            Ok(())
        };
        open(folder).read(lap, keep).unwrap();
        found
    }

    #[test]
    fn frames_of_the_lap_are_found_in_their_order() {
        let folder = Folder::new();
        let mut journal = open(&folder);
        journal.begin(7);
        let long = "x".repeat(3 * GROWTH);
        for text in ["a", &long, "b"] {
            journal.append(&mut frame(text)).unwrap();
        }
        assert_eq!(found(&folder, 7), ["a", &long, "b"]);
        assert_eq!(found(&folder, 6), [""; 0]);
        // The next lap is shorter. What is left of this one is not its.
        journal.begin(8);
        assert_eq!(found(&folder, 8), [""; 0]);
        journal.append(&mut frame("c")).unwrap();
        assert_eq!((found(&folder, 8), found(&folder, 7).len()), (vec!["c".to_owned()], 0));
        journal.remove();
        assert!(!folder.file("a.journal").exists());
    }

    #[test]
    fn a_frame_that_was_not_written_to_its_end_is_none() {
        let folder = Folder::new();
        let mut journal = open(&folder);
        journal.begin(1);
        for text in ["first", "second"] {
            journal.append(&mut frame(text)).unwrap();
        }
        let whole = std::fs::read(folder.file("a.journal")).unwrap();
        let second = HEAD + "first".len();
        for at in second..second + HEAD + "second".len() {
            let mut torn = whole.clone();
            torn[at] ^= 1;
            std::fs::write(folder.file("a.journal"), torn).unwrap();
            assert_eq!(found(&folder, 1), ["first"], "byte {at}");
        }
        for length in 0..second + HEAD + "second".len() {
            std::fs::write(folder.file("a.journal"), &whole[..length]).unwrap();
            assert_eq!(found(&folder, 1).len(), usize::from(length >= second), "{length} bytes");
        }
    }
}
