//! The door as the executor has it: it opens the door, takes connections from it, and closes it.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::error::{Error, Result};
use crate::log::say;
use crate::platform::limits::{CONNECTIONS_PER_MIB, KIB, MAX_CONNECTIONS_DEFAULT};
use crate::sealed::Sealed;
use crate::serve::connection::{self, Engines};
use crate::serve::door::handover::{Receiver, handover};
use crate::serve::door::keeper::{Keeper, Sources};
use crate::serve::drain::{Drain, DrainObserver};
use crate::serve::forced_exit::ForcedExit;
use crate::serve::looks::{Looks, SPARE};
use crate::serve::places::{Place, Places};
use crate::serve::signal::Signals;
use crate::serve::sniff::{HttpVersion, Probes};
use crate::task::{self, Kind};

/// A running door. Its drop ends the thread, and the connections that have sent nothing yet.
pub(crate) struct Door {
    dropped: Arc<Dropped>,
    signal: oneshot::Receiver<(&'static str, Signals)>,
    closed: oneshot::Receiver<()>,
}

/// Tells the thread that the app was dropped, and wakes the thread for whoever needs its clock.
pub(super) struct Dropped {
    is_so: AtomicBool,
    waker: mio::Waker,
}

/// What the door tells the executor.
pub(super) enum Message {
    Accepted(Accepted),
    /// It is time to look at the connections' engines.
    Look,
}

/// A connection on its way to the executor.
pub(super) struct Accepted {
    pub(super) stream: TcpStream,
    pub(super) address: SocketAddr,
    pub(super) version: HttpVersion,
    pub(super) drain: DrainObserver,
    pub(super) place: Place,
}

/// Takes connections over, on the executor. Their memory is allocated and freed on the same threads, which keeps the
/// allocator's arenas from growing. At most `max_connections` connections wait here.
async fn receive<S: Send + Sync + 'static>(engines: Arc<Engines<S>>, mut messages: Receiver<Message>) {
    while let Some(message) = messages.next().await {
        let Message::Accepted(Accepted { stream, address, version, drain, place }) = message else {
            engines.look();
            continue;
        };
        match tokio::net::TcpStream::from_std(stream) {
            Ok(stream) => connection::spawn(&engines, stream, address, version, drain, place),
            Err(error) => say::error(format_args!("a connection cannot be watched: {error}")),
        }
    }
}

impl Door {
    /// Starts the thread, which hands connections to the current executor.
    ///
    /// The thread hears the first of the signals. It stops accepting even if the executor is blocked, and arms the forced
    /// exit if there is one.
    ///
    /// # Errors
    /// When the thread cannot be created, or what it waits for.
    pub(crate) fn open<S: Send + Sync + 'static>(
        app: &Arc<Sealed<S>>,
        listener: TcpListener,
        drain: &Drain,
        signals: Signals,
        forced_exit: Option<ForcedExit>,
    ) -> Result<Self> {
        let settings = &app.settings;
        let max_connections =
            settings.max_connections.unwrap_or_else(|| connections_for(app.shared.instance.memory_mib()));
        let (sources, waker) = Sources::new(listener, signals)?;
        let dropped = Arc::new(Dropped { is_so: AtomicBool::new(false), waker });
        let (to_executor, messages) = handover();
        let looks = Looks::new(SPARE, Waker::from(Arc::clone(&dropped)));
        let engines = Engines::new(Arc::clone(app), Arc::clone(&looks));
        let ((tell_signal, signal), (tell_closed, closed)) = (oneshot::channel(), oneshot::channel());
        let keeper = Keeper {
            app: Arc::clone(app),
            executor: Handle::current(),
            observers: drain.observers(),
            to_executor,
            looks,
            probes: Probes::new(settings.health_path.clone(), settings.head_root),
            places: Places::new(max_connections),
            forced_exit,
            dropped: Arc::clone(&dropped),
        };
        let work = move || {
            keeper.run(sources, tell_signal);
            let _ = tell_closed.send(());
        };
        task::thread("fc-door", Some(256 * KIB), Box::new(work)).map_err(Error::internal)?;
        app.shared.tracker.spawn(Kind::Receiver, receive(engines, messages));
        Ok(Self { dropped, signal, closed })
    }

    /// The first signal, and those that follow. The thread then stops accepting by itself.
    ///
    /// # Errors
    /// When the thread has broken down.
    pub(crate) async fn signal(&mut self) -> Result<(&'static str, Signals)> {
        (&mut self.signal).await.map_err(|_| Error::internal("the thread that accepts connections has ended"))
    }

    /// Returns when the listener is closed, after a signal.
    pub(crate) async fn closed(mut self) {
        let _ = (&mut self.closed).await;
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.dropped.is_so.store(true, Ordering::Release);
        self.dropped.wake_by_ref();
    }
}

impl Dropped {
    pub(super) fn is_so(&self) -> bool {
        self.is_so.load(Ordering::Acquire)
    }
}

impl Wake for Dropped {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Err(error) = self.waker.wake() {
            say::error(format_args!("the door cannot be woken: {error}"));
        }
    }
}

/// The default of `max_connections`. A connection in use touches some 12 KiB, so connections that are all in use take a
/// twentieth of the memory. An idle one keeps about 1 KiB.
fn connections_for(memory_mib: Option<u32>) -> usize {
    let fitting = memory_mib.map(|mib| (mib as usize).saturating_mul(CONNECTIONS_PER_MIB).max(1));
    fitting.map_or(MAX_CONNECTIONS_DEFAULT, |fitting| fitting.min(MAX_CONNECTIONS_DEFAULT))
}
