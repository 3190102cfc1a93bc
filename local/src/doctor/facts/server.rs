//! What a running server answers.

use std::time::{Duration, Instant};

use bytes::Bytes;
use fc_runtime::platform::names::header::{CONTROL_PATH, REQUEST_ID};
use http::{HeaderMap, Method, Request, Uri, header};
use tokio::time::timeout;

use super::Function;
use crate::wire::{ids, outgoing};

/// How long one answer is waited for, unless a hook of the manifest may take longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The page that a browser would ask from: another origin, which no configuration names.
const ORIGIN: &str = "https://doctor.fc-local.invalid";

/// What a server answered. What it was not asked, or did not answer, is absent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Server {
    pub(crate) address: String,
    /// Why it could not be started, or be reached.
    pub(crate) failure: Option<String>,
    /// The answer to the health check of the manifest.
    pub(crate) health: Option<Answer>,
    pub(crate) initialize: Option<Answer>,
    pub(crate) pre_stop: Option<Answer>,
    /// The answer to `GET /`.
    pub(crate) page: Option<Head>,
    /// The same, asked from another origin.
    pub(crate) cross: Option<Head>,
    /// The answer to a preflight of a browser.
    pub(crate) preflight: Option<Head>,
    /// The answer to `HEAD /`, as a load balancer asks.
    pub(crate) head: Option<Head>,
    /// Whether it answers a call by gRPC as such.
    pub(crate) is_grpc: bool,
}

impl Server {
    /// Whether the platform, or fc-local, stands before the server, and adds headers of its own.
    pub(crate) fn is_behind_platform(&self) -> bool {
        self.page.as_ref().is_some_and(|page| page.headers.contains_key(REQUEST_ID))
    }
}

/// A status, and how long it took; or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: Result<u16, String>,
    pub(crate) time: Duration,
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        matches!(self.status, Ok(200..=299))
    }

    /// The status or the failure, for a sentence.
    pub(crate) fn told(&self) -> String {
        match &self.status {
            Ok(status) => format!("answers {status}"),
            Err(why) => format!("is not answered: {why}"),
        }
    }
}

/// The head of a reply.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
}

impl Head {
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the function speaks of CORS itself.
    pub(crate) fn has_cors(&self) -> bool {
        self.headers.keys().any(|name| name.as_str().starts_with("access-control-"))
    }
}

/// Asks the server at `address`, such as `http://127.0.0.1:9000`, what may be asked of it at any time.
pub(crate) async fn ask(address: &str, function: &Function) -> Server {
    let mut server = Server { address: address.trim_end_matches('/').to_owned(), ..Server::default() };
    match soon(&server.address, Request::get("/")).await {
        Ok(page) => server.page = Some(page),
        Err(why) => {
            server.failure = Some(why);
            return server;
        }
    }
    let from_elsewhere = Request::get("/").header(header::ORIGIN, ORIGIN);
    server.cross = soon(&server.address, from_elsewhere).await.ok();
    let preflight = Request::options("/")
        .header(header::ORIGIN, ORIGIN)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "content-type");
    server.preflight = soon(&server.address, preflight).await.ok();
    server.head = soon(&server.address, Request::head("/")).await.ok();
    if let Some(path) = health_path(function) {
        server.health = Some(answer(&server.address, path, Request::get("/"), PATIENCE).await);
    }
    server.is_grpc =
        timeout(PATIENCE, is_grpc(&server.address)).await.is_ok_and(|answer| answer == Some(true));
    server
}

/// The path of the health check of the manifest.
pub(crate) fn health_path(function: &Function) -> Option<&str> {
    let config = if function.is_container() { "customContainerConfig" } else { "customRuntimeConfig" };
    function.text(&[config, "healthCheckConfig", "httpGetUrl"])
}

/// Calls the hooks that the manifest configures. Only a server of one's own may be asked: hooks have effects.
pub(crate) async fn ask_hooks(server: &mut Server, function: &Function) {
    let longest = |hook| {
        let seconds = function.hook_seconds(hook).unwrap_or(3);
        Duration::from_secs(seconds.clamp(1, 300).unsigned_abs()) + PATIENCE
    };
    if function.has_hook_request("initializer") {
        let request = hook(Method::POST, "/initialize");
        server.initialize =
            Some(answer(&server.address, "/initialize", request, longest("initializer")).await);
    }
    if function.has_hook_request("preStop") {
        let request = hook(Method::GET, "/pre-stop");
        server.pre_stop = Some(answer(&server.address, "/pre-stop", request, longest("preStop")).await);
    }
}

fn hook(method: Method, path: &str) -> http::request::Builder {
    let request = Request::builder().method(method).header(CONTROL_PATH, path);
    request.header(REQUEST_ID, &*ids::request())
}

async fn answer(address: &str, path: &str, request: http::request::Builder, longest: Duration) -> Answer {
    let begun = Instant::now();
    let status = match timeout(longest, head(address, path, request)).await {
        Ok(reply) => reply.map(|reply| reply.status),
        Err(_) => Err(format!("no answer within {} s", longest.as_secs())),
    };
    Answer { status, time: begun.elapsed() }
}

/// The head of the reply at `/`, if it comes soon.
async fn soon(address: &str, request: http::request::Builder) -> Result<Head, String> {
    let late = |_| Err(format!("no answer within {} s", PATIENCE.as_secs()));
    timeout(PATIENCE, head(address, "/", request)).await.unwrap_or_else(late)
}

/// The head of the reply to a request without a body. The body is not read: it may have no end.
async fn head(address: &str, path: &str, request: http::request::Builder) -> Result<Head, String> {
    let target: Uri =
        format!("{address}{path}").parse().map_err(|_| format!("`{address}{path}` is no address"))?;
    let asked = outgoing::exchange(&target, request, Bytes::new(), async |reply| {
        Ok(Head { status: reply.status().as_u16(), headers: reply.headers().clone() })
    });
    asked.await
}

/// Whether a call of the health service of gRPC is answered as gRPC, even with "unimplemented".
async fn is_grpc(address: &str) -> Option<bool> {
    let target: Uri = address.parse().ok()?;
    if target.scheme_str() != Some("http") {
        return None;
    }
    let stream = outgoing::connect(&target).await.ok()?;
    let (sender, connection) = h2::client::handshake(stream).await.ok()?;
    let call = async {
        let mut sender = sender.ready().await.ok()?;
        let request = Request::post(format!("{address}/grpc.health.v1.Health/Check"))
            .header(header::CONTENT_TYPE, "application/grpc")
            .header(header::TE, "trailers")
            .body(())
            .ok()?;
        let (reply, mut body) = sender.send_request(request, false).ok()?;
        // An empty message: no compression, no length.
        body.send_data(Bytes::from_static(&[0; 5]), true).ok()?;
        let reply = reply.await.ok()?;
        let kind = reply.headers().get(header::CONTENT_TYPE)?.to_str().ok()?;
        Some(kind.starts_with("application/grpc"))
    };
    let mut call = std::pin::pin!(call);
    tokio::select! {
        answer = &mut call => answer,
        _ = connection => None,
    }
}

#[cfg(test)]
mod tests {
    use http::Response;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn grpc_is_found_at_names_below_localhost_too() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = async {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let mut connection = h2::server::handshake(stream).await.unwrap();
                while let Some(Ok((_, mut respond))) = connection.accept().await {
                    let reply = Response::builder().header(header::CONTENT_TYPE, "application/grpc");
                    respond.send_response(reply.body(()).unwrap(), true).unwrap();
                }
            }
        };
        let ask = async {
            for host in ["127.0.0.1", "web.localhost"] {
                assert_eq!(is_grpc(&format!("http://{host}:{port}")).await, Some(true), "{host}");
            }
        };
        tokio::select! {
            () = ask => {}
            () = server => {}
        }
    }
}
