//! Forms with an effect: tasks are stopped and carried out once more, requests and events are sent.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use fc_events::tablestore::TablestoreEvent;
use fc_runtime::platform::names::header as fc;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Limited};
use tokio::time::timeout;

use super::console::{Asked, Console, Replay};
use super::data;
use super::form::segment;
use super::pages::frame::Tab;
use super::pages::send::{Draft, Sent};
use super::pages::{request, send};
use super::reply;
use crate::front::body::Outgoing;
use crate::front::{refusal, sample};
use crate::wire::{ids, outgoing};

/// The longest wait for the reply to an event.
const TIME_MAX: Duration = Duration::from_secs(120);

/// The most of a reply that is read, in bytes.
const REPLY_MAX: usize = 1024 * 1024;

impl Console {
    /// Carries a form out whose sender was checked.
    pub(super) async fn act(&self, asked: &Asked<'_>, replay: Replay<'_>) -> Response<Outgoing> {
        let rest: Vec<&str> = asked.rest.iter().map(String::as_str).collect();
        match rest[..] {
            ["requests", id, "replay"] => {
                let to = asked.fields.word("to").map(str::to_owned);
                let outcome = replay(id.to_owned(), to).await;
                let body = request::replayed(&asked.frame, id, &outcome);
                let page = asked.frame.page(Tab::Requests, Some("Sent once more"), None, &body);
                reply::page(StatusCode::OK, page)
            }
            ["tasks", function, task, "stop"] => {
                let outcome = self.shared.queue.stop_task(function, task).await;
                let to = format!("/tasks/{}/{}", segment(function), segment(task));
                done(asked, outcome.map(|()| to).map_err(|failure| failure.told()))
            }
            ["tasks", function, task, "retry"] => {
                let outcome = self.shared.queue.repeat_task(function, task, &ids::request()).await;
                let to = |new: String| format!("/tasks/{}/{}", segment(function), segment(&new));
                done(asked, outcome.map(to).map_err(|failure| failure.told()))
            }
            ["send"] => self.send(asked).await,
            _ => Console::unknown(asked, "The console has no such form."),
        }
    }

    async fn send(&self, asked: &Asked<'_>) -> Response<Outgoing> {
        let text = |name: &str| asked.fields.get(name).unwrap_or_default().to_owned();
        let mut draft = Draft {
            trigger: text("trigger"),
            function: text("function"),
            qualifier: asked.fields.word("qualifier").unwrap_or_default().to_owned(),
            event: text("event"),
            is_async: asked.fields.get("mode") == Some("async"),
            wrong: None,
        };
        let sent = match try_send(asked, &draft).await {
            Ok(sent) => Some(sent),
            Err(why) => {
                draft.wrong = Some(why);
                None
            }
        };
        let names = data::names(&self.shared.registry);
        let body = send::page(&asked.frame, &names, &sample::names(), &draft, sent.as_ref());
        reply::page(StatusCode::OK, asked.frame.page(Tab::Send, None, None, &body))
    }
}

/// Calls the function as a client of the API does: by the main port, so that the call is recorded like all others.
async fn try_send(asked: &Asked<'_>, draft: &Draft) -> Result<Sent, String> {
    let main = asked.ports.get("").ok_or("the main port is closed")?;
    let event =
        if draft.trigger == sample::TABLESTORE { cbor(&draft.event)? } else { draft.event.clone().into() };
    let path = format!("/2023-03-30/functions/{}/invocations", segment(&draft.function));
    let query = if draft.qualifier.is_empty() {
        String::new()
    } else {
        format!("?qualifier={}", segment(&draft.qualifier))
    };
    let address = format!("http://{main}{path}{query}");
    let address: Uri = address.parse().map_err(|_| format!("`{}` is no function", draft.function))?;
    let mut request =
        Request::builder().method(Method::POST).header(header::CONTENT_TYPE, "application/octet-stream");
    request = if draft.is_async {
        request.header(fc::INVOCATION_TYPE, "Async")
    } else {
        request.header("x-fc-log-type", "Tail")
    };
    let begin = Instant::now();
    let read = async |reply: Response<hyper::body::Incoming>| {
        let (head, body) = reply.into_parts();
        let body = Limited::new(body, REPLY_MAX).collect().await;
        let body = body.map_err(|error| format!("the reply cannot be read: {error}"))?.to_bytes();
        Ok((head, body))
    };
    let sent = timeout(TIME_MAX, outgoing::exchange(&address, request, event, read)).await;
    let (head, body) = sent.map_err(|_| format!("no reply came within {} s", TIME_MAX.as_secs()))??;
    Ok(sent_of(head.status.as_u16(), &head.headers, &body, begin.elapsed()))
}

/// Goes on to the page that shows what was done.
fn done(asked: &Asked<'_>, outcome: Result<String, String>) -> Response<Outgoing> {
    match outcome {
        Ok(to) => reply::see(&asked.frame.to(&to)),
        Err(why) => {
            let body = maud::html! { p.notice.bad role="alert" { (why) } p { a href=(asked.frame.to("/tasks")) { "Tasks" } } };
            let page = asked.frame.page(Tab::Tasks, Some("Not done"), None, &body);
            reply::page(StatusCode::CONFLICT, page)
        }
    }
}

/// The event of Table Store as its trigger sends it.
fn cbor(text: &str) -> Result<Bytes, String> {
    let event: TablestoreEvent =
        serde_json::from_str(text).map_err(|error| format!("this is no event of tablestore: {error}"))?;
    event.to_cbor().map(Bytes::from).map_err(|error| error.to_string())
}

fn sent_of(status: u16, headers: &HeaderMap, body: &[u8], took: Duration) -> Sent {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let log = text("x-fc-log-result").and_then(|log| STANDARD.decode(log).ok()).unwrap_or_default();
    Sent {
        status,
        request: text("x-fc-request-id"),
        error_type: text(refusal::ERROR_TYPE.as_str()),
        task: text("x-fc-stateful-async-invocation-id").or_else(|| text("x-fc-async-task-id")),
        body: String::from_utf8_lossy(body).into_owned(),
        log: String::from_utf8_lossy(&log).into_owned(),
        took,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reply_of_the_api_is_read() {
        let mut headers = HeaderMap::new();
        headers.insert("x-fc-request-id", "1-2".parse().unwrap());
        headers.insert(refusal::ERROR_TYPE, refusal::UNHANDLED.parse().unwrap());
        headers.insert("x-fc-log-result", STANDARD.encode("a line\n").parse().unwrap());
        let sent = sent_of(200, &headers, b"{}", Duration::ZERO);
        assert_eq!(
            (sent.request.as_deref(), sent.log.as_str(), sent.body.as_str()),
            (Some("1-2"), "a line\n", "{}")
        );
        assert_eq!(sent.error_type.as_deref(), Some(refusal::UNHANDLED));
    }

    #[test]
    fn an_event_of_table_store_is_sent_as_its_trigger_does() {
        let sample = sample::json(sample::TABLESTORE).unwrap();
        let sent = cbor(&sample).unwrap();
        assert!(fc_events::read::<TablestoreEvent>(&sent).is_ok());
        assert!(cbor("[]").unwrap_err().contains("no event of tablestore"));
    }
}
