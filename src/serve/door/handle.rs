//! The door as the executor has it: it opens the door, takes connections from it, and closes it.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use mio::Waker;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::oneshot;

use crate::error::{Error, Result};
use crate::log::say;
use crate::platform::limits::{CONNECTIONS_PER_MIB, MAX_CONNECTIONS_DEFAULT};
use crate::sealed::Sealed;
use crate::serve::connection;
use crate::serve::door::keeper::{Keeper, Sources};
use crate::serve::drain::{Drain, DrainObserver};
use crate::serve::forced_exit::ForcedExit;
use crate::serve::places::{Place, Places};
use crate::serve::signal::Signals;
use crate::serve::sniff::{HttpVersion, Probes};
use crate::task::Kind;

/// A running door. Its drop ends the thread, and the connections that have sent nothing yet.
pub(crate) struct Door {
    asked: Arc<Asked>,
    closed: oneshot::Receiver<()>,
}

/// What the executor has asked the thread for.
pub(super) struct Asked {
    what: AtomicU8,
    pub(super) waker: Arc<Waker>,
}

const NOTHING: u8 = 0;
/// The app was dropped.
const END: u8 = 1;
/// A signal has come.
const CLOSE: u8 = 2;

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
async fn receive<S: Send + Sync + 'static>(
    app: Arc<Sealed<S>>,
    mut connections: UnboundedReceiver<Accepted>,
) {
    while let Some(Accepted { stream, address, version, drain, place }) = connections.recv().await {
        match tokio::net::TcpStream::from_std(stream) {
            Ok(stream) => connection::spawn(&app, stream, address, version, drain, place),
            Err(error) => say::error(format_args!("a connection cannot be watched: {error}")),
        }
    }
}

impl Door {
    /// Starts the thread, which hands connections to the current executor.
    ///
    /// With a forced exit, the thread hears the first of the signals too, and stops accepting even if the executor is
    /// blocked. Without one only the executor handles signals.
    ///
    /// # Errors
    /// When the thread cannot be created, or what it waits for.
    pub(crate) fn open<S: Send + Sync + 'static>(
        app: &Arc<Sealed<S>>,
        listener: TcpListener,
        drain: &Drain,
        signals: &Signals,
        forced_exit: Option<ForcedExit>,
    ) -> Result<Self> {
        let settings = &app.settings;
        let max_connections =
            settings.max_connections.unwrap_or_else(|| connections_for(app.shared.instance.memory_mib()));
        let bells = if forced_exit.is_some() { signals.bells()? } else { Vec::new() };
        let (sources, waker) = Sources::new(&listener, bells)?;
        let asked = Arc::new(Asked { what: AtomicU8::new(NOTHING), waker: Arc::new(waker) });
        let (to_executor, connections) = unbounded_channel();
        let (tell, closed) = oneshot::channel();
        let keeper = Keeper {
            app: Arc::clone(app),
            executor: Handle::current(),
            observers: drain.observers(),
            to_executor,
            probes: Probes::new(&settings.health_path, settings.head_root),
            places: Places::new(max_connections),
            listener,
            forced_exit,
            asked: Arc::clone(&asked),
        };
        let work = move || {
            keeper.run(sources);
            let _ = tell.send(());
        };
        let thread = std::thread::Builder::new().name("fc-door".to_owned()).stack_size(256 * 1024);
        thread.spawn(work).map_err(Error::internal)?;
        app.shared.tracker.spawn(Kind::Receiver, receive(Arc::clone(app), connections));
        Ok(Self { asked, closed })
    }

    /// Stops accepting, because of a signal. Returns when the listener is closed.
    pub(crate) async fn close(mut self) {
        // The thread may have ended already, at the signal.
        self.asked.ask(CLOSE);
        let _ = (&mut self.closed).await;
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.asked.ask(END);
    }
}

impl Asked {
    fn ask(&self, what: u8) {
        if self.what.compare_exchange(NOTHING, what, Ordering::AcqRel, Ordering::Relaxed).is_ok()
            && let Err(error) = self.waker.wake()
        {
            say::error(format_args!("the door cannot be closed: {error}"));
        }
    }

    /// Whether the thread has to end.
    pub(super) fn is_over(&self) -> bool {
        self.what.load(Ordering::Acquire) != NOTHING
    }

    /// Whether it has to end because of a signal.
    pub(super) fn is_closed(&self) -> bool {
        self.what.load(Ordering::Acquire) == CLOSE
    }
}

/// The default of `max_connections`. An idle connection keeps some 12 KiB, so idle connections take a twentieth of the
/// memory.
fn connections_for(memory_mib: Option<u32>) -> usize {
    let fitting = memory_mib.map(|mib| (mib as usize).saturating_mul(CONNECTIONS_PER_MIB).max(1));
    fitting.map_or(MAX_CONNECTIONS_DEFAULT, |fitting| fitting.min(MAX_CONNECTIONS_DEFAULT))
}
