//! The HTTP trigger's event, version `v1`, and the reply to such events.
//!
//! Built-in runtimes receive it in place of a request. A custom runtime receives requests as they are, but a load balancer may send its event functions
//! this form: it has one of its own neither in documents nor seen.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::lenient::{maybe_number, text, texts, truth};

/// A request as an event.
///
/// ```
/// use fc_events::http::Request;
///
/// let request: Request = fc_events::read(br#"{
///     "version": "v1", "rawPath": "/orders/42%20a", "body": "aGVsbG8=", "isBase64Encoded": true,
///     "headers": {"Content-Type": "text/plain"}, "queryParameters": {"tag": "a,b"},
///     "requestContext": {"http": {"method": "POST", "path": "/orders/42 a", "sourceIp": "192.0.2.9"}, "timeEpoch": "1767595271895"}
/// }"#)?;
/// assert_eq!(request.request_context.http.method, "POST");
/// assert_eq!(request.request_context.time_epoch, Some(1_767_595_271_895));
/// # Ok::<(), fc_events::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Request {
    /// `v1`.
    pub version: String,
    /// The path as it was sent, percent-encoded, without the query.
    pub raw_path: String,
    /// The body: a text, or base64.
    #[serde(default, deserialize_with = "text")]
    pub body: String,
    /// Whether the body is base64.
    #[serde(default, deserialize_with = "truth")]
    pub is_base64_encoded: bool,
    /// The headers; the values of a repeated one are joined with commas.
    #[serde(default, deserialize_with = "texts")]
    pub headers: BTreeMap<String, String>,
    /// The query's parameters, decoded; the values of a repeated one are joined with commas.
    #[serde(default, deserialize_with = "texts")]
    pub query_parameters: BTreeMap<String, String>,
    /// What is known of the request beyond its text.
    pub request_context: RequestContext,
}

/// What is known of a request beyond its text. See [`Request`] for an example.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RequestContext {
    /// The account.
    #[serde(default, deserialize_with = "text")]
    pub account_id: String,
    /// The host that was asked.
    #[serde(default)]
    pub domain_name: String,
    /// The first label of the host.
    #[serde(default)]
    pub domain_prefix: String,
    /// Method, path and client.
    pub http: Http,
    /// The request's id; may be empty.
    #[serde(default)]
    pub request_id: String,
    /// When the request came, as RFC 3339.
    #[serde(default)]
    pub time: String,
    /// When the request came, in milliseconds since 1970. The platform sends a text.
    #[serde(
        default,
        deserialize_with = "maybe_number",
        serialize_with = "epoch_as_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub time_epoch: Option<i64>,
    /// The trigger's id, which events have though no document says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger_id: Option<String>,
}

/// Method, path and client of a request. See [`Request`] for an example.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Http {
    /// The method.
    pub method: String,
    /// The path, decoded.
    #[serde(default)]
    pub path: String,
    /// As `HTTP/1.1`.
    #[serde(default)]
    pub protocol: String,
    /// The client's address.
    #[serde(default)]
    pub source_ip: String,
    /// The client's name of itself.
    #[serde(default)]
    pub user_agent: String,
}

/// The reply to a request that came as an event, for API Gateway, the HTTP trigger and the load balancer.
///
/// ```
/// use fc_events::http::Reply;
///
/// let mut reply = Reply::default();
/// reply.status_code = 201;
/// reply.body = "made".to_owned();
/// assert_eq!(serde_json::to_string(&reply).unwrap(), r#"{"statusCode":201,"headers":{},"isBase64Encoded":false,"body":"made"}"#);
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Reply {
    /// The status.
    #[serde(deserialize_with = "crate::lenient::number")]
    pub status_code: u16,
    /// The headers, one value each: a second cookie cannot be said.
    #[serde(default, deserialize_with = "texts")]
    pub headers: BTreeMap<String, String>,
    /// Whether the body is base64.
    #[serde(default, deserialize_with = "truth")]
    pub is_base64_encoded: bool,
    /// The body: a text, or base64.
    #[serde(default, deserialize_with = "text")]
    pub body: String,
}

#[expect(clippy::ref_option, reason = "serde calls it with the field's type")]
fn epoch_as_text<S: serde::Serializer>(time: &Option<i64>, out: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => out.collect_str(time),
        None => out.serialize_none(),
    }
}
