//! Finds the folders of a generation: its code, its layers, its interpreters, and whether instances can have mounts.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::copy::Contents;
use super::workspace::Workspace;
use super::{interpreters, layers};
use crate::event::{Kind, Log, Source};
use crate::instance::{Layout, MountFolders};
use crate::model::Function;
use crate::process::{Mounts, kept_in_tmp};

/// What the layouts of all functions share.
#[derive(Debug)]
pub(super) struct Folders {
    mounts: Option<Arc<MountFolders>>,
    /// The layers that are laid, by the contents that they were laid from. They stay until the end: instances may run on.
    laid: Mutex<Vec<(u64, PathBuf)>>,
}

impl Folders {
    /// Finds out whether instances can have mounts. Otherwise one line in the log says why not.
    pub(super) async fn create(
        workspace: &Workspace,
        needed: &[&Path],
        has_processes: bool,
        log: &Log,
    ) -> io::Result<Self> {
        let mut mounts = None;
        if has_processes {
            let folders = workspace.mount_folders(kept_in_tmp(needed.iter().copied()))?;
            let root = folders.root.clone();
            let tried = tokio::task::spawn_blocking(move || Mounts::try_out(&root)).await;
            match tried.unwrap_or_else(|error| Err(error.to_string())) {
                Ok(()) => mounts = Some(Arc::new(folders)),
                Err(reason) => log.emit(&Source::default(), Kind::FoldersTranslated(reason)),
            }
        }
        Ok(Folders { mounts, laid: Mutex::default() })
    }

    /// The layout of a generation. An error names the layer that cannot be read.
    pub(super) async fn layout(
        &self,
        function: &Function,
        code: &Path,
        workspace: &Arc<Workspace>,
        log: &Log,
    ) -> Result<Layout, (PathBuf, String)> {
        let source = Source::function(&Arc::from(function.name.as_str()));
        let mut found = Vec::new();
        for name in interpreters::named(function) {
            found.extend(workspace.interpreter(&name, |folder, program| {
                log.emit(&source, Kind::InterpreterMapped { folder: folder.to_owned(), program });
            }));
        }
        Ok(Layout {
            code: code.to_owned(),
            layers: self.layers(function, workspace).await?,
            interpreters: found,
            mounts: self.mounts.clone().filter(|_| function.local.mounts),
        })
    }

    /// The folder of the function's layers. Layers that have not changed are not laid again.
    async fn layers(
        &self,
        function: &Function,
        workspace: &Arc<Workspace>,
    ) -> Result<Option<PathBuf>, (PathBuf, String)> {
        let layers = function.local.layers.clone();
        let Some(first) = layers.first().cloned() else { return Ok(None) };
        let known = self.laid.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let workspace = Arc::clone(workspace);
        let laying = tokio::task::spawn_blocking(move || -> io::Result<(u64, PathBuf)> {
            let contents = fingerprint(&layers)?;
            if let Some(known) = known.into_iter().find(|(of, _)| *of == contents) {
                return Ok(known);
            }
            let folder = workspace.new_folder("layers");
            layers::lay(&layers, &folder)?;
            Ok((contents, folder))
        });
        let laid = match laying.await {
            Ok(Ok(laid)) => laid,
            Ok(Err(error)) => return Err((first, error.to_string())),
            Err(error) => return Err((first, error.to_string())),
        };
        let mut known = self.laid.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains(&laid) {
            known.push(laid.clone());
        }
        Ok(Some(laid.1))
    }
}

/// A number that changes whenever one of the layers does.
fn fingerprint(layers: &[PathBuf]) -> io::Result<u64> {
    let mut hasher = DefaultHasher::new();
    for layer in layers {
        layer.hash(&mut hasher);
        let metadata = std::fs::metadata(layer)
            .map_err(|error| io::Error::new(error.kind(), format!("layer {}: {error}", layer.display())))?;
        if metadata.is_dir() {
            Contents::of(layer, u64::MAX)?.fingerprint.hash(&mut hasher);
        } else {
            (metadata.len(), metadata.modified()?).hash(&mut hasher);
        }
    }
    Ok(hasher.finish())
}
