//! A container as a program: the engine's process is watched, and orders go to the container.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::task::TaskTracker;

use super::engine::Engine;
use super::handle::{Order, Process, Reporter};
use super::proc::{self, Listening};
use super::runner::Running;

/// The pause between two questions for the process of a container that starts.
const PAUSE: Duration = Duration::from_millis(50);

/// A container by its name.
#[derive(Debug, Clone)]
pub(crate) struct Container {
    pub(crate) engine: Arc<Engine>,
    pub(crate) name: String,
    /// The most memory, in bytes. The engine enforces it.
    pub(crate) memory: u64,
}

#[derive(Debug)]
struct Contained {
    orders: UnboundedSender<Order>,
    /// Orders to end at once, which wait for no other order.
    kill: Arc<Notify>,
    /// The first process of the container, as this machine sees it; 0 until it is known.
    pid: Arc<AtomicU32>,
    is_frozen: AtomicBool,
}

impl Container {
    /// The command that removes the container, for a guard that has outlived fc-local.
    pub(super) fn removal(&self) -> Vec<String> {
        self.engine.removal(&self.name)
    }

    /// The program that runs in the container. `client` is the engine's process.
    pub(super) fn watched(&self, client: Process, tasks: &TaskTracker) -> Process {
        let (orders, received) = unbounded_channel();
        let (kill, pid) = (Arc::new(Notify::new()), Arc::new(AtomicU32::new(0)));
        let contained = Contained {
            orders,
            kill: Arc::clone(&kill),
            pid: Arc::clone(&pid),
            is_frozen: AtomicBool::new(false),
        };
        let (process, reporter) = Process::new(Box::new(contained));
        tasks.spawn(self.clone().follow(client, (received, kill), pid, reporter));
        process
    }

    /// Carries out the orders until the container has ended, then removes it and reports the end.
    async fn follow(
        self,
        client: Process,
        (mut orders, kill): (UnboundedReceiver<Order>, Arc<Notify>),
        pid: Arc<AtomicU32>,
        reporter: Reporter,
    ) {
        let own_pid = async {
            let first = self.first_process().await;
            pid.store(first, Ordering::Relaxed);
            reporter.pid(first);
            // The orders go on.
            std::future::pending().await
        };
        let obeying = async {
            while let Some(order) = orders.recv().await {
                let words = match order {
                    Order::Terminate => &["kill", "--signal", "TERM"][..],
                    Order::Freeze => &["pause"],
                    Order::Thaw => &["unpause"],
                    Order::Kill => continue,
                };
                // A container that has ended obeys no more. One that does not obey is killed later.
                _ = self.engine.ask(&[words, &[&self.name]].concat()).await;
            }
            std::future::pending().await
        };
        let killing = async {
            kill.notified().await;
            // The engine ends what is paused, too, which no signal does.
            _ = self.engine.remove(&self.name).await;
            // There may be no container yet. The guard ends the engine's process, and what came from it.
            client.order(Order::Kill);
            std::future::pending().await
        };
        let exit = tokio::select! {
            exit = client.exited() => exit,
            exit = killing => exit,
            exit = own_pid => exit,
            exit = obeying => exit,
        };
        let is_over_memory =
            self.engine.ask(&["inspect", "--format", "{{.State.OOMKilled}}", &self.name]).await;
        // A container that is not there any more is removed. What is left else, the next start removes.
        _ = self.engine.remove(&self.name).await;
        if is_over_memory.is_ok_and(|answer| answer == "true") {
            reporter.oom(self.memory);
        }
        reporter.exit(exit);
    }

    /// The number of the container's first process, once there is one.
    async fn first_process(&self) -> u32 {
        loop {
            let asked = self.engine.ask(&["inspect", "--format", "{{.State.Pid}}", &self.name]).await;
            match asked.ok().and_then(|text| text.parse().ok()) {
                Some(0) | None => tokio::time::sleep(PAUSE).await,
                Some(pid) => return pid,
            }
        }
    }
}

impl Running for Contained {
    fn order(&self, order: Order) {
        match order {
            Order::Kill => self.kill.notify_one(),
            Order::Thaw if !self.is_frozen.swap(false, Ordering::Relaxed) => {}
            Order::Freeze => {
                self.is_frozen.store(true, Ordering::Relaxed);
                _ = self.orders.send(order);
            }
            // Fails once the container has ended.
            _ => _ = self.orders.send(order),
        }
    }

    fn memory(&self) -> u64 {
        match self.pid.load(Ordering::Relaxed) {
            0 => 0,
            pid => proc::memory_from(pid),
        }
    }

    fn cpu(&self) -> Duration {
        match self.pid.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            pid => proc::cpu_from(pid),
        }
    }

    /// The ports within the container.
    fn listening(&self) -> Vec<Listening> {
        match self.pid.load(Ordering::Relaxed) {
            0 => Vec::new(),
            pid => proc::listening_in_network_of(pid).unwrap_or_default(),
        }
    }

    /// The port within the container. The engine's side of the port may be open long before.
    fn may_listen_on(&self, port: u16) -> bool {
        match self.pid.load(Ordering::Relaxed) {
            0 => false,
            pid => proc::listening_in_network_of(pid)
                .is_none_or(|open| open.iter().any(|open| open.port == port && !open.is_loopback)),
        }
    }
}
