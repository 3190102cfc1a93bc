//! The tables of calls, and their indexes. Each change of a record changes its indexes in the same transaction.

use redb::{ReadableTable, TableDefinition};

use super::messages;
use super::record::Record;
use crate::store::{Broken, Tables, Write};

/// The record of each call, by its number.
pub(super) const CALLS: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("calls");
/// The request of each call.
pub(super) const REQUESTS: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("requests");
/// The reply to each task that has ended, as far as it is kept.
pub(super) const REPLIES: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("replies");
/// The calls that wait: function, time, number.
pub(super) const DUE: TableDefinition<'static, (&str, u64, u64), ()> = TableDefinition::new("due");
/// The calls that were taken from the queue and have not ended.
pub(super) const CLAIMED: TableDefinition<'static, u64, ()> = TableDefinition::new("claimed");
/// The tasks by function and id.
pub(super) const TASKS: TableDefinition<'static, (&str, &str), u64> = TableDefinition::new("tasks");
/// The tasks by the time of their acceptance: function, time, number.
pub(super) const TIMES: TableDefinition<'static, (&str, u64, u64), ()> = TableDefinition::new("times");
/// The tasks by their state: function, state, time of acceptance, number.
pub(super) const STATES: TableDefinition<'static, (&str, u8, u64, u64), ()> = TableDefinition::new("states");
/// The tasks that have ended: time, number.
pub(super) const ENDED: TableDefinition<'static, (u64, u64), ()> = TableDefinition::new("ended");
/// The records that could not be read, by the numbers of their calls.
pub(super) const ASIDE: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("aside");
/// The configurations that clients of the API set: function and qualifier.
pub(super) const CONFIGS: TableDefinition<'static, (&str, &str), &[u8]> = TableDefinition::new("configs");

type Outcome<T> = Result<T, Broken>;

/// All tables of the queue.
pub(super) const ALL: Tables = &[
    &CALLS,
    &REQUESTS,
    &REPLIES,
    &DUE,
    &CLAIMED,
    &TASKS,
    &TIMES,
    &STATES,
    &ENDED,
    &ASIDE,
    &CONFIGS,
    &messages::MESSAGES,
    &messages::MESSAGE_IDS,
    &messages::FORWARDS,
];

/// Adds a call.
pub(super) fn insert(write: &Write<'_>, seq: u64, record: &Record, request: &[u8]) -> Outcome<()> {
    write.insert(REQUESTS, seq, request)?;
    put(write, seq, record)?;
    index(write, seq, record)?;
    if let Some(task) = &record.task {
        write.insert(TASKS, (&*record.function, &**task), seq)?;
        write.insert(TIMES, (&*record.function, record.accepted, seq), ())?;
    }
    Ok(())
}

/// Replaces a record. A call that has ended and is no task is forgotten.
pub(super) fn replace(write: &Write<'_>, seq: u64, before: &Record, after: &Record) -> Outcome<()> {
    unindex(write, seq, before)?;
    if after.state.is_final() && after.task.is_none() {
        return forget(write, seq);
    }
    put(write, seq, after)?;
    index(write, seq, after)
}

/// The record of a call. One that cannot be read is none: a fault would undo the work of all who share the transaction.
pub(super) fn get(write: &Write<'_>, seq: u64) -> Outcome<Option<Record>> {
    record(&write.table(CALLS)?, seq)
}

/// As [`get`], from [`CALLS`].
pub(super) fn record(calls: &impl ReadableTable<u64, &'static [u8]>, seq: u64) -> Outcome<Option<Record>> {
    Ok(calls.get(seq)?.and_then(|bytes| serde_json::from_slice(bytes.value()).ok()))
}

/// As [`get`]. A record that cannot be read is set aside, and `unreadable` says why.
pub(super) fn usable(write: &Write<'_>, seq: u64, unreadable: &mut Vec<String>) -> Outcome<Option<Record>> {
    // No reader of the table is held while the record is set aside.
    let found = write.table(CALLS)?.get(seq)?.map(|bytes| serde_json::from_slice(bytes.value()));
    match found.transpose() {
        Ok(record) => Ok(record),
        Err(error) => {
            set_aside(write, seq)?;
            unreadable.push(format!("call {seq}: {error}"));
            Ok(None)
        }
    }
}

/// Sets a record aside that cannot be read, so that nobody comes upon it again. Its request stays.
pub(super) fn set_aside(write: &Write<'_>, seq: u64) -> Outcome<()> {
    let bytes = write.table(CALLS)?.get(seq)?.map(|bytes| bytes.value().to_owned());
    if let Some(bytes) = bytes {
        write.insert(ASIDE, seq, &*bytes)?;
    }
    write.remove(CALLS, seq)
}

/// The number of a task.
pub(super) fn find(write: &Write<'_>, function: &str, task: &str) -> Outcome<Option<u64>> {
    let tasks = write.table(TASKS)?;
    let found = tasks.get((function, task))?;
    Ok(found.map(|seq| seq.value()))
}

/// Removes a task with all that belongs to it.
pub(super) fn remove(write: &Write<'_>, seq: u64, record: &Record) -> Outcome<()> {
    unindex(write, seq, record)?;
    if let Some(task) = &record.task {
        write.remove(TASKS, (&*record.function, &**task))?;
        write.remove(TIMES, (&*record.function, record.accepted, seq))?;
        write.remove(REPLIES, seq)?;
    }
    forget(write, seq)
}

fn put(write: &Write<'_>, seq: u64, record: &Record) -> Outcome<()> {
    let bytes = serde_json::to_vec(record).map_err(Broken::corrupted)?;
    write.insert(CALLS, seq, &*bytes)
}

fn forget(write: &Write<'_>, seq: u64) -> Outcome<()> {
    write.remove(CALLS, seq)?;
    write.remove(REQUESTS, seq)
}

fn index(write: &Write<'_>, seq: u64, record: &Record) -> Outcome<()> {
    let function = &*record.function;
    if record.is_waiting() {
        write.insert(DUE, (function, record.due, seq), ())?;
    } else if !record.state.is_final() {
        write.insert(CLAIMED, seq, ())?;
    }
    if record.task.is_some() {
        write.insert(STATES, (function, record.state.code(), record.accepted, seq), ())?;
        if record.state.is_final() {
            write.insert(ENDED, (record.ended, seq), ())?;
        }
    }
    Ok(())
}

fn unindex(write: &Write<'_>, seq: u64, record: &Record) -> Outcome<()> {
    let function = &*record.function;
    if record.is_waiting() {
        write.remove(DUE, (function, record.due, seq))?;
    } else if !record.state.is_final() {
        write.remove(CLAIMED, seq)?;
    }
    if record.task.is_some() {
        write.remove(STATES, (function, record.state.code(), record.accepted, seq))?;
        if record.state.is_final() {
            write.remove(ENDED, (record.ended, seq))?;
        }
    }
    Ok(())
}
