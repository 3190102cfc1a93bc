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

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::time::Duration;

    use http::HeaderMap;
    use http::header::HOST;
    use tokio::net::TcpListener;

    use super::*;
    use crate::model::alb::{Place, ProbeMethod};

    /// A server of HTTP/2 that answers one request: with its own head as the body, and a status of gRPC where `code` stands.
    async fn server(code: Option<&'static str>, in_head: bool) -> IpServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        TaskTracker::new().spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut connection = h2::server::handshake(stream).await.unwrap();
            while let Some(Ok((request, mut respond))) = connection.accept().await {
                let status = |headers: &mut HeaderMap| {
                    if let Some(code) = code {
                        headers.insert("grpc-status", HeaderValue::from_static(code));
                    }
                };
                let mut response = Response::new(());
                if in_head {
                    status(response.headers_mut());
                    respond.send_response(response, true).unwrap();
                    continue;
                }
                let mut stream = respond.send_response(response, false).unwrap();
                let head = format!(
                    "{} {} {:?}",
                    request.method(),
                    request.uri(),
                    request.headers().get("te").map(|te| te.to_str().unwrap())
                );
                stream.send_data(head.into(), code.is_none()).unwrap();
                if code.is_some() {
                    let mut trailers = HeaderMap::new();
                    status(&mut trailers);
                    stream.send_trailers(trailers).unwrap();
                }
            }
        });
        let place = Place { file: Arc::from(Path::new("alb.tf")), line: 1 };
        IpServer { host: "127.0.0.1".to_owned(), port, weight: 100, place }
    }

    #[tokio::test]
    async fn a_request_goes_on_by_http_2_with_its_host() {
        let server = server(Some("0"), false).await;
        let mut request = Request::new(Full::new(Bytes::from_static(b"\0\0\0\0\0")));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = "/greeter.Greeter/SayHello?a=b".parse().unwrap();
        request.headers_mut().insert(HOST, HeaderValue::from_static("api.example.com"));
        let response = send(&server, &TaskTracker::new(), request).await.unwrap();
        let body = response.into_body().collect().await.unwrap();
        assert_eq!(body.trailers().unwrap()["grpc-status"], "0");
        let seen = "POST http://api.example.com/greeter.Greeter/SayHello?a=b Some(\"trailers\")";
        assert_eq!(body.to_bytes(), seen);
    }

    #[tokio::test]
    async fn a_check_looks_at_the_status_of_grpc() {
        let settings = AlbHealthCheck {
            method: ProbeMethod::Grpc,
            path: "/grpc.health.v1.Health/Check".to_owned(),
            host: None,
            is_http11: true,
            port: 0,
            interval: Duration::from_secs(2),
            timeout: Duration::from_secs(5),
            healthy_threshold: 2,
            unhealthy_threshold: 2,
            codes: vec![0, 12],
        };
        for (code, in_head, expected) in [
            (Some("0"), false, Ok(())),
            (Some("12"), true, Ok(())),
            (Some("14"), false, Err("gRPC status 14")),
            (Some("14"), true, Err("gRPC status 14")),
            (None, false, Err("a reply without a status of gRPC")),
        ] {
            let server = server(code, in_head).await;
            let outcome = check(&server, &TaskTracker::new(), (&settings, "127.0.0.1")).await;
            assert_eq!(outcome, expected.map_err(str::to_owned), "{code:?} {in_head}");
        }
        let place = Place { file: Arc::from(Path::new("alb.tf")), line: 1 };
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let nobody = IpServer { host: "127.0.0.1".to_owned(), port: closed, weight: 100, place };
        let outcome = check(&nobody, &TaskTracker::new(), (&settings, "127.0.0.1")).await;
        assert_eq!(outcome, Err("the connection failed".to_owned()));
    }
}
