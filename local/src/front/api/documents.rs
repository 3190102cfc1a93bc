//! Tasks and configurations as JSON, in the words of either edition.

use std::time::{Duration, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::event::Clock;
use crate::model::{Destination, Edition, Function};
use crate::queue::{Change, Record, StoredCall, StoredConfig};

/// Whose tasks or configuration.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    function: &'a str,
    qualifier: Option<&'a str>,
    pub(super) service: String,
    edition: Edition,
    arn: String,
}

/// A task and what is told of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) record: &'a Record,
    /// `None` unless the caller asks for it.
    pub(super) request: Option<&'a StoredCall>,
    pub(super) reply: Option<&'a [u8]>,
}

impl<'a> Subject<'a> {
    pub(super) fn new(
        settings: Option<&Function>,
        function: &'a str,
        qualifier: Option<&'a str>,
        edition: Edition,
    ) -> Self {
        let (region, account, service) = match settings {
            Some(settings) => (&*settings.region, &*settings.account, settings.service.clone()),
            None => ("", "", String::new()),
        };
        let arn = match edition {
            Edition::Fc2 => {
                let qualifier = qualifier.unwrap_or("LATEST");
                format!("acs:fc:{region}:{account}:services/{service}.{qualifier}/functions/{function}")
            }
            Edition::Fc3 => {
                let qualifier = qualifier.map(|qualifier| format!("/{qualifier}")).unwrap_or_default();
                format!("acs:fc:{region}:{account}:functions/{function}{qualifier}")
            }
        };
        Subject { function, qualifier, service, edition, arn }
    }
}

/// A configuration.
pub(super) fn config(subject: &Subject<'_>, stored: &StoredConfig) -> Value {
    let config = &stored.config;
    let destination = |own: &Option<Destination>| match own {
        Some(destination) => json!({ "destination": destination.arn() }),
        None => Value::Null,
    };
    let mut destinations = json!({});
    for (key, own) in [("onSuccess", &config.on_success), ("onFailure", &config.on_failure)] {
        if own.is_some() {
            destinations[key] = destination(own);
        }
    }
    let mut document = json!({
        "createdTime": utc(stored.created),
        "lastModifiedTime": utc(stored.modified),
        "destinationConfig": destinations,
        "maxAsyncEventAgeInSeconds": config.age_max.as_secs(),
        "maxAsyncRetryAttempts": config.retries,
    });
    let own = match subject.edition {
        Edition::Fc3 => json!({ "functionArn": subject.arn, "asyncTask": config.is_task }),
        Edition::Fc2 => json!({
            "service": subject.service, "function": subject.function,
            "qualifier": subject.qualifier.unwrap_or("LATEST"), "statefulInvocation": config.is_task,
        }),
    };
    extend(&mut document, own);
    document
}

/// A task. A time that is not known yet is 0, as on the platform.
pub(super) fn task(subject: &Subject<'_>, task: &Task<'_>) -> Value {
    let Task { record, request, reply } = *task;
    let duration = if record.ended == 0 { 0 } else { record.ended.saturating_sub(record.accepted) };
    let error = record.error.as_ref().map(|fault| fault.message.as_str()).unwrap_or_default();
    let events: Vec<Value> = record.changes.iter().map(change).collect();
    let mut document = json!({
        "requestId": record.request,
        "qualifier": record.qualifier.as_deref().unwrap_or("LATEST"),
        "status": record.state.name(),
        "startedTime": record.accepted,
        "endTime": record.ended,
        "durationMs": duration,
        "alreadyRetriedTimes": record.executions.saturating_sub(1),
        "instanceId": record.instance.as_deref().unwrap_or_default(),
        "events": events,
    });
    let payload = request.map(|request| text(&request.body));
    if record.state.is_final() {
        document["destinationStatus"] = record.state.name().into();
    }
    let own = match subject.edition {
        Edition::Fc3 => json!({
            "taskId": record.task, "functionArn": subject.arn, "taskErrorMessage": error, "taskPayload": payload,
            "returnPayload": reply.map(text),
        }),
        Edition::Fc2 => json!({
            "invocationId": record.task, "serviceName": subject.service, "functionName": subject.function,
            "invocationErrorMessage": error, "invocationPayload": payload,
        }),
    };
    extend(&mut document, own);
    document
}

/// A change of state. What the platform has no field for stands in the detail, which is JSON in a text.
fn change(change: &Change) -> Value {
    let mut detail = json!({});
    if change.execution > 0 {
        detail["Execution"] = change.execution.into();
    }
    if let Some(fault) = &change.error {
        extend(&mut detail, json!({ "Error": fault.code, "ErrorMessage": fault.message }));
    }
    for (key, value) in [("InstanceId", &change.instance), ("Log", &change.log)] {
        if let Some(value) = value {
            detail[key] = value.as_str().into();
        }
    }
    json!({
        "eventId": change.id, "timestamp": change.time, "status": change.state.name(), "eventDetail": detail.to_string(),
    })
}

/// Adds the fields that are not null.
fn extend(document: &mut Value, more: Value) {
    if let (Value::Object(document), Value::Object(more)) = (document, more) {
        document.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
    }
}

/// A payload as text; base64 if it is none.
fn text(bytes: impl AsRef<[u8]>) -> String {
    let bytes = bytes.as_ref();
    std::str::from_utf8(bytes).map_or_else(|_| STANDARD.encode(bytes), str::to_owned)
}

fn utc(milliseconds: u64) -> String {
    Clock::default().utc(UNIX_EPOCH + Duration::from_millis(milliseconds)).to_owned()
}
