//! CORS: the platform's defaults, and `corsConfig` of a trigger or a domain ("HTTP triggers, overview" in the platform's
//! manual).

use bytes::Bytes;
use fc_runtime::platform::names::header as fc;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};

use super::policy::Policy;
use crate::front::body::plain;
use crate::model::Cors;

/// The headers that a page may read, beside the safelisted ones.
const EXPOSED: HeaderValue = HeaderValue::from_static("Date,x-fc-request-id");

const TRUE: HeaderValue = HeaderValue::from_static("true");

/// What the gateway does with a request as far as CORS goes.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The request goes on, if the entry point takes its method.
    GoesOn,
    /// The function judges a preflight, whatever methods the entry point takes.
    IsPassedOn,
    /// The gateway answers.
    Answered(Response<Bytes>),
}

/// Judges an `OPTIONS` request. `id` is the request's.
pub(crate) fn judge<B>(policy: &Policy<'_>, request: &Request<B>, id: &str) -> Verdict {
    if request.method() != Method::OPTIONS {
        return Verdict::GoesOn;
    }
    let headers = request.headers();
    match policy.cors {
        Some(cors) if is_preflight(headers) => match preflight(cors, policy, headers, id) {
            Some(response) => Verdict::Answered(response),
            None => Verdict::IsPassedOn,
        },
        None if !policy.allows("OPTIONS") => Verdict::Answered(default_preflight(headers, id)),
        _ => Verdict::GoesOn,
    }
}

/// Sets the headers that let a page read the reply. `origin` is the request's.
pub(crate) fn let_read(cors: Option<&Cors>, headers: &mut HeaderMap, origin: Option<&HeaderValue>) {
    match cors {
        None => fill(headers, origin),
        Some(cors) => {
            if let Some(origin) = origin.filter(|origin| takes_origin(cors, origin)) {
                add_configured(cors, headers, origin);
            }
        }
    }
}

/// Fills in the default headers unless the function set any header of CORS itself.
fn fill(headers: &mut HeaderMap, origin: Option<&HeaderValue>) {
    if headers.keys().any(|name| name.as_str().starts_with("access-control-")) {
        return;
    }
    if let Some(origin) = origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
    }
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
}

/// Puts the configured headers before the function's own ones. Both stay, as on the platform.
fn add_configured(cors: &Cors, headers: &mut HeaderMap, origin: &HeaderValue) {
    let allowed = if cors.origins.iter().any(|own| own == "*") {
        HeaderValue::from_static("*")
    } else {
        origin.clone()
    };
    put_before(headers, &ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    if cors.credentials {
        put_before(headers, &ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
    }
    put_before(headers, &ACCESS_CONTROL_EXPOSE_HEADERS, list(&cors.exposed).unwrap_or(EXPOSED));
}

fn put_before(headers: &mut HeaderMap, name: &HeaderName, value: HeaderValue) {
    let own: Vec<HeaderValue> = headers.get_all(name).iter().cloned().collect();
    headers.insert(name, value);
    for value in own {
        headers.append(name, value);
    }
}

/// Whether a browser asks for leave before a request.
fn is_preflight(headers: &HeaderMap) -> bool {
    headers.contains_key(ORIGIN) && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

fn takes_origin(cors: &Cors, origin: &HeaderValue) -> bool {
    cors.origins.iter().any(|own| match own.strip_suffix('*') {
        Some(begin) => origin.as_bytes().starts_with(begin.as_bytes()),
        None => own.as_bytes() == origin.as_bytes(),
    })
}

/// The answer to a preflight that asks for nothing that is not configured.
fn preflight(cors: &Cors, policy: &Policy<'_>, asked: &HeaderMap, id: &str) -> Option<Response<Bytes>> {
    let origin = asked.get(ORIGIN).filter(|origin| takes_origin(cors, origin))?;
    let method = asked.get(ACCESS_CONTROL_REQUEST_METHOD)?.to_str().ok()?;
    let takes_method = match &*cors.methods {
        [] => policy.allows(method),
        methods => methods.iter().any(|own| own == "*" || own == method),
    };
    let takes_all_headers = cors.headers.iter().any(|own| own == "*");
    if !takes_method || !(takes_all_headers || takes_headers(cors, asked)) {
        return None;
    }
    let mut headers = HeaderMap::new();
    add_configured(cors, &mut headers, origin);
    let methods = match &*cors.methods {
        [] => policy.methods().filter(|method| *method != "OPTIONS").collect::<Vec<_>>().join(","),
        // With credentials a browser takes `*` for the name of a method.
        methods if cors.credentials && methods.iter().any(|own| own == "*") => method.to_owned(),
        methods => methods.join(","),
    };
    if let Ok(methods) = HeaderValue::from_str(&methods) {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
    }
    let asked_headers = asked.get(ACCESS_CONTROL_REQUEST_HEADERS);
    let allowed = match asked_headers.filter(|_| takes_all_headers && cors.credentials) {
        Some(asked) => Some(asked.clone()),
        None => list(&cors.headers),
    };
    if let Some(allowed) = allowed {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    }
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(cors.max_age));
    set_id(&mut headers, id);
    Some(plain(StatusCode::NO_CONTENT, headers, Bytes::new()))
}

/// Whether all asked headers are configured. Names are compared without case.
fn takes_headers(cors: &Cors, asked: &HeaderMap) -> bool {
    asked.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter().all(|value| {
        value.to_str().is_ok_and(|names| {
            let mut names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
            names.all(|name| cors.headers.iter().any(|own| own.eq_ignore_ascii_case(name)))
        })
    })
}

/// The answer to an `OPTIONS` request that the entry point does not pass on.
fn default_preflight(request: &HeaderMap, id: &str) -> Response<Bytes> {
    let mut headers = HeaderMap::new();
    for (asked, answered) in [
        (ORIGIN, ACCESS_CONTROL_ALLOW_ORIGIN),
        (ACCESS_CONTROL_REQUEST_METHOD, ACCESS_CONTROL_ALLOW_METHODS),
        (ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_ALLOW_HEADERS),
    ] {
        if let Some(value) = request.get(asked) {
            headers.insert(answered, value.clone());
        }
    }
    headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    set_id(&mut headers, id);
    plain(StatusCode::OK, headers, Bytes::new())
}

fn list(names: &[String]) -> Option<HeaderValue> {
    (!names.is_empty()).then(|| HeaderValue::from_str(&names.join(",")).ok()).flatten()
}

fn set_id(headers: &mut HeaderMap, id: &str) {
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(fc::REQUEST_ID, id);
    }
}
