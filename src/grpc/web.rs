//! gRPC-Web: the status as the last frame of the body, and base64 for clients that read text only.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{BufMut, Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame};

use crate::error::BoxError;
use crate::exchange::Payload;
use crate::grpc::wire::Wire;

/// The flag bit of the frame with the trailers.
const TRAILERS: u8 = 0x80;

/// Encodes trailers as the last frame of a body.
pub(crate) fn last_frame(wire: Wire, trailers: &HeaderMap) -> Bytes {
    let mut text = Vec::with_capacity(64);
    for (name, value) in trailers {
        text.extend_from_slice(name.as_str().as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(value.as_bytes());
        text.extend_from_slice(b"\r\n");
    }
    let mut frame = Vec::with_capacity(5 + text.len());
    frame.put_u8(TRAILERS);
    frame.put_u32(u32::try_from(text.len()).unwrap_or(u32::MAX));
    frame.extend_from_slice(&text);
    data(wire, frame.into())
}

/// Encodes frames for the body, in base64 if the client needs text.
pub(crate) fn data(wire: Wire, frames: Bytes) -> Bytes {
    if wire == Wire::WebText { STANDARD.encode(&frames).into() } else { frames }
}

/// The body of a request, decoded to frames.
pub(crate) struct RequestBody {
    payload: Payload,
    text: Option<Text>,
}

impl RequestBody {
    pub(crate) fn new(payload: Payload, wire: Wire) -> Self {
        Self { payload, text: (wire == Wire::WebText).then(Text::default) }
    }

    pub(crate) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        loop {
            let data = match ready!(self.payload.poll_next_frame(cx)) {
                // Trailers of a request have no meaning in gRPC.
                Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    let end = self.text.take().and_then(Text::end);
                    return Poll::Ready(end.map(|error| Err(error.into())));
                }
            };
            let data = match &mut self.text {
                None => data,
                Some(text) => match text.decode(&data) {
                    Ok(data) => data,
                    Err(error) => return Poll::Ready(Some(Err(error.into()))),
                },
            };
            if !data.is_empty() {
                return Poll::Ready(Some(Ok(data)));
            }
        }
    }
}

/// Generated services read the body through this trait.
impl Body for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.poll_data(cx).map(|data| data.map(|data| data.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.text.is_none() && self.payload.is_end_stream()
    }
}

/// Decodes the frames of a complete body.
pub(crate) fn decode(wire: Wire, body: Bytes) -> Result<Bytes, NotBase64> {
    if wire != Wire::WebText {
        return Ok(body);
    }
    let mut text = Text::default();
    let frames = text.decode(&body)?;
    text.end().map_or(Ok(frames), Err)
}

/// The error for a body of `grpc-web-text` that is not base64.
#[derive(Debug)]
pub(crate) struct NotBase64(String);

impl fmt::Display for NotBase64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the body is not base64: {}", self.0)
    }
}

impl std::error::Error for NotBase64 {}

/// A decoder of base64 that comes in pieces. Padding may end each piece that the sender encoded.
#[derive(Default)]
struct Text {
    /// The first bytes of an incomplete group of four.
    rest: Vec<u8>,
}

impl Text {
    fn decode(&mut self, piece: &[u8]) -> Result<Bytes, NotBase64> {
        self.rest.extend_from_slice(piece);
        let whole = self.rest.len() / 4 * 4;
        let mut decoded = BytesMut::with_capacity(whole / 4 * 3);
        let mut groups = &self.rest[..whole];
        while !groups.is_empty() {
            let end = groups.iter().position(|byte| *byte == b'=').map_or(groups.len(), |at| at / 4 * 4 + 4);
            decoded.extend_from_slice(
                &STANDARD.decode(&groups[..end]).map_err(|error| NotBase64(error.to_string()))?,
            );
            groups = &groups[end..];
        }
        self.rest.drain(..whole);
        Ok(decoded.freeze())
    }

    fn end(self) -> Option<NotBase64> {
        (!self.rest.is_empty()).then(|| NotBase64("it is cut short".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_comes_in_any_pieces_and_is_padded_anywhere() {
        for cut in 0..16 {
            let (first, second) = b"aGVsbG8=IHdvcmxk".split_at(cut);
            let mut text = Text::default();
            let mut decoded = text.decode(first).unwrap().to_vec();
            decoded.extend_from_slice(&text.decode(second).unwrap());
            assert_eq!(decoded, b"hello world", "cut at {cut}");
            assert!(text.end().is_none());
        }
    }

    #[test]
    fn broken_base64_is_told() {
        assert!(decode(Wire::WebText, Bytes::from_static(b"aGV")).is_err());
        assert!(decode(Wire::WebText, Bytes::from_static(b"a*Vs")).is_err());
        assert_eq!(decode(Wire::Web, Bytes::from_static(b"aGV")).unwrap(), "aGV");
    }
}
