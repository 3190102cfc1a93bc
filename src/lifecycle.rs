//! Initialization: a pure state machine that lets exactly one caller run it while the others wait.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use http::StatusCode;
use tokio::sync::watch;

use crate::error::{Error, Result};

/// Whether the initializer has run. It runs once; after a failure the next caller tries again.
pub(crate) struct Initialization {
    done: AtomicBool,
    running: Mutex<Option<watch::Receiver<Attempt>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    Running,
    Succeeded,
    Failed,
}

/// What a caller has to do.
pub(crate) enum Start {
    /// It is done.
    Done,
    /// This caller runs it, and tells the outcome to the ticket.
    Run(Ticket),
    /// Another caller runs it.
    Wait(watch::Receiver<Attempt>),
}

/// The right and duty to run the initializer. Dropped without an outcome, it counts as failed.
pub(crate) struct Ticket(watch::Sender<Attempt>);

impl Initialization {
    /// With nothing to run it is done from the start.
    pub(crate) fn new(needed: bool) -> Self {
        Self { done: AtomicBool::new(!needed), running: Mutex::new(None) }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire)
    }

    pub(crate) fn start(&self) -> Start {
        if self.is_done() {
            return Start::Done;
        }
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(attempt) = &*running {
            match *attempt.borrow() {
                Attempt::Running => return Start::Wait(attempt.clone()),
                Attempt::Succeeded => return Start::Done,
                Attempt::Failed => {}
            }
        }
        let (tell, attempt) = watch::channel(Attempt::Running);
        *running = Some(attempt);
        Start::Run(Ticket(tell))
    }

    pub(crate) fn finish(&self, ticket: &Ticket, outcome: Result) -> Result {
        if outcome.is_ok() {
            self.done.store(true, Ordering::Release);
            ticket.0.send_replace(Attempt::Succeeded);
        }
        outcome
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.send_if_modified(|attempt| {
            let unfinished = *attempt == Attempt::Running;
            if unfinished {
                *attempt = Attempt::Failed;
            }
            unfinished
        });
    }
}

/// Waits for somebody else's attempt. Put a bound around it.
pub(crate) async fn outcome(mut attempt: watch::Receiver<Attempt>) -> Result {
    let ended = attempt.wait_for(|attempt| *attempt != Attempt::Running).await.map(|attempt| *attempt);
    match ended {
        Ok(Attempt::Succeeded) => Ok(()),
        _ => Err(Error::of_ours(StatusCode::SERVICE_UNAVAILABLE, "the function could not be initialized")
            .reported()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_to_run_is_done_at_once() {
        assert!(matches!(Initialization::new(false).start(), Start::Done));
    }

    #[tokio::test]
    async fn one_runs_and_the_others_wait_for_its_outcome() {
        let init = Initialization::new(true);
        let Start::Run(ticket) = init.start() else { panic!("the first has to run it") };
        let Start::Wait(attempt) = init.start() else { panic!("the second has to wait") };
        assert!(init.finish(&ticket, Ok(())).is_ok());
        drop(ticket);
        assert!(outcome(attempt).await.is_ok());
        assert!(matches!(init.start(), Start::Done));
    }

    #[tokio::test]
    async fn after_a_failure_the_next_tries_again() {
        let init = Initialization::new(true);
        let Start::Run(ticket) = init.start() else { panic!("the first has to run it") };
        let Start::Wait(attempt) = init.start() else { panic!("the second has to wait") };
        assert!(init.finish(&ticket, Err(Error::unavailable("no database"))).is_err());
        drop(ticket);
        assert!(outcome(attempt).await.is_err());
        assert!(!init.is_done());
        assert!(matches!(init.start(), Start::Run(_)));
    }
}
