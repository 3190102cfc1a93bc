//! The server of a fake program: HTTP by a closure of the test.

use std::convert::Infallible;
use std::fmt;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::fake::Program;
use crate::gate::Gate;

/// A reply, or a cut connection in its place.
pub(crate) type Served = Result<Response<BoxBody<Bytes, Cut>>, Cut>;

/// The connection is cut, before a reply or within a reply.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("cut")
    }
}

impl std::error::Error for Cut {}

/// A request that reached a program.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) program: Program,
    pub(crate) request: Request<Incoming>,
    /// The number of the connection within the program, from 1.
    pub(crate) connection: usize,
}

impl Asked {
    pub(crate) fn path(&self) -> &str {
        self.request.uri().path()
    }

    /// The request's id.
    #[track_caller]
    pub(crate) fn id(&self) -> String {
        self.request.headers()["x-fc-request-id"].to_str().unwrap().to_owned()
    }
}

/// Serves on the given port until the program ends.
pub(crate) async fn serve<F>(program: Program, handler: impl Fn(Asked) -> F + Clone + Send + 'static) -> i32
where
    F: Future<Output = Served> + Send + 'static,
{
    let port = program.given_port();
    serve_on(port, program, handler).await
}

/// As [`serve`], on another port.
pub(crate) async fn serve_on<F>(
    port: u16,
    program: Program,
    handler: impl Fn(Asked) -> F + Clone + Send + 'static,
) -> i32
where
    F: Future<Output = Served> + Send + 'static,
{
    program.listens_on(port);
    let Ok(listener) = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await else { return 98 };
    // Connections end with the program: the drop of the set closes them.
    let mut connections = JoinSet::new();
    let mut count = 0;
    while let Ok((stream, _)) = listener.accept().await {
        count += 1;
        let (program, handler, connection) = (program.clone(), handler.clone(), count);
        let service =
            service_fn(move |request| handler(Asked { program: program.clone(), request, connection }));
        connections.spawn(async move {
            // The platform judges how the connection ended.
            _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
    0
}

/// A whole reply.
pub(crate) fn text(text: impl Into<Bytes>) -> Served {
    reply(200, text)
}

/// A whole reply with a status.
#[expect(clippy::unnecessary_wraps, reason = "handlers give what they make")]
pub(crate) fn reply(status: u16, text: impl Into<Bytes>) -> Served {
    let body = Full::new(text.into()).map_err(|error: Infallible| match error {});
    Ok(Response::builder().status(status).body(BoxBody::new(body)).unwrap())
}

/// A chunked reply. Each sent value is a chunk, and an `Err` cuts the reply. The reply ends when all senders are
/// dropped.
pub(crate) fn chunks() -> (mpsc::UnboundedSender<Result<&'static str, Cut>>, Served) {
    let (sender, chunks) = mpsc::unbounded_channel();
    (sender, Ok(Response::new(BoxBody::new(Chunks(chunks)))))
}

struct Chunks(mpsc::UnboundedReceiver<Result<&'static str, Cut>>);

impl Body for Chunks {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let chunk = self.0.poll_recv(context);
        chunk.map(|chunk| {
            chunk.map(|chunk| chunk.map(|text| Frame::data(Bytes::from_static(text.as_bytes()))))
        })
    }
}

/// Answers `/wait` once the gate opens, `/pid` with the program's number, and `/exit` with an end with code 7. All
/// other paths get the variable `NAME`.
pub(crate) fn usual(gate: &Gate) -> impl Fn(Asked) -> Answering + Clone + Send + Sync + 'static {
    let gate = gate.clone();
    move |asked| {
        let gate = gate.clone();
        Box::pin(async move {
            match asked.path() {
                "/wait" => {
                    gate.pass(&asked).await;
                    text("passed")
                }
                "/exit" => asked.program.exits(7).await,
                "/pid" => text(asked.program.pid().to_string()),
                _ => text(asked.program.name().to_owned()),
            }
        })
    }
}

/// A reply in the making.
pub(crate) type Answering = Pin<Box<dyn Future<Output = Served> + Send>>;
