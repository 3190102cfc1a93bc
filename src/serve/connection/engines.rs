//! The engines of one app: those that wait for a connection, and the look at those that have one.
//!
//! A connection that was not used between two looks is told to give its engine up, and takes one again when its client
//! sends. So what an idle connection keeps is its socket and its task.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;

use bytes::Bytes;

use crate::sealed::Sealed;
use crate::serve::connection::engine::{Engine, Make};
use crate::serve::connection::unread::Unread;
use crate::serve::io::Socket;
use crate::serve::link::Link;
use crate::serve::looks::Looks;

/// The engines of one app.
pub(crate) struct Engines<S: Send + Sync + 'static> {
    pub(super) app: Arc<Sealed<S>>,
    looks: Arc<Looks>,
    /// The last one that came is the first one that goes, because its memory is the likeliest to be in the processor's
    /// cache.
    waiting: Mutex<Waiting<S>>,
    /// Of all engines. Those that are gone are taken out at the next look.
    links: Mutex<Vec<Weak<Link>>>,
}

struct Waiting<S: Send + Sync + 'static> {
    all: Vec<Box<Engine<S>>>,
    /// The fewest that waited since the last trim: nobody needed these.
    fewest: usize,
    /// The number of looks since then.
    looks: u8,
}

/// The most engines that wait, some 18 KiB each.
const WAITING_MAX: usize = 64;

/// The number of looks after which engines go that nobody needed: a second.
const TRIM_EVERY: u8 = 20;

impl<S: Send + Sync + 'static> Engines<S> {
    pub(crate) fn new(app: Arc<Sealed<S>>, looks: Arc<Looks>) -> Arc<Self> {
        let waiting = Mutex::new(Waiting { all: Vec::new(), fewest: 0, looks: 0 });
        Arc::new(Self { app, looks, waiting, links: Mutex::default() })
    }

    /// An engine for a socket. It wakes `task` to have itself given up. `late` is for the last request of a connection.
    pub(super) fn take(&self, socket: Socket, late: bool, task: &Waker) -> Box<Engine<S>> {
        let waiting = if late { None } else { self.waiting().take() };
        let engine = waiting.unwrap_or_else(|| self.make(Make::of(late), Bytes::new(), None));
        engine.couple(socket, task);
        engine
    }

    /// As [`take`](Self::take), for a client that has sent `ahead` already: a part of a head, or more.
    pub(super) fn take_behind(
        &self,
        ahead: Bytes,
        socket: Socket,
        late: bool,
        task: &Waker,
    ) -> Box<Engine<S>> {
        let engine = self.make(Make::of(late), ahead, None);
        engine.couple(socket, task);
        engine.link.stay();
        engine
    }

    /// An engine without a socket.
    pub(super) fn make(&self, make: Make, ahead: Bytes, unread: Option<Box<Unread>>) -> Box<Engine<S>> {
        let engine = Engine::new(Arc::clone(&self.app), Arc::clone(&self.looks), make, ahead, unread);
        lock(&self.links).push(Arc::downgrade(&engine.link));
        engine
    }

    /// Takes an engine and the socket that it has given back, and gives the socket.
    pub(super) fn put(&self, mut engine: Box<Engine<S>>) -> Option<Socket> {
        let is_as_new = engine.is_as_new();
        let socket = engine.uncouple();
        if is_as_new {
            let mut waiting = self.waiting();
            if waiting.all.len() < WAITING_MAX {
                waiting.all.push(engine);
            }
        }
        socket
    }

    /// Looks at all engines once, and has idle connections give up those that are too many.
    pub(crate) fn look(&self) {
        // First: an engine that is taken meanwhile asks for the next look by itself.
        self.looks.begin_one();
        let (surplus, mut asked) = (self.looks.surplus(), 0);
        lock(&self.links).retain(|link| {
            let link = link.upgrade();
            asked += usize::from(link.as_ref().is_some_and(|link| link.look(asked < surplus)));
            link.is_some()
        });
        if asked < surplus {
            self.looks.want();
        }
        // Dropped when the lock is released.
        let unneeded = self.waiting().trim();
        drop(unneeded);
    }

    /// The number of engines there are.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        lock(&self.links).iter().filter(|link| link.strong_count() > 0).count()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting<S>> {
        lock(&self.waiting)
    }
}

impl<S: Send + Sync + 'static> Waiting<S> {
    fn take(&mut self) -> Option<Box<Engine<S>>> {
        let engine = self.all.pop();
        self.fewest = self.fewest.min(self.all.len());
        engine
    }

    /// Now and then half of those that nobody needed, those that have waited longest.
    fn trim(&mut self) -> Vec<Box<Engine<S>>> {
        self.looks = (self.looks + 1) % TRIM_EVERY;
        if self.looks != 0 {
            return Vec::new();
        }
        let unneeded = self.fewest / 2;
        self.fewest = self.all.len() - unneeded;
        self.all.drain(..unneeded).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
