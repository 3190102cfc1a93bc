//! Sessions that outlive their instance: what a client said of itself at its beginning, in Redis.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisResult};
use rmcp::transport::streamable_http_server::session::{SessionState, SessionStore, SessionStoreError};
use tokio::sync::Mutex;
use tokio::time::timeout;

/// How long a session is kept after its last beginning: as long as the platform's affinity at most.
const LASTS: Duration = Duration::from_secs(6 * 60 * 60);

/// How long an answer of Redis may take.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// How long a command may take in all. While Redis is silent, commands wait for each other at the connection.
const COMMAND_MAX: Duration = Duration::from_secs(5);

/// Sessions in Redis, for `StreamableHttpServerConfig::session_store`.
///
/// Another instance that is asked for a session begins it there once more, without the client's help. What tools keep
/// in memory is not in it.
#[derive(Debug)]
pub struct RedisSessions {
    client: Client,
    connection: Mutex<Option<MultiplexedConnection>>,
}

impl RedisSessions {
    /// Sessions at an address such as `redis://127.0.0.1:6379`. It is connected when it is first used.
    ///
    /// # Errors
    /// When the address is none of Redis.
    pub fn open(address: &str) -> fc_runtime::Result<Self> {
        Ok(Self { client: Client::open(address)?, connection: Mutex::new(None) })
    }

    async fn ask<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> Result<T, SessionStoreError> {
        Ok(timeout(COMMAND_MAX, self.ask_or_ask_again(command)).await??)
    }

    async fn ask_or_ask_again<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> RedisResult<T> {
        let mut connection = self.connection().await?;
        match command.query_async(&mut connection).await {
            // A connection may have broken while the instance was frozen.
            Err(error) if error.is_unrecoverable_error() || error.is_timeout() || error.is_io_error() => {
                self.connection.lock().await.take();
                command.query_async(&mut self.connection().await?).await
            }
            answer => answer,
        }
    }

    async fn connection(&self) -> RedisResult<MultiplexedConnection> {
        let mut kept = self.connection.lock().await;
        if let Some(connection) = &*kept {
            return Ok(connection.clone());
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(ANSWER_MAX))
            .set_response_timeout(Some(ANSWER_MAX));
        let made = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        Ok(kept.insert(made).clone())
    }
}

fn key(session: &str) -> String {
    format!("mcp:session:{session}")
}

#[async_trait::async_trait]
impl SessionStore for RedisSessions {
    async fn load(&self, session: &str) -> Result<Option<SessionState>, SessionStoreError> {
        let kept: Option<String> = self.ask(redis::cmd("GET").arg(key(session))).await?;
        Ok(kept.map(|state| serde_json::from_str(&state)).transpose()?)
    }

    async fn store(&self, session: &str, state: &SessionState) -> Result<(), SessionStoreError> {
        let state = serde_json::to_string(state)?;
        let mut set = redis::cmd("SET");
        set.arg(key(session)).arg(state).arg("EX").arg(LASTS.as_secs());
        self.ask(&set).await
    }

    async fn delete(&self, session: &str) -> Result<(), SessionStoreError> {
        self.ask(redis::cmd("DEL").arg(key(session))).await
    }
}
