//! The ports of instances.

use std::collections::HashSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The ports of all instances that run or start. Without this list the system may offer a port again before its
/// instance has opened it.
static GIVEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);

/// How many such ports in a row the system may offer.
const TRIES: usize = 100;

/// A reserved port. No other instance gets it until this value is dropped.
#[derive(Debug)]
pub(crate) struct Port(u16);

impl Port {
    /// Reserves a port that is free now. If another program opens it first, the start fails.
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
