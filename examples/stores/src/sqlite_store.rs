//! A store on SQLite. The statements are those of PostgreSQL too, where `?1` is `$1`.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fc_runtime::Result;
use fc_runtime::store::{Begun, Hits, Store};
use rusqlite::{Connection, OptionalExtension as _};

/// A store in a file of SQLite, which instances on one file system share.
#[derive(Debug, Clone)]
pub struct SqliteStore(Arc<Mutex<Connection>>);

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS once (key TEXT PRIMARY KEY, holder TEXT NOT NULL, value BLOB, until INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS hits (key TEXT PRIMARY KEY, count INTEGER NOT NULL, until INTEGER NOT NULL);
    CREATE INDEX IF NOT EXISTS once_until ON once (until);
    CREATE INDEX IF NOT EXISTS hits_until ON hits (until);
";

/// Takes a key that nobody has, or whose time is over.
const BEGIN: &str = "
    INSERT INTO once (key, holder, value, until) VALUES (?1, ?2, NULL, ?3)
    ON CONFLICT (key) DO UPDATE SET holder = excluded.holder, value = NULL, until = excluded.until WHERE once.until <= ?4
";

const HIT: &str = "
    INSERT INTO hits (key, count, until) VALUES (?1, 1, ?2)
    ON CONFLICT (key) DO UPDATE SET
        count = CASE WHEN hits.until <= ?3 THEN 1 ELSE hits.count + 1 END,
        until = CASE WHEN hits.until <= ?3 THEN excluded.until ELSE hits.until END
    RETURNING count, until
";

impl SqliteStore {
    /// Opens the file, and makes the tables that are absent.
    ///
    /// # Errors
    /// When the file cannot be opened or is no database.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.execute_batch(TABLES)?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Deletes what is over. Called now and then, such as by a timer.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep(&self) -> Result {
        self.ask(|connection, now| {
            connection.execute("DELETE FROM once WHERE until <= ?1", [now])?;
            connection.execute("DELETE FROM hits WHERE until <= ?1", [now])?;
            Ok(())
        })
        .await
    }

    /// Asks on a thread where waiting is allowed.
    async fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Connection, i64) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let connection = Arc::clone(&self.0);
        let asked = tokio::task::spawn_blocking(move || {
            ask(&connection.lock().unwrap_or_else(PoisonError::into_inner), now())
        });
        Ok(asked.await??)
    }
}

impl Store for SqliteStore {
    async fn begin(&self, key: &str, holder: &str, lease: Duration) -> Result<Begun> {
        let (key, holder) = (key.to_owned(), holder.to_owned());
        self.ask(move |connection, now| {
            if connection.execute(BEGIN, (&key, &holder, after(now, lease), now))? == 1 {
                return Ok(Begun::Yours);
            }
            let found =
                connection.query_row("SELECT value FROM once WHERE key = ?1", [&key], |row| row.get(0));
            let value: Option<Vec<u8>> = found.optional()?.flatten();
            Ok(value.map_or(Begun::Running, |value| Begun::Done(value.into())))
        })
        .await
    }

    async fn complete(&self, key: &str, holder: &str, value: &[u8], keep: Duration) -> Result {
        let (key, holder, value) = (key.to_owned(), holder.to_owned(), value.to_owned());
        self.ask(move |connection, now| {
            let sql =
                "UPDATE once SET value = ?3, until = ?4 WHERE key = ?1 AND holder = ?2 AND value IS NULL";
            connection.execute(sql, (key, holder, value, after(now, keep))).map(drop)
        })
        .await
    }

    async fn release(&self, key: &str, holder: &str) -> Result {
        let (key, holder) = (key.to_owned(), holder.to_owned());
        self.ask(move |connection, _| {
            let sql = "DELETE FROM once WHERE key = ?1 AND holder = ?2 AND value IS NULL";
            connection.execute(sql, (key, holder)).map(drop)
        })
        .await
    }

    async fn hit(&self, key: &str, window: Duration) -> Result<Hits> {
        let key = key.to_owned();
        self.ask(move |connection, now| {
            connection.query_row(HIT, (key, after(now, window), now), |row| {
                let (count, until): (i64, i64) = (row.get(0)?, row.get(1)?);
                let left = u64::try_from(until - now).unwrap_or_default();
                Ok(Hits { count: count.unsigned_abs(), resets_in: Duration::from_millis(left) })
            })
        })
        .await
    }
}

/// Unix milliseconds.
fn now() -> i64 {
    millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn after(now: i64, duration: Duration) -> i64 {
    now.saturating_add(millis(duration))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
