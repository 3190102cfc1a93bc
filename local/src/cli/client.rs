//! Calls of a running fc-local, be it `dev` or `serve`, by its API.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use clap::Args;
use http::request::{Builder, Parts};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::auth::{find_keys, sign};
use crate::deploy::{FOLDER, all_running};
use crate::front::PROGRAM;
use crate::{Manifest, Platform};

/// How long a program that listens may take to say whether it is fc-local.
const ANSWER_MAX: Duration = Duration::from_secs(5);

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
#[derive(Debug, Default, Args)]
pub(super) struct RunningArguments {
    /// The port of the running `dev` or `serve` [default: that of the `dev` for this manifest]
    #[arg(long, global = true)]
    port: Option<u16>,
    /// The folder of the account that `serve --data` has, with its key [default: `.fc-local` beside the manifest]
    #[arg(long, value_name = "FOLDER", global = true)]
    data: Option<PathBuf>,
}

impl RunningArguments {
    /// The server at this port, with the key beside the manifest.
    pub(super) fn of_port(port: Option<u16>) -> Self {
        RunningArguments { port, data: None }
    }

    /// Whether the server is named, so that no manifest has to tell of one.
    pub(super) fn is_named(&self) -> bool {
        self.port.is_some() || self.data.is_some()
    }

    /// The one that is named, or the `dev` of the manifest at `template`. Nothing is read of the manifest, which may have
    /// mistakes by now, or not be there beside a `serve`.
    ///
    /// # Errors
    ///
    /// There is none, or the arguments do not name one.
    pub(super) async fn find(&self, template: &Path) -> io::Result<Running> {
        let manifest = Manifest::none(&std::path::absolute(template)?);
        match (self.port, &self.data) {
            (Some(port), data) => Running::at(&manifest, port, data.as_deref()).await,
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

    /// The one at `port`, whose key is in `data`, or beside the manifest.
    ///
    /// # Errors
    ///
    /// What listens there is not fc-local, or is the port of a function: a request would be answered by something else, which may
    /// do with it what it likes.
    pub(super) async fn at(manifest: &Manifest, port: u16, data: Option<&Path>) -> io::Result<Self> {
        let data = data.map_or_else(|| manifest.folder().join(FOLDER), Path::to_owned);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let running = Running { address, data };
        let question = running.request(Method::GET, "/_local/v1/server").body(Bytes::new());
        let (question, _) = question.map_err(io::Error::other)?.into_parts();
        let wrong = |what: &str| {
            io::Error::other(format!(
                "what listens at {address} {what}: name the port of `fc-local dev --port` or `serve --port`, not one of a function"
            ))
        };
        let answer = tokio::time::timeout(ANSWER_MAX, exchange_once(address, &question, &Bytes::new())).await;
        let answer = match answer {
            Err(_) => return Err(wrong("does not answer")),
            Ok(Err(error)) => return Err(wrong(&format!("is not fc-local ({error})"))),
            Ok(Ok(answer)) => answer.map_err(|error| running.unreachable(&error))?,
        };
        let document: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        if document["program"] == PROGRAM { Ok(running) } else { Err(wrong("is not fc-local's main port")) }
    }

    /// Those of all manifests, in no order.
    pub(super) fn all() -> impl Iterator<Item = Running> {
        all_running().into_iter().map(|running| {
            let folder = running.manifest.parent().unwrap_or(Path::new("/")).to_owned();
            Running { address: running.address, data: folder.join(FOLDER) }
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The begin of a request to the server.
    pub(super) fn request(&self, method: Method, path: &str) -> Builder {
        let host = format!("localhost:{}", self.address.port());
        Request::builder().method(method).uri(path).header(header::HOST, host)
    }

    /// Sends a request, and gives its whole answer. A server that takes signed calls alone gets a signed one. The inner error says
    /// that nothing listens.
    ///
    /// # Errors
    ///
    /// The exchange breaks, or there is no key to sign with.
    pub(super) async fn exchange(
        &self,
        request: Request<Bytes>,
    ) -> io::Result<Result<Response<Bytes>, io::Error>> {
        let (mut head, body) = request.into_parts();
        let response = match exchange_once(self.address, &head, &body).await? {
            Ok(response) if wants_signature(&response) => response,
            outcome => return Ok(outcome),
        };
        // A key that is made for the question would be another one than the server's.
        let keys = find_keys(&self.data).map_err(io::Error::other)?.ok_or_else(|| {
            let (address, data) = (self.address, self.data.display());
            io::Error::other(format!(
                "the server at {address} takes signed calls alone, and {data} has no key: name the folder of its account with --data"
            ))
        })?;
        if sign(&mut head, &body, keys.own(), SystemTime::now()).is_none() {
            return Ok(Ok(response));
        }
        exchange_once(self.address, &head, &body).await
    }

    /// Calls the API. An answer without a body is null.
    ///
    /// # Errors
    ///
    /// The call does not reach fc-local, or is refused.
    pub(super) async fn call(&self, method: Method, path: &str, body: &Value) -> io::Result<Value> {
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let request = self.request(method, path).header(header::CONTENT_TYPE, "application/json").body(body);
        let response = self.exchange(request.map_err(io::Error::other)?).await?;
        let response = response.map_err(|error| self.unreachable(&error))?;
        let document: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        if response.status().is_success() {
            return Ok(document);
        }
        Err(self.refusal(&response))
    }

    /// Nothing listens.
    pub(super) fn unreachable(&self, error: &io::Error) -> io::Error {
        let (address, port) = (self.address, self.address.port());
        io::Error::other(if error.kind() == io::ErrorKind::ConnectionRefused {
            format!("nothing listens on port {port} of 127.0.0.1: start `fc-local dev --port {port}`")
        } else {
            format!("cannot connect to fc-local at {address}: {error}")
        })
    }

    /// Why the server refused a call.
    pub(super) fn refusal(&self, response: &Response<Bytes>) -> io::Error {
        let document: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let [code, message] = [["Code", "ErrorCode"], ["Message", "ErrorMessage"]]
            .map(|names| names.iter().find_map(|name| document[*name].as_str()));
        let (address, data) = (self.address, self.data.display());
        io::Error::other(match (code, message) {
            (Some("InvalidAccessKeyID"), Some(message)) => format!(
                "{message}: the key in {data} is not that of the account at {address}, whose folder --data names"
            ),
            (_, Some(message)) => message.to_owned(),
            (_, None) => format!("what listens at {address} is not fc-local: {}", response.status()),
        })
    }
}
