//! An account read from its files, and its functions up again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::account::{Account, Objects};
use super::described::{Described, Part, now};
use super::domains::OwnDomain;
use super::files::Files;
use super::layers::{Layers, arns, parts_of};
use super::properties;
use crate::event::AccountNews;
use crate::failure::Failure;
use crate::manifest::Manifest;

/// What belongs to no function, as it is kept.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Kept {
    #[serde(default)]
    domains: BTreeMap<String, Part>,
    #[serde(default)]
    layers: Layers,
}

/// What was read, behind the lock.
type Read = (File, Vec<io::Result<(String, Described)>>, Kept);

impl Kept {
    pub(super) fn of(objects: &Objects) -> Self {
        let domains = objects.domains.iter().map(|(name, own)| (name.clone(), own.part.clone()));
        Kept { domains: domains.collect(), layers: objects.layers.clone() }
    }
}

impl Account {
    /// Reads what is kept. What cannot be read is told, and stays as it is.
    pub(crate) async fn open(&self, manifest: &Manifest) {
        self.set_manifest(manifest);
        if !self.files.has_account() {
            return;
        }
        let (lock, functions, kept): Read = match self.blocking(read).await {
            Ok(read) => read,
            Err(error) => return self.news("", AccountNews::Unavailable { error: error.to_string() }),
        };
        self.held(lock);
        self.write().layers = kept.layers;
        for (name, part) in kept.domains {
            match self.read_domain(&name, &part.fields) {
                Ok(domain) => drop(self.write().domains.insert(name, OwnDomain { part, domain })),
                Err(failure) => self.not_read("", &failure),
            }
        }
        let has_unread = functions.iter().any(io::Result::is_err);
        self.write().has_unread = has_unread;
        for found in functions {
            match found {
                Ok((name, described)) => {
                    self.registry.set_pending(&name, "is being started");
                    self.write().functions.insert(name, Arc::new(described));
                }
                Err(error) => self.news("", AccountNews::NotRead { error: error.to_string() }),
            }
        }
        if !has_unread {
            self.forget_layers();
        }
        self.sweep().await;
    }

    /// Starts the functions that are kept and do not answer yet, apart from those of which the manifest has one of the same
    /// name.
    pub(crate) async fn start(&self) {
        let _turn = self.turn.lock().await;
        let all: Vec<(String, Arc<Described>)> = {
            let objects = self.read();
            let own = objects.functions.iter().filter(|(name, _)| !objects.of_manifest.contains_key(*name));
            own.map(|(name, own)| (name.clone(), Arc::clone(own))).collect()
        };
        for (name, described) in all {
            if self.registry.functions().get(&name).is_some() {
                continue;
            }
            let prepared = match self.model(&name, &described) {
                Ok(function) => self.deployer.prepare_stored(function).await,
                Err(failure) => Err(failure),
            };
            match prepared {
                Ok(prepared) => {
                    self.deployer.put_stored(prepared).await;
                    if let Some(surroundings) = self.surroundings() {
                        surroundings.created(&name);
                    }
                }
                Err(failure) => {
                    self.registry.set_pending(&name, "cannot be started; see fc-local's output");
                    self.not_read(&name, &failure);
                }
            }
        }
        self.changed();
    }

    fn not_read(&self, function: &str, failure: &Failure) {
        self.news(function, AccountNews::NotRead { error: failure.message().to_owned() });
    }

    /// Takes over what a manifest defines. It hides what clients of the API gave the same names.
    pub(crate) fn set_manifest(&self, manifest: &Manifest) {
        let mut objects = self.write();
        let since = now();
        let former = std::mem::take(&mut objects.of_manifest);
        for name in manifest.names() {
            let Some(props) = manifest.props(name) else { continue };
            let former = former.get(name);
            let since = former.map_or(since, |former| former.created);
            let described = properties::of_manifest(props, former.map(|own| &**own), since);
            objects.of_manifest.insert(name.to_owned(), Arc::new(described));
        }
        objects.domains_of_manifest = manifest.domains().to_vec();
    }

    /// Forgets the deleted layers that no function has.
    fn forget_layers(&self) {
        let mut objects = self.write();
        let used: BTreeSet<(String, u64)> = objects
            .functions
            .values()
            .flat_map(|own| arns(&own.fields))
            .filter_map(|arn| {
                let (name, version) = parts_of(arn)?;
                Some((name.to_owned(), version.parse().ok()?))
            })
            .collect();
        for (name, layer) in &mut objects.layers {
            layer
                .versions
                .retain(|number, version| !version.is_deleted || used.contains(&(name.clone(), *number)));
        }
    }

    /// Removes the packages that nothing needs: no function, no layer, and no instance that still runs from one.
    pub(super) async fn sweep(&self) {
        let mut used: BTreeSet<String> = BTreeSet::new();
        {
            let objects = self.read();
            // Of what cannot be read nobody knows which code it needs.
            if objects.has_unread {
                return;
            }
            let functions = objects.functions.values().filter_map(|own| own.code.as_ref());
            let layers = objects.layers.values().flat_map(|layer| layer.versions.values());
            used.extend(
                functions.chain(layers.map(|version| &version.code)).map(|code| code.package.clone()),
            );
        }
        let deployer = Arc::clone(&self.deployer);
        let removal = move |files: &Files| {
            files.bucket().clean()?;
            files.sweep(|id| used.contains(id) || deployer.runs_from(&files.folder_of(id)))
        };
        // What stays is removed by the next start.
        drop(self.stored(removal).await);
    }
}

/// Reads everything.
fn read(files: &Files) -> io::Result<Read> {
    Ok((files.lock()?, files.functions()?, files.account()?.unwrap_or_default()))
}
