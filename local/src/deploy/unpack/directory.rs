//! What a zip says of its directory, read before the directory is: a list that is too long is not loaded.

use std::io::{self, Read, Seek, SeekFrom};

use super::plan::refused;

/// The most entries of a zip.
const ENTRIES_MAX: u64 = 200_000;

/// The largest directory, in bytes.
const DIRECTORY_MAX: u64 = 64 * 1024 * 1024;

/// The record at the end of the directory, in bytes, and the longest comment behind it.
const END: usize = 22;
const COMMENT_MAX: usize = 65_535;

/// The record that says where the one with numbers of 64 bits is, and that one.
const LOCATOR: usize = 20;
const WIDE_END: usize = 56;

/// How many entries the zip of `length` bytes says that it has.
pub(super) fn entries(zip: &mut (impl Read + Seek), length: u64) -> io::Result<u64> {
    let tail = length.min((END + COMMENT_MAX + LOCATOR) as u64);
    zip.seek(SeekFrom::Start(length - tail))?;
    let mut bytes = Vec::new();
    zip.take(tail).read_to_end(&mut bytes)?;
    let ends = |at: &usize| {
        let record = bytes.get(*at..).unwrap_or_default();
        record.starts_with(b"PK\x05\x06")
            && number(record, 20, 2).is_some_and(|comment| (at + END) as u64 + comment == bytes.len() as u64)
    };
    let mut found = (0..=bytes.len().saturating_sub(END)).rev().filter(ends);
    let end = found.next().ok_or_else(|| refused("it is no zip, or its end is cut off"))?;
    if found.next().is_some() {
        return Err(refused("it has two ends, which two readers could choose between"));
    }
    let (before, record) = bytes.split_at(end);
    if number(record, 4, 2) != Some(0) || number(record, 6, 2) != Some(0) {
        // All ones say that the record with wide numbers counts.
        let is_wide = number(record, 4, 2) == Some(0xFFFF) || number(record, 6, 2) == Some(0xFFFF);
        if !is_wide {
            return Err(refused("it is one part of several"));
        }
    }
    let mut count = number(record, 10, 2).unwrap_or_default();
    let mut size = number(record, 12, 4).unwrap_or_default();
    let locator = before.len().checked_sub(LOCATOR).and_then(|at| before.get(at..));
    if let Some(locator) = locator.filter(|locator| locator.starts_with(b"PK\x06\x07")) {
        let at = number(locator, 8, 8).unwrap_or_default();
        let mut wide = [0; WIDE_END];
        if at.saturating_add(WIDE_END as u64) > length {
            return Err(refused("its end lies about where the directory is"));
        }
        zip.seek(SeekFrom::Start(at))?;
        zip.read_exact(&mut wide)?;
        if !wide.starts_with(b"PK\x06\x06") {
            return Err(refused("its end lies about where the directory is"));
        }
        count = number(&wide, 32, 8).unwrap_or_default();
        size = number(&wide, 40, 8).unwrap_or_default();
    }
    if count > ENTRIES_MAX {
        return Err(refused(format_args!("it has {count} entries; {ENTRIES_MAX} are taken at most")));
    }
    if size > DIRECTORY_MAX || size > length {
        return Err(refused(format_args!("its directory has {size} bytes, which is too much")));
    }
    Ok(count)
}

/// The number of `width` bytes at `at`, the low byte first.
fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let bytes = bytes.get(at..at + width)?;
    Some(bytes.iter().rev().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
}
