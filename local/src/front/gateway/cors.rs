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
use crate::model::{Cors, Edition};

/// The headers that a page may read, beside the safelisted ones.
const EXPOSED: HeaderValue = HeaderValue::from_static("Date,x-fc-request-id");

/// As [`EXPOSED`], in edition 2.0.
const EXPOSED_FC2: HeaderValue = HeaderValue::from_static(
    "Date,x-fc-request-id,x-fc-error-type,x-fc-code-checksum,x-fc-invocation-duration,x-fc-max-memory-usage,x-fc-log-result,x-fc-invocation-code-version",
);

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
pub(crate) fn judge<B>(policy: &Policy<'_>, request: &Request<B>, id: &str, edition: Edition) -> Verdict {
    if request.method() != Method::OPTIONS {
        return Verdict::GoesOn;
    }
    let headers = request.headers();
    match policy.cors {
        Some(cors) if is_preflight(headers) => match preflight(cors, policy, headers, id) {
            Some(response) => Verdict::Answered(response),
            None => Verdict::IsPassedOn,
        },
        None if !policy.allows("OPTIONS") => Verdict::Answered(default_preflight(headers, id, edition)),
        _ => Verdict::GoesOn,
    }
}

/// Sets the headers that let a page read the reply. `origin` is the request's. `false` if the reply names two origins
/// now, which no browser takes.
pub(crate) fn let_read(
    cors: Option<&Cors>,
    headers: &mut HeaderMap,
    origin: Option<&HeaderValue>,
    edition: Edition,
) -> bool {
    match cors {
        None => fill(headers, origin, edition),
        Some(cors) => {
            if let Some(origin) = origin.filter(|origin| takes_origin(cors, origin)) {
                add_configured(cors, headers, origin);
                return headers.get_all(ACCESS_CONTROL_ALLOW_ORIGIN).iter().count() == 1;
            }
        }
    }
    true
}

fn exposed(edition: Edition) -> HeaderValue {
    match edition {
        Edition::Fc3 => EXPOSED,
        Edition::Fc2 => EXPOSED_FC2,
    }
}

/// Fills in the default headers unless the function set any header of CORS itself.
fn fill(headers: &mut HeaderMap, origin: Option<&HeaderValue>, edition: Edition) {
    if headers.keys().any(|name| name.as_str().starts_with("access-control-")) {
        return;
    }
    if let Some(origin) = origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
    }
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed(edition));
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
fn default_preflight(request: &HeaderMap, id: &str, edition: Edition) -> Response<Bytes> {
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
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed(edition));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Via;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn cors(origins: &[&str]) -> Cors {
        Cors {
            origins: texts(origins),
            methods: Vec::new(),
            headers: Vec::new(),
            exposed: Vec::new(),
            credentials: false,
            max_age: 3600,
        }
    }

    /// Sends a preflight: its origin, method and headers. The outcome is the answer's lines, or that the request is passed
    /// on.
    #[track_caller]
    fn check(cors: &Cors, [origin, method, asked]: [&str; 3], expected: Option<&[(&str, &str)]>) {
        let methods = texts(&["GET", "PUT", "OPTIONS"]);
        let policy = Policy::for_test(&methods, Some(cors), Via::CustomDomain);
        let mut request = Request::options("/").header(ORIGIN, origin);
        request = request.header(ACCESS_CONTROL_REQUEST_METHOD, method);
        if !asked.is_empty() {
            request = request.header(ACCESS_CONTROL_REQUEST_HEADERS, asked);
        }
        match (judge(&policy, &request.body(()).unwrap(), "1-a", Edition::Fc3), expected) {
            (Verdict::IsPassedOn, None) => {}
            (Verdict::Answered(response), Some(lines)) => {
                assert_eq!(response.status(), StatusCode::NO_CONTENT);
                let begin = "access-control-";
                let mut found: Vec<(&str, &str)> = response
                    .headers()
                    .iter()
                    .filter_map(|(name, value)| {
                        Some((name.as_str().strip_prefix(begin)?, value.to_str().ok()?))
                    })
                    .collect();
                found.sort_unstable();
                assert_eq!(found, lines);
                assert_eq!(response.headers()["x-fc-request-id"], "1-a");
            }
            (verdict, expected) => panic!("{verdict:?} in place of {expected:?}"),
        }
    }

    #[test]
    fn a_preflight_that_asks_for_what_is_configured_is_answered() {
        const A: &str = "https://a.example";
        let own = cors(&[A, "https://b.example"]);
        let answer: &[(&str, &str)] = &[
            ("allow-methods", "GET,PUT"),
            ("allow-origin", A),
            ("expose-headers", "Date,x-fc-request-id"),
            ("max-age", "3600"),
        ];
        check(&own, [A, "PUT", ""], Some(answer));
        check(&own, [A, "PATCH", ""], None);
        check(&own, [A, "put", ""], None);
        check(&own, [A, "PUT", "x-own"], None);
        check(&own, ["https://c.example", "PUT", ""], None);
        check(&own, ["https://a.example.evil", "PUT", ""], None);
        check(&own, ["http://a.example", "PUT", ""], None);
        check(&own, ["null", "PUT", ""], None);

        let own = Cors {
            methods: texts(&["DELETE", "GET"]),
            headers: texts(&["X-Own", "x-two"]),
            max_age: 0,
            ..own
        };
        let answer: &[(&str, &str)] = &[
            ("allow-headers", "X-Own,x-two"),
            ("allow-methods", "DELETE,GET"),
            ("allow-origin", A),
            ("expose-headers", "Date,x-fc-request-id"),
            ("max-age", "0"),
        ];
        check(&own, [A, "DELETE", "x-own, X-TWO"], Some(answer));
        check(&own, [A, "DELETE", ""], Some(answer));
        check(&own, [A, "DELETE", "x-own,x-three"], None);
        check(&own, [A, "PUT", "x-own"], None);
    }

    #[test]
    fn stars_take_all() {
        const A: &str = "https://a.example";
        let all =
            Cors { methods: texts(&["*"]), headers: texts(&["*"]), exposed: texts(&["*"]), ..cors(&["*"]) };
        let answer: &[(&str, &str)] = &[
            ("allow-headers", "*"),
            ("allow-methods", "*"),
            ("allow-origin", "*"),
            ("expose-headers", "*"),
            ("max-age", "3600"),
        ];
        for origin in [A, "http://localhost:3000", "null"] {
            check(&all, [origin, "PATCH", "x-own,x-two"], Some(answer));
        }
        // With credentials a star is a name for a browser, so what is asked for is named.
        let own =
            Cors { origins: texts(&["https://*"]), exposed: texts(&["x-own"]), credentials: true, ..all };
        let answer: &[(&str, &str)] = &[
            ("allow-credentials", "true"),
            ("allow-headers", "x-own,x-two"),
            ("allow-methods", "PATCH"),
            ("allow-origin", A),
            ("expose-headers", "x-own"),
            ("max-age", "3600"),
        ];
        check(&own, [A, "PATCH", "x-own,x-two"], Some(answer));
        check(&own, ["http://a.example", "PATCH", ""], None);
    }

    #[test]
    fn what_is_no_preflight_goes_on() {
        let (own, methods) = (cors(&["*"]), texts(&["GET"]));
        let verdict = |cors: Option<&Cors>, request: Request<()>| {
            judge(&Policy::for_test(&methods, cors, Via::HttpTrigger), &request, "1-a", Edition::Fc3)
        };
        let options = |headers: &[(HeaderName, &str)]| {
            let mut request = Request::options("/").body(()).unwrap();
            for (name, value) in headers {
                request.headers_mut().insert(name, value.parse().unwrap());
            }
            request
        };
        let origin = (ORIGIN, "https://a.example");
        for request in [
            options(&[]),
            options(std::slice::from_ref(&origin)),
            options(&[(ACCESS_CONTROL_REQUEST_METHOD, "GET")]),
            Request::get("/").body(()).unwrap(),
        ] {
            assert!(matches!(verdict(Some(&own), request), Verdict::GoesOn));
        }
        // Without settings the gateway answers every OPTIONS that the entry point does not take.
        assert!(matches!(verdict(None, options(&[])), Verdict::Answered(_)));
    }

    #[test]
    fn a_reply_has_the_configured_headers_before_the_functions() {
        const A: &str = "https://a.example";
        let own = Cors { credentials: true, ..cors(&[A]) };
        let read = |origin: Option<&str>, set: &[(HeaderName, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in set {
                headers.insert(name, HeaderValue::from_static(value));
            }
            let origin = origin.map(|origin| HeaderValue::from_str(origin).unwrap());
            let is_single = let_read(Some(&own), &mut headers, origin.as_ref(), Edition::Fc3);
            let values = |name: &HeaderName| {
                headers
                    .get_all(name)
                    .iter()
                    .map(|value| value.to_str().unwrap().to_owned())
                    .collect::<Vec<_>>()
            };
            let names = [
                ACCESS_CONTROL_ALLOW_ORIGIN,
                ACCESS_CONTROL_ALLOW_CREDENTIALS,
                ACCESS_CONTROL_EXPOSE_HEADERS,
            ];
            (is_single, names.map(|name| values(&name).join(" + ")))
        };
        let text = |texts: [&str; 3]| texts.map(str::to_owned);
        assert_eq!(read(Some(A), &[]), (true, text([A, "true", "Date,x-fc-request-id"])));
        assert_eq!(read(Some("https://b.example"), &[]), (true, text(["", "", ""])));
        assert_eq!(read(None, &[]), (true, text(["", "", ""])));
        let set = [(ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
        assert_eq!(
            read(Some(A), &set),
            (false, text(["https://a.example + *", "true", "Date,x-fc-request-id"]))
        );
        assert_eq!(read(Some("https://b.example"), &set), (true, text(["*", "", ""])));
    }
}
