//! What the system says of this process.

use std::fs::File;
use std::io::Read;
use std::sync::OnceLock;

/// Facts from `/proc/self/status`. Elsewhere than on Linux nothing is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Process {
    /// Whether it was started with `SIGHUP` ignored.
    pub(crate) ignores_hang_up: bool,
    /// Whether it may run on one processor only. No quota makes that more, and to ask for quotas takes a dozen files.
    pub(crate) has_one_processor: bool,
}

/// Longer than the file, but for the masks of machines with thousands of processors.
const STATUS_MAX: usize = 4096;

impl Process {
    /// Read once, before a handler of signals is installed.
    pub(crate) fn own() -> Self {
        static OWN: OnceLock<Process> = OnceLock::new();
        *OWN.get_or_init(|| {
            let mut status = Vec::with_capacity(STATUS_MAX);
            let read = File::open("/proc/self/status")
                .and_then(|file| file.take(STATUS_MAX as u64).read_to_end(&mut status));
            read.map(|_| Self::parse(&status)).unwrap_or_default()
        })
    }

    fn parse(status: &[u8]) -> Self {
        let mut found = Self::default();
        for line in starts_of_lines(status).filter_map(|start| status.get(start..)) {
            if let Some(mask) = line.strip_prefix(b"SigIgn:\t") {
                // A mask in hexadecimal, of which `SIGHUP` is the first.
                let last = first_line(mask).last();
                found.ignores_hang_up = last.is_some_and(|digit| {
                    matches!(digit, b'1' | b'3' | b'5' | b'7' | b'9' | b'b' | b'd' | b'f')
                });
            } else if let Some(list) = line.strip_prefix(b"Cpus_allowed_list:\t") {
                let list = first_line(list);
                found.has_one_processor = !list.is_empty() && list.iter().all(u8::is_ascii_digit);
                break;
            }
        }
        found
    }
}

/// Where lines start, but for the first. Eight bytes at a time: the file has sixty lines, and is read at every start.
fn starts_of_lines(text: &[u8]) -> impl Iterator<Item = usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const ENDS: u64 = ONES * b'\n' as u64;
    const HIGHS: u64 = ONES << 7;
    let (words, rest) = text.as_chunks::<8>();
    let length = text.len() - rest.len();
    let in_words = words.iter().enumerate().flat_map(|(at, word)| {
        // The high bits of the bytes that are line ends.
        let other = u64::from_le_bytes(*word) ^ ENDS;
        let mut ends = !((other & !HIGHS).wrapping_add(!HIGHS) | other | !HIGHS);
        std::iter::from_fn(move || {
            if ends == 0 {
                return None;
            }
            let end = ends.trailing_zeros() as usize / 8;
            ends &= ends - 1;
            Some(at * 8 + end + 1)
        })
    });
    let in_rest = rest.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    in_words.chain(in_rest.map(move |(at, _)| length + at + 1))
}

fn first_line(text: &[u8]) -> &[u8] {
    text.iter().position(|byte| *byte == b'\n').map_or(text, |end| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(mask: &str, list: &str, expected: (bool, bool)) {
        let status = format!(
            "Name:\tSigIgn:\t1\nSigBlk:\t0000000000000001\nSigIgn:\t{mask}\nSigCgt:\t00000001800004e9\nCpus_allowed:\t3\n\
             Cpus_allowed_list:\t{list}\nMems_allowed:\t1\n"
        );
        let Process { ignores_hang_up, has_one_processor } = Process::parse(status.as_bytes());
        assert_eq!((ignores_hang_up, has_one_processor), expected, "{mask} {list}");
    }

    #[test]
    fn the_lines_are_read() {
        check("0000000000001001", "0-1", (true, false));
        check("0000000000001000", "0", (false, true));
        check("000000000000000b", "0,2", (true, false));
        check("0000000000000002", "127", (false, true));
        check("", "", (false, false));
        for broken in ["", "Name:\tshop", "SigIgn:", "Cpus_allowed_list:\t"] {
            assert_eq!(Process::parse(broken.as_bytes()), Process::default(), "{broken}");
        }
    }

    #[test]
    fn lines_start_behind_line_ends() {
        let text = "a\n\n\u{8a}bcdefgh\nij\u{10a}\n\n\n\n\n\n\n\n\n\nx\n";
        for from in 0..text.len() {
            let text = &text.as_bytes()[from..];
            let expected = (0..text.len()).filter(|at| text[*at] == b'\n').map(|at| at + 1);
            assert!(starts_of_lines(text).eq(expected), "{from}");
        }
    }

    #[test]
    fn this_process_is_as_the_standard_library_says() {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        assert!(status.contains("\nSigIgn:\t") && status.contains("\nCpus_allowed_list:\t"), "{status}");
        if Process::own().has_one_processor {
            assert_eq!(std::thread::available_parallelism().unwrap().get(), 1);
        }
    }
}
