//! The bucket that the deployment tool sends code to, as the clients of object storage ask for it: their signature, their
//! XML. Packages are read back from the same bucket, by addresses that carry their signature.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fc_runtime::platform::names::header as fc;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;

use crate::account::{Account, BUCKET, OBJECT_MAX};
use crate::auth::{Gate, check_object};
use crate::failure::Failure;
use crate::front::body::{Outgoing, plain};
use crate::front::refusal;
use crate::front::visit::Visit;
use crate::wire::ClientBody;
use crate::wire::headers::Peer;

/// How long the next bytes of an object may take.
const SILENCE_MAX: Duration = Duration::from_secs(60);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-oss-request-id");
const CHECKSUM: HeaderName = HeaderName::from_static("x-oss-hash-crc64ecma");

/// Answers a client of object storage.
pub(crate) async fn bucket(
    object: &str,
    account: &Arc<Account>,
    (gate, peer): (&Gate, &Peer),
    visit: &mut Visit,
    request: Request<ClientBody>,
) -> Response<Outgoing> {
    let (head, body) = request.into_parts();
    let id = visit.id().to_string();
    let outcome = match admit(object, (gate, peer), &head) {
        Ok(()) => serve(object, account, &head, body).await,
        Err(failure) => Err(failure),
    };
    let mut reply = outcome.unwrap_or_else(|failure| {
        visit.set_cause(&failure);
        error(&failure, object, &id)
    });
    if let Ok(id) = HeaderValue::from_str(&id) {
        reply.headers_mut().insert(REQUEST_ID, id.clone());
        reply.headers_mut().insert(fc::REQUEST_ID, id);
    }
    reply
}

fn admit(object: &str, (gate, peer): (&Gate, &Peer), head: &Parts) -> Result<(), Failure> {
    if !peer.is_near() {
        return Err(Failure::access_denied("code is taken and given on this machine alone"));
    }
    check_object(head, &format!("/{BUCKET}/{object}"), gate.keys()?, SystemTime::now())
}

async fn serve(
    object: &str,
    account: &Account,
    head: &Parts,
    body: ClientBody,
) -> Result<Response<Outgoing>, Failure> {
    let query = head.uri.query().unwrap_or_default();
    if head.method == Method::PUT && query.is_empty() {
        return receive(object, account, head, body).await;
    }
    if head.method == Method::GET {
        return give(object, account).await;
    }
    let text = "the bucket of fc-local takes whole objects (PUT) and gives packages (GET), nothing else";
    Err(Failure::invalid_argument(text))
}

/// Takes an object, which is there when all of it has come.
async fn receive(
    object: &str,
    account: &Account,
    head: &Parts,
    mut body: ClientBody,
) -> Result<Response<Outgoing>, Failure> {
    let length = head.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let length = length.and_then(|length| length.parse::<u64>().ok());
    if length.is_some_and(|length| length > OBJECT_MAX) {
        return Err(Failure::invalid_argument(format!(
            "an object has at most {} MiB",
            OBJECT_MAX / 1024 / 1024
        )));
    }
    let name = object.strip_prefix(account.id()).and_then(|name| name.strip_prefix('/'));
    let name = name.ok_or_else(|| {
        Failure::access_denied(format_args!(
            "objects are written below the number of the account: {}/",
            account.id()
        ))
    })?;
    let mut upload = account.bucket().begin(name).await.map_err(|error| failed(&error))?;
    loop {
        let frame = match tokio::time::timeout(SILENCE_MAX, body.frame()).await {
            Err(_) => {
                return Err(Failure::invalid_argument("the object did not come in: no byte for a minute"));
            }
            Ok(None) => break,
            Ok(Some(Err(error))) => {
                return Err(Failure::invalid_argument(format!("the object did not come in whole: {error}")));
            }
            Ok(Some(Ok(frame))) => frame,
        };
        if let Some(bytes) = frame.data_ref() {
            upload.write(bytes).await.map_err(|error| failed(&error))?;
        }
    }
    let checksum = upload.finish().await.map_err(|error| failed(&error))?;
    let mut headers = HeaderMap::new();
    headers.insert(CHECKSUM, HeaderValue::from(checksum));
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{checksum:016X}\"")) {
        headers.insert(header::ETAG, tag);
    }
    Ok(plain(StatusCode::OK, headers, "").map(Outgoing::whole))
}

/// Gives a package.
async fn give(object: &str, account: &Account) -> Result<Response<Outgoing>, Failure> {
    let file = account.readable(object);
    let file = file.ok_or_else(|| Failure::invalid_argument(format!("there is no object '{object}'")))?;
    let bytes = tokio::fs::read(&file).await.map_err(|error| failed(&error))?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    // A page that an address is opened from does not show it.
    headers
        .insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"code.zip\""));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(plain(StatusCode::OK, headers, bytes).map(Outgoing::whole))
}

fn failed(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::FileTooLarge => {
            Failure::invalid_argument(error.to_string())
        }
        _ => Failure::unavailable(format!("the object cannot be kept: {error}")),
    }
}

/// A failure in the form that clients of object storage read.
fn error(failure: &Failure, object: &str, id: &str) -> Response<Outgoing> {
    let status = refusal::status(failure.kind);
    let code = match status {
        StatusCode::FORBIDDEN => "AccessDenied",
        StatusCode::SERVICE_UNAVAILABLE => "ServiceUnavailable",
        _ => "InvalidArgument",
    };
    let (message, object) = (escaped(failure.message()), escaped(object));
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
         <RequestId>{id}</RequestId><Key>{object}</Key></Error>"
    );
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    plain(status, headers, body).map(Outgoing::whole)
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            // XML cannot hold them.
            letter if letter.is_control() => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
    }
    escaped
}
