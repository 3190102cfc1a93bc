//! The messages of the stand-ins: what queues, topics and buses of the cloud would have got.

use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata, TableDefinition};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::forward::UnderWay;
use super::queue::Queue;
use super::record::Record;
use super::state::State;
use crate::failure::Failure;
use crate::model::{Destination, Target};
use crate::store::{Broken, Write};

/// The messages, by their numbers.
pub(super) const MESSAGES: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("messages");
/// The number of each message, by the id of the request that led to it.
pub(super) const MESSAGE_IDS: TableDefinition<'static, &str, u64> = TableDefinition::new("message_ids");
/// The messages that are to be forwarded: time in milliseconds, number.
pub(super) const FORWARDS: TableDefinition<'static, (u64, u64), ()> = TableDefinition::new("forwards");

/// The most messages that are kept. The oldest make room.
const MESSAGES_MAX: u64 = 10_000;

/// How many messages are looked at for some that may go. More of them wait for their addresses.
const LOOKED_AT_MAX: usize = 512;

/// A message of a stand-in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Message {
    /// The id of the request that led to the message.
    pub(crate) id: String,
    /// What it was sent to, as the configuration names it.
    pub(crate) destination: String,
    /// `queue`, `topic`, `eventbus` or `rocketmq`.
    pub(crate) kind: String,
    /// The name of the queue, topic or bus.
    pub(crate) name: String,
    /// The function whose call led to the message.
    pub(crate) function: String,
    /// When it was stored, in milliseconds since 1970.
    pub(crate) time: u64,
    pub(crate) body: Value,
    /// `None` if no address is named for the destination.
    pub(crate) forward: Option<Forward>,
}

/// What became of forwarding a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Forward {
    pub(crate) address: String,
    /// `waiting`, `done` or `failed`.
    pub(crate) state: String,
    pub(crate) tries: u32,
    /// Why the latest try failed.
    pub(crate) error: Option<String>,
}

impl Message {
    pub(super) fn new(
        destination: &Destination,
        record: &Record,
        report: Value,
        address: Option<&String>,
    ) -> Self {
        let (kind, name) = match destination.target() {
            Target::Function { name, .. } => ("function", name.clone()),
            Target::Queue(name) => ("queue", name.clone()),
            Target::Topic(name) => ("topic", name.clone()),
            Target::Bus(name) => ("eventbus", name.clone()),
            Target::RocketMq { instance, topic } => ("rocketmq", format!("{instance}/{topic}")),
        };
        let forward = address.map(|address| Forward {
            address: address.clone(),
            state: "waiting".to_owned(),
            tries: 0,
            error: None,
        });
        let body = if kind == "eventbus" { cloud_event(record, &report) } else { report };
        Message {
            id: record.request.clone(),
            destination: destination.arn().to_owned(),
            kind: kind.to_owned(),
            name,
            function: record.function.clone(),
            time: record.ended,
            body,
            forward,
        }
    }
}

/// The envelope of EventBridge. Ours, after the standard of cloud events: no page of the platform shows it.
fn cloud_event(record: &Record, report: &Value) -> Value {
    let outcome = if record.state == State::Succeeded { "Succeeded" } else { "Failed" };
    json!({
        "specversion": "1.0",
        "id": record.request,
        "source": "acs.fc",
        "type": format!("fc:AsyncInvoke:{outcome}"),
        "subject": report["requestContext"]["functionArn"],
        "datacontenttype": "application/json",
        "data": report,
    })
}

/// Adds a message, and lets it be forwarded if it has an address.
pub(super) fn insert(write: &Write<'_>, message: &Message) -> Result<(), Broken> {
    let (number, oldest) = {
        let messages = write.table(MESSAGES)?;
        let number = messages.last()?.map_or(0, |(number, _)| number.value() + 1);
        let oldest = if messages.len()? < MESSAGES_MAX { None } else { messages.first()? };
        (number, oldest.map(|(number, bytes)| (number.value(), decode(bytes.value()))))
    };
    if let Some((oldest, own)) = oldest {
        write.remove(MESSAGES, oldest)?;
        if let Some(own) = own {
            write.remove(MESSAGE_IDS, &*own.id)?;
        }
    }
    write.insert(MESSAGES, number, &*encode(message)?)?;
    write.insert(MESSAGE_IDS, &*message.id, number)?;
    if message.forward.is_some() {
        write.insert(FORWARDS, (message.time, number), ())?;
    }
    Ok(())
}

/// The messages that may be forwarded now.
#[derive(Debug, Default)]
pub(super) struct Due {
    /// Time, number, and `None` for a message that has made room for others.
    pub(super) messages: Vec<(u64, u64, Option<Message>)>,
    /// When the first of the others is due, if nothing that is under way has to end before.
    pub(super) next: Option<u64>,
}

/// Adds to those under way what is due and may go.
pub(super) fn due(read: &ReadTransaction, now: u64, under_way: &mut UnderWay) -> Result<Due, Broken> {
    let mut due = Due::default();
    let messages = read.open_table(MESSAGES)?;
    for entry in read.open_table(FORWARDS)?.iter()?.take(LOOKED_AT_MAX) {
        let (time, number) = entry?.0.value();
        if time > now {
            due.next = Some(time);
            break;
        }
        if under_way.is_full() {
            break;
        }
        if under_way.has(number) {
            continue;
        }
        let message = messages.get(number)?.and_then(|bytes| decode(bytes.value()));
        let forward = message.as_ref().and_then(|message| message.forward.as_ref());
        let address = forward.map_or("", |forward| &forward.address);
        if under_way.may_go_to(address) {
            under_way.add(number, address);
            due.messages.push((time, number, message));
        }
    }
    Ok(due)
}

/// Notes what became of a try. `next` is when the next one is due.
pub(super) fn note_forward(
    write: &Write<'_>,
    (due, number): (u64, u64),
    message: Option<&Message>,
    next: Option<u64>,
) -> Result<(), Broken> {
    write.remove(FORWARDS, (due, number))?;
    // It may have made room for another one meanwhile.
    let is_kept = write.table(MESSAGES)?.get(number)?.is_some();
    if let Some(message) = message.filter(|_| is_kept) {
        write.insert(MESSAGES, number, &*encode(message)?)?;
        if let Some(next) = next {
            write.insert(FORWARDS, (next, number), ())?;
        }
    }
    Ok(())
}

impl Queue {
    /// The messages, the latest first: those of a queue, topic or bus if its name is given. Gives also where the next page
    /// begins.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub(crate) async fn messages(
        &self,
        name: Option<String>,
        limit: usize,
        before: Option<u64>,
    ) -> Result<(Vec<Message>, Option<u64>), Failure> {
        let Some(store) = self.opened() else { return Ok((Vec::new(), None)) };
        let look = move || store.read(|read| page(read, name.as_deref(), limit, before));
        // A name that few messages have is looked for in all of them.
        let page = tokio::task::spawn_blocking(look).await;
        Ok(page.map_err(|_| Failure::unavailable("the list was not read to its end"))??)
    }

    /// The message of a request.
    ///
    /// # Errors
    ///
    /// There is none, or the store cannot be read.
    pub(crate) fn message(&self, id: &str) -> Result<Message, Failure> {
        let not_found = || Failure::invalid_argument(format!("there is no message of a request '{id}'"));
        let store = self.opened().ok_or_else(not_found)?;
        let found = store.read(|read| {
            let Some(number) = read.open_table(MESSAGE_IDS)?.get(id)?.map(|number| number.value()) else {
                return Ok(None);
            };
            Ok(read.open_table(MESSAGES)?.get(number)?.and_then(|bytes| decode(bytes.value())))
        })?;
        found.ok_or_else(not_found)
    }
}

fn page(
    read: &ReadTransaction,
    name: Option<&str>,
    limit: usize,
    before: Option<u64>,
) -> Result<(Vec<Message>, Option<u64>), Broken> {
    let messages = read.open_table(MESSAGES)?;
    let (mut found, mut last) = (Vec::new(), None);
    for entry in messages.range(..before.unwrap_or(u64::MAX))?.rev() {
        let (number, bytes) = entry?;
        if found.len() == limit {
            return Ok((found, last));
        }
        let Some(message) = decode(bytes.value()) else { continue };
        if name.is_none_or(|name| message.name == name) {
            last = Some(number.value());
            found.push(message);
        }
    }
    Ok((found, None))
}

fn encode(message: &Message) -> Result<Vec<u8>, Broken> {
    serde_json::to_vec(message).map_err(|error| Broken::corrupted(format_args!("a message: {error}")))
}

/// A message. One that cannot be read is none: it must not hide the others.
fn decode(bytes: &[u8]) -> Option<Message> {
    serde_json::from_slice(bytes).ok()
}
