//! Values that a middleware (an around) passes on. Nothing is allocated before the first value.

use std::any::Any;

/// A few values, found by their types.
#[derive(Default)]
pub(crate) struct Values(Vec<Box<dyn Any + Send + Sync>>);

impl Values {
    pub(crate) fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        self.0.retain(|old| !old.is::<T>());
        self.0.push(Box::new(value));
    }

    pub(crate) fn get<T: 'static>(&self) -> Option<&T> {
        self.0.iter().find_map(|value| value.downcast_ref())
    }
}
