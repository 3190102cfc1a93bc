//! Interim replies (1xx) to a client of HTTP/1.1, such as 103 Early Hints.
//!
//! hyper's server sends none but 100. So they go to the socket between two writes of hyper's.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use http::{StatusCode, response};

use super::h1::{Broken, Link, Reply, write_header};
use super::turns::Turns;
use super::{headers, limits};

/// The way of interim replies to a client.
#[derive(Debug, Clone)]
pub(crate) struct Early(Arc<Turns>);

impl Early {
    pub(crate) fn new(turns: &Arc<Turns>) -> Self {
        Early(Arc::clone(turns))
    }

    /// Sends the head of an interim reply, with the headers that a reply may have. 100 is left out: whether the client is
    /// to send its body was answered before. So is a head beyond the limit of a reply.
    ///
    /// # Cancel safety
    ///
    /// A head whose future is dropped is sent all the same, unless the connection ends.
    pub(crate) async fn send(&self, mut head: response::Parts) {
        headers::strip_reply(&mut head.headers);
        if head.status == StatusCode::CONTINUE || limits::check_reply(&head.headers).is_err() {
            return;
        }
        let mut text = Vec::with_capacity(256);
        let reason = head.status.canonical_reason().unwrap_or_default();
        // Into memory, which does not fail.
        _ = write!(text, "HTTP/1.1 {} {reason}\r\n", head.status.as_str());
        for (name, value) in &head.headers {
            write_header(&mut text, name, value);
        }
        text.extend_from_slice(b"\r\n");
        self.0.send(Bytes::from(text)).await;
    }
}

/// Waits for the head of the reply. Interim replies before it go to the client.
pub(crate) async fn final_reply(link: &mut Link, early: Option<&Early>) -> Result<response::Parts, Broken> {
    loop {
        match (link.reply().await?, early) {
            (Reply::Final(head), _) => return Ok(head),
            (Reply::Interim(head), Some(early)) => {
                // A client may read only once its body is taken.
                let mut sent = Box::pin(early.send(head));
                std::future::poll_fn(|context| {
                    _ = link.poll_upload(context);
                    sent.as_mut().poll(context)
                })
                .await;
            }
            (Reply::Interim(_), None) => {}
        }
    }
}
