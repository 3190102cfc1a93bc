//! What the platform says in a reply: its id, and its errors in all their parts.

use crate::Answer;

impl Answer {
    /// The request's id.
    #[track_caller]
    pub fn id(&self) -> String {
        self.header("x-fc-request-id").expect("every reply has an id").to_owned()
    }

    /// A good reply, and no error of a function.
    #[track_caller]
    pub fn assert_ok(&self) {
        assert_eq!(self.status, 200, "{self:?}");
        assert_eq!(self.header("x-fc-error-type"), None, "{self:?}");
    }

    /// An error of the platform: its status, type and code, and a part of its message.
    #[track_caller]
    pub fn assert_platform_error(&self, status: u16, kind: &str, code: &str, part: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("x-fc-error-type"), Some(kind), "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/json"));
        let json = self.json();
        assert_eq!(json["Code"], code, "{json}");
        assert_eq!(json["RequestId"], self.id());
        assert!(json["Message"].as_str().unwrap().contains(part), "{json}");
    }

    /// An error of the function: its status, and a part of its message.
    #[track_caller]
    pub fn assert_function_error(&self, status: u16, part: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("x-fc-error-type"), Some("UnhandledInvocationError"));
        let json = self.json();
        assert_eq!(json.as_object().unwrap().len(), 1, "{json}");
        assert!(json["errorMessage"].as_str().unwrap().contains(part), "{json}");
        assert!(!self.id().is_empty());
    }
}
