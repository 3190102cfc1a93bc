//! The `Cors` action: what a listener answers to preflights, and adds to other answers.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::pattern::Pattern;
use crate::model::alb::AlbCors;

/// Whether a browser asks what a page may do.
pub(crate) fn is_preflight(method: &Method, asked: &HeaderMap) -> bool {
    *method == Method::OPTIONS && asked.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The headers of the answer to a preflight; `None` if the request is none. An origin, or a method, that is not allowed gets no
/// headers: the browser refuses.
pub(crate) fn preflight(cors: &AlbCors, method: &Method, asked: &HeaderMap) -> Option<HeaderMap> {
    let wanted = asked.get(ACCESS_CONTROL_REQUEST_METHOD).filter(|_| is_preflight(method, asked))?;
    let mut headers = HeaderMap::new();
    let allows = |own: &String| own == "*" || own.as_bytes() == wanted.as_bytes();
    if !cors.allow_methods.iter().any(allows) || !allow(cors, asked.get(ORIGIN)?, &mut headers) {
        return Some(HeaderMap::new());
    }
    headers.remove(ACCESS_CONTROL_EXPOSE_HEADERS);
    set(&mut headers, ACCESS_CONTROL_ALLOW_METHODS, &cors.allow_methods);
    set(&mut headers, ACCESS_CONTROL_ALLOW_HEADERS, &cors.allow_headers);
    if let Some(seconds) = cors.max_age {
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(seconds));
    }
    Some(headers)
}

/// Adds what lets a page of `origin` read the answer. `false` if the origin is not allowed, and nothing is added.
pub(crate) fn allow(cors: &AlbCors, origin: &HeaderValue, headers: &mut HeaderMap) -> bool {
    let Ok(text) = origin.to_str() else { return false };
    let takes_all = cors.allow_origins.iter().any(|own| own == "*");
    if !takes_all && !cors.allow_origins.iter().any(|own| Pattern::text(own).matches(text)) {
        return false;
    }
    // With credentials a browser takes no `*`.
    if takes_all && !cors.allow_credentials {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    } else {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.append(VARY, HeaderValue::from_static("Origin"));
    }
    if cors.allow_credentials {
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    set(headers, ACCESS_CONTROL_EXPOSE_HEADERS, &cors.expose_headers);
    true
}

fn set(headers: &mut HeaderMap, name: HeaderName, values: &[String]) {
    if let Ok(value) = HeaderValue::try_from(values.join(",")).map_err(drop)
        && !values.is_empty()
    {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cors(origins: &[&str], credentials: bool) -> AlbCors {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        AlbCors {
            allow_origins: texts(origins),
            allow_methods: texts(&["GET", "PUT"]),
            allow_headers: texts(&["x-token"]),
            expose_headers: texts(&["x-count"]),
            allow_credentials: credentials,
            max_age: Some(600),
        }
    }

    fn asked(origin: &str, method: &str) -> HeaderMap {
        let pairs = [(ORIGIN, origin), (ACCESS_CONTROL_REQUEST_METHOD, method)];
        pairs.into_iter().map(|(name, value)| (name, HeaderValue::from_str(value).unwrap())).collect()
    }

    fn shown(headers: &HeaderMap) -> Vec<String> {
        let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
        let mut lines: Vec<String> =
            headers.iter().map(|(name, value)| format!("{name}: {}", text(value))).collect();
        lines.sort();
        lines
    }

    #[test]
    fn preflights_are_answered() {
        let own = cors(&["https://*.example.com"], true);
        let ask = |origin: &str, method: &str| preflight(&own, &Method::OPTIONS, &asked(origin, method));
        let lines = shown(&ask("https://a.example.com", "PUT").unwrap());
        let expected = [
            "access-control-allow-credentials: true",
            "access-control-allow-headers: x-token",
            "access-control-allow-methods: GET,PUT",
            "access-control-allow-origin: https://a.example.com",
            "access-control-max-age: 600",
            "vary: Origin",
        ];
        assert_eq!(lines, expected);
        assert!(ask("https://example.org", "PUT").unwrap().is_empty());
        assert!(ask("https://a.example.com", "DELETE").unwrap().is_empty());
        assert!(preflight(&own, &Method::GET, &asked("https://a.example.com", "PUT")).is_none());
        assert!(preflight(&own, &Method::OPTIONS, &HeaderMap::new()).is_none());
    }

    #[test]
    fn pages_of_allowed_origins_read_answers() {
        let mut headers = HeaderMap::new();
        let origin = HeaderValue::from_static("https://any.example.org");
        assert!(allow(&cors(&["*"], false), &origin, &mut headers));
        assert_eq!(
            shown(&headers),
            ["access-control-allow-origin: *", "access-control-expose-headers: x-count"]
        );
        let mut headers = HeaderMap::new();
        assert!(allow(&cors(&["*"], true), &origin, &mut headers));
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], "https://any.example.org");
        let mut headers = HeaderMap::new();
        assert!(!allow(&cors(&["https://example.com"], false), &origin, &mut headers));
        assert!(headers.is_empty());
    }
}
