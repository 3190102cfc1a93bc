//! The tables of the rooms that keep something, as the store knows them: by their names, with keys and values as bytes.

use redb::{Key, TableDefinition, TableHandle, Value, WriteTransaction};

use super::error::Broken;

/// All tables of a store.
pub(crate) type Tables = &'static [&'static dyn Table];

/// A table whose changes can be carried out once more, from the journal.
pub(crate) trait Table: Sync {
    fn name(&self) -> &str;

    /// Makes the table if it is missing.
    fn make(&self, transaction: &WriteTransaction) -> Result<(), Broken>;

    /// Carries out a change: a new value, or `None` for a removal. The bytes are those of [`Write`](super::Write).
    fn redo(&self, transaction: &WriteTransaction, key: &[u8], value: Option<&[u8]>) -> Result<(), Broken>;
}

impl<K, V> Table for TableDefinition<'static, K, V>
where
    K: Key + Sync + 'static,
    V: Value + Sync + 'static,
{
    fn name(&self) -> &str {
        TableHandle::name(self)
    }

    fn make(&self, transaction: &WriteTransaction) -> Result<(), Broken> {
        transaction.open_table(*self)?;
        Ok(())
    }

    fn redo(&self, transaction: &WriteTransaction, key: &[u8], value: Option<&[u8]>) -> Result<(), Broken> {
        let mut table = transaction.open_table(*self)?;
        match value {
            Some(value) => drop(table.insert(K::from_bytes(key), V::from_bytes(value))?),
            None => drop(table.remove(K::from_bytes(key))?),
        }
        Ok(())
    }
}
