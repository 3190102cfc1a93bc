//! Requests as the platform sends them, as bytes.

use std::fmt::Write;

use super::program::Program;
use crate::model::Edition;
use crate::wire::ids;

/// A secret of the headers, by which a log that shows it is known.
pub(super) const SECRET: &str = "conform-secret-3f9c1d7e5b";

/// The region, account and function that requests name.
pub(super) const REGION: &str = "cn-hangzhou";
pub(super) const ACCOUNT: &str = "1234567890123456";
pub(super) const FUNCTION: &str = "conform";

/// A request on its way to a program.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) method: &'static str,
    target: String,
    host: String,
    control: &'static str,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    edition: Edition,
    pub(super) id: String,
}

impl Ask {
    /// A request of a client.
    pub(super) fn new(program: &Program, method: &'static str, target: impl Into<String>) -> Self {
        Ask {
            method,
            target: target.into(),
            host: format!("127.0.0.1:{}", program.port),
            control: "/http-invoke",
            headers: Vec::new(),
            body: None,
            edition: program.edition,
            id: ids::request().to_string(),
        }
    }

    pub(super) fn get(program: &Program, target: impl Into<String>) -> Self {
        Ask::new(program, "GET", target)
    }

    /// An event call.
    pub(super) fn event(program: &Program, payload: &[u8]) -> Self {
        let ask = Ask::new(program, "POST", "/invoke").control("/invoke").body(payload);
        Ask { host: "21.0.3.7".to_owned(), ..ask.header("content-type", "application/octet-stream") }
    }

    /// A hook.
    pub(super) fn hook(program: &Program, method: &'static str, path: &'static str) -> Self {
        let ask = Ask::new(program, method, path).control(path);
        if method == "POST" { ask.body(b"") } else { ask }
    }

    fn control(self, control: &'static str) -> Self {
        Ask { control, ..self }
    }

    pub(super) fn host(self, host: &str) -> Self {
        Ask { host: host.to_owned(), ..self }
    }

    pub(super) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(super) fn body(self, bytes: impl Into<Vec<u8>>) -> Self {
        Ask { body: Some(bytes.into()), ..self }
    }

    /// The head with its empty line.
    pub(super) fn head(&self) -> String {
        let mut head = format!("{} {} HTTP/1.1\r\nHost: {}\r\n", self.method, self.target, self.host);
        let mut add = |name: &str, value: &str| {
            // A String takes whatever is written.
            _ = write!(head, "{name}: {value}\r\n");
        };
        add("x-fc-request-id", &self.id);
        add("x-fc-control-path", self.control);
        add("x-fc-function-name", FUNCTION);
        add("x-fc-function-handler", "index.handler");
        add("x-fc-function-memory", "512");
        add("x-fc-function-timeout", "60");
        add("x-fc-region", REGION);
        add("x-fc-account-id", ACCOUNT);
        add("x-fc-qualifier", "LATEST");
        add("x-fc-version-id", "LATEST");
        add("x-fc-access-key-id", "STS.conform");
        add("x-fc-access-key-secret", SECRET);
        add("x-fc-security-token", SECRET);
        if self.edition == Edition::Fc2 {
            add("x-fc-service-name", "conform");
        }
        for (name, value) in &self.headers {
            add(name, value);
        }
        if let Some(body) = &self.body {
            add("content-length", &body.len().to_string());
        }
        head + "\r\n"
    }

    /// The whole request.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head().into_bytes();
        bytes.extend_from_slice(self.body.as_deref().unwrap_or_default());
        bytes
    }
}
