//! A store on Redis. Each method is one script, which Redis runs as a whole.

use std::time::Duration;

use fc_runtime::Result;
use fc_runtime::store::{Begun, Hits, Store};
use redis::aio::MultiplexedConnection;
use redis::{Client, FromRedisValue, Script, ScriptInvocation};
use tokio::sync::Mutex;

/// A store on Redis, which all instances share. A kept result is `d` and the value, a key that is held `r` and its holder.
#[derive(Debug)]
pub struct RedisStore {
    client: Client,
    connection: Mutex<Option<MultiplexedConnection>>,
    begin: Script,
    complete: Script,
    release: Script,
    hit: Script,
}

/// A holder that asks again gets the same answer, so that a lost answer does no harm.
const BEGIN: &str = "
    local found = redis.call('GET', KEYS[1])
    if found and found ~= 'r' .. ARGV[1] then return found end
    redis.call('SET', KEYS[1], 'r' .. ARGV[1], 'PX', ARGV[2])
    return ''
";

const COMPLETE: &str = "
    if redis.call('GET', KEYS[1]) == 'r' .. ARGV[1] then redis.call('SET', KEYS[1], 'd' .. ARGV[2], 'PX', ARGV[3]) end
";

const RELEASE: &str = "
    if redis.call('GET', KEYS[1]) == 'r' .. ARGV[1] then redis.call('DEL', KEYS[1]) end
";

const HIT: &str = "
    local count = redis.call('INCR', KEYS[1])
    if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
    return { count, redis.call('PTTL', KEYS[1]) }
";

impl RedisStore {
    /// A store at an address such as `redis://127.0.0.1:6379`. It connects when it is first used.
    ///
    /// # Errors
    /// When the address is none of Redis.
    pub fn open(address: &str) -> Result<Self> {
        let [begin, complete, release, hit] = [BEGIN, COMPLETE, RELEASE, HIT].map(Script::new);
        Ok(Self {
            client: Client::open(address)?,
            connection: Mutex::new(None),
            begin,
            complete,
            release,
            hit,
        })
    }

    /// Runs a script. A connection may have broken while the instance was frozen: then the script runs again, on a new one.
    async fn run<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T> {
        let mut connection = self.connection().await?;
        match script.invoke_async(&mut connection).await {
            Err(error) if error.is_unrecoverable_error() => {
                self.connection.lock().await.take();
                Ok(script.invoke_async(&mut self.connection().await?).await?)
            }
            answer => Ok(answer?),
        }
    }

    async fn connection(&self) -> Result<MultiplexedConnection> {
        let mut kept = self.connection.lock().await;
        if let Some(connection) = &*kept {
            return Ok(connection.clone());
        }
        Ok(kept.insert(self.client.get_multiplexed_async_connection().await?).clone())
    }
}

impl Store for RedisStore {
    async fn begin(&self, key: &str, holder: &str, lease: Duration) -> Result<Begun> {
        let found: Vec<u8> = self.run(self.begin.key(key).arg(holder).arg(millis(lease))).await?;
        Ok(match found.split_first() {
            None => Begun::Yours,
            Some((b'd', value)) => Begun::Done(value.to_vec().into()),
            Some(_) => Begun::Running,
        })
    }

    async fn complete(&self, key: &str, holder: &str, value: &[u8], keep: Duration) -> Result {
        self.run(self.complete.key(key).arg(holder).arg(value).arg(millis(keep))).await
    }

    async fn release(&self, key: &str, holder: &str) -> Result {
        self.run(self.release.key(key).arg(holder)).await
    }

    async fn hit(&self, key: &str, window: Duration) -> Result<Hits> {
        let (count, left): (u64, i64) = self.run(self.hit.key(key).arg(millis(window))).await?;
        Ok(Hits { count, resets_in: Duration::from_millis(u64::try_from(left).unwrap_or_default()) })
    }
}

/// Redis has no time of zero.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).clamp(1, 1 << 50)
}
