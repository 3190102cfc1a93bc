//! A reply's body: bytes at hand, the request's own, or zeros.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};

#[derive(Debug)]
pub enum Body {
    Once(Option<Bytes>),
    Back(Incoming),
    /// So many, in pieces.
    Zeros(usize),
}

static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

impl HttpBody for Body {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Poll::Ready(match &mut *self {
            Self::Once(bytes) => bytes.take().map(|bytes| Ok(Frame::data(bytes))),
            Self::Back(incoming) => ready!(Pin::new(incoming).poll_frame(cx)),
            Self::Zeros(0) => None,
            Self::Zeros(left) => {
                let piece = ZEROS.len().min(*left);
                *left -= piece;
                Some(Ok(Frame::data(Bytes::from_static(&ZEROS[..piece]))))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Once(bytes) => bytes.is_none(),
            Self::Back(incoming) => incoming.is_end_stream(),
            Self::Zeros(left) => *left == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Once(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Back(incoming) => incoming.size_hint(),
            Self::Zeros(_) => SizeHint::default(),
        }
    }
}
