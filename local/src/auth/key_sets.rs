//! Key sets that are fetched: kept, renewed, and used on through an outage.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use super::fetch;
use super::jwt::{Claims, Token};
use crate::failure::Failure;
use crate::model::Jwk;

/// How long a key set is used before it is fetched again.
const FRESH: Duration = Duration::from_secs(300);

/// The pause between two attempts: after a failure, and when a token names a key that the set does not have.
const PAUSE: Duration = Duration::from_secs(10);

/// The most keys of a set that are read.
const KEYS_MAX: usize = 100;

/// The key sets by address. Their number is that of the addresses in manifests.
#[derive(Debug, Default)]
pub(crate) struct KeySets {
    sets: Mutex<HashMap<String, Arc<AsyncMutex<KeySet>>>>,
}

#[derive(Debug, Default)]
struct KeySet {
    keys: Option<Arc<[Jwk]>>,
    fetched: Option<Instant>,
    tried: Option<Instant>,
    /// Why the last attempt failed.
    fault: Option<String>,
}

impl KeySets {
    /// Verifies a token with the key set at `url`. A token that names an unknown key makes the set be fetched again: its
    /// owner may have added a key.
    pub(crate) async fn verify(
        &self,
        url: &str,
        token: &Token<'_>,
        now: SystemTime,
    ) -> Result<Claims, Failure> {
        let keys = self.keys(url, FRESH).await?;
        if let Ok(key) = token.key(&keys) {
            return token.verify(key, now);
        }
        let keys = self.keys(url, PAUSE).await?;
        token.verify(token.key(&keys)?, now)
    }

    /// The keys at `url`, fetched again if they are older than `age`. Callers of the same set wait for one attempt.
    async fn keys(&self, url: &str, age: Duration) -> Result<Arc<[Jwk]>, Failure> {
        let set = {
            let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
            match sets.get(url) {
                Some(set) => Arc::clone(set),
                None => Arc::clone(sets.entry(url.to_owned()).or_default()),
            }
        };
        let mut set = set.lock().await;
        let is_older = |since: Option<Instant>, age| since.is_none_or(|since| since.elapsed() >= age);
        if is_older(set.fetched, age) && is_older(set.tried, PAUSE.min(age)) {
            set.tried = Some(Instant::now());
            match fetch::text(url).await.and_then(|text| read(&text)) {
                Ok(keys) => {
                    (set.keys, set.fetched, set.fault) = (Some(keys.into()), Some(Instant::now()), None);
                }
                // The last set is used on.
                Err(fault) => set.fault = Some(fault),
            }
        }
        set.keys.clone().ok_or_else(|| {
            let fault = set.fault.as_deref().unwrap_or("not fetched yet");
            Failure::unavailable(format!("the key set at {url} cannot be had: {fault}"))
        })
    }
}

/// Reads a key set. Keys for other purposes, or of unknown kinds, are left out.
fn read(text: &str) -> Result<Vec<Jwk>, String> {
    let json: serde_json::Value =
        serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
    let keys = json["keys"].as_array().ok_or("it has no list `keys`")?;
    if keys.len() > KEYS_MAX {
        return Err(format!("it has {} keys; {KEYS_MAX} are read", keys.len()));
    }
    let keys: Vec<Jwk> = keys.iter().filter_map(|key| Jwk::read(key).ok()).collect();
    match Jwk::fault_of_set(&keys) {
        Some(fault) => Err(format!("its keys {fault}")),
        None if keys.is_empty() => Err("it has no key that verifies tokens".to_owned()),
        None => Ok(keys),
    }
}
