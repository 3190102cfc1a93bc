//! One request and its answer, whatever carries them.

/// A request, spelt out: nothing is added but what the protocol needs.
#[derive(Debug, Clone)]
pub struct Ask {
    /// `GET` and its like.
    pub method: &'static str,
    /// The path and the query.
    pub target: String,
    /// Names and values, in their order.
    pub headers: Vec<(String, String)>,
    /// The body; `None` says nothing of a length either.
    pub body: Option<Vec<u8>>,
    /// Sent in chunks without a length, where the protocol has chunks.
    pub chunked: bool,
}

impl Ask {
    /// A request without headers and body.
    pub fn new(method: &'static str, target: impl Into<String>) -> Self {
        Self { method, target: target.into(), headers: Vec::new(), body: None, chunked: false }
    }

    /// A `GET`.
    pub fn get(target: impl Into<String>) -> Self {
        Self::new("GET", target)
    }

    /// A `POST` with a body.
    pub fn post(target: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self { body: Some(body.into()), ..Self::new("POST", target) }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends the body in chunks.
    #[must_use]
    pub fn in_chunks(mut self) -> Self {
        self.chunked = true;
        self
    }
}

/// An answer, read to its end.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names in lower case, in the order of arrival.
    pub headers: Vec<(String, String)>,
    /// The body, without what frames it.
    pub body: Vec<u8>,
    /// Whether the body was cut off before its proper end. Only a client that bears it gives such an answer.
    pub is_cut: bool,
    /// What came behind the body.
    pub trailers: Vec<(String, String)>,
}

impl Answer {
    /// The header's only value.
    #[track_caller]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str());
        let first = values.next();
        assert_eq!(values.next(), None, "two headers {name}");
        first
    }

    /// All values of a header.
    pub fn values(&self, name: &str) -> Vec<&str> {
        let of_name = self.headers.iter().filter(|(own, _)| own == name);
        of_name.map(|(_, value)| value.as_str()).collect()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The status is this one.
    #[track_caller]
    pub fn assert_status(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// The body is this text.
    #[track_caller]
    pub fn assert_text(&self, text: &str) -> &Self {
        assert_eq!(self.text(), text);
        self
    }

    /// A header is there once, with this value.
    #[track_caller]
    pub fn assert_header(&self, name: &str, value: &str) -> &Self {
        assert_eq!(self.header(name), Some(value), "header {name} of {:?}", self.headers);
        self
    }

    /// A header is not there.
    #[track_caller]
    pub fn assert_no_header(&self, name: &str) -> &Self {
        assert_eq!(self.header(name), None, "header {name}");
        self
    }

    /// A problem document of this status, with the request id that the log has too.
    #[track_caller]
    pub fn assert_problem(&self, status: u16) -> serde_json::Value {
        self.assert_status(status).assert_header("content-type", "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
        assert!(problem["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{problem}");
        problem
    }

    /// The methods that `Allow` names, sorted.
    #[track_caller]
    pub fn allowed(&self) -> Vec<String> {
        let allow = self.header("allow").unwrap_or_else(|| panic!("no allow in {self:?}"));
        let mut methods: Vec<String> = allow.split(',').map(|name| name.trim().to_owned()).collect();
        methods.sort();
        methods
    }
}
