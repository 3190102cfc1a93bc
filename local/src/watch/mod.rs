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
pub(crate) use sources::Sources;

use crate::log::Source;
use crate::manifest::Manifest;
use crate::platform::{Built, Platform};

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
    let mut known = HashSet::new();
    let mut in_a_row: HashMap<String, u32> = HashMap::new();
    let mut refused = None;
    loop {
        let sources = sources_of(&manifest);
        watch_all(&mut watcher, &mut known, &manifest, &sources, platform).await;
        for (name, sources) in &sources {
            let count = in_a_row.entry(name.clone()).or_default();
            if platform.fingerprint(name) == Some(sources.fingerprint_apart().await) {
                *count = 0;
            } else if *count <= SELF_TRIGGERED_MAX {
                *count += 1;
                // Whatever changes from here on makes the fingerprint differ once more.
                changed.notify_one();
                platform.deploy(&manifest, name, &mut Built::default()).await;
            }
        }
        if manifest.is_outdated() && refused != Some(Manifest::read_text(manifest.file())) {
            refused = Some(Manifest::read_text(manifest.file()));
            if let Some(newer) = reload(platform, &manifest).await {
                manifest = newer;
                refused = None;
                continue;
            }
        }
        changed.notified().await;
        tokio::time::sleep(DEBOUNCE).await;
    }
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

async fn watch_all(
    watcher: &mut RecommendedWatcher,
    known: &mut HashSet<PathBuf>,
    manifest: &Manifest,
    sources: &HashMap<String, Sources>,
    platform: &Platform,
) {
    let mut folders = HashSet::new();
    for sources in sources.values() {
        folders.extend(sources.folders_apart().await);
    }
    folders.insert(manifest.folder().to_owned());
    known.retain(|folder| folders.contains(folder) && folder.exists());
    for folder in folders {
        if known.contains(&folder) {
            continue;
        }
        match watcher.watch(&folder, RecursiveMode::NonRecursive) {
            Ok(()) => _ = known.insert(folder),
            Err(error) => {
                let text = format!("changes in {} are not noticed: {error}", folder.display());
                platform.log().warn(&Source::default(), text);
            }
        }
    }
}
