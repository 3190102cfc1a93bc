//! What the optional features leave at a request or a connection, in slots that are always there.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

#[cfg(feature = "websocket")]
use crate::exchange::upgrade::{OnUpgrade, PendingUpgrade};

/// What is left at a request. Without the features there is no such value, and the compiler drops what deals with it.
pub(crate) enum Attached {
    #[cfg(feature = "grpc")]
    Status(ProtocolStatus),
    #[cfg(feature = "websocket")]
    Upgrade(PendingUpgrade),
}

/// What takes a connection over when HTTP has left it.
pub(crate) enum NextProtocol {
    #[cfg(feature = "websocket")]
    Upgrade(OnUpgrade),
}

impl Attached {
    #[cfg_attr(
        not(feature = "websocket"),
        allow(clippy::unnecessary_wraps, reason = "with the feature there are others")
    )]
    pub(crate) fn status(&self) -> Option<ProtocolStatus> {
        match *self {
            #[cfg(feature = "grpc")]
            Self::Status(status) => Some(status),
            #[cfg(feature = "websocket")]
            Self::Upgrade(_) => None,
        }
    }

    /// # Errors
    /// The value itself, if it is no upgrade.
    #[cfg(feature = "websocket")]
    #[cfg_attr(
        not(feature = "grpc"),
        allow(clippy::unnecessary_wraps, reason = "with the feature there are others")
    )]
    pub(crate) fn into_upgrade(self) -> Result<PendingUpgrade, Self> {
        match self {
            #[cfg(feature = "grpc")]
            Self::Status(_) => Err(self),
            Self::Upgrade(upgrade) => Ok(upgrade),
        }
    }
}

/// How a call ended in the words of a protocol above HTTP, whose HTTP status says nothing about it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProtocolStatus {
    /// As it stands in the access line.
    pub(crate) word: &'static str,
    /// Whether the function is at fault.
    pub(crate) failed: bool,
}

/// Whether anything is ever left in a slot.
const IN_USE: bool = cfg!(any(test, feature = "grpc", feature = "websocket"));

/// A slot where one part leaves a value for another. To ask an empty one costs a load and no lock.
pub(crate) struct Slot<T> {
    was_set: AtomicBool,
    value: Mutex<Option<T>>,
}

impl<T> Slot<T> {
    /// Puts the value in the place of the one before.
    pub(crate) fn set(&self, value: T) {
        let before = self.lock().replace(value);
        self.was_set.store(true, Ordering::Release);
        // Outside the lock: the value may be a closure of the author's.
        drop(before);
    }

    pub(crate) fn take(&self) -> Option<T> {
        if self.was_set() { self.lock().take() } else { None }
    }

    /// Looks at the value, under the lock.
    pub(crate) fn look<R>(&self, at: impl FnOnce(&T) -> Option<R>) -> Option<R> {
        if self.was_set() { self.lock().as_ref().and_then(at) } else { None }
    }

    fn was_set(&self) -> bool {
        IN_USE && self.was_set.load(Ordering::Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, Option<T>> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self { was_set: AtomicBool::new(false), value: Mutex::new(None) }
    }
}

impl<T> fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slot")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_keeps_the_last_value_until_it_is_taken() {
        let slot = Slot::default();
        assert_eq!((slot.look(|value: &u8| Some(*value)), slot.take()), (None, None));
        slot.set(1);
        slot.set(2);
        assert_eq!((slot.look(|value| Some(*value)), slot.take(), slot.take()), (Some(2), Some(2), None));
        slot.set(3);
        assert_eq!(slot.take(), Some(3));
    }
}
