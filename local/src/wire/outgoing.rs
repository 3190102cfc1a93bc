//! A request of fc-local's own to another server, over HTTP or HTTPS, on a connection for it alone.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Builder;
use http::{Response, Uri, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Sends `request` with `body` to `address`, which gives the target and the host, and reads the reply with `read`. Redirects
/// are not followed. The caller bounds the time, and `read` the size.
pub(crate) async fn exchange<T, R>(
    address: &Uri,
    request: Builder,
    body: Bytes,
    read: impl FnOnce(Response<Incoming>) -> R,
) -> Result<T, String>
where
    R: Future<Output = Result<T, String>>,
{
    let host = host(address)?;
    let is_tls = is_tls(address);
    let request = request
        .uri(address.path_and_query().map_or("/", |target| target.as_str()))
        .header(header::HOST, address.authority().map_or(host, |authority| authority.as_str()))
        .body(Full::new(body))
        .map_err(|error| error.to_string())?;
    let stream = connect(address).await?;
    if !is_tls {
        return ask(stream, request, read).await;
    }
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    let stream =
        connector(Vec::new(), &[])?.connect(name, stream).await.map_err(|error| error.to_string())?;
    ask(stream, request, read).await
}

/// Connects to the host and port of `address`, without TLS. The caller bounds the time.
pub(crate) async fn connect(address: &Uri) -> Result<TcpStream, String> {
    let port = address.port_u16().unwrap_or(if is_tls(address) { 443 } else { 80 });
    TcpStream::connect((reached(host(address)?), port)).await.map_err(|error| error.to_string())
}

fn host(address: &Uri) -> Result<&str, String> {
    Ok(address.host().ok_or("its address has no host")?.trim_matches(['[', ']']))
}

fn is_tls(address: &Uri) -> bool {
    address.scheme_str() == Some("https")
}

/// Where a host is. Names below `localhost` are this machine's, which not every resolver knows.
pub(crate) fn reached(host: &str) -> &str {
    let is_below = host.len() > ".localhost".len() && host.to_ascii_lowercase().ends_with(".localhost");
    if is_below { "127.0.0.1" } else { host }
}

/// A client of TLS that trusts `own`, and what this system trusts or the file that `SSL_CERT_FILE` names. It offers the
/// protocols, in their order.
pub(crate) fn connector(own: Vec<CertificateDer<'_>>, protocols: &[&[u8]]) -> Result<TlsConnector, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(own);
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(TlsConnector::from(Arc::new(config)))
}

async fn ask<T, R>(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: http::Request<Full<Bytes>>,
    read: impl FnOnce(Response<Incoming>) -> R,
) -> Result<T, String>
where
    R: Future<Output = Result<T, String>>,
{
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    let reply = async {
        let reply = sender.send_request(request).await.map_err(|error| error.to_string())?;
        read(reply).await
    };
    let mut reply = std::pin::pin!(reply);
    tokio::select! {
        outcome = &mut reply => outcome,
        // The connection may end before the last bytes are taken from it.
        _ = connection => reply.await,
    }
}
