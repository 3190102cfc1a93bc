//! How a line gets into Redis: into the room's stream, and from there to those who have subscribed.

use std::time::Duration;

use fc_runtime::Result;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisResult, Script};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::Id;

/// How long an answer of Redis may take.
pub(crate) const ANSWER_MAX: Duration = Duration::from_secs(2);

/// How long a line or a sign of life may take in all. While Redis is silent, calls wait for each other at the connection.
const CALL_MAX: Duration = Duration::from_secs(5);

/// Numbers the line, keeps it and announces it, in one step. A call that is repeated finds its line.
const SAY: &str = "
    local kept = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', ARGV[5])
    for _, entry in ipairs(kept) do
        if entry[2][2] == ARGV[1] then return entry[1] end
    end
    local id
    if kept[1] then
        local history, number = string.match(kept[1][1], '^(%d+)-(%d+)$')
        id = history .. '-' .. string.format('%d', number + 1)
    else
        local now = redis.call('TIME')
        id = now[1] .. string.format('%06d', now[2]) .. '-1'
    end
    redis.call('XADD', KEYS[1], 'MAXLEN', '=', ARGV[3], id, 'token', ARGV[1], 'text', ARGV[2])
    redis.call('PEXPIRE', KEYS[1], ARGV[4])
    redis.call('PUBLISH', KEYS[1], id .. ' ' .. ARGV[1] .. ' ' .. ARGV[2])
    return id
";

/// Among how many lines a repeated call looks for its own.
const LOOK_BACK: usize = 100;

pub(crate) struct Speaker {
    client: Client,
    connection: Mutex<Option<MultiplexedConnection>>,
    say: Script,
    kept: usize,
    lasts: Duration,
}

impl Speaker {
    pub(crate) fn new(client: Client, kept: usize, lasts: Duration) -> Self {
        Self { client, connection: Mutex::new(None), say: Script::new(SAY), kept, lasts }
    }

    /// Says a line. A connection may have broken while the instance was frozen: then it is tried once more on a new one.
    pub(crate) async fn say(&self, key: &str, token: &str, text: &str) -> Result<Id> {
        timeout(CALL_MAX, self.say_or_say_again(key, token, text)).await?
    }

    async fn say_or_say_again(&self, key: &str, token: &str, text: &str) -> Result<Id> {
        let id = match self.try_say(key, token, text, 1).await {
            Ok(id) => id,
            Err(error) if error.is_unrecoverable_error() || error.is_timeout() || error.is_io_error() => {
                self.connection.lock().await.take();
                self.try_say(key, token, text, LOOK_BACK).await?
            }
            Err(error) => return Err(error.into()),
        };
        Ok(id.parse::<Id>()?)
    }

    async fn try_say(&self, key: &str, token: &str, text: &str, look_back: usize) -> RedisResult<String> {
        let mut connection = self.connection().await?;
        let lasts = u64::try_from(self.lasts.as_millis()).unwrap_or(u64::MAX).clamp(1, 1 << 50);
        let mut say = self.say.key(key);
        say.arg(token).arg(text).arg(self.kept).arg(lasts).arg(look_back);
        say.invoke_async(&mut connection).await
    }

    /// Asks Redis for a sign of life.
    pub(crate) async fn ping(&self) -> Result {
        timeout(CALL_MAX, self.try_ping()).await?
    }

    async fn try_ping(&self) -> Result {
        let mut connection = self.connection().await?;
        let pong: RedisResult<String> = redis::cmd("PING").query_async(&mut connection).await;
        if pong.is_err() {
            self.connection.lock().await.take();
        }
        pong?;
        Ok(())
    }

    async fn connection(&self) -> RedisResult<MultiplexedConnection> {
        let mut kept = self.connection.lock().await;
        if let Some(connection) = &*kept {
            return Ok(connection.clone());
        }
        let made = self.client.get_multiplexed_async_connection_with_config(&config()).await?;
        Ok(kept.insert(made).clone())
    }
}

/// Bounds on all waits.
pub(crate) fn config() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(ANSWER_MAX))
        .set_response_timeout(Some(ANSWER_MAX))
}
