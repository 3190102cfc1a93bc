//! Accepting, and hyper on each connection as it comes, but for the limit of a head.

use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use crate::equal::answer_with_equal_work;
use crate::routes::answer;
use crate::runtime;
use crate::sniff::is_http1;

/// As the library's limit for request headers.
const HEAD_MAX: usize = 32 * 1024;

/// What each request is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Its answer.
    Bare,
    /// A `tracing` event, printed as JSON by the subscriber that is installed; a panic guard; CORS.
    Equal,
}

/// Serves on the port of the environment until the process is killed.
pub fn run(work: Work) -> io::Result<()> {
    let port = std::env::var("FC_CUSTOM_LISTEN_PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(9000);
    runtime::build()?.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await?;
        serve(listener, work).await
    })
}

/// Serves for ever.
pub async fn serve(listener: TcpListener, work: Work) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(connection(stream, work));
    }
}

/// One connection to its end.
pub async fn connection(stream: TcpStream, work: Work) {
    if !is_http1(&stream).await.unwrap_or(false) {
        return;
    }
    let io = TokioIo::new(stream);
    let mut http = http1::Builder::new();
    http.max_buf_size(HEAD_MAX);
    let _ = match work {
        Work::Bare => {
            http.serve_connection(io, service_fn(async |request| Ok::<_, Infallible>(answer(request).await)))
                .await
        }
        Work::Equal => {
            let equal =
                service_fn(async |request| Ok::<_, Infallible>(answer_with_equal_work(request).await));
            http.serve_connection(io, equal).await
        }
    };
}
