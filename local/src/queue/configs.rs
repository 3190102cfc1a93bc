//! How asynchronous calls are carried out: as a client of the API set it, or else as the manifest says.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use redb::{ReadTransaction, ReadableTable};
use serde::{Deserialize, Serialize};

use super::queue::{Queue, now};
use super::tables::CONFIGS;
use crate::failure::Failure;
use crate::model::{AsyncConfig, Function, LATEST};
use crate::store::Broken;

/// A configuration, with the times of its changes in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredConfig {
    pub(crate) config: AsyncConfig,
    pub(crate) created: u64,
    pub(crate) modified: u64,
}

/// The configurations that clients of the API set, by function and qualifier.
pub(super) type Configs = BTreeMap<(String, String), StoredConfig>;

/// Whose configuration: a function, and a version or an alias of it.
pub(crate) type ConfigOf = (String, Option<String>);

/// A change of a configuration.
pub(crate) type ConfigChange = Box<dyn FnOnce(AsyncConfig) -> Result<AsyncConfig, Failure> + Send>;

pub(super) fn load(read: &ReadTransaction) -> Result<Configs, Broken> {
    let table = read.open_table(CONFIGS)?;
    let mut configs = Configs::new();
    for entry in table.iter()? {
        let (key, value) = entry?;
        let (function, qualifier) = key.value();
        let config = serde_json::from_slice(value.value())
            .map_err(|error| Broken::corrupted(format_args!("a configuration: {error}")))?;
        configs.insert((function.to_owned(), qualifier.to_owned()), config);
    }
    Ok(configs)
}

fn key(function: &str, qualifier: Option<&str>) -> (String, String) {
    (function.to_owned(), qualifier.unwrap_or(LATEST).to_owned())
}

impl Queue {
    /// How calls of a function are carried out, in a version or alias; `None` is `LATEST`.
    pub(crate) fn config(&self, function: &str, qualifier: Option<&str>) -> AsyncConfig {
        self.stored_config(function, qualifier).map(|stored| stored.config).unwrap_or_default()
    }

    /// The configuration that was set, by the API or in the manifest.
    pub(crate) fn stored_config(&self, function: &str, qualifier: Option<&str>) -> Option<StoredConfig> {
        let configs = self.configs.read().unwrap_or_else(PoisonError::into_inner);
        if !configs.is_empty()
            && let Some(stored) = configs.get(&key(function, qualifier))
        {
            return Some(stored.clone());
        }
        drop(configs);
        let settings = self.settings(function)?;
        let config = settings.asynchronous_of(qualifier)?.clone();
        Some(StoredConfig { config, created: self.opened, modified: self.opened })
    }

    /// The settings of a function, if it is deployed.
    pub(crate) fn settings(&self, function: &str) -> Option<Arc<Function>> {
        self.registry.find(function).ok().map(|function| function.settings())
    }

    /// All configurations of one function, or of all.
    pub(crate) fn configs(&self, function: Option<&str>) -> Vec<(ConfigOf, StoredConfig)> {
        let mut all = Configs::new();
        let functions = self.registry.functions();
        for name in functions.names() {
            let settings = self.settings(name);
            if let Some((qualifier, config)) =
                settings.as_deref().and_then(|settings: &Function| settings.asynchronous.as_ref())
            {
                let (config, time) = (config.clone(), self.opened);
                all.insert(
                    key(name, qualifier.as_deref()),
                    StoredConfig { config, created: time, modified: time },
                );
            }
        }
        let set = self.configs.read().unwrap_or_else(PoisonError::into_inner);
        all.extend(set.iter().map(|(key, config)| (key.clone(), config.clone())));
        drop(set);
        let wanted = |name: &str| function.is_none_or(|function| function == name);
        all.into_iter()
            .filter(|((name, _), _)| wanted(name))
            .map(|((name, qualifier), config)| ((name, Some(qualifier).filter(|own| own != LATEST)), config))
            .collect()
    }

    /// Sets a configuration. What the change leaves out stays as it was.
    ///
    /// # Errors
    ///
    /// The change is none that the platform takes, or it cannot be stored.
    pub(crate) async fn set_config(
        &self,
        function: &str,
        qualifier: Option<&str>,
        change: ConfigChange,
    ) -> Result<StoredConfig, Failure> {
        let store = self.store().await?;
        let before = self.stored_config(function, qualifier);
        let (created, config) = match before {
            Some(before) => (before.created, before.config),
            None => (now(), AsyncConfig::default()),
        };
        let stored = StoredConfig { config: change(config)?, created, modified: now() };
        let key = key(function, qualifier);
        let bytes = serde_json::to_vec(&stored).map_err(|error| Failure::unavailable(error.to_string()))?;
        let own = key.clone();
        store.write(move |write| write.insert(CONFIGS, (&*own.0, &*own.1), &*bytes)).await?;
        self.configs.write().unwrap_or_else(PoisonError::into_inner).insert(key, stored.clone());
        Ok(stored)
    }

    /// Removes a configuration that the API set. The manifest's holds again.
    ///
    /// # Errors
    ///
    /// The change cannot be stored.
    pub(crate) async fn remove_config(&self, function: &str, qualifier: Option<&str>) -> Result<(), Failure> {
        let key = key(function, qualifier);
        let known = self.configs.read().unwrap_or_else(PoisonError::into_inner).contains_key(&key);
        if !known {
            return Ok(());
        }
        let own = key.clone();
        let store = self.store().await?;
        store.write(move |write| write.remove(CONFIGS, (&*own.0, &*own.1))).await?;
        self.configs.write().unwrap_or_else(PoisonError::into_inner).remove(&key);
        Ok(())
    }
}
