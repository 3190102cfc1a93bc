//! Slots in which one part leaves a value for another, at a request or a connection. The slots exist in every build.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::exchange::direct::DirectBody;
#[cfg(any(feature = "tower", feature = "websocket"))]
use crate::exchange::upgrade::{OnUpgrade, PendingUpgrade};

/// A value that a feature leaves at a request. Without the features the type is empty, and the compiler removes its
/// code.
pub(crate) enum Attached {
    #[cfg(feature = "grpc")]
    Status(ProtocolStatus),
    #[cfg(any(feature = "tower", feature = "websocket"))]
    Upgrade(PendingUpgrade),
}

/// What a connection does when hyper has ended.
pub(crate) enum NextProtocol {
    #[cfg(any(feature = "tower", feature = "websocket"))]
    Upgrade(OnUpgrade),
    /// It sends a reply by itself: the body, behind the head that hyper wrote.
    Direct(Box<dyn DirectBody>, Vec<u8>),
}

/// A value of a slot.
pub(crate) trait Left {
    /// Whether anything leaves such a value.
    const IN_USE: bool = true;
}

impl Left for Attached {
    const IN_USE: bool = cfg!(any(feature = "grpc", feature = "tower", feature = "websocket"));
}

impl Left for NextProtocol {}

impl Attached {
    #[cfg_attr(
        not(any(feature = "tower", feature = "websocket")),
        allow(clippy::unnecessary_wraps, reason = "with the feature there are others")
    )]
    pub(crate) fn status(&self) -> Option<ProtocolStatus> {
        match *self {
            #[cfg(feature = "grpc")]
            Self::Status(status) => Some(status),
            #[cfg(any(feature = "tower", feature = "websocket"))]
            Self::Upgrade(_) => None,
        }
    }

    /// # Errors
    /// The value itself, if it is not an upgrade.
    #[cfg(any(feature = "tower", feature = "websocket"))]
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

/// The status of a call in a protocol above HTTP, such as gRPC. The HTTP status does not show it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProtocolStatus {
    /// The status as a word, for the access log.
    pub(crate) word: &'static str,
    /// Whether the function is at fault.
    pub(crate) failed: bool,
}

/// A slot that passes a value from one part to another. Reading an empty slot takes one atomic load and no lock.
pub(crate) struct Slot<T> {
    was_set: AtomicBool,
    value: Mutex<Option<T>>,
}

impl<T: Left> Slot<T> {
    /// Stores the value, in place of an earlier one.
    pub(crate) fn set(&self, value: T) {
        let before = self.lock().replace(value);
        self.was_set.store(true, Ordering::Release);
        // Dropped after the lock is released, because the value may be a closure of the author's.
        drop(before);
    }

    pub(crate) fn take(&self) -> Option<T> {
        if self.was_set() { self.lock().take() } else { None }
    }

    /// Reads from the value, under the lock.
    pub(crate) fn look<R>(&self, at: impl FnOnce(&T) -> Option<R>) -> Option<R> {
        if self.was_set() { self.lock().as_ref().and_then(at) } else { None }
    }

    /// Changes the value, if there is one, under the lock.
    pub(crate) fn change(&self, change: impl FnOnce(&mut T)) {
        if let Some(value) = self.lock().as_mut() {
            change(value);
        }
    }

    fn was_set(&self) -> bool {
        T::IN_USE && self.was_set.load(Ordering::Acquire)
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

    impl Left for u8 {}

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
