//! Asynchronous calls: stored first, then answered with 202, whichever way they come in.

use std::time::Duration;

use bytes::Bytes;
use fc_runtime::platform::limits::ASYNC_DELAY_MAX;
use fc_runtime::platform::names::header as fc;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use super::body::{Outgoing, plain};
use super::control::unquoted;
use super::visit::Visit;
use crate::failure::Failure;
use crate::model::Edition;
use crate::queue::{New, Queue, StoredCall};

/// The longest delay of a call, in seconds.
const DELAY_MAX: u64 = ASYNC_DELAY_MAX.as_secs();

const TASK_ID: HeaderName = HeaderName::from_static(fc::ASYNC_TASK_ID);
const TASK_ID_FC2: HeaderName = HeaderName::from_static(fc::STATEFUL_INVOCATION_ID);
const TASK_MODE: HeaderName = HeaderName::from_static(fc::STATEFUL_INVOCATION_ENABLE);
const DELAY: HeaderName = HeaderName::from_static(fc::ASYNC_DELAY);

/// What a client wants of its asynchronous call.
#[derive(Debug)]
pub(crate) struct Wish {
    task: Option<String>,
    is_task: bool,
    delay: Duration,
}

impl Wish {
    /// Reads the client's headers.
    ///
    /// # Errors
    ///
    /// The delay is no number of 1 to 3600 seconds.
    pub(crate) fn read(headers: &HeaderMap) -> Result<Self, Failure> {
        let text = |name: &HeaderName| {
            headers.get(name).map(|value| String::from_utf8_lossy(unquoted(value.as_bytes())).into_owned())
        };
        let delay = match text(&DELAY) {
            None => 0,
            Some(delay) => {
                delay.parse().ok().filter(|delay| (1..=DELAY_MAX).contains(delay)).ok_or_else(|| {
                    let text = format!("{DELAY} must be 1 to {DELAY_MAX} seconds but is '{delay}'");
                    Failure::invalid_argument(text)
                })?
            }
        };
        let is_task = text(&TASK_MODE).is_some_and(|mode| mode.eq_ignore_ascii_case("true"));
        let task = text(&TASK_ID).or_else(|| text(&TASK_ID_FC2));
        Ok(Wish { task, is_task, delay: Duration::from_secs(delay) })
    }
}

/// Accepts the call. It is on the disk before the client is told so.
pub(crate) async fn accept(
    queue: &Queue,
    (function, qualifier): (&str, Option<&str>),
    wish: Wish,
    visit: &mut Visit,
    call: StoredCall,
) -> Result<Response<Outgoing>, Failure> {
    visit.set_via(call.via);
    let new = New {
        function: function.to_owned(),
        qualifier: qualifier.map(str::to_owned),
        request: visit.id().to_string(),
        task: wish.task,
        is_task: wish.is_task,
        delay: wish.delay,
        depth: 0,
        call,
    };
    let task = queue.accept(new).await?;
    let mut headers = HeaderMap::new();
    if let Ok(id) = HeaderValue::from_str(&visit.id()) {
        headers.insert(fc::REQUEST_ID, id);
    }
    if let Some(id) = task.and_then(|task| HeaderValue::try_from(task).ok()) {
        let settings = queue.settings(function);
        let is_fc2 = settings.is_some_and(|settings| settings.local.edition == Edition::Fc2);
        headers.insert(if is_fc2 { TASK_ID_FC2 } else { TASK_ID }, id);
    }
    Ok(plain(StatusCode::ACCEPTED, headers, Bytes::new()).map(Outgoing::whole))
}
