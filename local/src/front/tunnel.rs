//! A WebSocket with the record of its visit.

use super::visit::Visit;
use crate::call::AnswerTunnel;

/// A WebSocket that starts once the head of the answer is sent. A drop means that the client left.
#[derive(Debug)]
pub(crate) struct Tunnel {
    answer: AnswerTunnel,
    visit: Option<Visit>,
}

impl Tunnel {
    pub(crate) fn new(answer: AnswerTunnel) -> Self {
        Tunnel { answer, visit: None }
    }

    pub(super) fn accompany(&mut self, visit: Visit) {
        self.visit = Some(visit);
    }

    /// Runs the WebSocket to its end.
    pub(super) async fn carry(self: Box<Self>) {
        let Tunnel { answer, visit } = *self;
        let carried = answer.carry().await;
        if let Some(mut visit) = visit {
            visit.set_traffic(carried.passed);
            // The drop of an incomplete visit means that the client left.
            if !carried.has_client_left {
                visit.complete();
            }
        }
        carried.see_off().await;
    }
}
