//! Watches the manifest and the sources, and decides what a change requires: a build, a new manifest, or nothing.

mod reads;
mod rounds;

use std::collections::{HashMap, HashSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use notify::event::ModifyKind;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use crate::deploy::{Built, BuiltFrom, Sources};
use crate::event::{Kind, Log, Source};
use crate::manifest::{Manifest, Problem};
use reads::Reads;
use rounds::{Known, Next, Rounds};

/// Several changes within this time are one: an editor's save is more than one event.
const DEBOUNCE: Duration = Duration::from_millis(120);

/// Carries out what follows from a change.
pub(crate) trait Follower {
    fn log(&self) -> &Log;

    /// The sources of a function's last build.
    fn built_from(&self, name: &str) -> Arc<BuiltFrom>;

    /// The function's sources have changed since its last build.
    async fn sources_changed(&self, manifest: &Manifest, name: &str, done: &mut Built);

    /// The manifest has changed.
    async fn manifest_changed(&self, former: &Manifest, manifest: &Manifest);
}

/// Follows the manifest and the sources until the future is dropped.
pub(crate) async fn follow(follower: &impl Follower, mut manifest: Manifest) -> notify::Result<()> {
    let changed = Arc::new(Notify::new());
    let notice = Arc::clone(&changed);
    let gone = Arc::new(Mutex::new(HashSet::new()));
    let left = Arc::clone(&gone);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // A read is not a change. An error may hide a change.
        if let Ok(event) = &event {
            if event.kind.is_access() {
                return;
            }
            if event.kind.is_remove() || matches!(event.kind, EventKind::Modify(ModifyKind::Name(_))) {
                left.lock().unwrap_or_else(PoisonError::into_inner).extend(event.paths.iter().cloned());
            }
        }
        notice.notify_one();
    })?;
    let mut known = HashMap::new();
    let mut rounds: HashMap<String, Rounds> = HashMap::new();
    let mut refused = None;
    let mut told = HashMap::new();
    loop {
        let sources = sources_of(&manifest);
        tell(follower, &manifest, &sources, &mut told);
        let removed = std::mem::take(&mut *gone.lock().unwrap_or_else(PoisonError::into_inner));
        for path in removed {
            if known.remove(&path).is_some() {
                // The system has already ended the watch, unless the folder was moved.
                _ = watcher.unwatch(&path);
            }
        }
        watch_all(&mut watcher, &mut known, &manifest, &sources, follower).await;
        // The manifest comes first, because the new manifest may require other builds.
        if manifest.is_outdated() && refused != Some(manifest.texts_now()) {
            refused = Some(manifest.texts_now());
            if let Some(newer) = reload(follower, &manifest).await {
                manifest = newer;
                refused = None;
                continue;
            }
        }
        let mut done = Built::default();
        for (name, sources) in &sources {
            let now = sources.files_apart().await;
            let built = follower.built_from(name);
            let reads = Reads::of(&manifest, name);
            let known =
                Known { is_code: &|file| sources.is_code(file), is_read: &|file| reads.may_read(file) };
            match rounds.entry(name.clone()).or_insert_with(Rounds::after_a_build).next(&built, &now, &known)
            {
                Next::Nothing => {}
                Next::Build => {
                    // Changes during the build make the sources differ again.
                    changed.notify_one();
                    follower.sources_changed(&manifest, name, &mut done).await;
                }
                Next::Products(files) => {
                    // The changes during the build may include an edit.
                    changed.notify_one();
                    say(follower, name, Kind::BuildProducts { files });
                }
                Next::Unsettled => {
                    changed.notify_one();
                    say(follower, name, Kind::BuildUnsettled);
                }
            }
        }
        changed.notified().await;
        tokio::time::sleep(DEBOUNCE).await;
    }
}

/// Says what is watched for each function, once and after each change.
fn tell(
    follower: &impl Follower,
    manifest: &Manifest,
    sources: &HashMap<String, Sources>,
    told: &mut HashMap<String, Vec<PathBuf>>,
) {
    for function in manifest.functions() {
        let Some(sources) = sources.get(&function.name) else { continue };
        let folders: Vec<PathBuf> = sources.roots().iter().map(|root| root.components().collect()).collect();
        // Nothing is watched for an image that no step builds.
        if !folders.is_empty() && told.get(&function.name) != Some(&folders) {
            told.insert(function.name.clone(), folders.clone());
            let builds = !function.actions.is_empty();
            say(follower, &function.name, Kind::Watching { folders, builds });
        }
    }
}

fn say(follower: &impl Follower, function: &str, kind: Kind) {
    follower.log().emit(&Source::function(&Arc::from(function)), kind);
}

async fn reload(follower: &impl Follower, former: &Manifest) -> Option<Manifest> {
    match former.reload() {
        Ok(manifest) => {
            follower.manifest_changed(former, &manifest).await;
            Some(manifest)
        }
        Err(error) => {
            let problems = error.problems.iter().map(Problem::remark).collect();
            follower.log().emit(&Source::default(), Kind::ManifestInvalid { file: error.file, problems });
            None
        }
    }
}

fn sources_of(manifest: &Manifest) -> HashMap<String, Sources> {
    let functions = manifest.functions().iter();
    functions.map(|function| (function.name.clone(), Sources::of(function, manifest))).collect()
}

/// The watched folders, each with its identity. A folder that was removed and created again has the same path, but no
/// watch.
type Watched = HashMap<PathBuf, (u64, u64)>;

fn identity(folder: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(folder).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

async fn watch_all(
    watcher: &mut RecommendedWatcher,
    known: &mut Watched,
    manifest: &Manifest,
    sources: &HashMap<String, Sources>,
    follower: &impl Follower,
) {
    let mut folders = HashSet::new();
    for sources in sources.values() {
        folders.extend(sources.folders_apart().await);
    }
    folders.extend(manifest.source_folders().map(Path::to_owned));
    known.retain(|folder, _| folders.contains(folder));
    for folder in folders {
        // The change that removed the folder causes another check.
        let Some(identity) = identity(&folder) else { continue };
        match known.get(&folder) {
            Some(former) if *former == identity => continue,
            // The watch ended with the former folder, or is about to end.
            Some(_) => _ = watcher.unwatch(&folder),
            None => {}
        }
        match watcher.watch(&folder, RecursiveMode::NonRecursive) {
            Ok(()) => _ = known.insert(folder, identity),
            Err(error) => {
                let error = error.to_string();
                follower.log().emit(&Source::default(), Kind::FolderNotWatched { folder, error });
            }
        }
    }
}
