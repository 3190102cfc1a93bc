//! `App::run` and `App::serve`: from `main` to the listening port, until a signal.

use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::Duration;

use http::StatusCode;
use socket2::{Domain, Socket, Type};
use tokio::runtime::Runtime;

use crate::app::App;
use crate::error::{Error, Result};
use crate::log::{say, sink};
use crate::platform::Instance;
use crate::platform::names::env;
use crate::sealed::Sealed;
use crate::serve::door::Door;
use crate::serve::drain::Drain;
use crate::serve::forced_exit::ForcedExit;
use crate::serve::runtime;
use crate::serve::signal::Signals;
use crate::task;

impl<S: Send + Sync + 'static> App<S> {
    /// Runs the function: the last line of `main`.
    ///
    /// Reads the environment once, starts a runtime sized to the instance, checks the app and opens its state. Then it
    /// listens on `0.0.0.0` and serves until `SIGTERM`, `SIGINT` or `SIGHUP`. After a signal, requests in flight are finished
    /// under the drain deadline (10 s by default). A second signal ends them at once.
    ///
    /// With the feature `log`, `tracing` events and panics are printed, unless a subscriber is installed already: as JSON
    /// lines, or as text on a terminal (`FC_LOG_FORMAT=json` or `text` chooses). `FC_LOG`, else `RUST_LOG`, chooses what is
    /// printed: `info,sqlx=warn,my_crate::orders=debug`. A subscriber of yours gets each request as a span and an event.
    ///
    /// With `FC_RUNTIME_DESCRIBE=1` in the environment it prints what the app takes, and ends: see [`describe`](Self::describe).
    ///
    /// # Errors
    /// A mistake in the app, an invalid port, a port in use, or a state that cannot be opened. When `main` returns the
    /// error, it is printed and the exit code is 1.
    ///
    /// # Inside `#[tokio::main]`
    /// `run` creates a runtime. Inside another runtime it moves to a new thread and logs a warning. The thread that
    /// called `run` is blocked, with all tasks that the outer runtime has on it. Remove `#[tokio::main]`, write
    /// `fn main() -> fc_runtime::Result`, and do asynchronous setup in [`App::with_state_from`].
    #[doc(alias = "listen")]
    #[doc(alias = "shutdown")]
    #[doc(alias = "graceful")]
    #[doc(alias = "with_graceful_shutdown")]
    pub fn run(self) -> Result {
        // Boxed, since the futures of a start would each hold it twice, on the stack.
        let app = Box::new(self);
        if tokio::runtime::Handle::try_current().is_err() {
            return app.run_here(false);
        }
        let served = Arc::new(OnceLock::new());
        let told = Arc::clone(&served);
        let own = task::thread("fc-run", None, Box::new(move || _ = told.set(app.run_here(true))))?;
        own.join().unwrap_or_else(|panic| resume_unwind(panic));
        Arc::into_inner(served).and_then(OnceLock::into_inner).unwrap_or(Ok(()))
    }

    /// Blocks this thread. No other runtime may be entered on it.
    fn run_here(self: Box<Self>, is_nested: bool) -> Result {
        let Some((instance, runtime)) = self.prepare(is_nested)? else { return Ok(()) };
        let forced_exit = ForcedExit::default();
        let mut served = Ok(());
        runtime::block_on(
            &runtime,
            pin!(async { served = self.open_and_serve(instance, &forced_exit).await }),
        );
        // Tasks that still run were cut and counted. Blocking work cannot be cancelled, and is left behind.
        runtime.shutdown_timeout(Duration::from_millis(100));
        forced_exit.disarm();
        sink::finish(Duration::from_secs(1));
        served.map_err(Error::of_start)
    }

    /// What comes before the runtime is entered, with a stack of its own: `None` if the app was only described.
    #[inline(never)]
    fn prepare(&self, is_nested: bool) -> Result<Option<(Instance, Runtime)>> {
        let instance = Instance::from_env();
        if let Some(told) = self.asked_to_describe(&instance) {
            sink::write(|out| out.extend([told.as_bytes(), b"\n"].concat()));
            sink::finish(Duration::from_secs(1));
            return Ok(None);
        }
        #[cfg(feature = "log")]
        let is_ours = crate::log::install(&instance);
        #[cfg(not(feature = "log"))]
        let is_ours = false;
        say::look_at_subscriber(is_ours);
        if let Some(mistake) = instance.memory_mistake() {
            say::warn(format_args!("{mistake}"));
        }
        if is_nested {
            say::warn(format_args!(
                "App::run was called inside a tokio runtime, of which one thread now waits: leave #[tokio::main] out, \
                 and write `fn main() -> fc_runtime::Result`"
            ));
        }
        Ok(Some((instance, runtime::build()?)))
    }

    async fn open_and_serve(self: Box<Self>, instance: Instance, forced_exit: &ForcedExit) -> Result {
        let port = match self.settings().port {
            Some(port) => port,
            None => instance.port()?,
        };
        let mut signals = Signals::listen()?;
        let Some(app) = unless(&mut signals, self.seal(instance)).await else { return Ok(()) };
        let listener = bind(port)?;
        // Without the format of an address, which takes longer than the line.
        let tell = move || say::info(format_args!("listening on 0.0.0.0:{port}"));
        serve(app?, listener, tell, signals, Some(forced_exit)).await
    }

    /// Serves on a given listener, on the current runtime, until a signal. For embedding. The only thing installed are
    /// handlers for `SIGTERM`, `SIGINT` and `SIGHUP`, after which the signals no longer end the process by themselves.
    ///
    /// # Errors
    /// A mistake in the app, a state that cannot be opened, or a listener that cannot be used.
    ///
    /// # Cancel safety
    /// Dropping the future stops accepting and cuts all connections.
    #[doc(alias = "listen")]
    #[doc(alias = "bind")]
    pub async fn serve(self, listener: TcpListener) -> Result {
        let mut signals = Signals::listen()?;
        let sealed = Box::new(self).seal(Instance::from_env());
        let Some(app) = unless(&mut signals, sealed).await else { return Ok(()) };
        let app = app.map_err(Error::of_start)?;
        listener.set_nonblocking(true)?;
        say::look_at_subscriber(false);
        let address = listener.local_addr()?;
        serve(app, listener, move || say::info(format_args!("listening on {address}")), signals, None).await
    }
}

/// The connections that may wait in the kernel's queue. The standard library asks for 128, and a client beyond them is
/// held up for a second. The kernel's own limit (`net.core.somaxconn`) is 4096 by default.
const BACKLOG: i32 = 1024;

fn bind(port: u16) -> Result<TcpListener> {
    let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    let bound = Socket::new(Domain::IPV4, Type::STREAM, None).and_then(|socket| {
        // As the standard library does: a restart must not wait for connections of the process before.
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        Ok(socket.into())
    });
    bound.map_err(|cause: io::Error| {
        let advice = format!("choose another port with {} or App::port", env::LISTEN_PORT);
        let message = format!("cannot listen on {address}; {advice}");
        Error::of_ours(StatusCode::INTERNAL_SERVER_ERROR, message).with_cause(cause)
    })
}

/// The output of `opening`, or `None` if a signal comes first.
async fn unless<T>(signals: &mut Signals, opening: impl Future<Output = T>) -> Option<T> {
    let mut opening = pin!(opening);
    let mut signal = pin!(signals.first());
    poll_fn(|cx| {
        if let Poll::Ready(opened) = opening.as_mut().poll(cx) {
            return Poll::Ready(Some(opened));
        }
        signal.as_mut().poll(cx).map(|signal| {
            say::info(format_args!("{signal}: ending before the start is complete"));
            None
        })
    })
    .await
}

async fn serve<S: Send + Sync + 'static>(
    app: Arc<Sealed<S>>,
    listener: TcpListener,
    tell: impl FnOnce(),
    signals: Signals,
    forced_exit: Option<&ForcedExit>,
) -> Result {
    let drain = Drain::default();
    let mut door = Door::open(&app, listener, &drain, signals, forced_exit.cloned())?;
    tell();
    let (signal, signals) = door.signal().await?;
    say::info(format_args!("{signal}: draining {} requests", app.shared.counts.in_flight.get()));
    door.closed().await;
    drain.run(&app, signals).await;
    Ok(())
}
