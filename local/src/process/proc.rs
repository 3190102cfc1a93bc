//! An instance's processes, by `/proc`: their numbers, memory and open ports.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::net::Ipv4Addr;

/// Whether this process ignores SIGHUP, as a program that `nohup` starts does.
pub(crate) fn ignores_hangup() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignores_first_signal(&status)
}

/// Reads the mask of ignored signals. SIGHUP is number 1.
fn ignores_first_signal(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

/// The direct children of a process.
pub(super) fn children(pid: u32) -> Vec<u32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let mut found = Vec::new();
    for task in tasks.flatten() {
        if let Ok(text) = fs::read_to_string(task.path().join("children")) {
            found.extend(text.split_whitespace().filter_map(|word| word.parse::<u32>().ok()));
        }
    }
    found
}

/// All descendants of `root`, without `root` itself.
fn descendants(root: u32) -> Vec<u32> {
    let mut found = children(root);
    let mut next = 0;
    while next < found.len() {
        let below = children(found[next]);
        found.extend(below.into_iter().filter(|pid| *pid != root));
        next += 1;
    }
    found
}

/// The resident memory of all descendants of `root`, in bytes.
pub(super) fn memory(root: u32) -> u64 {
    let page = rustix::param::page_size() as u64;
    let resident = |pid| {
        let text = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
        text.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    descendants(root).into_iter().filter_map(resident).sum::<u64>() * page
}

/// A port that a program listens on. [The example of `Reporter`](super::Reporter) has a program without any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "whoever runs programs makes it")]
pub struct Listening {
    /// The number of the port.
    pub port: u16,
    /// Bound to 127.0.0.1 or `::1`: the platform could not reach it.
    pub is_loopback: bool,
}

/// The TCP ports on which the descendants of `root` listen.
pub(super) fn listening(root: u32) -> Vec<Listening> {
    listeners(&sockets(root).0)
}

/// Whether a descendant of `root` listens on `port`. True if not every process shows its sockets.
pub(super) fn may_listen_on(root: u32, port: u16) -> bool {
    let (sockets, is_complete) = sockets(root);
    !is_complete || listeners(&sockets).iter().any(|open| open.port == port)
}

/// The sockets of all descendants of `root`, and whether the list is complete.
fn sockets(root: u32) -> (HashSet<String>, bool) {
    let mut sockets = HashSet::new();
    let mut is_complete = true;
    for pid in descendants(root) {
        let files = match fs::read_dir(format!("/proc/{pid}/fd")) {
            Ok(files) => files,
            Err(error) => {
                is_complete &= error.kind() != io::ErrorKind::PermissionDenied;
                continue;
            }
        };
        for file in files.flatten() {
            if let Ok(target) = fs::read_link(file.path())
                && let Some(inode) = target.to_str().and_then(|name| name.strip_prefix("socket:["))
            {
                sockets.insert(inode.trim_end_matches(']').to_owned());
            }
        }
    }
    (sockets, is_complete)
}

fn listeners(sockets: &HashSet<String>) -> Vec<Listening> {
    let mut found = Vec::new();
    for table in ["/proc/self/net/tcp", "/proc/self/net/tcp6"] {
        let Ok(text) = fs::read_to_string(table) else { continue };
        found.extend(text.lines().skip(1).filter_map(|line| parse_listener(line, sockets)));
    }
    found
}

fn parse_listener(line: &str, sockets: &HashSet<String>) -> Option<Listening> {
    const LISTEN: &str = "0A";
    let columns: Vec<&str> = line.split_whitespace().collect();
    if *columns.get(3)? != LISTEN || !sockets.contains(*columns.get(9)?) {
        return None;
    }
    let (address, port) = columns.get(1)?.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let is_loopback = match address.len() {
        8 => Ipv4Addr::from(u32::from_str_radix(address, 16).ok()?.to_le_bytes()).is_loopback(),
        _ => address == "00000000000000000000000001000000",
    };
    Some(Listening { port, is_loopback })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_port_is_not_taken_for_ones_own() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let root = std::os::unix::process::parent_id();
        assert!(may_listen_on(root, port));
        // The process itself is not below itself.
        assert!(!may_listen_on(std::process::id(), port));
    }

    #[test]
    fn an_ignored_hangup_is_seen() {
        assert!(ignores_first_signal("Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\t0\n"));
        assert!(!ignores_first_signal("SigBlk:\t0000000000000001\nSigIgn:\t0000000000001000\n"));
        assert!(!ignores_first_signal(""));
    }

    #[test]
    fn a_listener_line_is_read() {
        let line = "   0: 0100007F:2328 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1 0 100";
        let own = HashSet::from(["4242".to_owned()]);
        assert_eq!(parse_listener(line, &own), Some(Listening { port: 9000, is_loopback: true }));
        assert_eq!(parse_listener(line, &HashSet::new()), None);
        let open = line.replace("0100007F", "00000000");
        assert_eq!(parse_listener(&open, &own), Some(Listening { port: 9000, is_loopback: false }));
    }
}
