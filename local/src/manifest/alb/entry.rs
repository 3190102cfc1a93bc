//! `x-local.alb`, and the files that it names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::balancer::{self, Here};
use super::group::Functions;
use super::source::{Problems, Source};
use super::{ros, short, terraform};
use crate::manifest::node::{Node, Value, items};
use crate::manifest::problem::{Matters, Problem};
use crate::manifest::text_file;
use crate::model::alb::LoadBalancer;

/// The folder that is read although nothing names it.
const FOLDER: &str = "alb";

const KEYS: [&str; 6] = ["terraform", "ros", "listeners", "ports", "servers", "variables"];

/// Where a manifest stands.
pub(in crate::manifest) struct Surroundings<'a> {
    pub(in crate::manifest) file: &'a Path,
    pub(in crate::manifest) folder: &'a Path,
    pub(in crate::manifest) functions: &'a [String],
    pub(in crate::manifest) environment: &'a dyn Fn(&str) -> Option<String>,
}

/// The load balancer that a manifest names, or that stands in the folder `alb` beside it. The files that were looked at
/// are added to `files`.
pub(in crate::manifest) fn read(
    root: &Node,
    surroundings: &Surroundings<'_>,
    files: &mut Vec<PathBuf>,
    problems: &mut Vec<Problem>,
) -> LoadBalancer {
    let node = root.child("x-local").and_then(|local| local.child("alb"));
    let mut own = Problems::default();
    let (source, here) = find(node, surroundings, files, &mut own);
    let balancer = source.map(|source| {
        let functions = Functions { names: surroundings.functions, resources: &[] };
        let whole = balancer::read(&source, functions, &here, &mut own);
        balancer::check_groups(&whole, &mut own);
        // A file that is being written is empty for a moment. Without this its listeners would be closed.
        if whole.listeners.is_empty() && own.0.is_empty() {
            let text = "the load balancer has no listener";
            own.0.push(Problem::error(node.map_or(1, |node| node.line), text));
        }
        whole
    });
    // What is wrong in the manifest is the manifest's own.
    problems.extend(own.0.into_iter().map(|problem| {
        let is_own = problem.file.as_deref() == Some(surroundings.file);
        Problem { file: problem.file.clone().filter(|_| !is_own), matters: Matters::Here, ..problem }
    }));
    balancer.unwrap_or_default()
}

fn find(
    node: Option<&Node>,
    surroundings: &Surroundings<'_>,
    files: &mut Vec<PathBuf>,
    problems: &mut Problems,
) -> (Option<Source>, Here) {
    let folder = surroundings.folder;
    let manifest: Arc<Path> = Arc::from(surroundings.file);
    let mut here = Here::default();
    let Some(node) = node else { return (usual(1, surroundings, &here, files, problems), here) };
    let wrong = |line: usize, text: String| Problem::error(line, text);
    match &node.value {
        Value::Bool(false) => (None, here),
        Value::Text(path) => {
            let source = named(&folder.join(path), node.line, surroundings, &here, files, problems);
            (source, here)
        }
        Value::Map(entries) => {
            for entry in entries.iter().filter(|entry| !KEYS.contains(&entry.key.as_str())) {
                let text =
                    format!("`{}` is not a key of `x-local.alb`; there are: {}", entry.key, KEYS.join(", "));
                problems.0.push(wrong(entry.line, text));
            }
            ports(node, &mut here, problems);
            texts(node, &mut here, problems);
            let ways: Vec<_> =
                ["terraform", "ros", "listeners"].iter().filter_map(|key| node.entry(key)).collect();
            let way = match ways.as_slice() {
                [] => return (usual(node.line, surroundings, &here, files, problems), here),
                [way] => way,
                _ => {
                    let text = "`x-local.alb` names one of `terraform` (a folder), `ros` (a template) and `listeners`";
                    problems.0.push(wrong(node.line, text.to_owned()));
                    return (None, here);
                }
            };
            let source = if way.key == "listeners" {
                Some(short::read(&way.node, &manifest, problems))
            } else {
                let path = folder.join(way.node.scalar().unwrap_or_default());
                named(&path, way.line, surroundings, &here, files, problems)
            };
            (source, here)
        }
        _ => {
            let text =
                "`x-local.alb` must be a folder of Terraform files, a ROS template, settings, or `false`";
            problems.0.push(wrong(node.line, text.to_owned()));
            (None, here)
        }
    }
}

/// The folder that is read although nothing names it, if it has files of Terraform.
fn usual(
    line: usize,
    surroundings: &Surroundings<'_>,
    here: &Here,
    files: &mut Vec<PathBuf>,
    problems: &mut Problems,
) -> Option<Source> {
    let folder = surroundings.folder.join(FOLDER);
    let is_terraform = |path: &Path| path.extension().is_some_and(|ending| ending == "tf");
    let has_files = std::fs::read_dir(&folder)
        .is_ok_and(|entries| entries.filter_map(Result::ok).any(|entry| is_terraform(&entry.path())));
    if !has_files {
        // `fc-local alb init` writes files there, perhaps beside a running `dev`.
        files.push(folder);
        return None;
    }
    named(&folder, line, surroundings, here, files, problems)
}

/// A folder or file of Terraform, else a template of ROS.
fn named(
    path: &Path,
    line: usize,
    surroundings: &Surroundings<'_>,
    here: &Here,
    files: &mut Vec<PathBuf>,
    problems: &mut Problems,
) -> Option<Source> {
    let is_terraform = path.is_dir() || path.extension().is_some_and(|ending| ending == "tf");
    let failed = |why: String| Problem::error(line, format!("`x-local.alb`: {why}"));
    if is_terraform {
        let read = terraform::read(path, &here.variables, surroundings.environment, files, problems);
        return read.map_err(|why| problems.0.push(failed(why))).ok();
    }
    files.push(path.to_owned());
    match text_file::read(path) {
        Ok(text) => ros::read(&text, &Arc::from(path), &here.variables, problems),
        Err(why) => {
            problems.0.push(failed(why));
            None
        }
    }
}

fn ports(node: &Node, here: &mut Here, problems: &mut Problems) {
    let port = |text: &str| text.parse::<u16>().ok();
    for entry in node.child("ports").map(Node::entries).unwrap_or_default() {
        // 0 takes a free port here, and is none in the cloud.
        let cloud = port(&entry.key).filter(|port| *port > 0);
        if let (Some(cloud), Some(local)) = (cloud, entry.node.scalar().as_deref().and_then(port)) {
            here.ports.insert(cloud, local);
        } else {
            let text = format!(
                "`ports` maps ports of listeners to ports here, 0 being a free one, but has `{}: {}`",
                entry.key,
                entry.node.to_text()
            );
            problems.0.push(Problem::error(entry.line, text));
        }
    }
}

fn texts(node: &Node, here: &mut Here, problems: &mut Problems) {
    let entries = |key: &str| node.child(key).map(Node::entries).unwrap_or_default();
    here.variables = entries("variables")
        .iter()
        .filter_map(|entry| Some((entry.key.clone(), entry.node.scalar()?)))
        .collect::<BTreeMap<_, _>>();
    for entry in entries("servers") {
        let all: Vec<String> = match &entry.node.value {
            Value::List(_) => items(&entry.node).iter().filter_map(Node::scalar).collect(),
            _ => entry.node.scalar().into_iter().collect(),
        };
        let is_address = |text: &String| {
            text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        };
        if let Some(other) = all.iter().find(|text| !is_address(text)) {
            let text =
                format!("`servers` maps groups to addresses such as localhost:3000, but has `{other}`");
            problems.0.push(Problem::error(entry.line, text));
        }
        here.servers.insert(entry.key.clone(), all);
    }
}
