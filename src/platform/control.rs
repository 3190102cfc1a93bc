//! Finds out which kind of call a trusted platform makes.

use http::{HeaderValue, Method};

use crate::platform::names::path;

/// The kinds of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallKind {
    Http,
    Event,
    Initialize,
    PreStop,
    PreFreeze,
}

/// The control path decides, if it is present. Otherwise the path decides, together with its documented method.
///
/// So a client's own `GET /initialize`, which has the control path `/http-invoke`, is an ordinary request.
pub(crate) fn control(method: &Method, at: &str, control_path: Option<&HeaderValue>) -> CallKind {
    match control_path.map(HeaderValue::as_bytes) {
        Some(value) => match value {
            b"/invoke" => CallKind::Event,
            b"/initialize" => CallKind::Initialize,
            b"/pre-stop" => CallKind::PreStop,
            b"/pre-freeze" => CallKind::PreFreeze,
            _ => CallKind::Http,
        },
        None => match (method.as_str(), at) {
            ("POST", path::INVOKE) => CallKind::Event,
            ("POST", path::INITIALIZE) => CallKind::Initialize,
            ("GET", path::PRE_STOP) => CallKind::PreStop,
            ("GET", path::PRE_FREEZE) => CallKind::PreFreeze,
            _ => CallKind::Http,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: &str, at: &str, control_path: Option<&'static str>, expected: CallKind) {
        let control_path = control_path.map(HeaderValue::from_static);
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        assert_eq!(control(&method, at, control_path.as_ref()), expected);
    }

    #[test]
    fn the_control_path_decides_and_the_path_only_without_it() {
        check("POST", "/invoke", None, CallKind::Event);
        check("POST", "/invoke", Some("/invoke"), CallKind::Event);
        check("POST", "/", Some("/invoke"), CallKind::Event);
        check("POST", "/invoke", Some("/http-invoke"), CallKind::Http);
        check("GET", "/invoke", None, CallKind::Http);
        check("POST", "/initialize", None, CallKind::Initialize);
        check("GET", "/initialize", None, CallKind::Http);
        check("GET", "/initialize", Some("/http-invoke"), CallKind::Http);
        check("GET", "/pre-stop", None, CallKind::PreStop);
        check("GET", "/pre-freeze", Some("/pre-freeze"), CallKind::PreFreeze);
        check("GET", "/anything", Some("/something-new"), CallKind::Http);
    }
}
