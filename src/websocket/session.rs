//! The task of one socket: reads, answers pings, runs the author's closure, writes what it sent, and closes.
//!
//! One task does all of it, so that a message from the wire to the closure and back costs one wake-up, one read and one
//! write. A message that nobody asked for yet waits, and no more is read; when the closure waits, what it sent is
//! written.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::StatusCode;
use tokio::time::Sleep;

use crate::error::{Error, Result};
use crate::exchange::upgrade::{UpgradeEnd, Upgraded};
use crate::log::current;
use crate::stage::{Begin, PanicGuarded, log_cause};
use crate::stop::StopNotice;
use crate::task::BoxFuture;
use crate::timer::Timer;
use crate::websocket::connection::Connection;
use crate::websocket::engine::Incoming;
use crate::websocket::mailbox::Mailbox;
use crate::websocket::message::Close;
use crate::websocket::ping_timer::{Beat, PingTimer};

/// The author's closure, before it is called.
pub(super) type Closure = Box<dyn FnOnce(Arc<Mailbox>) -> BoxFuture<Result> + Send>;

/// How long a client may read nothing of what was sent to it, or not answer a close.
const CLOSE_MAX: Duration = Duration::from_secs(5);

/// How long a closure may go on when its client has left, unless its place says that it may finish.
const GRACE: Duration = Duration::from_secs(10);

/// How many messages in a row may keep the thread to themselves.
const TURNS: usize = 64;

pub(super) struct Session {
    mailbox: Arc<Mailbox>,
    /// `None` when nothing is left to be said.
    connection: Option<Connection>,
    work: Option<PanicGuarded<Start, Result>>,
    /// Ends when the peer has gone, for times in which nothing is read.
    departed: Option<BoxFuture<()>>,
    stop: StopNotice,
    /// When the platform would cut the connection.
    deadline: Option<Pin<Box<Sleep>>>,
    ping_timer: PingTimer,
    closing: Timer,
    grace: Timer,
    /// Whether the closure may go on for as long as it likes.
    may_finish: bool,
    is_reading: bool,
    /// The client has left, of its own accord.
    is_gone: bool,
    /// What the client has said goodbye with, until that is answered.
    goodbye: Option<Close>,
    ended: UpgradeEnd,
}

/// What a session begins with.
pub(super) struct Opening {
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) closure: Closure,
    pub(super) stop: StopNotice,
    pub(super) deadline: Option<Pin<Box<Sleep>>>,
    pub(super) ping_timer: PingTimer,
    pub(super) max_message: usize,
    pub(super) may_finish: bool,
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

impl Session {
    pub(super) fn new(upgraded: Upgraded, opening: Opening) -> Self {
        let Opening { mailbox, closure, stop, deadline, ping_timer, max_message, may_finish } = opening;
        let start = Start { closure, mailbox: Arc::clone(&mailbox) };
        Self {
            connection: Some(Connection::new(upgraded.io, max_message, &upgraded.read_buf)),
            work: Some(PanicGuarded::new(Arc::clone(&mailbox.call), start)),
            departed: Some(upgraded.departed),
            mailbox,
            stop,
            deadline,
            ping_timer,
            closing: Timer::default(),
            grace: Timer::default(),
            may_finish,
            is_reading: true,
            is_gone: false,
            goodbye: None,
            ended: UpgradeEnd::default(),
        }
    }

    /// Announcements, and the silence of the client.
    fn hear(&mut self, cx: &mut Context<'_>) {
        let Some(connection) = self.connection.as_mut().filter(|connection| !connection.is_closing()) else {
            return;
        };
        let is_up = self.deadline.as_mut().is_some_and(|deadline| deadline.as_mut().poll(cx).is_ready());
        if is_up || Pin::new(&mut self.stop).poll(cx).is_ready() {
            let reason = if is_up { "the function's time is up" } else { "going away" };
            self.mailbox.open().end(Close::new(1001, reason));
        }
        // While it is we who do not listen, a client is not silent.
        let is_reading = self.is_reading;
        match self.ping_timer.poll(cx, || connection.has_moved() || !is_reading) {
            Some(Beat::Ping) => connection.ping(),
            Some(Beat::Lost) => self.lose(),
            None => {}
        }
    }

    /// Reads until there is something for the closure; whether it waits for that, in this task.
    fn receive(&mut self, cx: &mut Context<'_>) -> bool {
        while let Some(connection) = &mut self.connection {
            let mut mail = self.mailbox.open();
            if let Some(close) = self.goodbye.take_if(|_| !mail.is_held) {
                self.is_gone |= mail.close.is_none();
                self.ended.left = false;
                mail.end(close);
                drop(mail);
                self.mailbox.call.departure.announce();
                continue;
            }
            mail.is_driven_by(cx);
            connection.prepare(&mut mail);
            self.is_reading = !mail.is_blocked();
            if !self.is_reading {
                return false;
            }
            let Poll::Ready(incoming) = connection.poll_read(cx) else { return false };
            match incoming {
                Incoming::Message(_) if mail.is_over => {}
                Incoming::Message(message) => {
                    // A pong goes before whatever the message is answered with.
                    connection.prepare(&mut mail);
                    mail.inbox = Some(message);
                    return mail.reader.wake(Some(cx));
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
        }
        false
    }

    /// Lets the closure work until it waits.
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

    /// Writes what waits; whether that is what the closure, in this task, or the reading has waited for.
    fn flush(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(connection) = &mut self.connection else { return false };
        let mut mail = self.mailbox.open();
        connection.prepare(&mut mail);
        match connection.poll_flush(&mut mail.outbox, cx) {
            Poll::Ready(Ok(false)) | Poll::Pending => {}
            Poll::Ready(Ok(true)) => {
                drop(mail);
                self.shut();
                return false;
            }
            Poll::Ready(Err(_)) => {
                drop(mail);
                self.lose();
                return false;
            }
        }
        let may_read = !self.is_reading && !mail.is_blocked();
        let may_send = !mail.outbox.is_full() && mail.writer.wake(Some(cx));
        may_read || may_send
    }

    /// Waits, for as long as there is something to wait for.
    fn rest(&mut self, cx: &mut Context<'_>) -> Poll<UpgradeEnd> {
        let is_closing = self.connection.as_ref().is_some_and(Connection::is_closing);
        if is_closing {
            // A client that goes on reading what was sent to it gets all of it.
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
            && departed.as_mut().poll(cx).is_ready()
        {
            (self.departed, self.is_gone) = (None, true);
            // Unless a goodbye is found among what it sent.
            self.ended.left |= !is_closing;
            self.mailbox.call.departure.announce();
        }
        let may_go_on = !self.is_gone || self.may_finish || self.work.is_none();
        if !may_go_on && self.grace.poll(cx, GRACE).is_ready() {
            self.lose();
            self.work = None;
        }
        if self.connection.is_none() && self.work.is_none() { Poll::Ready(self.ended) } else { Poll::Pending }
    }

    /// The client has gone without a word, or in the middle of its own.
    fn lose(&mut self) {
        if self.connection.as_ref().is_some_and(|connection| !connection.is_closing()) {
            (self.ended.left, self.is_gone) = (true, true);
        }
        self.shut();
    }

    /// Lets go of the connection. Nobody is there any more: a closure that goes on has its grace.
    fn shut(&mut self) {
        self.is_gone = true;
        self.mailbox.call.departure.announce();
        // The watch holds on to the socket too.
        (self.connection, self.departed, self.deadline) = (None, None, None);
        let mut mail = self.mailbox.open();
        self.ended.sent = mail.outbox.sent();
        mail.end(self.goodbye.take().unwrap_or_else(|| Close::new(1006, "")));
    }
}

impl Future for Session {
    type Output = UpgradeEnd;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<UpgradeEnd> {
        let this = &mut *self;
        this.hear(cx);
        for turn in 0..TURNS {
            let is_wanted = this.receive(cx);
            if turn > 0 && !is_wanted && !this.flush(cx) {
                return this.rest(cx);
            }
            this.work(cx);
        }
        // Whoever sends without a pause gets answers all the same.
        this.flush(cx);
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// What the closure learns of a client that cannot be understood. The client was told; it is not an error of ours.
fn fault(close: &Close) -> Error {
    let status = if close.code == 1009 { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST };
    Error::of_ours(status, format!("the client's message cannot be taken: {}", close.reason)).reported()
}
