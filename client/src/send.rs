//! Sends a call: signs it, bounds it, and repeats it where that is safe.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use fc_runtime::Credentials;
use fc_runtime::platform::names::header as fc;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use tokio::time::{Instant, sleep, timeout_at};

use crate::client::Client;
use crate::content::{Content, Outgoing};
use crate::error::Error;
use crate::reply::Reply;
use crate::sign::{Signable, iso8601, nonce, random, sha256};

/// The version of the platform's API.
pub(crate) const VERSION: &str = "2023-03-30";

pub(crate) const ERROR_TYPE: HeaderName = HeaderName::from_static("x-fc-error-type");
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static(fc::REQUEST_ID);
pub(crate) const TASK_ID: HeaderName = HeaderName::from_static(fc::ASYNC_TASK_ID);
pub(crate) const INVOCATION_TYPE: HeaderName = HeaderName::from_static(fc::INVOCATION_TYPE);
pub(crate) const DELAY: HeaderName = HeaderName::from_static(fc::ASYNC_DELAY);

/// The error type of a call that the platform itself refused.
const COMMON: &str = "FcCommonError";

/// The first pause before a retry at most, and the longest.
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// The longest pause that the platform may ask for.
const ASKED_PAUSE_MAX: Duration = Duration::from_secs(30);

/// The most that is read of a reply that says a failure.
const FAILURE_MAX: usize = 1024 * 1024;

/// What a call is signed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signing {
    /// A call of the API, by the name of its operation.
    Api(&'static str),
    /// A request to an HTTP trigger, whose body is not signed.
    Trigger,
    Unsigned,
}

/// A call that is ready to be sent.
#[derive(Debug)]
pub(crate) struct Outbound {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) content: Content,
    pub(crate) signing: Signing,
    /// Whether the call may arrive twice.
    pub(crate) is_idempotent: bool,
    pub(crate) limit: Duration,
}

/// A reply, and whether an earlier try of its call may have arrived too.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) reply: Response<Incoming>,
    pub(crate) is_repeated: bool,
}

impl Client {
    /// Sends a call until there is a reply that a retry would not change.
    pub(crate) async fn send(&self, mut call: Outbound) -> Result<Received, Error> {
        let end = after(call.limit);
        let late = Error::TimedOut { limit: call.limit };
        let (mut tries, mut is_repeated) = (0, false);
        loop {
            let request = self.sign(&mut call)?;
            let is_last = tries >= self.retries || !call.content.is_repeatable();
            let Ok(outcome) = timeout_at(end, self.http.request(request)).await else { return Err(late) };
            let asked = outcome.as_ref().ok().and_then(|reply| asked_pause(reply.headers()));
            let pause = asked.unwrap_or_else(|| pause(tries));
            // What went wrong says more than that there was no time to try again.
            let is_last = is_last || Instant::now() + pause >= end;
            match outcome {
                Ok(reply) => {
                    if is_last || !may_repeat(&reply, &call) {
                        return Ok(Received { reply, is_repeated });
                    }
                    is_repeated |= reply.status() == StatusCode::INTERNAL_SERVER_ERROR;
                }
                Err(error) => {
                    let is_sent = !error.is_connect();
                    if is_last || (is_sent && !call.is_idempotent) {
                        return Err(Error::Connection { is_sent, source: error.into() });
                    }
                    is_repeated |= is_sent;
                }
            }
            sleep(pause).await;
            tries += 1;
        }
    }

    /// Sends a call, and gives its reply unless the reply says a failure: see [`failure`].
    pub(crate) async fn ask(&self, call: Outbound, is_function: bool) -> Result<Reply, Error> {
        let limit = call.limit;
        let Received { reply, .. } = self.send(call).await?;
        Ok(Reply::new(failure(reply, is_function, limit).await?, limit))
    }

    /// Builds the request of one try, with the credentials of this moment.
    fn sign(&self, call: &mut Outbound) -> Result<Request<Outgoing>, Error> {
        let mut headers = call.headers.clone();
        let host = call.uri.authority().map(ToString::to_string).unwrap_or_default();
        set(&mut headers, header::HOST, &host)?;
        let is_api = matches!(call.signing, Signing::Api(_));
        if call.signing != Signing::Unsigned {
            if let Some(credentials) = self.credentials() {
                authorize(&mut headers, call, &credentials)?;
            } else if !(is_api && is_local(&call.uri)) {
                // The platform would refuse the call. `fc-local`, on this machine, takes calls of the API unsigned.
                return Err(Error::NoCredentials);
            }
        }
        let mut request = Request::new(call.content.take());
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = call.uri.clone();
        *request.headers_mut() = headers;
        Ok(request)
    }
}

fn authorize(headers: &mut HeaderMap, call: &Outbound, credentials: &Credentials) -> Result<(), Error> {
    let token = &credentials.security_token;
    set(headers, name("x-acs-date"), &iso8601(SystemTime::now()))?;
    let payload = if let Signing::Api(action) = call.signing {
        let Content::Whole(body) = &call.content else {
            return Err(Error::invalid(
                "a call of the API is signed with its body, which cannot be a stream",
            ));
        };
        let hash = sha256(body);
        let nonce = nonce().ok_or_else(|| Error::invalid("the system has no random numbers"))?;
        set(headers, name("x-acs-action"), action)?;
        set(headers, name("x-acs-content-sha256"), &hash)?;
        set(headers, name("x-acs-signature-nonce"), &nonce)?;
        set(headers, name("x-acs-version"), VERSION)?;
        if !token.is_empty() {
            set(headers, name("x-acs-accesskey-id"), &credentials.access_key_id)?;
            set(headers, name("x-acs-security-token"), token)?;
        }
        hash
    } else {
        // Date and token alone, an empty one too: so does the manual.
        set(headers, name("x-acs-security-token"), token)?;
        String::new()
    };
    if let Some(value) = headers.get_mut("x-acs-security-token") {
        value.set_sensitive(true);
    }
    let is_api = matches!(call.signing, Signing::Api(_));
    let is_signed =
        |name: &str| name.starts_with("x-acs-") || (is_api && (name == "host" || name == "content-type"));
    let mut signed: Vec<(&str, &str)> = headers
        .iter()
        .filter(|(name, _)| is_signed(name.as_str()))
        .filter_map(|(name, value)| Some((name.as_str(), std::str::from_utf8(value.as_bytes()).ok()?)))
        .collect();
    signed.sort_unstable();
    let request = Signable {
        method: call.method.as_str(),
        path: call.uri.path(),
        query: call.uri.query().unwrap_or_default(),
        headers: &signed,
        payload: &payload,
    };
    let authorization = request.authorization(&credentials.access_key_id, &credentials.access_key_secret);
    set(headers, header::AUTHORIZATION, &authorization)
}

fn name(name: &'static str) -> HeaderName {
    HeaderName::from_static(name)
}

/// Sets a header. Its value is not shown: it may be a secret.
pub(crate) fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) -> Result<(), Error> {
    let value = HeaderValue::from_str(value).map_err(|_| {
        Error::invalid(format!("the value of the header {name} has characters that no header may have"))
    })?;
    headers.insert(name, value);
    Ok(())
}

fn is_local(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || host.ends_with(".localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Whether the platform refused the call so that a retry may help.
fn may_repeat(reply: &Response<Incoming>, call: &Outbound) -> bool {
    let is_platforms = match call.signing {
        Signing::Api(_) => true,
        // A function may answer these statuses itself.
        _ => reply.headers().get(ERROR_TYPE).is_some_and(|value| value == COMMON),
    };
    let is_worth = match reply.status() {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => true,
        StatusCode::INTERNAL_SERVER_ERROR => call.is_idempotent,
        _ => false,
    };
    is_platforms && is_worth
}

/// The end of a time that begins now. One without end in practice is a long one.
pub(crate) fn after(limit: Duration) -> Instant {
    const LONG: Duration = Duration::from_secs(365 * 24 * 3600);
    Instant::now() + limit.min(LONG)
}

/// The pause that the reply asks for.
fn asked_pause(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    let millis = number("x-acs-retry-after").map(Duration::from_millis);
    let asked = millis.or_else(|| number("retry-after").map(Duration::from_secs));
    asked.map(|asked| asked.min(ASKED_PAUSE_MAX))
}

/// A pause of random length before a retry, so that callers who were refused together do not come back together.
fn pause(tries: u32) -> Duration {
    let most = PAUSE.saturating_mul(1 << tries.min(10)).min(PAUSE_MAX);
    let random = random::<4>().map_or(u32::MAX, u32::from_le_bytes);
    most.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

/// The failure that a reply tells, if it tells one.
///
/// `is_function` says whether the function itself answers with statuses, as through an HTTP trigger.
pub(crate) async fn failure(
    reply: Response<Incoming>,
    is_function: bool,
    limit: Duration,
) -> Result<Response<Incoming>, Error> {
    let text = |name: HeaderName| {
        let value = reply.headers().get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let (error_type, request_id) = (text(ERROR_TYPE), text(REQUEST_ID));
    let status = reply.status();
    // A redirect of the API is a failure too: something on the way answered it, and nothing was done.
    let is_failure = !error_type.is_empty() || !(is_function || status.is_success());
    if !is_failure {
        return Ok(reply);
    }
    let body = Limited::new(reply.into_body(), FAILURE_MAX).collect();
    let payload = match tokio::time::timeout(limit, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        // The failure itself is known, and worth more than how its text broke.
        _ => Bytes::new(),
    };
    if !error_type.is_empty() && error_type != COMMON {
        return Err(Error::Function { error_type, payload, request_id });
    }
    let said: Said = serde_json::from_slice(&payload).unwrap_or_default();
    let request_id = if request_id.is_empty() { said.request_id } else { request_id };
    Err(Error::Refused { status, code: said.code, message: said.message, request_id })
}

/// The JSON of a refusal, in the editions' spellings.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Said {
    #[serde(rename = "Code", alias = "ErrorCode")]
    code: String,
    #[serde(rename = "Message", alias = "ErrorMessage")]
    message: String,
    #[serde(rename = "RequestId")]
    request_id: String,
}
