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

/// Room for the file as it is on most machines. With more, a page would be touched for what stands behind it.
const STATUS_ROOM: usize = 1536;

impl Process {
    /// Read once, before a handler of signals is installed.
    pub(crate) fn own() -> Self {
        static OWN: OnceLock<Process> = OnceLock::new();
        *OWN.get_or_init(|| {
            let mut status = Vec::with_capacity(STATUS_ROOM);
            let read = File::open("/proc/self/status")
                .and_then(|file| file.take(STATUS_MAX as u64).read_to_end(&mut status));
            read.map(|_| Self::parse(&status)).unwrap_or_default()
        })
    }

    fn parse(status: &[u8]) -> Self {
        let (mut found, mut missing) = (Self::default(), 2);
        for_lines(status, |line| {
            if let Some(mask) = line.strip_prefix(b"SigIgn:\t") {
                // A mask in hexadecimal, of which `SIGHUP` is the first.
                let last = first_line(mask).last();
                missing -= 1;
                found.ignores_hang_up = last.is_some_and(|digit| {
                    matches!(digit, b'1' | b'3' | b'5' | b'7' | b'9' | b'b' | b'd' | b'f')
                });
            } else if let Some(list) = line.strip_prefix(b"Cpus_allowed_list:\t") {
                missing -= 1;
                // A list that is cut off may go on.
                let list = list.iter().position(|byte| *byte == b'\n').map(|end| &list[..end]);
                found.has_one_processor =
                    list.is_some_and(|list| !list.is_empty() && list.iter().all(u8::is_ascii_digit));
            }
            missing > 0
        });
        found
    }
}

/// Calls `see` with what begins at each line but the first, from the last one on, while it gives true. Eight bytes at a time:
/// the file has sixty lines, and is read at every start.
fn for_lines<'t>(text: &'t [u8], mut see: impl FnMut(&'t [u8]) -> bool) {
    const ENDS: u64 = u64::from_ne_bytes([b'\n'; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    let mut before = text;
    while let Some((front, eight)) = before.split_last_chunk::<8>() {
        let other = u64::from_le_bytes(*eight) ^ ENDS;
        // The high bits of ends alone.
        let ends = !(((other & !HIGHS) + !HIGHS) | other | !HIGHS);
        if ends == 0 {
            before = front;
            continue;
        }
        let end = front.len() + 7 - ends.leading_zeros() as usize / 8;
        if !see(&text[end + 1..]) {
            return;
        }
        before = &text[..end];
    }
    while let Some(end) = before.iter().rposition(|byte| *byte == b'\n') {
        if !see(&text[end + 1..]) {
            return;
        }
        before = &text[..end];
    }
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
    fn lines_begin_behind_line_ends() {
        let text = "a\n\n\u{8a}bcdefgh\nij\u{10a}\n\n\n\n\n\n\n\n\n\nx\n";
        for from in 0..text.len() {
            let text = &text.as_bytes()[from..];
            let ends = (0..text.len()).filter(|at| text[*at] == b'\n');
            let mut expected: Vec<_> = ends.map(|at| &text[at + 1..]).collect();
            expected.reverse();
            for most in 0..=expected.len() {
                let mut seen = Vec::new();
                for_lines(text, |line| {
                    seen.push(line);
                    seen.len() < most
                });
                assert_eq!(seen, expected[..most.max(1).min(expected.len())], "{from}");
            }
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
