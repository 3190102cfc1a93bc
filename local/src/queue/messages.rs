//! The messages of the stand-ins: what queues, topics and buses of the cloud would have got.

use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::queue::Queue;
use super::record::Record;
use super::state::State;
use crate::failure::Failure;
use crate::model::{Destination, Target};
use crate::store::Broken;

/// The messages, by their numbers.
const MESSAGES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("messages");
/// The number of each message, by the id of the request that led to it.
const MESSAGE_IDS: TableDefinition<'_, &str, u64> = TableDefinition::new("message_ids");
/// The messages that are to be forwarded: time in milliseconds, number.
pub(super) const FORWARDS: TableDefinition<'_, (u64, u64), ()> = TableDefinition::new("forwards");

/// The most messages that are kept. The oldest make room.
const MESSAGES_MAX: u64 = 10_000;

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

/// Makes the tables that are missing.
pub(super) fn make(write: &WriteTransaction) -> Result<(), Broken> {
    write.open_table(MESSAGES)?;
    write.open_table(MESSAGE_IDS)?;
    write.open_table(FORWARDS)?;
    Ok(())
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
pub(super) fn insert(write: &WriteTransaction, message: &Message) -> Result<(), Broken> {
    let mut messages = write.open_table(MESSAGES)?;
    let number = messages.last()?.map_or(0, |(number, _)| number.value() + 1);
    messages.insert(number, &*encode(message)?)?;
    let oldest = if messages.len()? > MESSAGES_MAX { messages.pop_first()? } else { None };
    let oldest = oldest.map(|(_, bytes)| decode(bytes.value())).transpose()?;
    let mut ids = write.open_table(MESSAGE_IDS)?;
    if let Some(oldest) = oldest {
        ids.remove(&*oldest.id)?;
    }
    ids.insert(&*message.id, number)?;
    if message.forward.is_some() {
        write.open_table(FORWARDS)?.insert((message.time, number), ())?;
    }
    Ok(())
}

/// The message that is to be forwarded first, and when.
pub(super) fn first_forward(read: &ReadTransaction) -> Result<Option<(u64, u64, Option<Message>)>, Broken> {
    let forwards = read.open_table(FORWARDS)?;
    let Some((key, _)) = forwards.first()? else { return Ok(None) };
    let (due, number) = key.value();
    let found = read.open_table(MESSAGES)?.get(number)?.map(|bytes| decode(bytes.value())).transpose()?;
    Ok(Some((due, number, found)))
}

/// Notes what became of a try. `next` is when the next one is due.
pub(super) fn note_forward(
    write: &WriteTransaction,
    (due, number): (u64, u64),
    message: Option<&Message>,
    next: Option<u64>,
) -> Result<(), Broken> {
    let mut forwards = write.open_table(FORWARDS)?;
    forwards.remove((due, number))?;
    let mut messages = write.open_table(MESSAGES)?;
    // It may have made room for another one meanwhile.
    let is_kept = messages.get(number)?.is_some();
    if let Some(message) = message.filter(|_| is_kept) {
        messages.insert(number, &*encode(message)?)?;
        if let Some(next) = next {
            forwards.insert((next, number), ())?;
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
            read.open_table(MESSAGES)?.get(number)?.map(|bytes| decode(bytes.value())).transpose()
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
        let message = decode(bytes.value())?;
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

fn decode(bytes: &[u8]) -> Result<Message, Broken> {
    serde_json::from_slice(bytes).map_err(|error| Broken::corrupted(format_args!("a message: {error}")))
}
