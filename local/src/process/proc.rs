//! An instance's processes, by `/proc`: their numbers, memory and open ports.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fc_runtime::platform::names::env;

/// The most of a command line that is told, in characters.
const PROGRAM_MAX: usize = 120;

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

/// The first of `files` that is a program.
pub(crate) fn find_program(files: &[PathBuf]) -> Option<&Path> {
    files.iter().find(|file| is_program(file)).map(PathBuf::as_path)
}

/// Whether the path leads to a file that somebody may start.
pub(crate) fn is_program(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
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
    resident(descendants(root).into_iter())
}

/// The resident memory of `root` and its descendants, in bytes.
pub(super) fn memory_from(root: u32) -> u64 {
    resident([root].into_iter().chain(descendants(root)))
}

fn resident(processes: impl Iterator<Item = u32>) -> u64 {
    let page = rustix::param::page_size() as u64;
    let pages = |pid| {
        let text = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
        text.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    processes.filter_map(pages).sum::<u64>() * page
}

/// The processor time of all descendants of `root`, and of those of their children that have ended.
pub(super) fn cpu(root: u32) -> Duration {
    used(descendants(root).into_iter())
}

/// As [`cpu`], with that of `root` itself.
pub(super) fn cpu_from(root: u32) -> Duration {
    used([root].into_iter().chain(descendants(root)))
}

fn used(processes: impl Iterator<Item = u32>) -> Duration {
    let used = |pid| cpu_ticks(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?);
    let ticks: u64 = processes.filter_map(used).sum();
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    Duration::from_millis(ticks.saturating_mul(1000) / per_second)
}

/// User and system time of a process and of its children, in ticks of the clock.
fn cpu_ticks(stat: &str) -> Option<u64> {
    // The fields 14 to 17. The third one is the first behind the name, which stands in brackets and may hold any character.
    const BEHIND_NAME: usize = 14 - 3;
    let (_, rest) = stat.rsplit_once(") ")?;
    let times = rest.split(' ').skip(BEHIND_NAME).take(4);
    times.map(|time| time.parse::<u64>().ok()).sum()
}

/// How many descendants of `root` have ended without anybody who waited for them.
pub(super) fn zombies(root: u32) -> usize {
    let is_zombie = |pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name of the program stands in brackets before the state, and may hold any character.
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'))
    };
    descendants(root).iter().filter(|pid| is_zombie(pid)).count()
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
    let sockets = sockets(root);
    listeners(&sockets)
}

/// The TCP ports that are open in the network of a process. `None` if the process has no network of its own, or shows none.
pub(super) fn listening_in_network_of(pid: u32) -> Option<Vec<Listening>> {
    let network = |process: &str| fs::read_link(format!("/proc/{process}/ns/net")).ok();
    let own = network(&pid.to_string()).filter(|own| Some(own) != network("self").as_ref());
    own?;
    let open = table(&pid.to_string());
    let open = open.iter().filter_map(|line| listener(line));
    Some(open.map(|Listener { port, is_loopback, .. }| Listening { port, is_loopback }).collect())
}

/// Whether a descendant of `root` listens on `port`. True if not every process shows its sockets.
pub(super) fn may_listen_on(root: u32, port: u16) -> bool {
    let sockets = sockets(root);
    !sockets.is_complete || listeners(&sockets).iter().any(|open| open.port == port)
}

/// The ports of this machine that programs reach at 127.0.0.1.
pub(super) fn local_ports() -> Vec<u16> {
    let open = table("self");
    open.iter().filter_map(|line| listener(line)).filter(|open| open.is_local).map(|open| open.port).collect()
}

/// A process that listens on a port.
#[derive(Debug)]
pub(crate) struct Holder {
    pub(crate) process_id: u32,
    /// Its command line, of which the begin is enough.
    pub(crate) program: String,
    /// The function and the instance that the process belongs to, if fc-local started it.
    pub(crate) function: Option<String>,
    pub(crate) instance: Option<String>,
}

/// Who listens on `port`, as far as that can be seen.
pub(crate) fn holder(port: u16) -> Option<Holder> {
    let inodes: HashSet<String> = table("self")
        .iter()
        .filter_map(|line| listener(line))
        .filter(|open| open.port == port)
        .map(|open| open.inode)
        .collect();
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let process_id = numbers.find(|pid| own_sockets(*pid).is_ok_and(|own| !own.is_disjoint(&inodes)))?;
    let line = fs::read(format!("/proc/{process_id}/cmdline")).unwrap_or_default();
    let words = line.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect::<Vec<_>>();
    let program: String = words.join(" ").trim().chars().take(PROGRAM_MAX).collect();
    let environment = fs::read(format!("/proc/{process_id}/environ")).unwrap_or_default();
    let variable = |name: &str| {
        let mut all = environment.split(|byte| *byte == 0);
        all.find_map(|pair| {
            Some(
                String::from_utf8_lossy(pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?).into_owned(),
            )
        })
    };
    Some(Holder {
        process_id,
        program,
        function: variable(env::FUNCTION_NAME),
        instance: variable(env::INSTANCE_ID),
    })
}

/// The sockets of a program's processes.
struct Sockets {
    inodes: HashSet<String>,
    /// Whether every process shows its sockets.
    is_complete: bool,
    /// One process of each network that the processes are in.
    networks: HashMap<PathBuf, u32>,
}

/// The sockets of all descendants of `root`.
fn sockets(root: u32) -> Sockets {
    let mut sockets = Sockets { inodes: HashSet::new(), is_complete: true, networks: HashMap::new() };
    for pid in descendants(root) {
        match own_sockets(pid) {
            Ok(own) => sockets.inodes.extend(own),
            Err(error) => sockets.is_complete &= error.kind() != io::ErrorKind::PermissionDenied,
        }
        if let Ok(network) = fs::read_link(format!("/proc/{pid}/ns/net")) {
            sockets.networks.insert(network, pid);
        }
    }
    sockets
}

/// The sockets of a process.
fn own_sockets(pid: u32) -> io::Result<HashSet<String>> {
    let mut sockets = HashSet::new();
    for file in fs::read_dir(format!("/proc/{pid}/fd"))?.flatten() {
        if let Ok(target) = fs::read_link(file.path())
            && let Some(inode) = target.to_str().and_then(|name| name.strip_prefix("socket:["))
        {
            sockets.insert(inode.trim_end_matches(']').to_owned());
        }
    }
    Ok(sockets)
}

fn listeners(sockets: &Sockets) -> Vec<Listening> {
    let open = sockets.networks.values().flat_map(|pid| table(&pid.to_string()));
    let open = open.filter_map(|line| listener(&line));
    let own = open.filter(|listener| sockets.inodes.contains(&listener.inode));
    own.map(|Listener { port, is_loopback, .. }| Listening { port, is_loopback }).collect()
}

/// The lines of the kernel's tables of TCP sockets, as the process sees them.
fn table(process: &str) -> Vec<String> {
    let tables = ["tcp", "tcp6"].into_iter();
    let texts = tables.filter_map(|table| fs::read_to_string(format!("/proc/{process}/net/{table}")).ok());
    texts.flat_map(|text| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// A listening socket.
#[derive(Debug, PartialEq, Eq)]
struct Listener {
    port: u16,
    /// Whether its address is a loopback address.
    is_loopback: bool,
    /// Whether a program of the same network reaches it at 127.0.0.1.
    is_local: bool,
    inode: String,
}

/// The listening socket of a line.
fn listener(line: &str) -> Option<Listener> {
    const LISTEN: &str = "0A";
    let columns: Vec<&str> = line.split_whitespace().collect();
    if *columns.get(3)? != LISTEN {
        return None;
    }
    let (address, port) = columns.get(1)?.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let (is_loopback, is_local) = if address.len() == 8 {
        let address = Ipv4Addr::from(u32::from_str_radix(address, 16).ok()?.to_le_bytes());
        (address.is_loopback(), address == Ipv4Addr::LOCALHOST || address.is_unspecified())
    } else {
        // A server of all addresses mostly takes IPv4 too.
        (address == "00000000000000000000000001000000", address.bytes().all(|digit| digit == b'0'))
    };
    Some(Listener { port, is_loopback, is_local, inode: (*columns.get(9)?).to_owned() })
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
    fn processor_time_is_read_behind_any_name() {
        let stat = |name: &str| format!("7 ({name}) S 1 7 7 0 -1 4194560 134 0 0 0 11 22 3 4 20 0 1 0 5 0");
        assert_eq!(cpu_ticks(&stat("server")), Some(40));
        assert_eq!(cpu_ticks(&stat("a) R 9 (b")), Some(40));
        assert_eq!(cpu_ticks("7 (server"), None);
    }

    #[test]
    fn a_listener_line_is_read() {
        let line = "   0: 0100007F:2328 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1 0 100";
        let found = |is_loopback, is_local| {
            Some(Listener { port: 9000, is_loopback, is_local, inode: "4242".to_owned() })
        };
        assert_eq!(listener(line), found(true, true));
        let open = line.replace("0100007F", "00000000");
        assert_eq!(listener(&open), found(false, true));
        assert_eq!(listener(&line.replace("0100007F", "3500007F")), found(true, false));
        assert_eq!(listener(&line.replace("0100007F", "020200C0")), found(false, false));
        assert_eq!(listener(&line.replace("0100007F", &"0".repeat(32))), found(false, true));
        assert_eq!(listener(&line.replace(" 0A ", " 01 ")), None);
        assert_eq!(listener("nonsense"), None);
    }

    #[test]
    fn who_holds_a_port_is_found() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let found = holder(port).unwrap();
        assert_eq!((found.process_id, found.function.is_none()), (std::process::id(), true));
        assert!(found.program.contains("fc_local"), "{found:?}");
        drop(listener);
        assert!(holder(port).is_none());
    }
}
