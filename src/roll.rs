//! The roll of connections and requests in flight. A stop reads the roll to record requests whose threads are blocked.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A set of values in numbered places. It is split into parts, so that threads rarely wait for the same lock.
pub(crate) struct Roll<T: ?Sized> {
    parts: [Mutex<Part<T>>; PARTS],
}

const PARTS: usize = 16;

struct Part<T: ?Sized> {
    places: Vec<Option<Arc<T>>>,
    free: Vec<usize>,
}

/// The place of a value, for [`Roll::leave`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    part: usize,
    at: usize,
}

impl<T: ?Sized> Roll<T> {
    pub(crate) fn enter(&self, who: Arc<T>) -> Place {
        // The part follows from the address. Memory is reused, so that requests of one connection mostly use the same
        // part.
        let part = (Arc::as_ptr(&who).cast::<()>().addr() >> 6) % PARTS;
        let mut entries = self.part(part);
        let at = entries.free.pop().unwrap_or(entries.places.len());
        match entries.places.get_mut(at) {
            Some(place) => *place = Some(who),
            None => entries.places.push(Some(who)),
        }
        Place { part, at }
    }

    pub(crate) fn leave(&self, place: Place) {
        let mut entries = self.part(place.part);
        let left = entries.places.get_mut(place.at).and_then(Option::take);
        if left.is_some() {
            entries.free.push(place.at);
        }
        drop(entries);
        // Dropped after the lock is released, because it may be the last reference.
        drop(left);
    }

    pub(crate) fn all(&self) -> Vec<Arc<T>> {
        let mut all = Vec::new();
        for part in 0..PARTS {
            all.extend(self.part(part).places.iter().flatten().cloned());
        }
        all
    }

    fn part(&self, part: usize) -> MutexGuard<'_, Part<T>> {
        self.parts[part].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: ?Sized> Default for Roll<T> {
    fn default() -> Self {
        let part = |_| Mutex::new(Part { places: Vec::new(), free: Vec::new() });
        Self { parts: std::array::from_fn(part) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_used_again() {
        let roll = Roll::default();
        let one = Arc::new(1);
        for _ in 0..3 {
            let place = roll.enter(Arc::clone(&one));
            assert_eq!(roll.all(), [Arc::clone(&one)]);
            roll.leave(place);
        }
        assert!(roll.all().is_empty());
        assert_eq!(Arc::strong_count(&one), 1);
        assert_eq!(roll.parts.iter().map(|part| part.lock().unwrap().places.len()).sum::<usize>(), 1);
    }
}
