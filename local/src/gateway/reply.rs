//! A function's reply on its way to the client: streamed if the function streams it, else whole.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version, header};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Sleep, sleep_until};

use super::record::Visit;
use crate::call::{Answer, AnswerBody, Run, collect};
use crate::failure::Failure;
use crate::wire::Hangup;
use crate::wire::{headers, limits};

pub(crate) const LOG_RESULT: HeaderName = HeaderName::from_static("x-fc-log-result");

/// Makes the client's response from the function's.
pub(crate) async fn pass_on(
    answer: Answer,
    method: &Method,
    visit: &Visit,
    wants_log: bool,
) -> Result<Response<Outgoing>, Failure> {
    let Answer { mut head, body, run } = answer;
    let refused = limits::check_reply(&head.headers)
        .and_then(|()| if head.status.is_informational() { Err(informational(head.status)) } else { Ok(()) });
    if let Err(failure) = refused {
        run.fail(&failure);
        return Err(failure);
    }
    let has_no_body =
        *method == Method::HEAD || matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let length = head.headers.get(header::CONTENT_LENGTH).cloned().filter(|_| has_no_body);
    headers::strip_reply(&mut head.headers);
    // A function may speak HTTP/1.0; the platform's own client side does not.
    head.version = Version::HTTP_11;
    set_request_id(&mut head.headers, visit);
    let body = match body {
        AnswerBody::Stream(body) if !has_no_body && !wants_log => {
            return Ok(Response::from_parts(head, Outgoing::Streamed(Box::new(Streamed::new(body, run)))));
        }
        body => body,
    };
    let (whole, log) = collect(body, run, wants_log).await?;
    if let Some(log) = log {
        set_log(&mut head.headers, &log);
    }
    // The length of what would have been sent is the function's to tell.
    if let Some(length) = length {
        head.headers.insert(header::CONTENT_LENGTH, length);
    }
    Ok(Response::from_parts(head, Outgoing::whole(whole)))
}

fn informational(status: StatusCode) -> Failure {
    Failure::bad_response(format!("the function answered {status}, which the gateway did not ask for"))
}

fn set_request_id(into: &mut HeaderMap, visit: &Visit) {
    if let Ok(value) = HeaderValue::from_str(&visit.id()) {
        into.insert(headers::REQUEST_ID, value);
    }
}

/// The last 4 KB of the call's log, for a caller who asked for them.
pub(crate) fn set_log(headers: &mut HeaderMap, log: &str) {
    if let Ok(value) = HeaderValue::from_str(&STANDARD.encode(log)) {
        headers.insert(LOG_RESULT, value);
    }
}

/// The body of a response.
#[derive(Debug)]
pub(crate) enum Outgoing {
    Whole(Option<Bytes>),
    Streamed(Box<Streamed>),
}

/// Ready when the client has left.
type Watch = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A body that is passed on as it comes. Dropping it early means that the client left.
pub(crate) struct Streamed {
    body: Incoming,
    run: Option<Run>,
    visit: Option<Visit>,
    hangup: Option<Watch>,
    deadline: Pin<Box<Sleep>>,
}

impl fmt::Debug for Streamed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Streamed").field("run", &self.run).finish_non_exhaustive()
    }
}

impl Streamed {
    fn new(body: Incoming, run: Run) -> Self {
        let deadline = Box::pin(sleep_until(run.deadline()));
        Streamed { body, run: Some(run), visit: None, hangup: None, deadline }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if self.run.is_none() {
            return Poll::Ready(None);
        }
        if self.deadline.as_mut().poll(context).is_ready() {
            if let Some(run) = self.run.take() {
                let failure = run.timed_out();
                run.fail(&failure);
            }
            return Poll::Ready(Some(Err(self.cut())));
        }
        if self.hangup.as_mut().is_some_and(|gone| gone.as_mut().poll(context).is_ready()) {
            // Dropping the run and the visit unfinished says that the client left.
            self.run = None;
            self.visit = None;
            return Poll::Ready(Some(Err(Cut)));
        }
        match ready!(Pin::new(&mut self.body).poll_frame(context)) {
            Some(Ok(frame)) => Poll::Ready(Some(Ok(frame))),
            Some(Err(_)) => {
                if let Some(run) = self.run.take() {
                    let failure = Failure::process_exited(run.elapsed(), run.memory());
                    run.fail(&failure);
                }
                Poll::Ready(Some(Err(self.cut())))
            }
            None => {
                if let Some(run) = self.run.take() {
                    run.finish();
                }
                if let Some(visit) = self.visit.take() {
                    visit.complete();
                }
                Poll::Ready(None)
            }
        }
    }

    /// The rest does not come: the client must not take what it has for the whole.
    fn cut(&mut self) -> Cut {
        if let Some(visit) = self.visit.take() {
            visit.complete();
        }
        Cut
    }
}

impl Outgoing {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Outgoing::Whole((!bytes.is_empty()).then_some(bytes))
    }

    pub(crate) fn is_streamed(&self) -> bool {
        matches!(self, Outgoing::Streamed(_))
    }

    /// Lets a streamed body notice that its client leaves.
    pub(crate) fn watched(mut self, hangup: &Arc<Hangup>) -> Self {
        if let Outgoing::Streamed(streamed) = &mut self {
            let hangup = Arc::clone(hangup);
            streamed.hangup = Some(Box::pin(async move { hangup.gone().await }));
        }
        self
    }

    pub(crate) fn accompany(&mut self, visit: Visit) {
        if let Outgoing::Streamed(streamed) = self {
            streamed.visit = Some(visit);
        }
    }
}

/// A streamed reply ended early.
#[derive(Debug)]
pub(crate) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the reply was cut")
    }
}

impl std::error::Error for Cut {}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match self.get_mut() {
            Outgoing::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Outgoing::Streamed(streamed) => streamed.poll(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Outgoing::Whole(bytes) => bytes.is_none(),
            Outgoing::Streamed(streamed) => streamed.run.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Outgoing::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Outgoing::Streamed(_) => SizeHint::default(),
        }
    }
}
