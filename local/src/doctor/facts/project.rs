//! What stands beside the manifest: Cargo's profiles, scripts, CI recipes.

use std::path::{Path, PathBuf};

use super::Text;
use crate::manifest::{Node, items, read_bounded};

/// The profile that releases are built with.
#[derive(Debug, Clone)]
pub(crate) struct CargoProfile {
    pub(crate) manifest: Text,
    /// `panic` of the profile `release`, with its line.
    pub(crate) panic: Option<(usize, String)>,
}

/// The largest text that is read, in bytes.
const TEXT_MAX: u64 = 1024 * 1024;

/// The most files of a folder that are looked at.
const FILES_MAX: usize = 200;

/// Where CI recipes and scripts stand, below the folder of the manifest.
const PLACES: [&str; 4] = ["", ".github/workflows", "scripts", "ci"];

/// The scripts that may deploy.
pub(super) fn scripts(folder: &Path) -> Vec<Text> {
    let mut found = Vec::new();
    for place in PLACES {
        let Ok(entries) = std::fs::read_dir(folder.join(place)) else { continue };
        let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).take(FILES_MAX).collect();
        files.sort();
        for file in files.into_iter().filter(|file| may_deploy(file, place)) {
            if let Ok(text) = read_bounded(&file, TEXT_MAX) {
                found.push(Text { file, text: String::from_utf8_lossy(&text).into_owned() });
            }
        }
    }
    found
}

fn may_deploy(file: &Path, place: &str) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let is_recipe = matches!(&*name, "Makefile" | "justfile" | ".gitlab-ci.yml" | "package.json")
        || name.ends_with(".sh")
        || place.starts_with(".github") && (name.ends_with(".yml") || name.ends_with(".yaml"));
    is_recipe && file.is_file()
}

/// Cargo's profiles of the folders in which the manifest builds.
pub(super) fn profiles(folder: &Path, root: &Node) -> Vec<CargoProfile> {
    let resources = root.child("resources").map(Node::entries).unwrap_or_default();
    let owners = resources.iter().map(|entry| &entry.node).chain([root]);
    let mut folders: Vec<PathBuf> = Vec::new();
    for step in owners.flat_map(|owner| hooks(owner, "")) {
        let builds = step.child("run").and_then(Node::as_text).is_some_and(|run| run.contains("cargo "));
        let path = step.child("path").and_then(Node::as_text).unwrap_or("./");
        let path: PathBuf = folder.join(path).components().collect();
        if builds && !folders.contains(&path) {
            folders.push(path);
        }
    }
    folders.iter().filter_map(|folder| profile(&folder.join("Cargo.toml"))).collect()
}

/// The steps of the hooks whose keys begin so.
fn hooks<'a>(owner: &'a Node, begin: &'a str) -> impl Iterator<Item = &'a Node> {
    let actions = owner.child("actions").map(Node::entries).unwrap_or_default();
    actions.iter().filter(move |entry| entry.key.starts_with(begin)).flat_map(|entry| items(&entry.node))
}

/// Whether a resource is built in one way for this machine and in another way for the cloud.
pub(super) fn has_two_builds(resource: Option<&Node>) -> bool {
    let keys = resource.and_then(|resource| resource.child("actions")).map(Node::entries).unwrap_or_default();
    keys.iter().any(|entry| entry.key.starts_with("pre-local"))
}

fn profile(file: &Path) -> Option<CargoProfile> {
    let text = String::from_utf8(read_bounded(file, TEXT_MAX).ok()?).ok()?;
    let table: toml::Table = text.parse().ok()?;
    let panic = table.get("profile").and_then(|profiles| profiles.get("release")?.get("panic")?.as_str());
    let manifest = Text { file: file.to_owned(), text };
    let panic = panic.map(|panic| (panic_line(&manifest), panic.to_owned()));
    Some(CargoProfile { manifest, panic })
}

/// The line of `panic` under `[profile.release]`, or of the table.
fn panic_line(manifest: &Text) -> usize {
    let mut table = (1, false);
    for (number, line) in manifest.lines() {
        let line = line.trim();
        if line.starts_with('[') {
            table = (number, line.starts_with("[profile.release]"));
        } else if table.1 && line.starts_with("panic") {
            return number;
        }
    }
    let named = manifest.lines().find(|(_, line)| line.contains("panic") && line.contains("abort"));
    named.map_or(1, |(number, _)| number)
}
