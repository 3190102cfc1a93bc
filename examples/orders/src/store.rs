//! The database: what is in stock, and which orders are carried out.

use std::sync::{Mutex, PoisonError};

use fc_runtime::{Error, Result};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::Order;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS stock (item TEXT PRIMARY KEY, quantity INTEGER NOT NULL CHECK (quantity >= 0));
    CREATE TABLE IF NOT EXISTS carried_out (id TEXT PRIMARY KEY, remaining INTEGER NOT NULL);
    INSERT OR IGNORE INTO stock VALUES ('tea', 100), ('cup', 10);
";

pub struct Store {
    connection: Mutex<Connection>,
}

impl Store {
    pub fn open(path: &str) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.execute_batch(TABLES)?;
        Ok(Store { connection: Mutex::new(connection) })
    }

    pub fn has_item(&self, item: &str) -> Result<bool> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(connection.prepare_cached("SELECT 1 FROM stock WHERE item = ?1")?.exists([item])?)
    }

    pub fn stock(&self, item: &str) -> Result<u32> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ask = connection.prepare_cached("SELECT quantity FROM stock WHERE item = ?1")?;
        let found = ask.query_row([item], |row| row.get(0)).optional()?;
        found.ok_or_else(|| Error::not_found(format!("there is no {item}")))
    }

    /// Takes the order out of the stock, once. Gives what remains, at each call the same.
    ///
    /// The note that the order is carried out stands in the transaction that carries it out: both are there, or none is.
    /// An attempt that was cut anywhere has left nothing, and one that finished has left the answer for those after it.
    pub fn carry_out(&self, order: &Order) -> Result<u32> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        // Immediate: of two attempts at a time the second waits here, and then finds the note.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let note = "SELECT remaining FROM carried_out WHERE id = ?1";
        if let Some(remaining) = transaction.query_row(note, [&order.id], |row| row.get(0)).optional()? {
            return Ok(remaining);
        }
        let take =
            "UPDATE stock SET quantity = quantity - ?2 WHERE item = ?1 AND quantity >= ?2 RETURNING quantity";
        let taken =
            transaction.query_row(take, params![order.item, order.quantity], |row| row.get(0)).optional()?;
        let remaining: u32 = taken.ok_or_else(|| {
            Error::new(500, format!("there are not {} of {} left", order.quantity, order.item))
        })?;
        transaction.execute("INSERT INTO carried_out VALUES (?1, ?2)", params![order.id, remaining])?;
        transaction.commit()?;
        Ok(remaining)
    }
}
