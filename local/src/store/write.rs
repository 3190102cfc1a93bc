//! What a write may do: read the tables, and change them. Each change is noted for the journal.

use std::borrow::Borrow;
use std::cell::RefCell;
use std::fmt;

use redb::{Key, ReadableTable, TableDefinition, TableHandle, Value, WriteTransaction};

use super::error::Broken;
use super::journal::Frame;
use super::table::Tables;

/// A transaction that others share.
pub(crate) struct Write<'t> {
    transaction: &'t WriteTransaction,
    changes: RefCell<Frame>,
}

/// The sign of a change that sets a value, and of one that removes it.
const SET: u8 = 1;
const REMOVED: u8 = 0;

impl fmt::Debug for Write<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Write").field("bytes", &self.len()).finish_non_exhaustive()
    }
}

impl<'t> Write<'t> {
    /// `changes` is empty.
    pub(super) fn new(transaction: &'t WriteTransaction, changes: Frame) -> Self {
        Write { transaction, changes: RefCell::new(changes) }
    }

    /// A table to read. What this transaction has changed so far is seen.
    pub(crate) fn table<K: Key + 'static, V: Value + 'static>(
        &self,
        table: TableDefinition<'static, K, V>,
    ) -> Result<impl ReadableTable<K, V> + use<'t, K, V>, Broken> {
        Ok(self.transaction.open_table(table)?)
    }

    /// Sets the value of a key. No reader of the same table may be held meanwhile.
    pub(crate) fn insert<'k, 'v, K: Key + 'static, V: Value + 'static>(
        &self,
        table: TableDefinition<'static, K, V>,
        key: impl Borrow<K::SelfType<'k>>,
        value: impl Borrow<V::SelfType<'v>>,
    ) -> Result<(), Broken> {
        let (key, value) = (key.borrow(), value.borrow());
        self.transaction.open_table(table)?.insert(key, value)?;
        let (key, value) = (K::as_bytes(key), V::as_bytes(value));
        self.note(table.name(), SET, &[key.as_ref(), value.as_ref()]);
        Ok(())
    }

    /// Removes a key. No reader of the same table may be held meanwhile.
    pub(crate) fn remove<'k, K: Key + 'static, V: Value + 'static>(
        &self,
        table: TableDefinition<'static, K, V>,
        key: impl Borrow<K::SelfType<'k>>,
    ) -> Result<(), Broken> {
        let key = key.borrow();
        let was_there = self.transaction.open_table(table)?.remove(key)?.is_some();
        if was_there {
            self.note(table.name(), REMOVED, &[K::as_bytes(key).as_ref()]);
        }
        Ok(())
    }

    fn note(&self, table: &str, sign: u8, parts: &[&[u8]]) {
        let mut changes = self.changes.borrow_mut();
        changes.push_byte(sign);
        changes.push(table.as_bytes());
        for part in parts {
            changes.push(part);
        }
    }

    /// How many bytes the changes have in the journal.
    pub(super) fn len(&self) -> usize {
        self.changes.borrow().len()
    }

    pub(super) fn into_changes(self) -> Frame {
        self.changes.into_inner()
    }
}

/// Carries out once more what a frame of the journal holds.
pub(super) fn redo(transaction: &WriteTransaction, tables: Tables, frame: &[u8]) -> Result<(), Broken> {
    let mut rest = frame;
    while let Some((sign, behind)) = rest.split_first() {
        rest = behind;
        let name = part(&mut rest)?;
        let key = part(&mut rest)?;
        let value = if *sign == SET { Some(part(&mut rest)?) } else { None };
        let table = tables.iter().find(|table| table.name().as_bytes() == name);
        let table = table.ok_or_else(|| {
            Broken::corrupted(format_args!("the journal names a table '{}'", String::from_utf8_lossy(name)))
        })?;
        table.redo(transaction, key, value)?;
    }
    Ok(())
}

/// The next part of a frame.
fn part<'f>(rest: &mut &'f [u8]) -> Result<&'f [u8], Broken> {
    let short = || Broken::corrupted("a frame of the journal is too short");
    let (length, behind) = rest.split_first_chunk::<4>().ok_or_else(short)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| short())?;
    let (part, behind) = behind.split_at_checked(length).ok_or_else(short)?;
    *rest = behind;
    Ok(part)
}
