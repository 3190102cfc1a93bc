//! The ports of instances.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::UnixDatagram;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The ports of starting and running instances. The port of a starting instance may not be open yet, and looks free to
/// the kernel.
static GIVEN: Mutex<Option<Given>> = Mutex::new(None);

/// How many ports are tried.
const TRIES: usize = 100;

/// Well-known servers mostly listen below this port.
const LOWEST: u16 = 20_000;

/// With fewer ports than this, the system chooses.
const ENOUGH: u16 = 1_000;

#[derive(Debug)]
struct Given {
    ports: HashSet<u16>,
    /// The ports to choose from. Empty if the system has to choose.
    range: Range<u16>,
    next: u16,
}

/// A reserved port. No other instance gets it until this value is dropped.
#[derive(Debug)]
pub(crate) struct Port {
    number: u16,
    /// Keeps other fc-locals of this machine from the port.
    _claim: UnixDatagram,
}

impl Port {
    /// Reserves a free port. If a program that is no instance opens the port first, the start fails.
    pub(crate) fn take() -> io::Result<Port> {
        lock().get_or_insert_with(Given::new).take()
    }

    /// Whether an instance has the port.
    pub(super) fn is_given(port: u16) -> bool {
        lock().as_ref().is_some_and(|given| given.ports.contains(&port))
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        if let Some(given) = &mut *lock() {
            given.ports.remove(&self.number);
        }
    }
}

impl Given {
    fn new() -> Self {
        let system = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range");
        let range = choice(&system.unwrap_or_default());
        // Each fc-local begins at another port, so that two rarely meet.
        let start = RandomState::new().hash_one(std::process::id());
        let length = u64::try_from(range.len()).unwrap_or_default().max(1);
        let next = range.start + u16::try_from(start % length).unwrap_or_default();
        Given { ports: HashSet::new(), range, next }
    }

    fn take(&mut self) -> io::Result<Port> {
        for tried in 0..TRIES {
            // The system knows a free port where many ports in a row are taken.
            let wanted = if tried < TRIES / 2 { self.next() } else { 0 };
            match try_take(wanted) {
                Ok(port) => {
                    self.ports.insert(port.number);
                    return Ok(port);
                }
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AddrNotAvailable.into())
    }

    /// The next port to try. The ports take turns, so that a port rests before it is given again. 0 lets the system
    /// choose.
    fn next(&mut self) -> u16 {
        if self.range.is_empty() {
            return 0;
        }
        let next = self.next;
        self.next = if next + 1 < self.range.end { next + 1 } else { self.range.start };
        next
    }
}

/// Takes the port if it is free, and no other fc-local has it in mind. 0 lets the system choose.
fn try_take(wanted: u16) -> io::Result<Port> {
    if wanted > 0 {
        // Claimed first: a look at the port of another fc-local's starting instance would be in the way of that instance.
        let claim = claim(wanted)?;
        TcpListener::bind((Ipv4Addr::UNSPECIFIED, wanted))?;
        return Ok(Port { number: wanted, _claim: claim });
    }
    let number = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))?.local_addr()?.port();
    Ok(Port { number, _claim: claim(number)? })
}

/// A socket whose name only one process of this machine, or of a container, can have at a time.
fn claim(port: u16) -> io::Result<UnixDatagram> {
    let name = std::os::unix::net::SocketAddr::from_abstract_name(format!("fc-local/port/{port}"))?;
    UnixDatagram::bind_addr(&name)
}

/// The ports outside the range from which the system gives ports (`system`). A port inside the range could go to
/// another program, or to an outgoing connection, before the instance opens it. Empty if little is left outside the
/// range.
fn choice(system: &str) -> Range<u16> {
    let mut bounds = system.split_whitespace().filter_map(|bound| bound.parse::<u16>().ok());
    let (Some(first), Some(last)) = (bounds.next(), bounds.next()) else { return 0..0 };
    let (below, above) = (LOWEST..first.max(LOWEST), last..u16::MAX);
    let wider = if below.len() >= above.len() { below } else { above.start + 1..above.end };
    if wider.len() >= usize::from(ENOUGH) { wider } else { 0..0 }
}

fn lock() -> MutexGuard<'static, Option<Given>> {
    GIVEN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_instances_are_given_the_same_port() {
        let ports: Vec<Port> = (0..500).map(|_| Port::take().unwrap()).collect();
        let numbers: HashSet<u16> = ports.iter().map(Port::number).collect();
        assert_eq!(numbers.len(), ports.len());
    }

    /// An instance opens its port only after a while. The port looks free to the kernel until then.
    #[test]
    fn no_two_fc_locals_give_the_same_port() {
        let (mut one, mut other) = (Given::new(), Given::new());
        other.next = one.next;
        let ports: Vec<Port> = (0..20).flat_map(|_| [one.take().unwrap(), other.take().unwrap()]).collect();
        let numbers: HashSet<u16> = ports.iter().map(Port::number).collect();
        assert_eq!(numbers.len(), ports.len(), "{ports:?}");
    }

    #[test]
    fn ports_are_none_that_the_system_gives_to_strangers() {
        for (system, expected) in [
            ("32768\t60999\n", 20_000..32_768),
            ("16384\t65535\n", 0..0),
            ("1024\t30000\n", 30_001..65_535),
            ("20500\t65000\n", 0..0),
            ("1024\t65535\n", 0..0),
            ("0\t20000\n", 20_001..65_535),
            ("nonsense", 0..0),
            ("", 0..0),
        ] {
            assert_eq!(choice(system), expected, "{system:?}");
        }
        // On this machine too: the range is respected, and no port comes twice in a row.
        let system = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
        let range = choice(&system);
        let (one, two) = (Port::take().unwrap().number(), Port::take().unwrap().number());
        assert_ne!(one, two);
        assert!(range.is_empty() || range.contains(&one) && range.contains(&two), "{one} {two} of {range:?}");
    }
}
