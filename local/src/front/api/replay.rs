//! A recorded call, sent once more: to where it came in, or to another address.

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use h2::client;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri, Version, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{timeout, timeout_at};

use super::local::Site;
use super::signed::{OF_SIGNATURE, is_of_account, is_signed, without_signature};
use crate::auth::{Gate, sign};
use crate::failure::Failure;
use crate::record::{Entry, Headers, Records, shown_headers};
use crate::wire::{Identities, headers, outgoing};

/// The longest wait for the whole reply.
const TIME_MAX: Duration = Duration::from_secs(60);

/// How long a reply's body is read that does not end.
const BODY_TIME_MAX: Duration = Duration::from_secs(10);

/// The most of the reply's body that is told, in bytes.
const REPLY_MAX: usize = 256 * 1024;

/// Headers of the connection, or that are made anew.
const RENEWED: [HeaderName; 9] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::PROXY_AUTHORIZATION,
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Where a request is sent, and as what.
struct Sending {
    address: Uri,
    /// The begin of the path that another address has.
    prefix: String,
    request: Request<Bytes>,
    /// What differs from the recorded request.
    notes: Vec<&'static str>,
}

/// The reply to it.
struct Answered {
    head: http::response::Parts,
    body: Bytes,
    has_ended: bool,
    trailers: Option<HeaderMap>,
}

/// Sends the call once more, and tells the reply.
///
/// # Errors
///
/// The call cannot be repeated, or there is no reply.
pub(super) async fn replay(
    entry: &Entry,
    to: Option<&str>,
    site: Site<'_>,
    gate: &Gate,
) -> Result<Value, Failure> {
    let body = entry.whole_request().map_err(|why| {
        Failure::invalid_argument(format!("request '{}' cannot be sent once more: {why}", entry.call.id))
    })?;
    let Sending { address, prefix, request, notes } =
        prepare(entry, to, Bytes::copy_from_slice(body.bytes()), gate)?;
    let begin = Instant::now();
    let url = format!(
        "{}://{}{prefix}{}",
        address.scheme_str().unwrap_or("http"),
        address.authority().map_or("", Authority::as_str),
        entry.call.shown_target(),
    );
    let is_rpc = is_rpc(entry);
    let sent = async {
        let name = address.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let is_tls = address.scheme() == Some(&Scheme::HTTPS);
        let (stream, _expected) = match to {
            Some(_) => (outgoing::connect(&address).await?, None),
            None => connect_here(entry, site).await?,
        };
        if !is_tls {
            return exchange(stream, request, is_rpc).await;
        }
        let protocols: &[&[u8]] = if is_rpc { &[b"h2"] } else { &[b"http/1.1"] };
        let own =
            site.identities.map(Identities::file).and_then(|file| CertificateDer::from_pem_file(file).ok());
        let connector = outgoing::connector(own.into_iter().collect(), protocols)?;
        let name = ServerName::try_from(name).map_err(|error| error.to_string())?;
        let stream = connector.connect(name, stream).await.map_err(|error| error.to_string())?;
        exchange(stream, request, is_rpc).await
    };
    let answered = match timeout(TIME_MAX, Box::pin(sent)).await {
        Ok(Ok(answered)) => answered,
        Ok(Err(error)) => {
            return Err(Failure::unavailable(format!("the request got no reply from {url}: {error}")));
        }
        Err(_) => {
            let text = format!("the reply from {url} did not begin within {} s", TIME_MAX.as_secs());
            return Err(Failure::unavailable(text));
        }
    };
    Ok(document(entry, &url, &answered, begin.elapsed(), &notes))
}

fn document(entry: &Entry, url: &str, answered: &Answered, took: Duration, notes: &[&str]) -> Value {
    let Answered { head, body, has_ended, trailers } = answered;
    let shown = |all: &HeaderMap| {
        let pair = |(name, value): &(String, Vec<u8>)| json!([name, String::from_utf8_lossy(value)]);
        shown_headers(all).iter().map(pair).collect::<Vec<_>>()
    };
    let id = head.headers.get(headers::REQUEST_ID).and_then(|id| id.to_str().ok());
    let mut content = json!({ "bytes": body.len(), "whole": has_ended });
    match str::from_utf8(body) {
        Ok(text) => content["text"] = text.into(),
        Err(_) => content["base64"] = STANDARD.encode(body).into(),
    }
    json!({
        "replayOf": *entry.call.id,
        "requestId": id,
        "url": url,
        "status": head.status.as_u16(),
        "formerStatus": entry.call.status,
        "headers": shown(&head.headers),
        "trailers": trailers.as_ref().map(shown),
        "body": content,
        "durationMs": (took.as_secs_f64() * 1e6).round() / 1e3,
        "notes": notes,
    })
}

fn is_rpc(entry: &Entry) -> bool {
    let (_, _, all) = entry.call.original.for_replay();
    let kind = all.get("content-type").unwrap_or_default();
    entry.call.version == Version::HTTP_2
        && kind.starts_with(b"application/grpc")
        && !kind.starts_with(b"application/grpc-web")
}

/// Makes the request anew: what belonged to its connection and to its signature cannot be repeated.
fn prepare(entry: &Entry, to: Option<&str>, body: Bytes, gate: &Gate) -> Result<Sending, Failure> {
    let (target, host, all) = entry.call.original.for_replay();
    let invalid = |what: &str| Failure::invalid_argument(what.to_owned());
    let mut notes = Vec::new();
    let other: Option<Uri> = to.map(address_of).transpose()?;
    let is_signed = is_signed(all.get("authorization").unwrap_or_default(), target);
    let target = if is_signed { without_signature(target) } else { target.to_owned() };
    let host = match &other {
        Some(other) => other.authority().map(|own| own.as_str().to_owned()).unwrap_or_default(),
        None => host.to_owned(),
    };
    let value = HeaderValue::from_str(&host).map_err(|_| invalid("the host of the request is none"))?;
    let mut headers = HeaderMap::new();
    headers.insert(header::HOST, value);
    let named = named_in_connection(all);
    let all = all.to_map();
    let is_repeated = |name: &HeaderName| {
        let of_signature = *name == header::AUTHORIZATION || OF_SIGNATURE.contains(&name.as_str());
        !(RENEWED.contains(name) || named.contains(name) || is_signed && of_signature)
    };
    // In their order, which a removal would change.
    for (name, value) in all.iter().filter(|(name, _)| is_repeated(name)) {
        headers.append(name, value.clone());
    }
    let prefix = other.as_ref().map_or("", |other| other.path().trim_end_matches('/'));
    let path: PathAndQuery =
        format!("{prefix}{target}").parse().map_err(|_| invalid("the target of the request is no path"))?;
    let scheme = match &other {
        Some(other) => other.scheme().cloned().unwrap_or(Scheme::HTTP),
        None if entry.call.is_tls => Scheme::HTTPS,
        None => Scheme::HTTP,
    };
    let authority =
        Authority::try_from(host.as_str()).map_err(|_| invalid("the host of the request is none"))?;
    let mut parts = Uri::from(path).into_parts();
    (parts.scheme, parts.authority) = (Some(scheme), Some(authority));
    let address = Uri::from_parts(parts).map_err(|_| invalid("the target of the request is no path"))?;
    let mut request = Request::new(body);
    *request.method_mut() = entry.call.method.clone();
    *request.uri_mut() = address.clone();
    *request.headers_mut() = headers;
    if is_signed && other.is_none() {
        if is_of_account(entry) {
            return Err(invalid(
                "a call of the API that reads or changes the account is not sent once more: its caller signs it",
            ));
        }
        let (mut head, body) = request.into_parts();
        sign(&mut head, &body, gate.keys()?.own(), SystemTime::now())
            .ok_or_else(|| invalid("the request cannot be signed once more: a header is there twice, or a name in the query has `&` or `=`"))?;
        request = Request::from_parts(head, body);
        notes.push("signed anew, with the key of `fc-local keys`");
    } else if is_signed {
        notes.push("without its signature, which is that of a local key");
    }
    Ok(Sending { address, prefix: prefix.to_owned(), request, notes })
}

fn address_of(to: &str) -> Result<Uri, Failure> {
    let wrong = || Failure::invalid_argument(format!("'{to}' is no address of http or https"));
    let address: Uri = to.parse().map_err(|_| wrong())?;
    let is_plain = address.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    let is_http = matches!(address.scheme_str(), Some("http" | "https"));
    if is_http && is_plain && address.query().is_none() { Ok(address) } else { Err(wrong()) }
}

/// The headers that `Connection` names: they are of that connection.
fn named_in_connection(headers: &Headers) -> Vec<HeaderName> {
    let values = headers.iter().filter(|(name, _)| *name == "connection").map(|(_, value)| value);
    let names = values.flat_map(|value| value.split(|byte| *byte == b','));
    names.filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok()).collect()
}

/// Connects to the port at which the call came in. Its record will say that it is a replay.
async fn connect_here<'a>(
    entry: &Entry,
    site: Site<'a>,
) -> Result<(TcpStream, Option<Expected<'a>>), String> {
    let address = site.address(entry).map_err(|failure| failure.message().to_owned())?;
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
    let socket = socket.map_err(|error| error.to_string())?;
    let near = SocketAddr::new(address.ip(), 0);
    let connected = async {
        socket.bind(near)?;
        let client = socket.local_addr()?;
        site.records.expect_replay(client, &entry.call.id);
        let expected = Expected { records: site.records, client };
        Ok((socket.connect(address).await?, Some(expected)))
    };
    connected.await.map_err(|error: std::io::Error| error.to_string())
}

/// A client whose request is expected to be a replay. The drop ends that: another client may get its address.
struct Expected<'a> {
    records: &'a Records,
    client: SocketAddr,
}

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        self.records.take_replay(self.client);
    }
}

async fn exchange<S>(stream: S, request: Request<Bytes>, is_rpc: bool) -> Result<Answered, String>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    if is_rpc { over_http2(stream, request).await } else { over_http1(stream, request).await }
}

async fn over_http1<S>(stream: S, mut request: Request<Bytes>) -> Result<Answered, String>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let target = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
    *request.uri_mut() = target.parse().map_err(|_| "the target is no path".to_owned())?;
    let has_body = !request.body().is_empty();
    if has_body {
        let length = HeaderValue::from(request.body().len());
        request.headers_mut().insert(header::CONTENT_LENGTH, length);
    }
    let handshake = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| error.to_string())?;
    let reply = async {
        let reply = sender.send_request(request.map(Full::new)).await.map_err(|error| error.to_string())?;
        read(reply).await
    };
    let mut reply = std::pin::pin!(reply);
    tokio::select! {
        outcome = &mut reply => outcome,
        // The connection may end before the last bytes are taken from it.
        _ = connection => reply.await,
    }
}

/// Reads the body as far as it is told, and as long as it comes: a stream may have no end.
async fn read(reply: Response<hyper::body::Incoming>) -> Result<Answered, String> {
    let (head, mut body) = reply.into_parts();
    let mut all = BytesMut::new();
    let mut trailers = None;
    let until = tokio::time::Instant::now() + BODY_TIME_MAX;
    let has_ended = loop {
        match timeout_at(until, body.frame()).await {
            Ok(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => all.extend_from_slice(&data[..data.len().min(REPLY_MAX - all.len())]),
                Err(frame) => trailers = frame.into_trailers().ok(),
            },
            Ok(None) => break true,
            // What came before the end is told.
            Ok(Some(Err(_))) | Err(_) => break false,
        }
        if all.len() == REPLY_MAX {
            break false;
        }
    };
    Ok(Answered { head, body: all.freeze(), has_ended, trailers })
}

/// A call of gRPC, whose body is there as a whole.
async fn over_http2<S>(stream: S, request: Request<Bytes>) -> Result<Answered, String>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = client::handshake(stream).await.map_err(|error| error.to_string())?;
    let (mut head, body) = request.into_parts();
    head.headers.remove(header::HOST);
    head.headers.insert(header::TE, HeaderValue::from_static("trailers"));
    let call = async {
        let mut sender = sender.ready().await?;
        let (response, mut stream) = sender.send_request(Request::from_parts(head, ()), body.is_empty())?;
        if !body.is_empty() {
            stream.send_data(body, true)?;
        }
        let (head, mut body) = response.await?.into_parts();
        let mut all = BytesMut::new();
        let until = tokio::time::Instant::now() + BODY_TIME_MAX;
        loop {
            let data = match timeout_at(until, body.data()).await {
                Ok(Some(data)) => data?,
                Ok(None) => break,
                Err(_) => return Ok(Answered { head, body: all.freeze(), has_ended: false, trailers: None }),
            };
            _ = body.flow_control().release_capacity(data.len());
            all.extend_from_slice(&data[..data.len().min(REPLY_MAX - all.len())]);
            if all.len() == REPLY_MAX {
                return Ok(Answered { head, body: all.freeze(), has_ended: false, trailers: None });
            }
        }
        let trailers = body.trailers().await?;
        Ok::<_, h2::Error>(Answered { head, body: all.freeze(), has_ended: true, trailers })
    };
    let mut call = std::pin::pin!(call);
    let outcome = tokio::select! {
        outcome = &mut call => outcome,
        ended = connection => match ended {
            Ok(()) => call.await,
            Err(error) => Err(error),
        },
    };
    outcome.map_err(|error| error.to_string())
}
