//! gRPC calls of the in-memory client.

use std::pin::Pin;

use bytes::{BufMut, BytesMut};
use http::{HeaderMap, Version};
use prost::Message;
use tonic::{Code, Status};

use crate::testing::{Client, TestReply};

impl<S: Send + Sync + 'static> Client<S> {
    /// Makes a gRPC call of any kind. All messages of the client are sent at once.
    pub fn grpc<M: Message>(&self, method: &str, messages: impl IntoIterator<Item = M>) -> GrpcCall<'_> {
        let mut frames = BytesMut::new();
        for message in messages {
            frames.put_u8(0);
            frames.put_u32(u32::try_from(message.encoded_len()).unwrap_or(u32::MAX));
            frames.extend_from_slice(&message.encode_to_vec());
        }
        let mut call = self.post(method).header("content-type", "application/grpc").header("te", "trailers");
        call.version = Version::HTTP_2;
        let call = call.body(frames.freeze());
        Box::pin(async move { GrpcAnswer { answer: call.await } })
    }
}

/// The future of a gRPC call.
type GrpcCall<'a> = Pin<Box<dyn Future<Output = GrpcAnswer> + Send + 'a>>;

/// The reply to a gRPC call: messages, status and metadata. See the example of [gRPC](crate::grpc).
#[derive(Debug, Clone)]
pub struct GrpcAnswer {
    answer: TestReply,
}

impl GrpcAnswer {
    /// The status, from the trailers, or from the headers of a reply without messages.
    pub fn status(&self) -> Status {
        let found = Status::from_header_map(&self.answer.trailers)
            .or_else(|| Status::from_header_map(&self.answer.headers));
        found.unwrap_or_else(|| Status::unknown("the answer has no status"))
    }

    /// # Panics
    /// When the status has another code.
    #[track_caller]
    pub fn assert_code(&self, code: Code) -> &Self {
        let status = self.status();
        assert_eq!(status.code(), code, "{status:?}");
        self
    }

    /// The messages of the reply.
    ///
    /// # Panics
    /// When a message is not of this type.
    #[track_caller]
    pub fn messages<M: Message + Default>(&self) -> Vec<M> {
        let mut messages = Vec::new();
        let mut rest = &self.answer.body[..];
        while let Some((head, behind)) = rest.split_first_chunk::<5>() {
            let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
            let (message, behind) = behind.split_at_checked(length).expect("a whole frame");
            messages.push(M::decode(message).expect("a message of this type"));
            rest = behind;
        }
        messages
    }

    /// The metadata that was sent before the messages.
    pub fn headers(&self) -> &HeaderMap {
        &self.answer.headers
    }

    /// The metadata that was sent after the messages, and the status.
    pub fn trailers(&self) -> &HeaderMap {
        &self.answer.trailers
    }
}
