//! A request that comes as an event, from whichever door.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::payload::from_json;
use crate::{Error, FromPayload, api_gateway, http};

/// A request that comes as an event: from API Gateway, from the HTTP trigger of an event function, or from a load balancer. All of them are
/// answered with [`http::Reply`].
///
/// ```
/// use fc_events::AnyRequest;
///
/// let gateway = AnyRequest::find(br#"{"path": "/x", "httpMethod": "GET", "headers": {}, "isBase64Encoded": false}"#)?;
/// assert!(matches!(gateway, Some(AnyRequest::ApiGateway(request)) if request.path == "/x"));
/// // Another event is none.
/// assert!(AnyRequest::find(br#"{"triggerTime": "2026-01-05T06:40:00Z", "triggerName": "nightly"}"#)?.is_none());
/// assert!(AnyRequest::find(b"hello")?.is_none());
/// # Ok::<(), fc_events::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum AnyRequest {
    /// From API Gateway.
    ApiGateway(api_gateway::Request),
    /// From the HTTP trigger, in the form `v1`, which load balancers send too.
    Http(Box<http::Request>),
}

/// The keys by which the forms are told apart.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shape {
    version: Option<Value>,
    raw_path: Option<IgnoredAny>,
    request_context: Option<IgnoredAny>,
    http_method: Option<IgnoredAny>,
    path: Option<IgnoredAny>,
    headers: Option<IgnoredAny>,
}

impl AnyRequest {
    /// Reads the payload, if it is a request. `None` for other events, whatever they are.
    ///
    /// # Errors
    /// When the payload has the keys of a request and is none: with the field.
    pub fn find(payload: &[u8]) -> Result<Option<Self>, Error> {
        if payload.trim_ascii_start().first() != Some(&b'{') {
            return Ok(None);
        }
        let Ok(shape) = serde_json::from_slice::<Shape>(payload) else { return Ok(None) };
        if shape.version.as_ref().and_then(Value::as_str) == Some("v1")
            && shape.raw_path.is_some()
            && shape.request_context.is_some()
        {
            return from_json(payload).map(Box::new).map(Self::Http).map(Some);
        }
        if shape.http_method.is_some() && shape.path.is_some() && shape.headers.is_some() {
            return from_json(payload).map(Self::ApiGateway).map(Some);
        }
        Ok(None)
    }
}

impl FromPayload for AnyRequest {
    fn from_payload(payload: &[u8]) -> Result<Self, Error> {
        Self::find(payload)?.ok_or_else(|| {
            Error::whole("this is no request: an event of API Gateway has `httpMethod`, `path` and `headers`, and one of the HTTP trigger `version` \"v1\", `rawPath` and `requestContext`")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_from_other_events() {
        for (payload, expected) in [
            (
                r#"{"version": "v1", "rawPath": "/", "requestContext": {"http": {"method": "GET"}}}"#,
                Ok(Some("http")),
            ),
            (r#" {"path": "/", "httpMethod": "GET", "headers": null}"#, Ok(None)),
            (r#" {"path": "/", "httpMethod": "GET", "headers": {}}"#, Ok(Some("gateway"))),
            (r#"{"version": "v2", "rawPath": "/", "requestContext": {"http": {"method": "GET"}}}"#, Ok(None)),
            (r#"{"version": 1, "httpMethod": "GET"}"#, Ok(None)),
            (r#"["v1", 1, 2, 3, 4, 5]"#, Ok(None)),
            (
                r#"{"version": "v1", "rawPath": "/", "requestContext": {"http": {}}}"#,
                Err("requestContext.http"),
            ),
            (r#"{"path": 7, "httpMethod": "GET", "headers": {}}"#, Err("path")),
            (r#"{"path": "/", "httpMethod": "GET", "headers": {"a": []}}"#, Err("headers.a")),
            (r#"{"path": "/", "httpMethod": "GET", "headers": {}"#, Ok(None)),
            ("", Ok(None)),
            ("{", Ok(None)),
            ("\u{0}", Ok(None)),
        ] {
            let found = AnyRequest::find(payload.as_bytes());
            let seen = match &found {
                Ok(None) => Ok(None),
                Ok(Some(AnyRequest::Http(_))) => Ok(Some("http")),
                Ok(Some(AnyRequest::ApiGateway(_))) => Ok(Some("gateway")),
                Err(error) => Err(error.field().unwrap_or("")),
            };
            assert_eq!(seen, expected, "{payload}");
        }
        assert!(crate::read::<AnyRequest>(b"{}").unwrap_err().to_string().contains("`rawPath`"));
    }
}
