//! Event calls: `POST /invoke` from a trusted platform.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use crate::endpoint::ensure_initialized;
use crate::error::{Error, Result};
use crate::exchange::{Event, whole};
use crate::headers::set;
use crate::log::current;
use crate::platform::limits::REQUEST_BODY_MAX;
use crate::platform::names;
use crate::reply::{Body, Reply};
use crate::sealed::Sealed;
use crate::stage::{
    Failure, Outgoing, Record, drain_leftover, finish, log_cause, recheck, respond, run_bounded,
};

/// Runs the event handler. The HTTP status and the status header are both 200 or both 404, as the platform documents.
pub(crate) async fn answer_event<S: Send + Sync + 'static>(
    app: &Arc<Sealed<S>>,
    mut record: Record,
) -> Response<Outgoing> {
    app.shared.counts.invoked.add();
    record.set_event();
    let call = Arc::clone(record.call());
    let handled = handle(app, &mut record).await;
    recheck(&call, false).await;
    let (status, word, kind, body) = match handled {
        Ok(Handled::Reply(reply)) => return answer_inside(app, record, reply),
        Ok(Handled::Payload(payload)) => {
            (StatusCode::OK, names::status::SUCCESS, "application/octet-stream", payload)
        }
        Err(error) => {
            let mapped = catch_unwind(AssertUnwindSafe(|| app.shared.map_error(error)));
            let error =
                mapped.unwrap_or_else(|_| app.shared.panicked("the choice of an error's status panicked"));
            let _entered = current::enter(Arc::clone(&call) as _);
            log_cause(&error);
            let failure = Bytes::from(error.to_event_failure());
            (StatusCode::NOT_FOUND, names::status::FAILURE, "application/json", failure)
        }
    };
    record.set_status(status.as_u16());
    if status != StatusCode::OK {
        record.set_failed();
    }
    drain_leftover(&call, &app.shared.tracker);
    respond_to_event(status, word, kind, body, record)
}

/// What became of an event.
enum Handled {
    Payload(Bytes),
    /// The event was a request. Its record is that of the call.
    Reply(Reply),
}

async fn handle<S: Send + Sync + 'static>(app: &Arc<Sealed<S>>, record: &mut Record) -> Result<Handled> {
    let call = &Arc::clone(record.call());
    ensure_initialized(app, call).await?;
    let payload = whole(call, REQUEST_BODY_MAX).await?;
    if let Some(doors) = &app.handlers.doors
        && let Some(inside) = (doors.open)(app, call, &payload)?
    {
        drop(payload);
        record.go_on_inside(inside.call);
        return Ok(Handled::Reply(inside.reply.await));
    }
    let Some(handler) = &app.handlers.event else {
        return Err(Error::of_ours(StatusCode::NOT_FOUND, "this function handles no events")
            .with_code("NoEventHandler"));
    };
    let event = Event::new(Arc::clone(call), Arc::clone(&app.shared), payload);
    let ran = run_bounded(call, &app.shared, || handler(event)).await.unwrap_or_else(|failure| {
        let is_late = matches!(failure, Failure::Late);
        let error = failure.into_error(call, &app.shared, "the event handler panicked");
        Err(if is_late { error.with_code("Timeout") } else { error })
    });
    ran.map(Handled::Payload)
}

/// The reply to a request that came as an event. The call has succeeded, whatever the reply says.
fn answer_inside<S>(app: &Arc<Sealed<S>>, mut record: Record, mut reply: Reply) -> Response<Outgoing> {
    let mut finished = |reply: &mut Reply| {
        finish(reply, &mut record, |path| app.cors_of_refusal(path), app.protocol, false);
        app.handlers.doors.as_ref().map_or(Ok(Bytes::new()), |doors| (doors.close)(reply))
    };
    let body = finished(&mut reply).or_else(|error| finished(&mut Reply::from_error(error)));
    let body = body.unwrap_or_default();
    respond_to_event(StatusCode::OK, names::status::SUCCESS, "application/json", body, record)
}

fn respond_to_event(
    status: StatusCode,
    word: &'static str,
    kind: &'static str,
    body: Bytes,
    record: Record,
) -> Response<Outgoing> {
    let mut headers = HeaderMap::new();
    set(&mut headers, header::CONTENT_TYPE, HeaderValue::from_static(kind));
    set(&mut headers, HeaderName::from_static(names::header::STATUS), HeaderValue::from_static(word));
    respond(status, headers, Outgoing::new(Body::of(body), Some(record)), false)
}
