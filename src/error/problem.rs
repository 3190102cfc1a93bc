//! The two documents of an error: RFC 9457 for clients, the platform's error document for event callers.

use crate::error::Error;
use crate::json::Object;

impl Error {
    /// The `application/problem+json` document, with the request's id as an additional member.
    pub(crate) fn to_problem(&self, request_id: &str) -> String {
        const OWN: [&str; 5] = ["type", "title", "status", "detail", "request_id"];
        let status = self.status();
        let mut problem = Object::new();
        problem.text("type", "about:blank");
        problem.text("title", status.canonical_reason().unwrap_or("Error"));
        problem.value("status", status.as_u16());
        problem.text("detail", self.message());
        problem.text("request_id", request_id);
        if let Some(code) = self.code() {
            problem.text("code", code);
        }
        let members = &self.0.members;
        for (at, (name, json)) in members.iter().enumerate() {
            let is_taken = OWN.contains(name)
                || *name == "code" && self.code().is_some()
                || members[..at].iter().any(|(before, _)| before == name);
            if !is_taken {
                problem.value(name, json);
            }
        }
        problem.end()
    }

    /// The error document of the platform's built-in runtimes for a failed event call: `errorMessage`, `errorType`,
    /// `stackTrace`.
    ///
    /// The trace has one line, where the error was made. The cause is only logged.
    pub(crate) fn to_event_failure(&self) -> String {
        let kind = self.code().unwrap_or(if self.status().is_client_error() {
            "HandledError"
        } else {
            "InternalError"
        });
        let mut failure = Object::new();
        failure.text("errorMessage", self.message());
        failure.text("errorType", kind);
        failure.texts("stackTrace", self.location().map(ToString::to_string).as_deref());
        failure.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_problem_has_the_members_of_the_rfc_and_the_request_id() {
        let error =
            Error::conflict("sold out").with_code("sold_out").with_member("left", 0).with_member("status", 1);
        let problem: Value = serde_json::from_str(&error.to_problem("1-a")).unwrap();
        let expected = serde_json::json!({
            "type": "about:blank", "title": "Conflict", "status": 409, "detail": "sold out",
            "request_id": "1-a", "code": "sold_out", "left": 0,
        });
        assert_eq!(problem, expected);
    }
}
