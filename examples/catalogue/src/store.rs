//! The items in a database: a file of SQLite, or PostgreSQL.

use std::ops::Deref;
use std::pin::Pin;
use std::sync::LazyLock;
use std::time::Duration;

use fc_runtime::{Instance, Result};
use garde::Validate;
use serde::{Deserialize, Serialize};
use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::postgres::PgPool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePool};
use sqlx::{Acquire, Connection, FromRow, query, query_as};

use crate::pool;

static SQLITE: LazyLock<Migrator> = LazyLock::new(|| beside_later_ones(sqlx::migrate!("migrations/sqlite")));
static POSTGRES: LazyLock<Migrator> =
    LazyLock::new(|| beside_later_ones(sqlx::migrate!("migrations/postgres")));

/// During a deployment, instances of the program before start too, on tables that the later program has changed already.
/// By default sqlx refuses a database with migrations that it does not know.
fn beside_later_ones(mut migrations: Migrator) -> Migrator {
    migrations.set_ignore_missing(true);
    migrations
}

/// An item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromRow)]
pub struct Item {
    pub id: String,
    pub name: String,
    pub category: String,
    /// In cents.
    pub price: i64,
    /// 1 at first, and one more with each change.
    pub version: i64,
}

/// What a client says of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
pub struct Content {
    #[garde(length(chars, min = 1, max = 200))]
    pub name: String,
    #[garde(length(chars, min = 1, max = 100))]
    pub category: String,
    /// In cents.
    #[garde(range(min = 0, max = 1_000_000_000))]
    pub price: i64,
}

/// Some items in the order of their ids.
#[derive(Debug)]
pub struct Page {
    pub items: Vec<Item>,
    pub is_last: bool,
}

/// How a change went.
#[derive(Debug)]
pub enum Written {
    Made(Item),
    Changed(Item),
    /// Nothing was written: the item is not what the client takes it for, but this, or there is none.
    Otherwise(Option<Item>),
}

/// The database.
#[derive(Debug, Clone)]
pub enum Store {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// The same words for either database: both know `$1` and `RETURNING`.
macro_rules! with {
    ($store:expr, $pool:ident => $done:expr) => {
        match $store {
            Store::Sqlite($pool) => $done,
            Store::Postgres($pool) => $done,
        }
    };
}

impl Store {
    /// The database of `DATABASE_URL`, else the file `SQLITE_FILE`, else the file `catalogue.sqlite` here. It has the
    /// tables of this version afterwards.
    pub async fn open(instance: Instance) -> Result<Self> {
        let url = instance.var_opt("DATABASE_URL");
        if let Some(url) = url.filter(|url| url.starts_with("postgres")) {
            let pool = pool::options().connect(url).await?;
            // Holds a lock of the database meanwhile: of two instances one waits, and then finds it done.
            migrated(&POSTGRES, &pool).await?;
            return Ok(Store::Postgres(pool));
        }
        let file = || instance.var_opt("SQLITE_FILE").unwrap_or("catalogue.sqlite");
        let options = match url {
            Some(url) => url.parse()?,
            None => SqliteConnectOptions::new().filename(file()),
        };
        let options = options.create_if_missing(true).busy_timeout(Duration::from_secs(5));
        migrate_file(&options).await?;
        Ok(Store::Sqlite(pool::options().connect_with(options).await?))
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), sqlx::Error> {
        with!(self, pool => query("SELECT 1").execute(pool).await.map(drop))
    }

    /// The items behind `after`, of all categories or of one.
    pub async fn list(
        &self,
        after: Option<&str>,
        category: Option<&str>,
        limit: u32,
    ) -> Result<Page, sqlx::Error> {
        // One more tells whether this page is the last.
        let (after, limit) = (after.unwrap_or_default(), i64::from(limit));
        let mut items: Vec<Item> = with!(self, pool => match category {
            None => {
                let sql = "SELECT id, name, category, price, version FROM items WHERE id > $1 ORDER BY id LIMIT $2";
                query_as(sql).bind(after).bind(limit + 1).fetch_all(pool).await?
            }
            Some(category) => {
                let sql = "SELECT id, name, category, price, version FROM items \
                           WHERE category = $3 AND id > $1 ORDER BY id LIMIT $2";
                query_as(sql).bind(after).bind(limit + 1).bind(category).fetch_all(pool).await?
            }
        });
        let is_last = i64::try_from(items.len()).is_ok_and(|found| found <= limit);
        if !is_last {
            items.pop();
        }
        Ok(Page { items, is_last })
    }

    pub async fn find(&self, id: &str) -> Result<Option<Item>, sqlx::Error> {
        let sql = "SELECT id, name, category, price, version FROM items WHERE id = $1";
        with!(self, pool => query_as(sql).bind(id).fetch_optional(pool).await)
    }

    /// Makes an item if there is none. A client that did not hear the answer asks again, and is told the same.
    pub async fn create(&self, id: &str, content: &Content) -> Result<Written, sqlx::Error> {
        let sql = "INSERT INTO items (id, name, category, price, version) VALUES ($1, $2, $3, $4, 1) \
                   ON CONFLICT (id) DO NOTHING RETURNING id, name, category, price, version";
        let Content { name, category, price } = content;
        let made: Option<Item> = with!(self, pool => {
            query_as(sql).bind(id).bind(name).bind(category).bind(price).fetch_optional(pool).await?
        });
        let found = match made {
            Some(item) => return Ok(Written::Made(item)),
            None => self.find(id).await?,
        };
        Ok(match found {
            Some(item) if item.version == 1 && item.is(content) => Written::Made(item),
            found => Written::Otherwise(found),
        })
    }

    /// Changes an item that is at one of these versions, or at any. A client that did not hear the answer asks again, and
    /// is told the same.
    pub async fn change(
        &self,
        id: &str,
        content: &Content,
        versions: Option<&[i64]>,
    ) -> Result<Written, sqlx::Error> {
        let Some(found) = self.find(id).await? else { return Ok(Written::Otherwise(None)) };
        if versions.is_some_and(|versions| !versions.contains(&found.version)) {
            return Ok(found.after(content, versions));
        }
        // Somebody may come between: then the version is another one.
        let sql = "UPDATE items SET name = $1, category = $2, price = $3, version = version + 1 \
                   WHERE id = $4 AND (version = $5 OR $6) RETURNING id, name, category, price, version";
        let Content { name, category, price } = content;
        let changed: Option<Item> = with!(self, pool => {
            let change = query_as(sql).bind(name).bind(category).bind(price).bind(id);
            change.bind(found.version).bind(versions.is_none()).fetch_optional(pool).await?
        });
        match changed {
            Some(item) => Ok(Written::Changed(item)),
            None => match self.find(id).await? {
                Some(found) => Ok(found.after(content, versions)),
                None => Ok(Written::Otherwise(None)),
            },
        }
    }
}

impl Item {
    /// How a change went that has found this item: it may be the change's own work, done before.
    fn after(self, content: &Content, versions: Option<&[i64]>) -> Written {
        match versions.is_some_and(|versions| versions.contains(&(self.version - 1))) && self.is(content) {
            true => Written::Changed(self),
            false => Written::Otherwise(Some(self)),
        }
    }

    fn is(&self, content: &Content) -> bool {
        let Content { name, category, price } = content;
        (&self.name, &self.category, &self.price) == (name, category, price)
    }
}

/// An id is part of addresses and of cursors.
pub(crate) fn is_id(id: &str, (): &()) -> garde::Result {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=64).contains(&id.len()) && id.bytes().all(is_allowed) {
        return Ok(());
    }
    Err(garde::Error::new("no id: 1 to 64 small letters, digits and hyphens"))
}

/// Instances may start at a time. Where one changes how the file is written, SQLite sends the others away at once, without
/// the wait of `busy_timeout`: they come again.
async fn migrate_file(options: &SqliteConnectOptions) -> Result<(), sqlx::Error> {
    let mut attempts = 1..100;
    loop {
        match migrate_file_once(options).await {
            Err(error) if pool::is_away(&error) && attempts.next().is_some() => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            other => return other,
        }
    }
}

/// SQLite has no lock for migrations. A transaction that writes is one: of two instances the second waits for the first,
/// and then finds it done.
async fn migrate_file_once(options: &SqliteConnectOptions) -> Result<(), sqlx::Error> {
    let mut connection = SqliteConnection::connect_with(options).await?;
    // Readers do not wait for a writer. It stays so in the file.
    query("PRAGMA journal_mode = WAL").execute(&mut connection).await?;
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    migrated(&SQLITE, &mut *transaction).await?;
    transaction.commit().await?;
    connection.close().await
}

/// Boxed, because the compiler does not see that a future is `Send` whose `Acquire` has a lifetime of its own.
fn migrated<'c, A>(
    migrator: &'static Migrator,
    database: A,
) -> Pin<Box<dyn Future<Output = Result<(), MigrateError>> + Send + 'c>>
where
    A: Acquire<'c, Connection: Deref<Target: Migrate> + Send> + Send + 'c,
{
    Box::pin(migrator.run(database))
}
