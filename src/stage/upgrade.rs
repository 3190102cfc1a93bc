//! Upgrades: the record and the permit of a request move on to the upgraded connection.

use std::future::poll_fn;
use std::sync::Arc;

use http::{Response, StatusCode};

use crate::counters::Permit;
use crate::exchange::Call;
use crate::exchange::attached::NextProtocol;
use crate::exchange::upgrade::{PendingUpgrade, Upgraded};
use crate::stage::Outgoing;

/// Gives the upgrade that the handler left in the call to the connection. It runs when this reply has been sent.
pub(crate) fn hand_over_upgrade(response: &mut Response<Outgoing>, permit: Option<Arc<Permit>>) {
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return;
    }
    let Some(call) = response.body().call() else { return };
    // A handler may answer 101 by hand, without an upgrade.
    let (Some(PendingUpgrade { call: lean, run }), Some(peer)) = (take_upgrade(&call), &call.peer) else {
        return;
    };
    let Some(mut record) = response.body_mut().take_record() else { return };
    let before = Arc::downgrade(&call);
    record.go_on_as(lean);
    let on_upgrade = Box::new(move |upgraded: Upgraded| {
        // Only futures of the author, such as those of `hang_up()`, can still hold the original call. They learn of the
        // hang-up when the upgraded connection ends.
        let mut watched = before.upgrade();
        let mut running = run(upgraded);
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
            record.end_upgraded(ended);
            drop(permit);
        }) as _
    });
    peer.next.set(NextProtocol::Upgrade(on_upgrade));
}

fn take_upgrade(call: &Call) -> Option<PendingUpgrade> {
    // A value that is not an upgrade stays attached.
    call.attached.take()?.into_upgrade().map_err(|other| call.attached.set(other)).ok()
}
