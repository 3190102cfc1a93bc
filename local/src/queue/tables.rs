//! The tables of calls, and their indexes. Each change of a record changes its indexes in the same transaction.

use redb::{ReadableTable, TableDefinition, WriteTransaction};

use super::messages;
use super::record::Record;
use crate::store::Broken;

/// The record of each call, by its number.
pub(super) const CALLS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("calls");
/// The request of each call.
pub(super) const REQUESTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("requests");
/// The reply to each task that has ended, as far as it is kept.
pub(super) const REPLIES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("replies");
/// The calls that wait: function, time, number.
pub(super) const DUE: TableDefinition<'_, (&str, u64, u64), ()> = TableDefinition::new("due");
/// The calls that were taken from the queue and have not ended.
pub(super) const CLAIMED: TableDefinition<'_, u64, ()> = TableDefinition::new("claimed");
/// The tasks by function and id.
pub(super) const TASKS: TableDefinition<'_, (&str, &str), u64> = TableDefinition::new("tasks");
/// The tasks by the time of their acceptance: function, time, number.
pub(super) const TIMES: TableDefinition<'_, (&str, u64, u64), ()> = TableDefinition::new("times");
/// The tasks by their state: function, state, time of acceptance, number.
pub(super) const STATES: TableDefinition<'_, (&str, u8, u64, u64), ()> = TableDefinition::new("states");
/// The tasks that have ended: time, number.
pub(super) const ENDED: TableDefinition<'_, (u64, u64), ()> = TableDefinition::new("ended");
/// The configurations that clients of the API set: function and qualifier.
pub(super) const CONFIGS: TableDefinition<'_, (&str, &str), &[u8]> = TableDefinition::new("configs");

type Outcome<T> = Result<T, Broken>;

/// Makes the tables that are missing.
pub(crate) fn make(write: &WriteTransaction) -> Outcome<()> {
    write.open_table(CALLS)?;
    write.open_table(REQUESTS)?;
    write.open_table(REPLIES)?;
    write.open_table(DUE)?;
    write.open_table(CLAIMED)?;
    write.open_table(TASKS)?;
    write.open_table(TIMES)?;
    write.open_table(STATES)?;
    write.open_table(ENDED)?;
    write.open_table(CONFIGS)?;
    messages::make(write)?;
    Ok(())
}

/// Adds a call.
pub(super) fn insert(write: &WriteTransaction, seq: u64, record: &Record, request: &[u8]) -> Outcome<()> {
    write.open_table(REQUESTS)?.insert(seq, request)?;
    put(write, seq, record)?;
    index(write, seq, record)?;
    if let Some(task) = &record.task {
        write.open_table(TASKS)?.insert((&*record.function, &**task), seq)?;
        write.open_table(TIMES)?.insert((&*record.function, record.accepted, seq), ())?;
    }
    Ok(())
}

/// Replaces a record. A call that has ended and is no task is forgotten.
pub(super) fn replace(write: &WriteTransaction, seq: u64, before: &Record, after: &Record) -> Outcome<()> {
    unindex(write, seq, before)?;
    if after.state.is_final() && after.task.is_none() {
        return forget(write, seq);
    }
    put(write, seq, after)?;
    index(write, seq, after)
}

/// The record of a call.
pub(super) fn get(write: &WriteTransaction, seq: u64) -> Outcome<Option<Record>> {
    let calls = write.open_table(CALLS)?;
    let found = calls.get(seq)?;
    found.map(|bytes| decode(bytes.value())).transpose()
}

/// The number of a task.
pub(super) fn find(write: &WriteTransaction, function: &str, task: &str) -> Outcome<Option<u64>> {
    let tasks = write.open_table(TASKS)?;
    let found = tasks.get((function, task))?;
    Ok(found.map(|seq| seq.value()))
}

/// Removes a task with all that belongs to it.
pub(super) fn remove(write: &WriteTransaction, seq: u64, record: &Record) -> Outcome<()> {
    unindex(write, seq, record)?;
    if let Some(task) = &record.task {
        write.open_table(TASKS)?.remove((&*record.function, &**task))?;
        write.open_table(TIMES)?.remove((&*record.function, record.accepted, seq))?;
        write.open_table(REPLIES)?.remove(seq)?;
    }
    forget(write, seq)
}

/// # Errors
///
/// The bytes are not of this format.
pub(super) fn decode(bytes: &[u8]) -> Outcome<Record> {
    serde_json::from_slice(bytes).map_err(|error| Broken::corrupted(format_args!("a call's record: {error}")))
}

fn put(write: &WriteTransaction, seq: u64, record: &Record) -> Outcome<()> {
    let bytes = serde_json::to_vec(record).map_err(Broken::corrupted)?;
    write.open_table(CALLS)?.insert(seq, &*bytes)?;
    Ok(())
}

fn forget(write: &WriteTransaction, seq: u64) -> Outcome<()> {
    write.open_table(CALLS)?.remove(seq)?;
    write.open_table(REQUESTS)?.remove(seq)?;
    Ok(())
}

fn index(write: &WriteTransaction, seq: u64, record: &Record) -> Outcome<()> {
    let function = &*record.function;
    if record.is_waiting() {
        write.open_table(DUE)?.insert((function, record.due, seq), ())?;
    } else if !record.state.is_final() {
        write.open_table(CLAIMED)?.insert(seq, ())?;
    }
    if record.task.is_some() {
        write.open_table(STATES)?.insert((function, record.state.code(), record.accepted, seq), ())?;
        if record.state.is_final() {
            write.open_table(ENDED)?.insert((record.ended, seq), ())?;
        }
    }
    Ok(())
}

fn unindex(write: &WriteTransaction, seq: u64, record: &Record) -> Outcome<()> {
    let function = &*record.function;
    if record.is_waiting() {
        write.open_table(DUE)?.remove((function, record.due, seq))?;
    } else if !record.state.is_final() {
        write.open_table(CLAIMED)?.remove(seq)?;
    }
    if record.task.is_some() {
        write.open_table(STATES)?.remove((function, record.state.code(), record.accepted, seq))?;
        if record.state.is_final() {
            write.open_table(ENDED)?.remove((record.ended, seq))?;
        }
    }
    Ok(())
}
