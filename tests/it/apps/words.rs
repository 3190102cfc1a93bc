//! What handlers say became of them, in order, for `Server::until_seen` to find.

use std::sync::{Arc, Mutex};

#[derive(Default, Clone)]
pub struct Words(Arc<Mutex<Vec<String>>>);

/// Says its word when it is dropped.
pub struct Guard(String, Words);

impl Words {
    pub fn say(&self, word: impl Into<String>) {
        self.0.lock().unwrap().push(word.into());
    }

    pub fn guard(&self, word: impl Into<String>) -> Guard {
        Guard(word.into(), self.clone())
    }

    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.1.say(self.0.clone());
    }
}
