//! The event of API Gateway.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::lenient::{text, texts, truth};

/// A request that API Gateway passes on. The function answers with [`http::Reply`](crate::http::Reply); API Gateway makes a 503 of any other shape.
///
/// ```
/// use fc_events::api_gateway::Request;
///
/// let request: Request = fc_events::read(br#"{
///     "path": "/api/x", "httpMethod": "GET", "headers": {"k": "v"}, "queryParameters": {"q": 1}, "pathParameters": {"id": "7"}, "body": "", "isBase64Encoded": "true"
/// }"#)?;
/// assert_eq!((&*request.http_method, &*request.query_parameters["q"]), ("GET", "1"));
/// assert!(request.is_base64_encoded); // the platform's template quotes the word
/// # Ok::<(), fc_events::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Request {
    /// The path as API Gateway matched it.
    pub path: String,
    /// The method.
    pub http_method: String,
    /// The headers, one value each.
    #[serde(default, deserialize_with = "texts")]
    pub headers: BTreeMap<String, String>,
    /// The query's parameters, one value each.
    #[serde(default, deserialize_with = "texts")]
    pub query_parameters: BTreeMap<String, String>,
    /// The parameters of the path's pattern at API Gateway.
    #[serde(default, deserialize_with = "texts")]
    pub path_parameters: BTreeMap<String, String>,
    /// The body: a text, or base64.
    #[serde(default, deserialize_with = "text")]
    pub body: String,
    /// Whether the body is base64.
    #[serde(default, deserialize_with = "truth")]
    pub is_base64_encoded: bool,
}
