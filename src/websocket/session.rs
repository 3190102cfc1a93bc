//! The task of one socket: it reads, answers pings, runs the author's closure, writes messages, and closes.
//!
//! A single task costs one wake, one read and one write for a message to the closure and back. While the closure has
//! not taken a message, the task reads nothing more. A large message is read once the closure waits for it. Whenever
//! the closure waits, its messages are flushed.

use std::pin::Pin;
use std::sync::{Arc, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use http::StatusCode;
use tokio::time::Sleep;

use crate::counters::{FinishPermit, LiveCounters};
use crate::error::{Error, Result};
use crate::exchange::upgrade::{Departed, OnEnd, UpgradeEnd, Upgraded};
use crate::log::current;
use crate::stage::{Begin, PanicGuarded, log_cause};
use crate::stop::StopNotice;
use crate::task::BoxFuture;
use crate::timer::Timer;
use crate::websocket::connection::Connection;
use crate::websocket::engine::Incoming;
use crate::websocket::mailbox::{Mail, Mailbox};
use crate::websocket::message::Close;
use crate::websocket::ping_timer::{Beat, PingTimer};

/// The author's closure, before the call.
pub(super) type Closure = Box<dyn FnOnce(Arc<Mailbox>) -> BoxFuture<Result> + Send>;

/// The longest time that a client may read nothing of our messages, or not answer our close.
const CLOSE_MAX: Duration = Duration::from_secs(5);

/// How long a closure may run after its client has left, unless its place has
/// [`HangUpPolicy::Finish`](crate::HangUpPolicy::Finish).
const GRACE: Duration = Duration::from_secs(10);

/// The most messages that are handled before the task yields its thread.
const TURNS: usize = 64;

pub(super) struct Session {
    mailbox: Arc<Mailbox>,
    /// `None` after the connection is closed.
    connection: Option<Connection>,
    work: Option<PanicGuarded<Start, Result>>,
    /// Ends when the peer has closed the connection. Polled while nothing is read.
    departed: Option<Departed>,
    stop: StopNotice,
    /// Shortly before the platform cuts the connection.
    deadline: Option<Pin<Box<Sleep>>>,
    ping_timer: PingTimer,
    closing: Timer,
    grace: Timer,
    finish: Finish,
    is_reading: bool,
    /// Whether the client has closed or left.
    is_gone: bool,
    /// The client's close, until it is answered.
    goodbye: Option<Close>,
    ended: UpgradeEnd,
    /// Called with `ended`. Dropped last, as the record outlives the closure.
    on_end: Option<OnEnd>,
}

/// The arguments of a new session.
pub(super) struct Opening {
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) closure: Closure,
    pub(super) stop: StopNotice,
    pub(super) deadline: Option<Pin<Box<Sleep>>>,
    pub(super) ping_timer: PingTimer,
    pub(super) max_message: usize,
    pub(super) finish: Finish,
}

/// Whether the closure may run without limit after the client has left.
pub(super) enum Finish {
    No,
    /// Yes, while fewer than this number of handlers run without their clients.
    Bounded(Arc<LiveCounters>, u64),
    Yes {
        _permit: FinishPermit,
    },
}

/// What follows a look at the connection.
enum Next {
    /// The closure is polled, and then the connection again.
    Work,
    /// There is nothing to do before the next wake.
    Rest,
    /// Both sides have closed, and everything is sent.
    Over,
    /// The client cannot be written to.
    Broken,
}

struct Start {
    closure: Closure,
    mailbox: Arc<Mailbox>,
}

impl Begin<Result> for Start {
    fn begin(self) -> BoxFuture<Result> {
        (self.closure)(self.mailbox)
    }
}

impl Finish {
    /// Called once the client has left. Beyond the bound the closure ends as without the policy.
    fn is_granted(&mut self) -> bool {
        if let Self::Bounded(counts, most) = self {
            *self =
                FinishPermit::take(counts, *most).map_or(Self::No, |permit| Self::Yes { _permit: permit });
        }
        matches!(self, Self::Yes { .. })
    }
}

impl Session {
    pub(super) fn new(upgraded: Upgraded, opening: Opening, on_end: OnEnd) -> Self {
        let Opening { mailbox, closure, stop, deadline, ping_timer, max_message, finish } = opening;
        let start = Start { closure, mailbox: Arc::clone(&mailbox) };
        Self {
            connection: Some(Connection::new(upgraded.io, max_message, &upgraded.read_buf, upgraded.peer)),
            work: Some(PanicGuarded::new(Arc::clone(&mailbox.call), start)),
            departed: Some(upgraded.departed),
            mailbox,
            stop,
            deadline,
            ping_timer,
            closing: Timer::default(),
            grace: Timer::default(),
            finish,
            is_reading: true,
            is_gone: false,
            goodbye: None,
            ended: UpgradeEnd::default(),
            on_end: Some(on_end),
        }
    }

    /// Handles stop notices, the deadline and pings.
    fn hear(&mut self, cx: &mut Context<'_>) {
        let Some(connection) = self.connection.as_mut().filter(|connection| !connection.is_closing()) else {
            return;
        };
        let is_up = self.deadline.as_mut().is_some_and(|deadline| deadline.as_mut().poll(cx).is_ready());
        if is_up || Pin::new(&mut self.stop).poll(cx).is_ready() {
            let reason = if is_up { "the function's time is up" } else { "going away" };
            self.mailbox.open().end(Close::new(1001, reason));
        }
        if self.ping_timer.is_waiting() {
            return;
        }
        // A client is not silent while reading is paused on our side.
        let is_reading = self.is_reading;
        match self.ping_timer.poll(cx, || connection.has_moved() || !is_reading) {
            Some(Beat::Ping) => connection.ping(),
            Some(Beat::Lost) => self.lose(),
            None => {}
        }
    }

    /// Reads until there is a message. Without one the outbox is flushed, unless the closure has not been polled yet.
    fn receive(&mut self, is_first: bool, cx: &mut Context<'_>) -> Next {
        let mail = loop {
            let Some(connection) = &mut self.connection else {
                return if is_first { Next::Work } else { Next::Rest };
            };
            let mut mail = self.mailbox.open();
            if let Some(close) = self.goodbye.take_if(|_| !mail.is_held()) {
                self.is_gone |= mail.close.is_none();
                self.ended.left = false;
                mail.end(close);
                drop(mail);
                self.mailbox.call.departure.announce();
                continue;
            }
            if is_first {
                mail.is_driven_by(cx);
            }
            connection.prepare(&mut mail);
            self.is_reading = !mail.is_blocked();
            if !self.is_reading {
                break mail;
            }
            let is_wanted = mail.is_wanted();
            let Poll::Ready(incoming) = connection.poll_read(cx, is_wanted) else {
                mail.is_parked = !is_wanted && connection.is_parked();
                self.is_reading = !mail.is_parked;
                break mail;
            };
            match incoming {
                Incoming::Message(_) if mail.is_over => {}
                Incoming::Message(message) => {
                    // A pong is queued before any reply to the message.
                    connection.prepare(&mut mail);
                    mail.inbox = Some(message);
                    // A closure that waits in this task is polled before anything is flushed.
                    if mail.reader.wake(Some(cx)) {
                        return Next::Work;
                    }
                    break mail;
                }
                Incoming::Replies => {}
                Incoming::Close(close) => {
                    mail.hold();
                    self.goodbye = Some(close.unwrap_or_else(|| Close::new(1005, "")));
                }
                Incoming::Broken(close) => {
                    self.is_gone = true;
                    mail.fault = Some(fault(&close));
                    mail.end(close);
                }
                Incoming::Gone => {
                    drop(mail);
                    self.lose();
                }
            }
        };
        if is_first { Next::Work } else { flush(self.connection.as_mut(), self.is_reading, mail, cx) }
    }

    /// Polls the closure.
    fn work(&mut self, cx: &mut Context<'_>) {
        let Some(work) = &mut self.work else { return };
        let Poll::Ready(outcome) = Pin::new(work).poll(cx) else { return };
        self.work = None;
        let close = match outcome {
            Ok(Ok(())) => Close::new(1000, ""),
            Ok(Err(error)) => {
                let _entered = current::enter(Arc::clone(&self.mailbox.call) as _);
                log_cause(&error);
                self.ended.failed = error.status().is_server_error() && !error.is_reported();
                Close::new(1011, error.message())
            }
            Err(_) => {
                (self.ended.failed, self.ended.panicked) = (true, true);
                Close::new(1011, "internal error")
            }
        };
        let mut mail = self.mailbox.open();
        mail.inbox = None;
        mail.end(close);
    }

    /// Polls the timers and the hang-up. Ready when the connection is closed and the closure has ended.
    fn rest(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let is_closing = self.connection.as_ref().is_some_and(Connection::is_closing);
        if is_closing {
            // A client that keeps reading gets all messages.
            let sent = self.mailbox.open().outbox.sent();
            if std::mem::replace(&mut self.ended.sent, sent) != sent {
                self.closing.stop();
            }
            if self.closing.poll(cx, CLOSE_MAX).is_ready() {
                self.shut();
            }
        }
        if !self.is_reading
            && let Some(departed) = &mut self.departed
            && departed.poll(cx).is_ready()
        {
            (self.departed, self.is_gone) = (None, true);
            // `left` is reset if a close frame is found among the unread bytes.
            self.ended.left |= !is_closing;
            self.mailbox.call.departure.announce();
        }
        let may_go_on = !self.is_gone || self.work.is_none() || self.finish.is_granted();
        if !may_go_on && self.grace.poll(cx, GRACE).is_ready() {
            self.lose();
            self.work = None;
        }
        if self.connection.is_some() || self.work.is_some() {
            return Poll::Pending;
        }
        if let Some(on_end) = self.on_end.take() {
            on_end(self.ended);
        }
        Poll::Ready(())
    }

    /// Lets other tasks have their turn. A client that sends without a pause still gets replies.
    #[cold]
    fn pause(&mut self, cx: &mut Context<'_>) {
        let next = flush(self.connection.as_mut(), self.is_reading, self.mailbox.open(), cx);
        self.end(&next);
        cx.waker().wake_by_ref();
    }

    /// Ends the connection if a flush has found its end.
    #[cold]
    fn end(&mut self, next: &Next) {
        match next {
            Next::Over => self.shut(),
            Next::Broken => self.lose(),
            Next::Work | Next::Rest => {}
        }
    }

    /// Ends the connection of a client that left without a close, or broke off.
    fn lose(&mut self) {
        if self.connection.as_ref().is_some_and(|connection| !connection.is_closing()) {
            (self.ended.left, self.is_gone) = (true, true);
        }
        self.shut();
    }

    /// Drops the connection. A closure that still runs gets `GRACE`.
    fn shut(&mut self) {
        self.is_gone = true;
        self.mailbox.call.departure.announce();
        // The hang-up future holds the socket too.
        (self.connection, self.departed, self.deadline) = (None, None, None);
        let mut mail = self.mailbox.open();
        self.ended.sent = mail.outbox.sent();
        mail.end(self.goodbye.take().unwrap_or_else(|| Close::new(1006, "")));
    }
}

impl Future for Session {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.hear(cx);
        for turn in 0..TURNS {
            match this.receive(turn == 0, cx) {
                Next::Work => this.work(cx),
                next => {
                    if !matches!(next, Next::Rest) {
                        this.end(&next);
                    }
                    return this.rest(cx);
                }
            }
        }
        this.pause(cx);
        Poll::Pending
    }
}

/// Flushes the outbox. There is more work if that lets the closure, in this task, or the reading continue.
#[allow(
    clippy::inline_always,
    reason = "every message comes here once; the other copy is for those that come without a pause"
)]
#[inline(always)]
fn flush(
    connection: Option<&mut Connection>,
    is_reading: bool,
    mut mail: MutexGuard<'_, Mail>,
    cx: &mut Context<'_>,
) -> Next {
    let Some(connection) = connection else { return Next::Rest };
    connection.prepare(&mut mail);
    match connection.poll_flush(&mut mail.outbox, cx) {
        Poll::Ready(Ok(false)) | Poll::Pending => {}
        Poll::Ready(Ok(true)) => return Next::Over,
        Poll::Ready(Err(_)) => return Next::Broken,
    }
    let may_read = !is_reading && !mail.is_blocked() && (mail.is_wanted() || !connection.is_parked());
    let may_send = !mail.outbox.is_full() && mail.writer.wake(Some(cx));
    if may_read || may_send { Next::Work } else { Next::Rest }
}

/// The error that the closure gets for a client's fault. The client got the reason in the close frame, and the function
/// is not at fault.
fn fault(close: &Close) -> Error {
    let status = match close.code {
        1009 => StatusCode::PAYLOAD_TOO_LARGE,
        1013 => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    };
    Error::of_ours(status, format!("the client's message cannot be taken: {}", close.reason)).reported()
}
