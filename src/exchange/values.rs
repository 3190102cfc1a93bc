//! Values that a middleware (an around) passes on. Nothing is allocated before the first value.

use std::any::Any;

/// A few values, found by their types. `None` before the first: the drop of an empty vector costs more.
#[derive(Default)]
pub(crate) struct Values(Option<Vec<Box<dyn Any + Send + Sync>>>);

impl Values {
    pub(crate) fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        let values = self.0.get_or_insert_default();
        values.retain(|old| !old.is::<T>());
        values.push(Box::new(value));
    }

    pub(crate) fn get<T: 'static>(&self) -> Option<&T> {
        self.0.iter().flatten().find_map(|value| value.downcast_ref())
    }
}
