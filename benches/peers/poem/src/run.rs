//! poem's server on an executor sized as the library sizes its own.

use std::io;
use std::thread::available_parallelism;

use poem::listener::TcpListener;
use poem::{IntoEndpoint, Server};
use tokio::runtime::Builder;

/// Serves on the port of the environment until the process is killed.
pub fn run<E>(app: E) -> io::Result<()>
where
    E: IntoEndpoint,
    E::Endpoint: 'static,
{
    let port =
        std::env::var("FC_CUSTOM_LISTEN_PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(9000_u16);
    let threads = available_parallelism().map_or(1, usize::from);
    let mut builder = if threads == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    let server = Server::new(TcpListener::bind(("0.0.0.0", port)));
    builder.enable_all().build()?.block_on(server.run(app))
}
