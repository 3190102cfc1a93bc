//! `axum::serve` on an executor sized as the library sizes its own.

use std::io;
use std::net::Ipv4Addr;
use std::thread::available_parallelism;

use axum::Router;
use tokio::net::TcpListener;
use tokio::runtime::Builder;

/// Serves on the port of the environment until the process is killed.
pub fn run(router: Router) -> io::Result<()> {
    let port = std::env::var("FC_CUSTOM_LISTEN_PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(9000);
    let threads = available_parallelism().map_or(1, usize::from);
    let mut builder = if threads == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    builder.enable_all().build()?.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await?;
        axum::serve(listener, router).await
    })
}
