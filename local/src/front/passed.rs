//! The reply of a server beside the functions, passed on with the record of its visit.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::body::Cut;
use super::rpc;
use super::silence::Silence;
use super::visit::Visit;

/// A body that a server sends. A drop before its end means that the client left.
#[derive(Debug)]
pub(crate) struct Passed {
    body: Incoming,
    visit: Option<Visit>,
    silence: Option<Silence>,
}

impl Passed {
    pub(super) fn new(body: Incoming) -> Self {
        Passed { body, visit: None, silence: None }
    }

    pub(super) fn accompany(&mut self, visit: Visit) {
        self.visit = Some(visit);
    }

    pub(super) fn set_idle(&mut self, silence: Silence) {
        self.silence = Some(silence);
    }

    pub(super) fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            let is_over = !matches!(frame, Some(Ok(_))) || self.body.is_end_stream();
            if let Some(silence) = &mut self.silence {
                silence.end();
            }
            if let (Some(Ok(frame)), Some(visit)) = (&frame, &mut self.visit) {
                if let Some(data) = frame.data_ref() {
                    visit.copy(data);
                } else if let Some(trailers) = frame.trailers_ref() {
                    visit.set_grpc_status(rpc::code_of(trailers));
                }
            }
            if is_over && let Some(visit) = self.visit.take() {
                if matches!(frame, Some(Err(_))) { visit.cut() } else { visit.complete() }
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(|_| Cut)));
        }
        let Some(silence) = &mut self.silence else { return Poll::Pending };
        ready!(silence.poll(context));
        if let Some(visit) = self.visit.take() {
            visit.cut();
        }
        Poll::Ready(Some(Err(Cut)))
    }

    pub(super) fn is_over(&self) -> bool {
        self.body.is_end_stream()
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
