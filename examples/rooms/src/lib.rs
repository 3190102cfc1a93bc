//! Rooms whose listeners are spread over instances, which do not know each other: Redis brings them together.
//!
//! A room is a stream of Redis and a channel of the same name. A line is numbered, kept and announced in one step. An
//! instance subscribes once for all its rooms, and hands each line to its own listeners: by a
//! [`Broadcast`](fc_runtime::Broadcast) to streams of events, and to sockets.
//!
//! Announcements alone would be lost while a connection is away, and nobody would know how many. The stream makes it
//! exact: numbers without holes show a gap, and what is still kept is read from it. What Redis has no more is told to
//! the listeners as a gap, with its size if that can be known.
//!
//! A feed to the clients of all instances is one room:
//!
//! ```no_run
//! use fc_runtime::{App, Metrics, Result, Sse};
//! use rooms::{Rooms, Settings};
//!
//! fn main() -> Result {
//!     let metrics = Metrics::new();
//!     App::with_state_from(async move |instance| {
//!         Rooms::open(&instance.var("REDIS")?, Settings::default(), &metrics)
//!     })
//!     .get("/feed", async |ex| {
//!         let after = ex.last_event_id().and_then(|id| id.parse().ok());
//!         Ok(Sse::new(ex.state().enter("news").await?.events(after)))
//!     })
//!     .post("/feed", async |ex| Ok(ex.state().say("news", &ex.text().await?).await?.to_string()))
//!     .run()
//! }
//! ```

mod counts;
mod heard;
mod id;
mod link;
mod room;
mod say;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fc_runtime::http::header::{HeaderValue, RETRY_AFTER};
use fc_runtime::{Error, Message, Metrics, Result, SseEvent};
use futures_util::{Stream, StreamExt as _, stream};
use redis::Client;
use tokio::sync::{Notify, broadcast};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::counts::Counts;
pub use crate::heard::{Heard, Line};
pub use crate::id::{Id, NoId};
use crate::room::Room;
use crate::say::Speaker;

/// The longest text of a line, in bytes.
pub const TEXT_MAX: usize = 4096;

/// How many rooms may have listeners in one instance.
const ROOMS_MAX: usize = 256;

/// How long a listener waits for a room that was not heard so far.
const JOIN_MAX: Duration = Duration::from_secs(3);

/// What is the same for all rooms.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Begins the keys in Redis, which other apps may use too.
    pub prefix: String,
    /// How many lines of each room are kept, in Redis and in each instance; at least one.
    pub kept: usize,
    /// After how long without a line Redis forgets a room.
    pub lasts: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { prefix: "rooms".to_owned(), kept: 100, lasts: Duration::from_secs(24 * 60 * 60) }
    }
}

/// The rooms of this instance.
pub struct Rooms {
    inner: Arc<Inner>,
    speaker: Speaker,
    /// Dropped with the rooms, and its task with it.
    _link: JoinSet<()>,
}

struct Inner {
    client: Client,
    settings: Settings,
    counts: Counts,
    rooms: Mutex<HashMap<String, Arc<Room>>>,
    /// A room has its first listener, or lost its last one.
    changed: Notify,
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Room>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rooms(&self) -> HashMap<String, Arc<Room>> {
        self.lock().clone()
    }
}

impl Rooms {
    /// The rooms in a Redis at an address such as `redis://127.0.0.1:6379`. It is connected when it is first used. Has
    /// to be called within a runtime of tokio.
    ///
    /// # Errors
    /// When the address is none of Redis.
    pub fn open(address: &str, mut settings: Settings, metrics: &Metrics) -> Result<Self> {
        settings.kept = settings.kept.max(1);
        let client = Client::open(address)?;
        let speaker = Speaker::new(client.clone(), settings.kept, settings.lasts);
        let counts = Counts::new(metrics);
        let (rooms, changed) = (Mutex::default(), Notify::new());
        let inner = Arc::new(Inner { client, settings, counts, rooms, changed });
        let mut link = JoinSet::new();
        link.spawn(link::run(Arc::clone(&inner)));
        Ok(Self { inner, speaker, _link: link })
    }

    /// Says a line in a room, to the listeners of all instances. The line is kept once this has returned.
    ///
    /// # Errors
    /// 422 for a name or a text that cannot be; 503 when Redis is away: then the line was most likely not said.
    pub async fn say(&self, room: &str, text: &str) -> Result<Id> {
        let key = self.key(room)?;
        if text.is_empty() || text.len() > TEXT_MAX {
            return Err(Error::unprocessable(format!("a line has 1 to {TEXT_MAX} bytes")));
        }
        let mut token = [0; 16];
        getrandom::fill(&mut token).map_err(|_| Error::new(500, "no randomness"))?;
        let token = format!("{:032x}", u128::from_ne_bytes(token));
        self.speaker.say(&key, &token, text).await.map_err(|cause| {
            self.inner.counts.refused.add(1);
            away().with_cause(cause.into_std())
        })
    }

    /// Takes a seat in a room.
    ///
    /// # Errors
    /// 422 for a name that cannot be; 503 when Redis is away and nobody of this instance was in the room before, or
    /// when too many rooms are open.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn enter(&self, room: &str) -> Result<Seat> {
        let key = self.key(room)?;
        let seat = {
            let mut rooms = self.inner.lock();
            if rooms.len() >= ROOMS_MAX && !rooms.contains_key(&key) {
                return Err(Error::unavailable("too many rooms are open here").with_header(RETRY_AFTER, SOON));
            }
            let new = || Arc::new(Room::new(key.clone(), self.inner.settings.kept));
            let room = rooms.entry(key.clone()).or_insert_with(new);
            room.add_seat();
            Seat { room: Arc::clone(room), inner: Arc::clone(&self.inner) }
        };
        self.inner.changed.notify_one();
        timeout(JOIN_MAX, seat.room.joined()).await.map_err(|_| away())?;
        Ok(seat)
    }

    /// Asks Redis for a sign of life.
    ///
    /// # Errors
    /// When there is none.
    pub async fn ping(&self) -> Result {
        self.speaker.ping().await
    }

    fn key(&self, room: &str) -> Result<String> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if room.is_empty() || room.len() > 64 || !room.bytes().all(is_plain) {
            return Err(Error::unprocessable("a room's name has 1 to 64 letters, digits, - and _"));
        }
        Ok(format!("{}:{room}", self.inner.settings.prefix))
    }
}

impl fmt::Debug for Rooms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rooms").field("open", &self.inner.lock().len()).finish_non_exhaustive()
    }
}

const SOON: HeaderValue = HeaderValue::from_static("1");

fn away() -> Error {
    Error::unavailable("the rooms cannot be reached now").with_header(RETRY_AFTER, SOON)
}

/// A place in a room. The instance hears a room for as long as somebody has a seat there.
pub struct Seat {
    room: Arc<Room>,
    inner: Arc<Inner>,
}

impl Seat {
    /// What is said from now on, for [`Sse::new`](fc_runtime::Sse::new). With an id, what was said after that line
    /// comes first. A listener that is too slow is cut off: it comes again with its last id, and misses nothing.
    pub fn events(self, after: Option<Id>) -> impl Stream<Item = Result<SseEvent>> + Send + 'static {
        let (replay, live) = self.room.events(after);
        let replay = stream::iter(replay.into_iter().map(|heard| heard.to_event()));
        replay.chain(live.map(Ok)).map(move |event| {
            // The stream has the seat.
            let _ = &self;
            event
        })
    }

    /// The same for a socket: what was missed, and what is said from now on.
    ///
    /// # Errors
    /// None that could be named: the messages are plain JSON.
    pub fn messages(&self, after: Option<Id>) -> Result<(Vec<Message>, broadcast::Receiver<Message>)> {
        self.room.messages(after)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut rooms = self.inner.lock();
        if self.room.remove_seat() {
            rooms.remove(&self.room.key);
            drop(rooms);
            self.inner.changed.notify_one();
        }
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat").field("room", &self.room.key).finish_non_exhaustive()
    }
}
