//! A reply that switches protocols: its record and its place among the requests go on with the connection.

use std::future::poll_fn;
use std::sync::Arc;

use http::{Response, StatusCode};

use crate::exchange::{Line, Takeover};
use crate::stage::Outgoing;
use crate::tally::Permit;

/// Hands what the handler left over to the connection, which starts it when this reply has been sent.
pub(crate) fn board(response: &mut Response<Outgoing>, permit: Option<Arc<Permit>>) {
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return;
    }
    let Some(call) = response.body().call() else { return };
    // Somebody may answer 101 by hand.
    let (Some(Takeover { call: lean, run }), Some(peer)) = (call.takeover.take(), &call.peer) else { return };
    let Some(mut record) = response.body_mut().take_record() else { return };
    let before = Arc::downgrade(&call);
    record.go_on_as(lean);
    peer.boarding.set(Box::new(move |line: Line| {
        // By now everything of ours has let go of the request as it came; what has not waits for the client to leave.
        let mut watched = before.upgrade();
        let mut running = run(line);
        let mut place = None;
        Box::pin(async move {
            let ended = poll_fn(|cx| {
                let ended = running.as_mut().poll(cx);
                let call = record.call();
                if watched.is_some()
                    && (ended.is_ready() || call.departure.poll_gone(&mut place, cx).is_ready())
                {
                    watched.take().inspect(|call| call.departure.announce());
                }
                ended
            });
            let ended = ended.await;
            record.end_switched(ended);
            drop(permit);
        })
    }));
}
