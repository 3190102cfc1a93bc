//! The buffer between the author's closure, or the halves of its socket, and the task that drives the socket.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use http::StatusCode;

use crate::error::{Error, Result};
use crate::exchange::Call;
use crate::websocket::message::{Close, Message};
use crate::websocket::outbox::Outbox;

pub(super) struct Mailbox {
    /// The request, in the form that is kept while the socket lasts.
    pub(super) call: Arc<Call>,
    pub(super) protocol: Option<Cow<'static, str>>,
    mail: Mutex<Mail>,
}

#[derive(Default)]
pub(super) struct Mail {
    /// The received message that the closure has not taken. While there is one, nothing more is read.
    pub(super) inbox: Option<Message>,
    pub(super) outbox: Outbox,
    /// Why reading ended, if the client is at fault. It is given once.
    pub(super) fault: Option<Error>,
    /// No more messages will come.
    pub(super) is_over: bool,
    /// How the socket was closed, or is to be closed.
    pub(super) close: Option<Close>,
    /// The task that waits for a message, and the task that waits for room.
    pub(super) reader: Sleeper,
    pub(super) writer: Sleeper,
    sending: Sending,
    /// Whether a large message waits for the closure.
    pub(super) is_parked: bool,
    driver: Option<Waker>,
}

impl Mailbox {
    pub(super) fn new(call: Arc<Call>, protocol: Option<Cow<'static, str>>) -> Self {
        Self { call, protocol, mail: Mutex::default() }
    }

    pub(super) fn open(&self) -> MutexGuard<'_, Mail> {
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn poll_next(&self, cx: &Context<'_>) -> Poll<Option<Result<Message>>> {
        let mut mail = self.open();
        if let Some(message) = mail.inbox.take() {
            mail.wake_driver(Some(cx));
            return Poll::Ready(Some(Ok(message)));
        }
        if mail.is_over {
            return Poll::Ready(mail.fault.take().map(Err));
        }
        mail.reader.sleep(cx);
        if std::mem::take(&mut mail.is_parked) {
            mail.wake_driver(Some(cx));
        }
        Poll::Pending
    }

    /// Takes the message when there is room for it.
    pub(super) fn poll_send(&self, cx: &Context<'_>, message: &mut Option<Message>) -> Poll<Result> {
        let mut mail = self.open();
        if let Some(close) = &mail.close {
            let error = closed(close);
            mail.sending = Sending::Nothing;
            // The driver may hold the answer to the client's close back for this message.
            mail.wake_driver(Some(cx));
            return Poll::Ready(Err(error));
        }
        if mail.outbox.is_full() {
            mail.writer.sleep(cx);
            mail.sending.wait();
            return Poll::Pending;
        }
        if let Some(message) = message.take() {
            mail.outbox.push(message);
            mail.sending = Sending::Nothing;
            mail.wake_driver(Some(cx));
        }
        Poll::Ready(Ok(()))
    }

    /// The message that waited for room will not be sent.
    pub(super) fn forgo(&self) {
        let mut mail = self.open();
        mail.sending = Sending::Nothing;
        mail.wake_driver(None);
    }

    /// Asks for a close, unless there is one already.
    pub(super) fn close(&self, close: Close) {
        let mut mail = self.open();
        if mail.close.is_none() {
            mail.close = Some(close);
            mail.wake_driver(None);
        }
    }
}

/// The state of a message that waits for room in the outbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Sending {
    #[default]
    Nothing,
    Waits,
    /// The reply to the client's close waits for the message.
    HoldsClose,
}

impl Sending {
    fn wait(&mut self) {
        if *self == Self::Nothing {
            *self = Self::Waits;
        }
    }
}

impl Mail {
    /// Whether the reply to the client's close waits for a message.
    pub(super) fn is_held(&self) -> bool {
        self.sending == Sending::HoldsClose
    }

    /// Whether reading is paused: the closure has not taken the last message, or the client does not read its pongs.
    pub(super) fn is_blocked(&self) -> bool {
        (self.inbox.is_some() && !self.is_over) || self.outbox.is_flooded()
    }

    /// Whether a large message may be read: the closure waits for it, or nothing is received any more and the message
    /// is dropped.
    pub(super) fn is_wanted(&self) -> bool {
        self.reader.is_asleep || self.is_over
    }

    /// Called when the client has closed. A message that waits for room is sent before the close is answered.
    pub(super) fn hold(&mut self) {
        if self.sending == Sending::Waits {
            self.sending = Sending::HoldsClose;
        }
    }

    pub(super) fn is_driven_by(&mut self, cx: &Context<'_>) {
        if !self.driver.as_ref().is_some_and(|driver| driver.will_wake(cx.waker())) {
            self.driver = Some(cx.waker().clone());
        }
    }

    /// Ends reading. `close` is the close of the socket, unless there is one already.
    pub(super) fn end(&mut self, close: Close) {
        self.is_over = true;
        self.close.get_or_insert(close);
        std::mem::take(&mut self.reader).wake(None);
        std::mem::take(&mut self.writer).wake(None);
    }

    /// Wakes the driver. If the closure runs in the driver's own task (`cx`), the driver continues after it, and needs
    /// no wake.
    fn wake_driver(&self, cx: Option<&Context<'_>>) {
        if let Some(driver) = &self.driver
            && !cx.is_some_and(|cx| driver.will_wake(cx.waker()))
        {
            driver.wake_by_ref();
        }
    }
}

/// A task that may wait. The waker is kept, because a task mostly waits with the same waker.
#[derive(Default)]
pub(super) struct Sleeper {
    waker: Option<Waker>,
    is_asleep: bool,
}

impl Sleeper {
    fn sleep(&mut self, cx: &Context<'_>) {
        self.is_asleep = true;
        match &mut self.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            None => self.waker = Some(cx.waker().clone()),
        }
    }

    /// Wakes the task. True if it is the task of `own`, which is awake already.
    pub(super) fn wake(&mut self, own: Option<&Context<'_>>) -> bool {
        let Some(waker) = self.waker.as_ref().filter(|_| self.is_asleep) else { return false };
        self.is_asleep = false;
        let is_own = own.is_some_and(|cx| waker.will_wake(cx.waker()));
        if !is_own {
            waker.wake_by_ref();
        }
        is_own
    }
}

/// The error of a send after the close. It is not logged: the close was reported before.
fn closed(close: &Close) -> Error {
    let Close { code, reason } = close;
    Error::of_ours(StatusCode::BAD_REQUEST, format!("the socket is closed: {code} {reason}")).reported()
}
