//! What every server here starts with: the executor, sized as the library sizes its own, and the port.

use std::io;
use std::net::Ipv4Addr;
use std::thread::available_parallelism;

use tokio::net::TcpListener;
use tokio::runtime::Builder;

/// Where all of them listen.
pub fn port() -> u16 {
    std::env::var("FC_CUSTOM_LISTEN_PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(9000)
}

/// Whether the peer leaves out and sets what a user would who counts every byte, instead of what its documents show.
pub fn is_lean() -> bool {
    std::env::var_os("PEER_LEAN").is_some()
}

/// Runs the server until it ends or the process is killed.
pub fn serve(server: impl AsyncFnOnce(TcpListener) -> io::Result<()>) -> io::Result<()> {
    let threads = available_parallelism().map_or(1, usize::from);
    let mut builder = if threads == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    builder
        .enable_all()
        .build()?
        .block_on(async { server(TcpListener::bind((Ipv4Addr::UNSPECIFIED, port())).await?).await })
}
