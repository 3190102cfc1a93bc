//! Sessions: the client holds a private cookie with an id, a store holds what belongs to it.
//! `COOKIE_KEYS=$(openssl rand -hex 32) cargo run --release --features cookies --example sessions`, then
//! `curl -c jar -b jar -d user=ann localhost:9000/login` and `curl -b jar localhost:9000/`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use fc_runtime::{App, CookieKeys, Error, Exchange, Next, OrError, Result, SetCookie};
use serde::Deserialize;

const LIFE: Duration = Duration::from_secs(24 * 60 * 60);
const COOKIE: &str = "__Host-session";

#[derive(Debug, Clone)]
struct Session {
    user: String,
}

/// Where sessions are kept. Instances come and go and do not share memory: a function with more than one instance has its
/// sessions in Redis, Tablestore or a database, behind these three functions.
trait Sessions: Send + Sync + 'static {
    fn load(&self, id: &str) -> impl Future<Output = Result<Option<Session>>> + Send;
    fn save(&self, id: &str, session: Session) -> impl Future<Output = Result> + Send;
    fn remove(&self, id: &str) -> impl Future<Output = Result> + Send;
}

#[derive(Default)]
struct InMemory(Mutex<HashMap<String, (Session, Instant)>>);

impl Sessions for InMemory {
    async fn load(&self, id: &str) -> Result<Option<Session>> {
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(sessions.get(id).filter(|(_, made)| made.elapsed() < LIFE).map(|(session, _)| session.clone()))
    }

    async fn save(&self, id: &str, session: Session) -> Result {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, (_, made)| made.elapsed() < LIFE);
        sessions.insert(id.to_owned(), (session, Instant::now()));
        Ok(())
    }

    async fn remove(&self, id: &str) -> Result {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        Ok(())
    }
}

struct Shop<T> {
    keys: CookieKeys,
    sessions: T,
}

type Shopping = Exchange<Shop<InMemory>>;

#[derive(Deserialize)]
struct Login {
    user: String,
}

/// A new id at each log-in, so that nobody can plant one.
async fn login(ex: Shopping) -> Result<(SetCookie, String)> {
    let Login { user } = ex.form().await?;
    let mut random = [0; 16];
    getrandom::fill(&mut random).or_error(500, "no randomness")?;
    let id = format!("{:032x}", u128::from_ne_bytes(random));
    let Shop { keys, sessions } = ex.state();
    sessions.save(&id, Session { user: user.clone() }).await?;
    Ok((SetCookie::private(keys, COOKIE, &id).with_max_age(LIFE), format!("hello, {user}\n")))
}

async fn logout(ex: Shopping) -> Result<(SetCookie, &'static str)> {
    if let Some(id) = ex.private_cookie(&ex.state().keys, COOKIE) {
        ex.state().sessions.remove(&id).await?;
    }
    Ok((SetCookie::removal(COOKIE), "goodbye\n"))
}

/// Middleware: hands the session to the handler.
async fn with_session(mut ex: Shopping, next: Next<Shop<InMemory>>) -> Result<fc_runtime::Reply> {
    let id = ex.private_cookie(&ex.state().keys, COOKIE).or_error(401, "log in first")?;
    let session = ex.state().sessions.load(&id).await?.or_error(401, "the session is over")?;
    ex.insert(session);
    Ok(next.run(ex).await)
}

fn main() -> Result {
    App::with_state_from(async |instance| {
        Ok(Shop { keys: CookieKeys::parse(&instance.var("COOKIE_KEYS")?)?, sessions: InMemory::default() })
    })
    .post("/login", login)
    .post("/logout", logout)
    .group("/", |group| {
        group
            .get("/", async |ex| {
                let session: &Session = ex.value().ok_or_else(|| Error::unauthorized("log in first"))?;
                Ok(format!("you are {}\n", session.user))
            })
            .around(with_session)
    })
    .run()
}
