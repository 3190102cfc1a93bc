//! Servers that speak gRPC: a connection of HTTP/2 in plain text for each request.

use std::error::Error;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, TE};
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderValue, Method, Request, Response, Uri, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http2;
use hyper::rt::Executor;
use hyper_util::rt::TokioIo;
use tokio_util::task::TaskTracker;

use super::upstream::connect;
use crate::front::rpc;
use crate::model::alb::{AlbHealthCheck, IpServer};

/// A message without content: not compressed, of no bytes.
const EMPTY_MESSAGE: Bytes = Bytes::from_static(&[0; 5]);

/// Starts what a connection needs besides itself.
#[derive(Debug, Clone)]
struct Tracked(TaskTracker);

impl<F> Executor<F> for Tracked
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, task: F) {
        self.0.spawn(task);
    }
}

/// Sends a request on a connection of its own. A failure is the status that the client gets.
pub(super) async fn send<B>(
    server: &IpServer,
    connections: &TaskTracker,
    mut request: Request<B>,
) -> Result<Response<Incoming>, u16>
where
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    *request.uri_mut() = absolute(&request).ok_or(400_u16)?;
    *request.version_mut() = Version::HTTP_2;
    request.headers_mut().remove(HOST);
    // It concerns one connection, and servers of gRPC ask for it.
    request.headers_mut().insert(TE, HeaderValue::from_static("trailers"));
    let stream = connect(server).await?;
    let opened = http2::handshake(Tracked(connections.clone()), TokioIo::new(stream)).await;
    let (mut sender, connection) = opened.map_err(|_| 502_u16)?;
    // Ends with the reply's body, or with its drop.
    connections.spawn(async move { drop(connection.await) });
    sender.send_request(request).await.map_err(|error| if error.is_user() { 500 } else { 502 })
}

/// The target as HTTP/2 has it: with the scheme and the host.
fn absolute<B>(request: &Request<B>) -> Option<Uri> {
    let host = request.headers().get(HOST)?.to_str().ok()?;
    let target = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
    Uri::builder().scheme(Scheme::HTTP).authority(host).path_and_query(target).build().ok()
}

/// Checks a server by a call without content. Its code has to be one of those of the check.
pub(super) async fn check(
    server: &IpServer,
    connections: &TaskTracker,
    (check, host): (&AlbHealthCheck, &str),
) -> Result<(), String> {
    let mut request = Request::new(Full::new(EMPTY_MESSAGE));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = check.path.parse().map_err(|_| format!("`{}` is no path", check.path))?;
    let host = HeaderValue::from_str(host).map_err(|_| format!("`{host}` is no host"))?;
    request.headers_mut().insert(HOST, host);
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    let response =
        send(server, connections, request).await.map_err(|_| "the connection failed".to_owned())?;
    let code = match rpc::code_of(response.headers()) {
        Some(code) => Some(code),
        None => last_code(response.into_body()).await,
    };
    match code {
        Some(code) if check.codes.iter().any(|own| u32::from(*own) == code) => Ok(()),
        Some(code) => Err(format!("gRPC status {code}")),
        None => Err("a reply without a status of gRPC".to_owned()),
    }
}

/// The code in the trailers. What comes before them is dropped.
async fn last_code(mut body: Incoming) -> Option<u32> {
    while let Some(frame) = body.frame().await {
        if let Ok(trailers) = frame.ok()?.into_trailers() {
            return rpc::code_of(&trailers);
        }
    }
    None
}
