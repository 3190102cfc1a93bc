//! Several fc-local of one project: where each runs, and what another has published or set meanwhile.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::net::SocketAddr;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::timeout;

use super::deploy::Deployer;
use super::store::{Stamp, State, Store, Stored};
use crate::event::VersionNews;
use crate::manifest::Manifest;
use crate::model::{Alias, VersionId};
use crate::registry::Deployed;

/// How long a call waits for a change that is under way here. Then it is served with what is known.
const TURN_MAX: Duration = Duration::from_secs(1);

/// What the disk has of a function.
struct Read {
    state: State,
    ids: BTreeSet<VersionId>,
    /// The versions that are new.
    new: Vec<Stored>,
}

impl Deployer {
    /// Reads the versions and aliases of a function again if they were changed since the last look. Without news it costs
    /// one look at a file. What cannot be read stays as it is; the next start says why.
    pub(crate) async fn refresh(&self, deployed: &Deployed) {
        let stamp = self.store.stamp(&deployed.name);
        if self.is_seen(&deployed.name, stamp) {
            return;
        }
        // A publication copies code meanwhile, which may take long.
        let Ok(_turn) = timeout(TURN_MAX, self.releases_turn.lock()).await else { return };
        // Others may have waited for the same news.
        if self.is_seen(&deployed.name, stamp) {
            return;
        }
        let known: BTreeSet<VersionId> = deployed.releases(|all| all.versions.keys().copied().collect());
        let name = deployed.name.to_string();
        let Ok(Read { state, ids, new }) = self.blocking(move |store| read(store, &name, &known)).await
        else {
            return;
        };
        for stored in new {
            let id = stored.version.id;
            if let Ok(release) = self.release(stored).await {
                deployed.change_releases(|all| all.versions.insert(id, release));
                self.tell(deployed, VersionNews::Published(id));
            }
        }
        self.follow_aliases(deployed, &state.aliases);
        for id in deployed.releases(|all| all.versions.keys().copied().collect::<Vec<_>>()) {
            // Who removed the version removes its code.
            if !ids.contains(&id)
                && let Some(release) = deployed.change_releases(|all| all.versions.remove(&id))
            {
                release.pool.close();
                self.tell(deployed, VersionNews::Removed(id));
            }
        }
        if state.disabled != deployed.disabled() {
            self.follow_disabled(deployed, state.disabled);
        }
        self.note_seen(&deployed.name, stamp);
    }

    fn follow_aliases(&self, deployed: &Deployed, aliases: &[Alias]) {
        let former: Vec<Alias> = deployed.releases(|all| all.aliases.values().cloned().collect());
        for Alias { name, .. } in
            former.iter().filter(|own| aliases.iter().all(|other| other.name != own.name))
        {
            deployed.change_releases(|all| all.aliases.remove(name));
            self.tell(deployed, VersionNews::AliasRemoved(name.clone()));
        }
        for alias in aliases.iter().filter(|alias| !former.contains(alias)) {
            deployed.change_releases(|all| all.aliases.insert(alias.name.clone(), alias.clone()));
            let (version, additional) = (alias.version, alias.additional);
            self.tell(deployed, VersionNews::AliasSet { alias: alias.name.clone(), version, additional });
        }
    }

    /// Publishes `address` to other programs of this user.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub(crate) fn announce(&self, manifest: &Manifest, address: SocketAddr) -> io::Result<()> {
        self.workspace.announce(manifest.file(), address)
    }

    fn lock_seen(&self) -> MutexGuard<'_, HashMap<String, Stamp>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_seen(&self, name: &str, stamp: Option<Stamp>) -> bool {
        self.lock_seen().get(name).copied() == stamp
    }

    pub(super) fn note_seen(&self, name: &str, stamp: Option<Stamp>) {
        let mut seen = self.lock_seen();
        match stamp {
            Some(stamp) => drop(seen.insert(name.to_owned(), stamp)),
            None => drop(seen.remove(name)),
        }
    }
}

fn read(store: &Store, name: &str, known: &BTreeSet<VersionId>) -> io::Result<Read> {
    let state = store.state(name)?;
    let mut ids = BTreeSet::new();
    let mut new = Vec::new();
    for id in store.numbers(name)? {
        if known.contains(&id) {
            // Its file is gone when it was removed.
            ids.extend(store.has_version(name, id).then_some(id));
        } else if store.has_version(name, id)
            && let Ok(Some(stored)) = store.stored_version(name, id)
        {
            ids.insert(id);
            new.push(stored);
        }
    }
    Ok(Read { state, ids, new })
}
