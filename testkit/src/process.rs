//! Processes by their ids, as Linux tells of them.

use std::hash::{BuildHasher, RandomState};
use std::net::TcpListener;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Sends a signal, by its name without `SIG`.
#[track_caller]
pub fn signal(pid: u32, name: &str) {
    let sent = Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &pid.to_string()]).status();
    assert!(sent.expect("there is a shell").success(), "kill -s {name} {pid}");
}

/// Whether a process runs. One that is dead but not reaped does not.
pub fn is_running(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z')))
}

/// Everything below a process, its own children first.
pub fn below(pid: u32) -> Vec<u32> {
    let mut found = vec![pid];
    let mut next = 0;
    while next < found.len() {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", found[next])).into_iter().flatten().flatten();
        for task in tasks {
            let text = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            found.extend(text.split_whitespace().filter_map(|word| word.parse::<u32>().ok()));
        }
        next += 1;
    }
    found.remove(0);
    found
}

/// A port that was free a moment ago. The port lies below the system's ports for outgoing connections, and below
/// fc-local's ports for instances. Each test process begins elsewhere: otherwise a test could ask another process's
/// server on the same port.
pub fn free_port() -> u16 {
    static NEXT: OnceLock<AtomicUsize> = OnceLock::new();
    const PORTS: std::ops::Range<u16> = 10_000..20_000;
    let next = NEXT.get_or_init(|| {
        let anywhere = RandomState::new().hash_one(std::process::id());
        AtomicUsize::new(usize::try_from(anywhere % u64::from(u16::MAX)).expect("below 2^16"))
    });
    let free = PORTS.clone().find_map(|_| {
        let at = next.fetch_add(1, Ordering::Relaxed) % PORTS.len();
        let port = PORTS.start + u16::try_from(at).expect("an index of the range");
        TcpListener::bind(("0.0.0.0", port)).is_ok().then_some(port)
    });
    free.expect("a port is free")
}
