//! How a connection of HTTP/1 ends at a stop.

use std::sync::atomic::Ordering;

use super::connection::Entrance;
use super::listen::FAREWELL;

impl Entrance {
    /// Ends the connection at a stop: serves the requests that have come, and closes in order. `has_part` says whether
    /// a part of a head has come.
    pub(super) async fn end<C: Future + Unpin>(
        &self,
        has_part: bool,
        connection: &mut C,
        shut_down: impl FnOnce(&mut C),
    ) {
        // hyper does not see bytes that the executor has not been told of, and would close over a request. Between two
        // requests hyper would close over a part of a head too.
        let mut has_waited = false;
        if has_part || self.hangup.has_unread() {
            match self.is_over(connection).await {
                Some(true) => return,
                Some(false) => {}
                None => has_waited = true,
            }
        }
        shut_down(connection);
        // A connection without a request has at most half a head.
        if !self.has_begun.load(Ordering::Relaxed)
            && (has_waited || self.is_over(connection).await != Some(false))
        {
            return;
        }
        connection.await;
    }

    /// Waits a moment for the next request (`false`) or the end of the connection (`true`). `None` if neither comes.
    async fn is_over<C: Future + Unpin>(&self, connection: &mut C) -> Option<bool> {
        tokio::select! {
            biased;
            _ = connection => Some(true),
            () = self.begun.notified() => Some(false),
            () = tokio::time::sleep(FAREWELL) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::sync::{Arc, RwLock};
    use std::time::Duration;

    use tokio::io::AsyncWriteExt;
    use tokio::net::{TcpListener, TcpStream};
    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    use super::super::alb::{Balancers, Shared};
    use super::super::console::{Console, Shared as ConsoleShared};
    use super::super::entry::Front;
    use super::super::listen::{Clients, Stop};
    use super::super::target::Door;
    use super::*;
    use crate::account::{Account, Place};
    use crate::auth::Gate;
    use crate::deploy::{Deployer, Project};
    use crate::event::Log;
    use crate::meter::Meters;
    use crate::process::Processes;
    use crate::queue::{Queue, Trackers};
    use crate::record::Records;
    use crate::registry::Registry;
    use crate::store::Place as StorePlace;
    use crate::wire::headers::Peer;
    use crate::wire::{Hangup, Ticks};

    #[tokio::test]
    async fn half_a_head_is_waited_for_once() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, address) = listener.accept().await.unwrap();
        client.write_all(b"GET / HT").await.unwrap();
        stream.readable().await.unwrap();
        let (log, _events) = Log::new();
        let registry = Arc::new(Registry::default());
        let folder = std::path::Path::new(".");
        let project = Project {
            state: folder,
            builds_code: false,
            drain: Duration::ZERO,
            edition: None,
            endpoint: address,
        };
        let (registry_too, tasks) = (Arc::clone(&registry), TaskTracker::new());
        let deployer =
            Deployer::create(registry_too, log.clone(), tasks, project, Arc::new(Processes), &[]).await;
        let deployer = Arc::new(deployer.unwrap());
        let queue = Queue::new(StorePlace::Memory, Arc::clone(&registry), log.clone(), Trackers::default());
        let tasks = TaskTracker::new();
        let gate = Arc::new(Gate::new(folder.into(), false));
        let balancers = Balancers::new(Shared {
            registry: Arc::clone(&registry),
            deployer: Arc::clone(&deployer),
            gate: Arc::clone(&gate),
            queue: Arc::clone(&queue),
            log: log.clone(),
            records: Records::default(),
            connections: tasks.clone(),
            tasks: tasks.clone(),
            stop: CancellationToken::new(),
        });
        let place = Place { region: String::new(), id: String::new(), endpoint: address };
        let account =
            Account::new((Arc::clone(&registry), Arc::clone(&deployer)), log.clone(), folder, place);
        let console = Console::new(ConsoleShared {
            registry: Arc::clone(&registry),
            queue: Arc::clone(&queue),
            log: log.clone(),
            records: Records::default(),
            meters: Meters::default(),
            stop: CancellationToken::new(),
            gate: Arc::clone(&gate),
            authority: None,
            project: String::new(),
            manifest: folder.join("s.yaml"),
            environment: None,
            redactor: RwLock::default(),
            effective: Vec::new(),
        });
        let clients = Clients {
            front: Front::new(
                registry,
                (deployer, queue, account),
                gate,
                log,
                None,
                (Arc::new(balancers), console),
                (Records::default(), Meters::default()),
            ),
            door: Door::Main,
            stop: Stop::default(),
            ticks: Ticks::new(tasks.clone()),
            tasks,
        };
        let hangup = Arc::new(Hangup::prepare(&stream));
        let entrance = Entrance::new(clients, Peer::new(address, false).unwrap(), hangup, 0);
        entrance.is_closing.store(true, Ordering::Relaxed);
        let is_shut_down = AtomicBool::new(false);
        let mut connection = std::future::poll_fn(|_| {
            assert!(!is_shut_down.load(Ordering::Relaxed), "it was waited for before");
            std::task::Poll::<()>::Pending
        });
        entrance.end(false, &mut connection, |_| is_shut_down.store(true, Ordering::Relaxed)).await;
        assert!(is_shut_down.load(Ordering::Relaxed));
    }
}
