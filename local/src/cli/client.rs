//! Calls of a running fc-local, be it `dev` or `serve`, by its API.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytes::Bytes;
use clap::Args;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::auth::{load_keys, sign};
use crate::deploy::{FOLDER, all_running};
use crate::{Manifest, Platform};

/// Sends a request, and gives its whole answer. One that takes signed calls alone gets a signed one, by the key of the
/// project in `folder`. The inner error says that nothing listens.
pub(super) async fn exchange(
    address: SocketAddr,
    folder: &Path,
    request: Request<Bytes>,
) -> io::Result<Result<Response<Bytes>, io::Error>> {
    exchange_with(address, &folder.join(FOLDER), request).await
}

/// The same with the keys in `data`.
async fn exchange_with(
    address: SocketAddr,
    data: &Path,
    request: Request<Bytes>,
) -> io::Result<Result<Response<Bytes>, io::Error>> {
    let (mut head, body) = request.into_parts();
    let response = match exchange_once(address, &head, &body).await? {
        Ok(response) if wants_signature(&response) => response,
        outcome => return Ok(outcome),
    };
    let keys = load_keys(data).map_err(io::Error::other)?;
    if sign(&mut head, &body, keys.own(), SystemTime::now()).is_none() {
        return Ok(Ok(response));
    }
    exchange_once(address, &head, &body).await
}

fn wants_signature(response: &Response<Bytes>) -> bool {
    let is_refused = response.status() == StatusCode::BAD_REQUEST;
    let error: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    is_refused && ["Code", "ErrorCode"].iter().any(|code| error[code] == "MissingRequiredHeader")
}

async fn exchange_once(
    address: SocketAddr,
    head: &Parts,
    body: &Bytes,
) -> io::Result<Result<Response<Bytes>, io::Error>> {
    match TcpStream::connect(address).await {
        Ok(stream) => {
            let request = Request::from_parts(head.clone(), Full::new(body.clone()));
            exchange_on(stream, request).await.map(Ok).map_err(io::Error::other)
        }
        Err(error) => Ok(Err(error)),
    }
}

async fn exchange_on(
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

/// Which running fc-local a command asks.
#[derive(Debug, Args)]
pub(super) struct RunningArguments {
    /// The port of the running `dev` or `serve` [default: that of the `dev` for this manifest]
    #[arg(long, global = true)]
    port: Option<u16>,
    /// The folder of the account that `serve --data` has, with its key [default: `.fc-local` beside the manifest]
    #[arg(long, value_name = "FOLDER", global = true)]
    data: Option<PathBuf>,
}

impl RunningArguments {
    /// The one that is named, or the `dev` of the manifest at `template`. Nothing is read of the manifest, which may have
    /// mistakes by now, or not be there beside a `serve`.
    ///
    /// # Errors
    ///
    /// There is none, or the arguments do not name one.
    pub(super) fn find(&self, template: &Path) -> io::Result<Running> {
        let manifest = Manifest::none(&std::path::absolute(template)?);
        match (self.port, &self.data) {
            (Some(port), data) => Ok(Running::at(&manifest, port, data.as_deref())),
            (None, None) => Running::find(&manifest),
            // Not asked of the parser, for which an option before a subcommand and one behind it are not together.
            (None, Some(_)) => {
                Err(io::Error::other("--data is the folder of a server that --port names: name the port too"))
            }
        }
    }
}

/// A running fc-local: the `dev` of a manifest, or any at a port.
pub(super) struct Running {
    address: SocketAddr,
    /// The folder that has the keys.
    data: PathBuf,
}

impl Running {
    /// The one of this manifest.
    ///
    /// # Errors
    ///
    /// There is none.
    pub(super) fn find(manifest: &Manifest) -> io::Result<Self> {
        let address = Platform::running(manifest);
        address.map(|address| Running { address, data: manifest.folder().join(FOLDER) }).ok_or_else(|| {
            let file = manifest.file().display();
            io::Error::other(format!(
                "no running fc-local for {file}: start `fc-local dev`, or name the port of a `dev` or `serve` with --port"
            ))
        })
    }

    /// The account at `port`, whose key is in `data`, or beside the manifest.
    pub(super) fn at(manifest: &Manifest, port: u16, data: Option<&Path>) -> Self {
        let data = data.map_or_else(|| manifest.folder().join(FOLDER), Path::to_owned);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Running { address, data }
    }

    /// Those of all manifests, in no order.
    pub(super) fn all() -> impl Iterator<Item = Running> {
        all_running().into_iter().map(|running| {
            let folder = running.manifest.parent().unwrap_or(Path::new("/")).to_owned();
            Running { address: running.address, data: folder.join(FOLDER) }
        })
    }

    /// Calls the API. An answer without a body is null.
    ///
    /// # Errors
    ///
    /// The call does not reach fc-local, or is refused.
    pub(super) async fn call(&self, method: Method, path: &str, body: &Value) -> io::Result<Value> {
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, format!("localhost:{}", self.address.port()))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(io::Error::other)?;
        let response = exchange_with(self.address, &self.data, request).await?.map_err(|error| {
            io::Error::other(format!("cannot connect to fc-local at {}: {error}", self.address))
        })?;
        let document: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        if response.status().is_success() {
            return Ok(document);
        }
        let message = document["Message"].as_str().or_else(|| document["ErrorMessage"].as_str());
        Err(io::Error::other(match message {
            Some(message) => message.to_owned(),
            None => format!("what listens at {} is not fc-local: {}", self.address, response.status()),
        }))
    }
}
