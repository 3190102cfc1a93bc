//! The two documents an error becomes: RFC 9457 for clients, the platform's error shape for event callers.

use serde_json::{Map, Value};

use crate::error::Error;

impl Error {
    /// `application/problem+json`, with the request id beside RFC 9457's members.
    pub(crate) fn to_problem(&self, request_id: &str) -> Vec<u8> {
        let status = self.status();
        let mut problem = Map::new();
        problem.insert("type".into(), "about:blank".into());
        problem.insert("title".into(), status.canonical_reason().unwrap_or("Error").into());
        problem.insert("status".into(), status.as_u16().into());
        problem.insert("detail".into(), self.message().into());
        problem.insert("request_id".into(), request_id.into());
        if let Some(code) = self.code() {
            problem.insert("code".into(), code.into());
        }
        for (name, value) in &self.0.members {
            problem.entry(*name).or_insert_with(|| value.clone());
        }
        Value::Object(problem).to_string().into_bytes()
    }

    /// What built-in runtimes answer to a failed event call: `errorMessage`, `errorType`, `stackTrace`.
    ///
    /// The trace holds the one line that made the error; the cause stays in the log.
    pub(crate) fn to_event_failure(&self) -> Vec<u8> {
        let kind = self.code().unwrap_or(if self.status().is_client_error() {
            "HandledError"
        } else {
            "InternalError"
        });
        serde_json::json!({
            "errorMessage": self.message(),
            "errorType": kind,
            "stackTrace": self.location().iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
        .to_string()
        .into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_has_the_members_of_the_rfc_and_the_request_id() {
        let error =
            Error::conflict("sold out").with_code("sold_out").with_member("left", 0).with_member("status", 1);
        let problem: Value = serde_json::from_slice(&error.to_problem("1-a")).unwrap();
        let expected = serde_json::json!({
            "type": "about:blank", "title": "Conflict", "status": 409, "detail": "sold out",
            "request_id": "1-a", "code": "sold_out", "left": 0,
        });
        assert_eq!(problem, expected);
    }
}
