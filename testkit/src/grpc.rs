//! Replies of gRPC: their status stands in trailers, or in the headers of a reply without a body.

use crate::Answer;

impl Answer {
    /// A status behind a body.
    #[track_caller]
    pub fn assert_trailers(&self, code: &str) -> &Self {
        self.assert_status(200).assert_header("content-type", "application/grpc");
        self.assert_no_header("grpc-status");
        assert_eq!(self.trailer("grpc-status"), Some(code), "{:?}", self.trailers);
        self
    }

    /// A status in the headers, and nothing else.
    #[track_caller]
    pub fn assert_trailers_only(&self, code: &str, message: &str) -> &Self {
        self.assert_status(200).assert_header("content-type", "application/grpc");
        self.assert_header("grpc-status", code);
        assert_eq!(self.grpc_message(), message);
        assert_eq!((self.body.len(), self.trailers.len()), (0, 0), "{:?}", self.trailers);
        self
    }

    /// The message of a status in the headers, decoded as far as the texts of these tests need it.
    pub fn grpc_message(&self) -> String {
        self.header("grpc-message").unwrap_or_default().replace("%20", " ")
    }

    /// The first trailer of this name.
    pub fn trailer(&self, name: &str) -> Option<&str> {
        self.trailers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}
