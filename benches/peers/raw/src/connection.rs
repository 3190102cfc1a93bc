//! Accepting, and hyper on each connection as the library sets it up.

use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use crate::routes::answer;
use crate::runtime;
use crate::sniff::is_http1;

/// As the library's limit for request headers.
const HEAD_MAX: usize = 32 * 1024;

/// Whether each request leaves a line on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    Off,
    /// One `tracing` event, printed as JSON by the subscriber that is installed.
    Tracing,
}

/// Serves on the port of the environment until the process is killed.
pub fn run(record: Record) -> io::Result<()> {
    let port = std::env::var("FC_CUSTOM_LISTEN_PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(9000);
    runtime::build()?.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await?;
        serve(listener, record).await
    })
}

/// Serves for ever.
pub async fn serve(listener: TcpListener, record: Record) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(connection(stream, record));
    }
}

/// One connection to its end.
pub async fn connection(stream: TcpStream, record: Record) {
    if !is_http1(&stream).await.unwrap_or(false) {
        return;
    }
    let io = TokioIo::new(stream);
    let mut http = http1::Builder::new();
    http.max_buf_size(HEAD_MAX);
    let _ = match record {
        Record::Off => {
            http.serve_connection(io, service_fn(async |request| Ok::<_, Infallible>(answer(request).await)))
                .await
        }
        Record::Tracing => http.serve_connection(io, service_fn(recorded)).await,
    };
}

async fn recorded(
    request: hyper::Request<hyper::body::Incoming>,
) -> Result<hyper::Response<crate::Body>, Infallible> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let started = Instant::now();
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = answer(request).await;
    tracing::info!(
        request_id = id,
        method = method.as_str(),
        path,
        status = response.status().as_u16(),
        duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        "request"
    );
    Ok(response)
}
