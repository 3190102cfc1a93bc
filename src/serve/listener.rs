//! Accepting connections until a signal comes.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::app::Sealed;
use crate::serve::connection::connection;
use crate::serve::drain::Drain;
use crate::task::Kind;

/// How long to wait when the process has no descriptors left: others have to be closed first.
const BACK_OFF: Duration = Duration::from_millis(50);

pub(crate) async fn accept<S: Send + Sync + 'static>(
    app: &Arc<Sealed<S>>,
    listener: TcpListener,
    drain: &Drain,
    stop: impl Future<Output = &'static str>,
) {
    let mut stop = pin!(stop);
    loop {
        let next = poll_fn(|cx| {
            if let Poll::Ready(signal) = stop.as_mut().poll(cx) {
                return Poll::Ready(Err(signal));
            }
            listener.poll_accept(cx).map(Ok)
        });
        match next.await {
            Ok(Ok((stream, peer))) => {
                // Small replies leave at once; an error only means that the peer is gone already.
                let _ = stream.set_nodelay(true);
                app.shared
                    .tracker
                    .spawn(Kind::Connection, connection(Arc::clone(app), stream, peer, drain.watch()));
            }
            Ok(Err(error)) if concerns_one_connection(&error) => {}
            Ok(Err(error)) => {
                tracing::error!(target: "fc_runtime", "cannot accept a connection: {error}; trying again");
                tokio::time::sleep(BACK_OFF).await;
            }
            Err(signal) => {
                tracing::info!(target: "fc_runtime", "{signal}: draining");
                return;
            }
        }
    }
}

fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
