//! Where the outcome of a call goes: to another function, or to the stand-in of a queue, a topic or a bus.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use redb::ReadableTable;
use serde_json::{Value, json};

use super::accept::New;
use super::messages;
use super::queue::{Queue, now};
use super::record::Record;
use super::state::State;
use super::stored::StoredCall;
use super::tables::{self, REQUESTS};
use crate::event::{DestinationFault, Kind, Source, Via};
use crate::failure::FailureKind;
use crate::model::{Destination, Edition, Function, LATEST, Target};
use crate::store::{Broken, Write};
use crate::wire::ids;

/// How many destinations may lead to a call, one after the other. Ours: the platform states no bound.
const DEPTH_MAX: u32 = 16;

/// What followed from the end of a call.
#[derive(Debug)]
pub(super) enum Followed {
    /// A message was stored for this destination.
    Message(String),
    /// A call of this function was stored.
    Call(String),
    /// Nothing was stored, and why.
    Nothing(DestinationFault),
}

/// Stores what follows from the end of a call, in the transaction of that end: another call, or a message. `None` if the
/// call has no destination.
pub(super) fn follow(
    write: &Write<'_>,
    queue: &Queue,
    seq: u64,
    record: &Record,
    reply: Option<&[u8]>,
) -> Result<Option<Followed>, Broken> {
    let Some(destination) = queue.destination(record) else { return Ok(None) };
    let request = {
        let requests = write.table(REQUESTS)?;
        let request = requests.get(seq)?;
        request.map(|bytes| Bytes::copy_from_slice(bytes.value()))
    };
    let body =
        request.and_then(|request| StoredCall::decode(&request)).map(|call| call.body).unwrap_or_default();
    let settings = queue.settings(&record.function);
    let report = report(record, settings.as_deref(), &body, reply);
    let Target::Function { name, qualifier } = destination.target() else {
        let settings = settings.as_deref();
        let address = settings.and_then(|settings| settings.local.destinations.get(destination.target()));
        let message = messages::Message::new(&destination, record, report, address);
        messages::insert(write, &message)?;
        return Ok(Some(Followed::Message(destination.arn().to_owned())));
    };
    if let Some(error) = queue.obstacle(record, name) {
        let fault = DestinationFault { destination: destination.arn().to_owned(), error };
        return Ok(Some(Followed::Nothing(fault)));
    }
    let qualifier = qualifier.clone().filter(|qualifier| qualifier != LATEST);
    let is_task = queue.config(name, qualifier.as_deref()).is_task;
    let new = New {
        function: name.clone(),
        qualifier,
        request: ids::request().to_string(),
        task: None,
        is_task,
        delay: Duration::ZERO,
        depth: record.depth + 1,
        call: StoredCall::event(Via::Destination, report.to_string()),
    };
    // Only an id that a caller chose can be refused.
    let Ok((next, call)) = new.record(is_task, now()) else { return Ok(None) };
    tables::insert(write, queue.next_number(), &next, &call.encode())?;
    Ok(Some(Followed::Call(name.clone())))
}

/// Lets go on what the end of a call has led to, once it is stored, and tells of it.
pub(super) fn go_on(queue: &Queue, source: &Source, followed: Followed) {
    match followed {
        Followed::Message(destination) => {
            queue.log.emit(source, Kind::MessageStored(destination));
            queue.forwards.notify_one();
        }
        Followed::Call(function) => queue.wake(&function),
        Followed::Nothing(fault) => queue.log.emit(source, Kind::DestinationFailed(fault)),
    }
}

impl Queue {
    /// Where the outcome of a call goes, if it goes anywhere.
    fn destination(&self, record: &Record) -> Option<Destination> {
        let is_success = match record.state {
            State::Succeeded => true,
            State::Failed | State::Stopped | State::Expired | State::Invalid => false,
            _ => return None,
        };
        let config = self.config(&record.function, record.qualifier.as_deref());
        if is_success { config.on_success } else { config.on_failure }
    }

    /// Why the function of a destination is not called, if it is not.
    fn obstacle(&self, record: &Record, name: &str) -> Option<String> {
        if record.depth >= DEPTH_MAX {
            return Some(format!(
                "{DEPTH_MAX} destinations led to this call, one after the other: they are a loop"
            ));
        }
        let failure = self.registry.find(name).err()?;
        (failure.kind == FailureKind::FunctionNotFound).then(|| failure.message().to_owned())
    }
}

/// What the platform tells a destination.
fn report(record: &Record, settings: Option<&Function>, request: &[u8], reply: Option<&[u8]>) -> Value {
    let error = record.error.as_ref().filter(|_| record.state != State::Succeeded);
    let is_functions = error.is_some_and(|error| error.status == 200) && record.state == State::Failed;
    let condition = match (error, record.state) {
        // Ours: no page shows the record of a stopped call.
        (None, State::Stopped) => "AsyncInvocationStopped",
        (error, _) => error.map_or("", |error| error.code.as_str()),
    };
    let answer = match (reply, error) {
        (Some(reply), _) => text(reply),
        (None, Some(error)) => json!({ "errorMessage": error.message }).to_string(),
        (None, None) => String::new(),
    };
    json!({
        "timestamp": record.ended,
        "requestContext": {
            "requestId": record.request,
            "functionArn": arn(record, settings),
            "condition": condition,
            "approximateInvokeCount": record.executions,
        },
        "requestPayload": text(request),
        "responseContext": {
            "statusCode": error.map_or(200, |error| error.status),
            "functionError": if is_functions { condition } else { "" },
        },
        "responsePayload": answer,
    })
}

fn arn(record: &Record, settings: Option<&Function>) -> String {
    let (name, qualifier) = (&record.function, record.qualifier.as_deref());
    let Some(settings) = settings else { return format!("acs:fc:::functions/{name}") };
    let Function { region, account, service, .. } = settings;
    if settings.local.edition == Edition::Fc2 {
        let qualifier = qualifier.unwrap_or(LATEST);
        return format!("acs:fc:{region}:{account}:services/{service}.{qualifier}/functions/{name}");
    }
    let qualifier = qualifier.map(|qualifier| format!("/{qualifier}")).unwrap_or_default();
    format!("acs:fc:{region}:{account}:functions/{name}{qualifier}")
}

/// The bytes as text, or in base64 if they are none.
fn text(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| STANDARD.encode(bytes), str::to_owned)
}
