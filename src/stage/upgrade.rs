//! Upgrades: the record and the permit of a request move on to the upgraded connection.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Response, StatusCode};

use crate::counters::Permit;
use crate::exchange::Call;
use crate::exchange::attached::NextProtocol;
use crate::exchange::upgrade::{PendingUpgrade, Upgraded};
use crate::stage::Outgoing;
use crate::task::BoxFuture;

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
        let call = Arc::clone(record.call());
        let on_end = Box::new(move |ended| {
            record.end_upgraded(ended);
            drop(permit);
        });
        let run = run(upgraded, on_end);
        match before.upgrade() {
            None => run,
            Some(before) => Box::pin(Watched { run, call, before: Some(before), place: None }) as _,
        }
    });
    peer.next.set(NextProtocol::Upgrade(on_upgrade));
}

fn take_upgrade(call: &Call) -> Option<PendingUpgrade> {
    // A value that is not an upgrade stays attached.
    call.attached.take()?.into_upgrade().map_err(|other| call.attached.set(other)).ok()
}

/// An upgraded connection whose original call is held by futures of the author, such as those of `hang_up()`. They learn of
/// the hang-up when the upgraded connection ends.
struct Watched {
    run: BoxFuture<()>,
    call: Arc<Call>,
    before: Option<Arc<Call>>,
    /// The place among those who wait for the hang-up.
    place: Option<usize>,
}

impl Future for Watched {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let ended = this.run.as_mut().poll(cx);
        if this.before.is_some()
            && (ended.is_ready() || this.call.departure.poll_gone(&mut this.place, cx).is_ready())
        {
            this.before.take().inspect(|call| call.departure.announce());
        }
        ended
    }
}
