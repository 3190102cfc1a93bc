//! A gate inside a function: calls wait there until the test opens the gate.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use testkit::eventually;
use tokio::sync::Semaphore;

use crate::function::Asked;

/// A gate. Clones share one gate.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    inside: Arc<Mutex<Vec<Waiting>>>,
    pass: Arc<Semaphore>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Waiting {
    program: u32,
    request: String,
}

/// Takes the call off the list however the wait ends, also if its connection ends.
struct Leave<'a>(&'a Gate, Waiting);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.inside.lock().unwrap().retain(|waiting| *waiting != self.1);
    }
}

impl Gate {
    /// A closed gate.
    pub(crate) fn shut() -> Self {
        Gate { inside: Arc::default(), pass: Arc::new(Semaphore::new(0)) }
    }

    /// Waits until the gate lets this call pass.
    pub(crate) async fn pass(&self, asked: &Asked) {
        let own = Waiting { program: asked.program.pid(), request: asked.id() };
        self.inside.lock().unwrap().push(own.clone());
        let _leave = Leave(self, own);
        self.pass.acquire().await.expect("it is never closed").forget();
    }

    /// Lets `count` calls pass.
    pub(crate) fn open_for(&self, count: usize) {
        self.pass.add_permits(count);
    }

    /// The ids of the waiting requests, in the order of their arrival.
    pub(crate) fn waiting(&self) -> Vec<String> {
        self.inside.lock().unwrap().iter().map(|waiting| waiting.request.clone()).collect()
    }

    /// How many requests wait in each program, the smallest number first.
    pub(crate) fn crowds(&self) -> Vec<usize> {
        let mut counts = BTreeMap::<u32, usize>::new();
        for waiting in &*self.inside.lock().unwrap() {
            *counts.entry(waiting.program).or_default() += 1;
        }
        let mut counts: Vec<usize> = counts.into_values().collect();
        counts.sort_unstable();
        counts
    }

    /// Waits until `count` requests wait, and gives the id of the latest.
    #[track_caller]
    pub(crate) fn holds(&self, count: usize) -> String {
        eventually(&format!("{count} calls at the gate"), || self.waiting().len() == count);
        self.waiting().pop().unwrap_or_default()
    }
}
