//! Watches sources, rebuilds, and has instances swapped.

mod build;
mod snapshot;
mod sources;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

pub(crate) use build::run as run_action;
pub(crate) use snapshot::{Snapshot, Workspace, remove};

use crate::log::Source;
use crate::manifest::Manifest;
use crate::platform::Platform;
use sources::Sources;

/// Several changes within this time are one: an editor's save is more than one event.
const DEBOUNCE: Duration = Duration::from_millis(120);

/// A build that changes its own sources every time would go on for ever.
const SELF_TRIGGERED_MAX: u32 = 2;

/// Follows the manifest and the sources until the future is dropped.
pub(crate) async fn follow(platform: &Platform, mut manifest: Manifest) -> notify::Result<()> {
    let changed = Arc::new(Notify::new());
    let notice = Arc::clone(&changed);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading a file is no change; an error may hide one.
        if event.map_or(true, |event| !event.kind.is_access()) {
            notice.notify_one();
        }
    })?;
    let mut watched = HashSet::new();
    let mut builds: HashMap<String, Built> = HashMap::new();
    let mut text = fingerprint_of_manifest(&manifest);
    loop {
        let sources = sources_of(&manifest);
        watch_all(&mut watcher, &mut watched, &manifest, &sources, platform);
        let due = due(&sources, &mut builds);
        for name in due {
            let before = sources.get(&name).map(Sources::fingerprint);
            if let Some(built) = builds.get_mut(&name) {
                built.fingerprint = before.unwrap_or_default();
            }
            platform.rebuild(&manifest, &name).await;
        }
        let is_stable = sources.iter().all(|(name, sources)| {
            builds.get(name).is_some_and(|built| built.fingerprint == sources.fingerprint())
        });
        if is_stable {
            for built in builds.values_mut() {
                built.in_a_row = 0;
            }
        }
        changed.notified().await;
        tokio::time::sleep(DEBOUNCE).await;
        let now = fingerprint_of_manifest(&manifest);
        if now != text {
            text = now;
            if let Some(newer) = reload(platform, &manifest).await {
                manifest = newer;
                builds.clear();
            }
        }
    }
}

struct Built {
    fingerprint: u64,
    in_a_row: u32,
}

/// The functions whose sources differ from those of their last build.
fn due(sources: &HashMap<String, Sources>, builds: &mut HashMap<String, Built>) -> Vec<String> {
    let mut due = Vec::new();
    for (name, sources) in sources {
        let fingerprint = sources.fingerprint();
        match builds.get_mut(name) {
            // What is there when watching begins was built just before.
            None => {
                builds.insert(name.clone(), Built { fingerprint, in_a_row: 0 });
            }
            Some(built) if built.fingerprint != fingerprint && built.in_a_row <= SELF_TRIGGERED_MAX => {
                built.in_a_row += 1;
                due.push(name.clone());
            }
            Some(_) => {}
        }
    }
    due
}

async fn reload(platform: &Platform, former: &Manifest) -> Option<Manifest> {
    match Manifest::load(former.file()) {
        Ok(manifest) => {
            platform.reload(former, &manifest).await;
            Some(manifest)
        }
        Err(error) => {
            platform.log().error(&Source::default(), format!("the manifest is not used:\n{error}"));
            None
        }
    }
}

fn sources_of(manifest: &Manifest) -> HashMap<String, Sources> {
    let functions = manifest.functions().iter();
    functions.map(|function| (function.name.clone(), Sources::of(function, manifest.folder()))).collect()
}

/// The manifest's own text and that of its `.env`.
fn fingerprint_of_manifest(manifest: &Manifest) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
    (std::fs::read(manifest.file()).ok(), std::fs::read(manifest.folder().join(".env")).ok())
}

fn watch_all(
    watcher: &mut RecommendedWatcher,
    watched: &mut HashSet<PathBuf>,
    manifest: &Manifest,
    sources: &HashMap<String, Sources>,
    platform: &Platform,
) {
    let mut folders: HashSet<PathBuf> = sources.values().flat_map(Sources::folders).collect();
    folders.insert(manifest.folder().to_owned());
    watched.retain(|folder| folders.contains(folder) && folder.exists());
    for folder in folders {
        if watched.contains(&folder) {
            continue;
        }
        match watcher.watch(&folder, RecursiveMode::NonRecursive) {
            Ok(()) => _ = watched.insert(folder),
            Err(error) => {
                let text = format!("changes in {} are not noticed: {error}", folder.display());
                platform.log().warn(&Source::default(), text);
            }
        }
    }
}
