//! Stores that all instances share, on SQL and on Redis, for `Exchange::once` and `guard::rate_limit`.

mod redis_store;
mod sqlite_store;

pub use redis_store::RedisStore;
pub use sqlite_store::SqliteStore;
