//! Calls of a running `fc-local dev`, by its API.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::{Manifest, Platform};

/// One request and its whole answer.
pub(super) async fn exchange(
    stream: TcpStream,
    request: Request<Full<Bytes>>,
) -> Result<Response<Bytes>, hyper::Error> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let call = async {
        let (head, body) = sender.send_request(request).await?.into_parts();
        Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
    };
    let mut call = std::pin::pin!(call);
    tokio::select! {
        outcome = &mut call => outcome,
        ended = connection => match ended {
            Ok(()) => call.await,
            Err(error) => Err(error),
        },
    }
}

/// The running `fc-local dev` of a manifest.
pub(super) struct Running(SocketAddr);

impl Running {
    /// The one at `port`, or the one of this manifest.
    ///
    /// # Errors
    ///
    /// There is none.
    pub(super) fn find(manifest: &Manifest, port: Option<u16>) -> io::Result<Self> {
        let address = match port {
            Some(port) => Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
            None => Platform::running(manifest),
        };
        address.map(Running).ok_or_else(|| {
            let file = manifest.file().display();
            io::Error::other(format!(
                "no `fc-local dev` runs for {file}: start it, or name its port with --port"
            ))
        })
    }

    /// Calls the API. An answer without a body is null.
    ///
    /// # Errors
    ///
    /// The call does not reach `fc-local dev`, or is refused.
    pub(super) async fn call(&self, method: Method, path: &str, body: &Value) -> io::Result<Value> {
        let stream = TcpStream::connect(self.0).await.map_err(|error| {
            io::Error::other(format!("cannot connect to `fc-local dev` at {}: {error}", self.0))
        })?;
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, format!("localhost:{}", self.0.port()))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(io::Error::other)?;
        let response = exchange(stream, request).await.map_err(io::Error::other)?;
        let document: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        if response.status().is_success() {
            return Ok(document);
        }
        let message = document["Message"].as_str().or_else(|| document["ErrorMessage"].as_str());
        Err(io::Error::other(match message {
            Some(message) => message.to_owned(),
            None => format!("what listens at {} is not `fc-local dev`: {}", self.0, response.status()),
        }))
    }
}
