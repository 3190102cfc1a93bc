//! The record that a destination of asynchronous calls receives.

use serde::{Deserialize, Serialize};

use crate::lenient::{maybe_number, text};

/// What a function receives as the destination of another function's asynchronous calls.
///
/// ```
/// use fc_events::destination::Record;
///
/// let record: Record = fc_events::read(br#"{
///     "timestamp": 1660120276975,
///     "requestContext": {"requestId": "1-62f3a8d4", "functionArn": "acs:fc:cn-hangzhou:100200300:functions/resize", "condition": "", "approximateInvokeCount": 1},
///     "requestPayload": "{\"picture\": 5}",
///     "responseContext": {"statusCode": 200, "functionError": ""},
///     "responsePayload": "done"
/// }"#)?;
/// assert!(record.is_success());
/// assert_eq!(record.request_payload, r#"{"picture": 5}"#);
/// # Ok::<(), fc_events::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Record {
    /// When the call ended, in milliseconds since 1970.
    #[serde(default, deserialize_with = "maybe_number", skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<i64>,
    /// The call.
    pub request_context: RequestContext,
    /// The call's body, as a text.
    #[serde(default, deserialize_with = "text")]
    pub request_payload: String,
    /// How the call ended.
    pub response_context: ResponseContext,
    /// The function's result, or the text of its error.
    #[serde(default, deserialize_with = "text")]
    pub response_payload: String,
}

impl Record {
    /// Whether the call succeeded: no error of the platform, none of the function.
    pub fn is_success(&self) -> bool {
        self.request_context.condition.is_empty() && self.response_context.function_error.is_empty()
    }
}

/// The call that a record is about. See [`Record`] for an example.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RequestContext {
    /// The call's id.
    pub request_id: String,
    /// Which function ran.
    #[serde(default)]
    pub function_arn: String,
    /// Why the call failed, as `FunctionResourceExhausted` or `UnhandledInvocationError`; empty on success.
    #[serde(default)]
    pub condition: String,
    /// How often the function ran; more than one when the call was tried again.
    #[serde(default, deserialize_with = "maybe_number", skip_serializing_if = "Option::is_none")]
    pub approximate_invoke_count: Option<u32>,
}

/// How a call ended. See [`Record`] for an example.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ResponseContext {
    /// 200, for an error of the function too; another status is an error of the platform.
    #[serde(default, deserialize_with = "maybe_number", skip_serializing_if = "Option::is_none")]
    pub status_code: Option<u16>,
    /// The kind of the function's error; empty on success.
    #[serde(default)]
    pub function_error: String,
}
