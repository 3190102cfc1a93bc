//! Fetches a small document over HTTP or HTTPS, bounded in time and size.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long fetching may take in all.
const TIME_MAX: Duration = Duration::from_secs(5);

/// The largest document, in bytes.
const SIZE_MAX: usize = 256 * 1024;

/// The document at `url`. Redirects are not followed.
pub(crate) async fn text(url: &str) -> Result<String, String> {
    let url: Uri = url.parse().map_err(|error| format!("its address cannot be read: {error}"))?;
    match timeout(TIME_MAX, exchange(&url)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(format!("it did not come within {} s", TIME_MAX.as_secs())),
    }
}

async fn exchange(url: &Uri) -> Result<String, String> {
    let host = url.host().ok_or("its address has no host")?.trim_matches(['[', ']']);
    let is_tls = url.scheme_str() == Some("https");
    let port = url.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    let stream = TcpStream::connect((host, port)).await.map_err(|error| error.to_string())?;
    if !is_tls {
        return ask(url, host, stream).await;
    }
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    let stream = connector()?.connect(name, stream).await.map_err(|error| error.to_string())?;
    ask(url, host, stream).await
}

/// A client of TLS that trusts what this system trusts, or the file that `SSL_CERT_FILE` names.
fn connector() -> Result<TlsConnector, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth())))
}

async fn ask(
    url: &Uri,
    host: &str,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> Result<String, String> {
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    let target = url.path_and_query().map_or("/", |target| target.as_str());
    let request = Request::get(target)
        .header(header::HOST, url.authority().map_or(host, |authority| authority.as_str()))
        .header(header::ACCEPT, "application/json")
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let reply = async {
        let reply = sender.send_request(request).await.map_err(|error| error.to_string())?;
        if reply.status() != StatusCode::OK {
            return Err(format!("the reply has status {}", reply.status().as_u16()));
        }
        let body = Limited::new(reply.into_body(), SIZE_MAX).collect().await;
        let bytes = body.map_err(|error| error.to_string())?.to_bytes();
        String::from_utf8(bytes.into()).map_err(|_| "it is no text".to_owned())
    };
    let mut reply = std::pin::pin!(reply);
    tokio::select! {
        outcome = &mut reply => outcome,
        // The connection may end before the last bytes are taken from it.
        _ = connection => reply.await,
    }
}
