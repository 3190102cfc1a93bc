//! Ports that instances are given.

use std::collections::HashSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The ports of the instances that live or are starting: the system may offer a port that was given to an
/// instance but is not yet opened by it.
static GIVEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);

/// How often the system may offer one of those.
const TRIES: usize = 100;

/// A port that no other instance is given as long as this lives.
#[derive(Debug)]
pub(crate) struct Port(u16);

impl Port {
    /// A port that nobody listens on now. Another program may still come first; then the start fails.
    pub(crate) fn take() -> io::Result<Port> {
        for _ in 0..TRIES {
            let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)))?;
            let number = listener.local_addr()?.port();
            if given().get_or_insert_default().insert(number) {
                return Ok(Port(number));
            }
        }
        Err(io::ErrorKind::AddrNotAvailable.into())
    }

    pub(crate) fn number(&self) -> u16 {
        self.0
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        if let Some(given) = &mut *given() {
            given.remove(&self.0);
        }
    }
}

fn given() -> MutexGuard<'static, Option<HashSet<u16>>> {
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
}
