//! Connections to the database, which last although the platform freezes an instance between its calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use sqlx::pool::{PoolConnectionMetadata, PoolOptions};
use sqlx::{Connection, Database, Error};

/// Of one instance: instances times this many have to fit into what the database takes.
const CONNECTIONS: u32 = 5;

/// The shortest pause that may have been a freeze. What the other end of a connection does meanwhile is not seen.
const PAUSE: Duration = Duration::from_secs(1);

/// For how long after a pause each connection is asked before its use whether its other end is still there.
const DOUBT: Duration = Duration::from_secs(10);

/// How long that answer may take. Routers forget connections without a word to either end.
const ANSWER: Duration = Duration::from_secs(1);

/// How long a request waits for a connection.
const WAIT: Duration = Duration::from_secs(5);

pub(crate) fn options<D: Database>() -> PoolOptions<D> {
    let uses = Arc::new(Uses::default());
    PoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(WAIT)
        // That would ask before each use, of an instance that is busy too.
        .test_before_acquire(false)
        .before_acquire(move |connection, state| {
            let is_doubtful = uses.next_is_doubtful(SystemTime::now());
            Box::pin(is_usable::<D>(connection, state, is_doubtful))
        })
}

async fn is_usable<D: Database>(
    connection: &mut D::Connection,
    state: PoolConnectionMetadata,
    is_doubtful: bool,
) -> Result<bool, Error> {
    if is_doubtful || state.idle_for > PAUSE {
        // With an error the pool drops this connection and opens another.
        let late = |_| Error::Io(std::io::ErrorKind::TimedOut.into());
        tokio::time::timeout(ANSWER, connection.ping()).await.map_err(late)??;
    }
    Ok(true)
}

/// When connections were used, in milliseconds. A freeze shows as a pause.
///
/// How long a connection was idle does not tell: an instance is frozen as soon as it has answered, often before the
/// connection is back in the pool.
#[derive(Debug, Default)]
struct Uses {
    last: AtomicU64,
    doubtful_until: AtomicU64,
}

impl Uses {
    /// Whether a pause was just before this use, or not long ago. The clock is the one of the wall: the other one may
    /// stand still in a freeze.
    fn next_is_doubtful(&self, now: SystemTime) -> bool {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let now = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, millis);
        let last = self.last.swap(now, Ordering::Relaxed);
        // A clock that was set back may hide a pause. By a little it seems set back whenever two threads come at a time.
        if now.abs_diff(last) > millis(PAUSE) {
            self.doubtful_until.store(now + millis(DOUBT), Ordering::Relaxed);
        }
        now < self.doubtful_until.load(Ordering::Relaxed)
    }
}

/// Whether the database could not be asked, or not now: a later attempt may succeed.
pub(crate) fn is_away(error: &Error) -> bool {
    match error {
        Error::Io(_) | Error::Tls(_) | Error::PoolTimedOut | Error::PoolClosed | Error::WorkerCrashed => true,
        // A proxy that ends a connection while it is being opened.
        Error::Protocol(_) => true,
        // Of PostgreSQL: connections, resources, an operator's stop. Of SQLite: busy, locked.
        Error::Database(error) => error.code().is_some_and(|code| match &*code {
            "5" | "6" | "261" | "517" => true,
            code => code.len() == 5 && ["08", "53", "57P"].iter().any(|class| code.starts_with(class)),
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_makes_all_connections_doubtful_for_a_while() {
        let uses = Uses::default();
        let mut clock = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let mut after = |millis: u64| {
            clock += Duration::from_millis(millis);
            uses.next_is_doubtful(clock)
        };
        // The first use of all.
        assert!(after(0));
        assert!((0..12).all(|_| after(800)));
        assert!((0..100).all(|_| !after(900)));
        assert!(after(1100));
        assert!(after(100));
        assert!((0..9).all(|_| after(1000)));
        assert!(!after(1000));
    }

    #[test]
    fn a_clock_that_is_set_back_may_hide_a_pause() {
        let uses = Uses::default();
        let at = |secs| SystemTime::UNIX_EPOCH + Duration::from_secs(secs);
        uses.next_is_doubtful(at(10_000));
        for _ in 0..20 {
            uses.next_is_doubtful(at(10_020));
        }
        assert!(uses.next_is_doubtful(at(9_000)));
    }

    #[test]
    fn threads_that_read_the_clock_in_turns_hide_no_pause() {
        let uses = Uses::default();
        let at =
            |millis| SystemTime::UNIX_EPOCH + Duration::from_secs(10_000) + Duration::from_millis(millis);
        for now in (0..11_000).step_by(500) {
            uses.next_is_doubtful(at(now));
        }
        assert!(!uses.next_is_doubtful(at(10_999)));
        assert!(!uses.next_is_doubtful(at(10_998)));
    }
}
