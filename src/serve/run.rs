//! From `main` to the port, and back when a signal comes.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use crate::app::{App, Sealed};
use crate::error::{Error, Result};
use crate::log::{say, sink};
use crate::platform::Instance;
use crate::platform::names::env;
use crate::serve::door::Door;
use crate::serve::drain::Drain;
use crate::serve::runtime;
use crate::serve::signal::Signals;

impl<S: Send + Sync + 'static> App<S> {
    /// Runs the function: the last line of `main`.
    ///
    /// Reads the environment once, starts a runtime of the instance's size, checks the app, opens its state, listens on
    /// `0.0.0.0`, and serves until `SIGTERM` or `SIGINT`. Then what is in flight is finished under the drain deadline
    /// (10 s by default); a second signal ends it at once. With the feature `log` it also prints `tracing` events and
    /// panics as JSON lines, unless a subscriber is installed already.
    ///
    /// # Errors
    /// A mistake in the app, a bad port, a port that is taken, a state that cannot be opened. Returned from `main`
    /// they are printed, and the exit code is 1.
    pub fn run(self) -> Result {
        let instance = Instance::from_env();
        #[cfg(feature = "log")]
        crate::log::install(&instance);
        let runtime = runtime::build()?;
        let served = runtime.block_on(async {
            let port = match self.settings().port {
                Some(port) => port,
                None => instance.port()?,
            };
            let signals = Signals::listen()?;
            let app = self.seal(instance).await?;
            let listener = bind(port)?;
            serve(app, listener, signals).await
        });
        // What still runs was cut and counted; blocking work cannot be stopped and is left behind.
        runtime.shutdown_timeout(Duration::from_millis(100));
        sink::finish(Duration::from_secs(1));
        served
    }

    /// Serves on a listener of yours, on the runtime you are on, until a signal: for embedding. Nothing is installed.
    ///
    /// # Errors
    /// A mistake in the app, a state that cannot be opened, a listener that cannot be used.
    ///
    /// # Cancel safety
    /// Dropping the future stops accepting and cuts all connections.
    pub async fn serve(self, listener: TcpListener) -> Result {
        let signals = Signals::listen()?;
        let app = self.seal(Instance::from_env()).await?;
        listener.set_nonblocking(true)?;
        serve(app, listener, signals).await
    }
}

fn bind(port: u16) -> Result<TcpListener> {
    let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    bound.map_err(|cause: io::Error| {
        let advice = format!("choose another port with {} or App::port", env::LISTEN_PORT);
        let message = format!("cannot listen on {address}; {advice}");
        Error::of_ours(StatusCode::INTERNAL_SERVER_ERROR, message).with_cause(cause)
    })
}

async fn serve<S: Send + Sync + 'static>(
    app: Arc<Sealed<S>>,
    listener: TcpListener,
    mut signals: Signals,
) -> Result {
    let address = listener.local_addr()?;
    let drain = Drain::default();
    let door = Door::open(&app, listener, &drain)?;
    say::info(format_args!("listening on {address}"));
    let signal = signals.first().await;
    say::info(format_args!("{signal}: draining {} requests", app.shared.tally.in_flight.get()));
    door.close().await;
    drain.run(&app, signals).await;
    Ok(())
}
