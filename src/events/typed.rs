//! Event handlers that take a type.

use std::panic::Location;

use ::http::StatusCode;
use fc_events::FromPayload;

use crate::app::{App, EventType, Handler, event_replying};
use crate::error::{Error, StatusError};
use crate::exchange::Event;
use crate::reply::IntoEventReply;
use crate::task::BoxFuture;

impl<S: Send + Sync + 'static> App<S> {
    /// Handles event calls of one type: the payload is read before the handler runs. In place of [`event`](Self::event).
    ///
    /// A payload of another type fails the call with the type `WrongEvent` and a message that names the element of the batch and the field.
    ///
    /// ```
    /// use fc_runtime::App;
    /// use fc_runtime::events::{Batch, CloudEvent, kafka::Record};
    ///
    /// # fc_runtime::testing::run(async {
    /// let client = App::with_state(10)
    ///     .event_of(async |event, records: Batch<CloudEvent<Record>>| {
    ///         records.iter().map(|record| record.data.offset.unwrap_or(0)).sum::<i64>().min(*event.state()).to_string()
    ///     })
    ///     .test_client();
    /// let record = |offset| format!(r#"{{"id": "1", "type": "alikafka:Topic:Message", "data": {{"topic": "t", "offset": {offset}}}}}"#);
    /// client.invoke(format!("[{},{}]", record(3), record(4))).await.assert_text("7");
    /// let wrong = client.invoke(format!("[{},{}]", record(3), "{}")).await;
    /// assert!(wrong.assert_status(404).text().contains("[1]: missing field `id`"));
    /// # });
    /// ```
    #[track_caller]
    pub fn event_of<T, F, R>(mut self, handler: F) -> Self
    where
        T: FromPayload + Send + 'static,
        F: AsyncFn(Event<S>, T) -> R + Handler<(Event<S>, T), R>,
        R: IntoEventReply + 'static,
    {
        let of = EventType { name: std::any::type_name::<T>(), triggers: T::TRIGGERS };
        let endpoint = move |event: Event<S>| -> BoxFuture<crate::Result<crate::Bytes>> {
            match read(&event) {
                Ok(value) => event_replying(handler.clone().call((event, value))),
                Err(error) => Box::pin(std::future::ready(Err(error))),
            }
        };
        self.set_event(Box::new(endpoint), Some(of), Location::caller());
        self
    }
}

impl<S> Event<S> {
    /// Reads the payload as the event of a trigger: see [`events`](crate::events) for the types. Unlike [`json`](Self::json) it reads CBOR and the
    /// plain text of topics too, where the type is one that comes so.
    ///
    /// # Errors
    /// 422 when the payload is no event of this type: with the element of the batch and the field.
    ///
    /// ```
    /// use fc_runtime::App;
    /// use fc_runtime::events::{mns::TopicEvent, timer::TimerEvent};
    ///
    /// # fc_runtime::testing::run(async {
    /// let client = App::new()
    ///     .event(async |event| {
    ///         if let Ok(timer) = event.read::<TimerEvent>() { return Ok(timer.trigger_name); }
    ///         Ok(event.read::<TopicEvent>()?.message)
    ///     })
    ///     .test_client();
    /// client.invoke(r#"{"triggerTime": "2026-01-05T06:40:00Z", "triggerName": "nightly"}"#).await.assert_text("nightly");
    /// client.invoke("news").await.assert_text("news");
    /// # });
    /// ```
    pub fn read<T: FromPayload>(&self) -> Result<T, StatusError> {
        read(self).map_err(Error::into_std)
    }
}

fn read<S, T: FromPayload>(event: &Event<S>) -> crate::Result<T> {
    fc_events::read(event.bytes()).map_err(|wrong| misfit("the event", &wrong))
}

/// The error of an event, or of what stands in one, that is none of its type.
pub(super) fn misfit(what: &str, wrong: &fc_events::Error) -> Error {
    let message = format!("{what} does not fit: {wrong}");
    let error = Error::of_ours(StatusCode::UNPROCESSABLE_ENTITY, message).with_code("WrongEvent");
    let error = match wrong.field() {
        Some(field) => error.with_member("field", field),
        None => error,
    };
    match wrong.element() {
        Some(element) => error.with_member("element", element),
        None => error,
    }
}
