//! The record that the platform sends to a destination.

use serde::Deserialize;

/// How an asynchronous call ended.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// In Unix milliseconds.
    pub timestamp: u64,
    pub request_context: RequestContext,
    /// What the function was called with.
    pub request_payload: String,
    pub response_context: ResponseContext,
    /// What the function answered, or how it failed.
    pub response_payload: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestContext {
    pub request_id: String,
    pub function_arn: String,
    /// Why the platform gave up; empty on success.
    pub condition: String,
    /// How often the function was called.
    pub approximate_invoke_count: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResponseContext {
    pub status_code: u16,
    /// The type of the function's error; empty on success.
    pub function_error: String,
}
