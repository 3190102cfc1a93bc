//! Versions and aliases: published, removed, set, and read again after a restart.

use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::Value;

use super::deploy::Deployer;
use super::store::{State, Store, Stored};
use crate::event::{Kind, Source, VersionNews};
use crate::failure::Failure;
use crate::instance::Pool;
use crate::model::{Alias, DESCRIPTION_MAX, Version, VersionId, is_alias_name};
use crate::registry::{Deployed, Release};

/// What a caller wants of an alias. `None` keeps what is there.
#[derive(Debug, Clone, Default)]
pub(crate) struct AliasChange {
    pub(crate) version: Option<VersionId>,
    pub(crate) additional: SecondVersion,
    pub(crate) description: Option<String>,
}

/// What a caller wants of an alias's second version.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum SecondVersion {
    #[default]
    Kept,
    None,
    /// This version gets this share of the calls.
    Set(VersionId, f64),
}

impl SecondVersion {
    fn or(self, former: Option<(VersionId, f64)>) -> Option<(VersionId, f64)> {
        match self {
            SecondVersion::Kept => former,
            SecondVersion::None => None,
            SecondVersion::Set(version, weight) => Some((version, weight)),
        }
    }
}

impl Deployer {
    /// Carries out a change to its end, even if the caller's future is dropped. Otherwise the disk would have what the
    /// registry does not, and the next change would meet the files of this one.
    pub(crate) async fn complete<T: Send + 'static>(
        &self,
        change: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        let outcome = self.tasks.spawn(change).await;
        outcome.map_err(|error| Failure::unavailable(format!("cannot be carried out: {error}")))?
    }

    /// The versions of a function, in order.
    ///
    /// # Errors
    ///
    /// The function does not exist.
    pub(crate) fn versions(&self, name: &str) -> Result<Vec<Version>, Failure> {
        let deployed = self.registry.find(name)?;
        Ok(deployed.releases(|all| all.versions.values().map(|release| release.version.clone()).collect()))
    }

    /// The aliases of a function, by name.
    ///
    /// # Errors
    ///
    /// The function does not exist.
    pub(crate) fn aliases(&self, name: &str) -> Result<Vec<Alias>, Failure> {
        let deployed = self.registry.find(name)?;
        Ok(deployed.releases(|all| all.aliases.values().cloned().collect()))
    }

    /// An alias of a function.
    ///
    /// # Errors
    ///
    /// The function or the alias does not exist.
    pub(crate) fn alias(&self, name: &str, alias: &str) -> Result<Alias, Failure> {
        self.registry.find(name)?.releases(|all| all.alias(alias).cloned())
    }

    /// Publishes the code and settings of `LATEST` as a version, and keeps `document` with it.
    ///
    /// # Errors
    ///
    /// The function does not exist, its code is too large, or the disk refuses.
    pub(crate) async fn publish(
        &self,
        name: &str,
        description: String,
        document: Option<Value>,
    ) -> Result<Version, Failure> {
        check_description(&description)?;
        let _turn = self.releases_turn.lock().await;
        let deployed = self.registry.find(name)?;
        let generation = Arc::clone(&deployed.pool().generation);
        let layout = generation.layout.clone();
        if layout.code == generation.function.code && !self.store.holds(&layout.code) {
            let text = "the code is larger than the platform takes (500 MiB) and runs in place: a version needs a copy";
            return Err(Failure::invalid_argument(text));
        }
        let function = Arc::clone(&generation.function);
        let stored = self
            .stored(move |store| store.publish(&function, description, &layout, document.as_ref()))
            .await?;
        let version = stored.version.clone();
        let release = self.release(stored).await;
        let release = release.map_err(|error| Failure::unavailable(format!("cannot publish: {error}")))?;
        deployed.change_releases(|releases| releases.versions.insert(version.id, release));
        self.tell(&deployed, VersionNews::Published(version.id));
        Ok(version)
    }

    /// Removes a version. Aliases that lead to it stay, and their calls are refused.
    ///
    /// # Errors
    ///
    /// The function or the version does not exist, or the disk refuses.
    pub(crate) async fn remove_version(&self, name: &str, id: VersionId) -> Result<(), Failure> {
        let _turn = self.releases_turn.lock().await;
        let deployed = self.registry.find(name)?;
        deployed.releases(|releases| releases.version(id).map(|_| ()))?;
        let retired = name.to_owned();
        self.stored(move |store| store.retire(&retired, id)).await?;
        let Some(release) = deployed.change_releases(|releases| releases.versions.remove(&id)) else {
            return Ok(());
        };
        release.pool.close();
        self.tell(&deployed, VersionNews::Removed(id));
        // The code goes when nothing runs from it any more.
        let (store, name) = (self.store.clone(), name.to_owned());
        self.tasks.spawn(async move {
            release.pool.gone().await;
            let removal = move || store.remove(&name, id);
            drop(tokio::task::spawn_blocking(removal).await);
        });
        Ok(())
    }

    /// Makes an alias, or changes one.
    ///
    /// # Errors
    ///
    /// The alias exists and is to be new, does not exist and is to be changed, or leads to a version that does not
    /// exist; the function does not exist; or the disk refuses.
    pub(crate) async fn set_alias(
        &self,
        name: &str,
        alias: &str,
        change: AliasChange,
        is_new: bool,
    ) -> Result<Alias, Failure> {
        if !is_alias_name(alias) {
            let text = "the alias's name must be 1 to 128 letters, digits, `_` or `-`, start with a letter or `_`, and not be LATEST";
            return Err(Failure::invalid_argument(text));
        }
        let _turn = self.releases_turn.lock().await;
        let deployed = self.registry.find(name)?;
        let now = SystemTime::now();
        let former = deployed.releases(|releases| releases.alias(alias).cloned());
        let alias = match former {
            Ok(_) if is_new => return Err(Failure::alias_exists(alias)),
            Ok(former) => Alias {
                version: change.version.unwrap_or(former.version),
                additional: change.additional.or(former.additional),
                description: change.description.unwrap_or(former.description),
                modified: now,
                ..former
            },
            Err(failure) if !is_new => return Err(failure),
            Err(_) => Alias {
                name: alias.to_owned(),
                version: change.version.ok_or_else(|| Failure::invalid_argument("versionId is missing"))?,
                additional: change.additional.or(None),
                description: change.description.unwrap_or_default(),
                created: now,
                modified: now,
            },
        };
        check_description(&alias.description)?;
        check_weight(&alias)?;
        deployed.releases(|releases| alias.versions().try_for_each(|id| releases.version(id).map(|_| ())))?;
        let kept = alias.clone();
        let change = |state: &mut State| {
            state.aliases.retain(|other| other.name != kept.name);
            state.aliases.push(kept);
        };
        self.keep_state(&deployed, change).await?;
        deployed.change_releases(|releases| releases.aliases.insert(alias.name.clone(), alias.clone()));
        let (version, additional) = (alias.version, alias.additional);
        self.tell(&deployed, VersionNews::AliasSet { alias: alias.name.clone(), version, additional });
        Ok(alias)
    }

    /// Removes an alias.
    ///
    /// # Errors
    ///
    /// The function or the alias does not exist, or the disk refuses.
    pub(crate) async fn remove_alias(&self, name: &str, alias: &str) -> Result<(), Failure> {
        let _turn = self.releases_turn.lock().await;
        let deployed = self.registry.find(name)?;
        deployed.releases(|releases| releases.alias(alias).map(|_| ()))?;
        let removed = alias.to_owned();
        self.keep_state(&deployed, move |state| state.aliases.retain(|other| other.name != removed)).await?;
        deployed.change_releases(|releases| releases.aliases.remove(alias));
        self.tell(&deployed, VersionNews::AliasRemoved(alias.to_owned()));
        Ok(())
    }

    /// Refuses the calls of a function and ends its instances. Calls under way are finished, unless `aborts`.
    ///
    /// # Errors
    ///
    /// The function does not exist, or the disk refuses.
    pub(crate) async fn disable(&self, name: &str, reason: String, aborts: bool) -> Result<(), Failure> {
        let _turn = self.releases_turn.lock().await;
        let deployed = self.registry.find(name)?;
        let kept = reason.clone();
        self.keep_state(&deployed, |state| state.disabled = Some(kept)).await?;
        self.refuse_calls(&deployed, reason, aborts);
        Ok(())
    }

    /// Takes the calls of a function again.
    ///
    /// # Errors
    ///
    /// The function does not exist, or the disk refuses.
    pub(crate) async fn enable(&self, name: &str) -> Result<(), Failure> {
        let _turn = self.releases_turn.lock().await;
        let deployed = self.registry.find(name)?;
        self.keep_state(&deployed, |state| state.disabled = None).await?;
        self.take_calls(&deployed);
        Ok(())
    }

    /// Does what another fc-local of this project has set.
    pub(super) fn follow_disabled(&self, deployed: &Deployed, reason: Option<String>) {
        match reason {
            // One that is refused already is refused for another reason.
            Some(reason) if deployed.disabled().is_some() => deployed.set_disabled(Some(reason)),
            Some(reason) => self.refuse_calls(deployed, reason, false),
            None => self.take_calls(deployed),
        }
    }

    fn refuse_calls(&self, deployed: &Deployed, reason: String, aborts: bool) {
        deployed.set_disabled(Some(reason));
        let latest = self.successor(&deployed.pool(), aborts);
        deployed.swap(latest);
        deployed.change_releases(|releases| {
            for release in releases.versions.values_mut() {
                release.pool = self.successor(&release.pool, aborts);
            }
        });
    }

    fn take_calls(&self, deployed: &Deployed) {
        deployed.set_disabled(None);
        deployed.pool().set_kept(true);
        if deployed.pool().generation.keeps_instances() {
            self.warm(&deployed.name);
        }
    }

    /// Instances of the same generation that are still to be started. The former ones end.
    fn successor(&self, former: &Arc<Pool>, aborts: bool) -> Arc<Pool> {
        let ignores_port = former.ignores_port();
        let pool = self.pool(Arc::clone(&former.generation), ignores_port, ignores_port != Some(true));
        pool.set_kept(false);
        former.close();
        if aborts {
            former.abort();
        }
        let (former, next) = (Arc::clone(former), Arc::clone(&pool));
        self.tasks.spawn(async move {
            former.gone().await;
            next.open();
        });
        pool
    }

    /// Reads the versions and aliases of a function that is deployed for the first time.
    pub(super) async fn restore(&self, deployed: &Deployed) {
        let name = deployed.name.to_string();
        self.note_seen(&name, self.store.stamp(&name));
        let read = move |store: &Store| Ok((store.state(&name), store.versions(&name)));
        let complain = |error: String| {
            self.log.emit(&Source::function(&deployed.name), Kind::VersionsNotRead { error });
        };
        let (state, versions) = match self.blocking(read).await {
            Ok(read) => read,
            Err(error) => return complain(error.to_string()),
        };
        match state {
            Ok(state) => {
                deployed.set_disabled(state.disabled);
                let aliases = state.aliases.into_iter().map(|alias| (alias.name.clone(), alias));
                deployed.change_releases(|releases| releases.aliases = aliases.collect());
            }
            // Nothing is written over a file that cannot be read.
            Err(error) => complain(error.to_string()),
        }
        for stored in versions.unwrap_or_else(|error| vec![Err(error)]) {
            let stored = match stored {
                Ok(stored) => stored,
                Err(error) => {
                    complain(error.to_string());
                    continue;
                }
            };
            let id = stored.version.id;
            match self.release(stored).await {
                Ok(release) => {
                    deployed.change_releases(|releases| releases.versions.insert(id, release));
                }
                Err(error) => complain(error),
            }
        }
    }

    /// As [`refresh`](Self::refresh), if the function is there.
    pub(crate) async fn refresh_named(&self, name: &str) {
        if let Ok(deployed) = self.registry.find(name) {
            self.refresh(&deployed).await;
        }
    }

    /// A version whose instances are still to be started.
    pub(super) async fn release(
        &self,
        Stored { version, function, code }: Stored,
    ) -> Result<Release, String> {
        let layout = self.folders.layout(&function, &code, &self.workspace, &self.log).await;
        let layout = layout.map_err(|(folder, error)| format!("{}: {error}", folder.display()))?;
        let generation = self.generation(function, Some(version.id), layout);
        Ok(Release { version, pool: self.pool(generation, None, true) })
    }

    async fn keep_state(
        &self,
        deployed: &Deployed,
        change: impl FnOnce(&mut State) + Send + 'static,
    ) -> Result<(), Failure> {
        let name = deployed.name.to_string();
        self.stored(move |store| store.change(&name, change)).await
    }

    async fn stored<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> io::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let outcome = self.blocking(work).await;
        outcome.map_err(|error| Failure::unavailable(format!("cannot write to .fc-local: {error}")))
    }

    /// Work on files, on a thread where blocking does no harm.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let store = self.store.clone();
        let outcome = tokio::task::spawn_blocking(move || work(&store)).await;
        outcome.map_err(io::Error::other).and_then(|outcome| outcome)
    }

    pub(super) fn tell(&self, deployed: &Deployed, news: VersionNews) {
        self.log.emit(&Source::function(&deployed.name), Kind::VersionsChanged(news));
    }
}

fn check_description(text: &str) -> Result<(), Failure> {
    if text.chars().count() <= DESCRIPTION_MAX {
        return Ok(());
    }
    Err(Failure::invalid_argument(format!("the description may have {DESCRIPTION_MAX} characters")))
}

fn check_weight(alias: &Alias) -> Result<(), Failure> {
    match alias.additional {
        Some((second, _)) if second == alias.version => {
            Err(Failure::invalid_argument("additionalVersionWeight must name another version than versionId"))
        }
        Some((_, weight)) if !(weight > 0.0 && weight < 1.0) => {
            Err(Failure::invalid_argument("additionalVersionWeight must be more than 0 and less than 1"))
        }
        _ => Ok(()),
    }
}
