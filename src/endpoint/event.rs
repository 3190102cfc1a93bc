//! Event calls: `POST /invoke` from a trusted platform.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use crate::endpoint::ensure_initialized;
use crate::error::{Error, Result};
use crate::exchange::{Call, Event, whole};
use crate::log::current;
use crate::platform::limits::REQUEST_BODY_MAX;
use crate::platform::names;
use crate::reply::Body;
use crate::sealed::Sealed;
use crate::stage::{Failure, Outgoing, Record, drain_leftover, log_cause, recheck, respond, run_bounded};

/// Runs the event handler. The HTTP status and the status header are both 200 or both 404, as the platform documents.
pub(crate) async fn answer_event<S: Send + Sync + 'static>(
    app: &Arc<Sealed<S>>,
    mut record: Record,
) -> Response<Outgoing> {
    app.shared.counts.invoked.add();
    record.set_event();
    let call = Arc::clone(record.call());
    let handled = handle(app, &call).await;
    recheck(&call, false).await;
    let (status, word, kind, body) = match handled {
        Ok(payload) => (StatusCode::OK, names::status::SUCCESS, "application/octet-stream", payload),
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
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(HeaderName::from_static(names::header::STATUS), HeaderValue::from_static(word));
    respond(status, headers, Outgoing::new(Body::of(body), Some(record)), false)
}

async fn handle<S: Send + Sync + 'static>(app: &Arc<Sealed<S>>, call: &Arc<Call>) -> Result<Bytes> {
    ensure_initialized(app, call).await?;
    let payload = whole(call, REQUEST_BODY_MAX).await?;
    let Some(handler) = &app.handlers.event else {
        return Err(Error::of_ours(StatusCode::NOT_FOUND, "this function handles no events")
            .with_code("NoEventHandler"));
    };
    let event = Event::new(Arc::clone(call), Arc::clone(&app.shared), payload);
    run_bounded(call, &app.shared, || handler(event)).await.unwrap_or_else(|failure| {
        let is_late = matches!(failure, Failure::Late);
        let error = failure.into_error(call, &app.shared, "the event handler panicked");
        Err(if is_late { error.with_code("Timeout") } else { error })
    })
}
