//! From a project to its findings.

use std::path::{Path, PathBuf};

use super::allow;
use super::facts::{self, Facts, Server};
use super::finding::{Finding, Level, Rule};
use super::rules;
use crate::manifest::{Manifest, ManifestError};

/// What is to be examined.
#[derive(Debug, Default)]
pub(crate) struct Errand {
    pub(crate) file: PathBuf,
    /// The environment that is laid over the manifest.
    pub(crate) environment: Option<String>,
    /// The one function, or all.
    pub(crate) function: Option<String>,
    /// The program in place of the function's own.
    pub(crate) binary: Option<PathBuf>,
    /// Whether functions are started, to ask their servers.
    pub(crate) starts: bool,
    /// A server that runs already.
    pub(crate) server: Option<String>,
    /// The rules that may find what they want.
    pub(crate) allow: Vec<String>,
}

/// A finding with its rule.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) rule: &'static Rule,
    pub(crate) finding: Finding,
    pub(crate) allowed: Option<Allowed>,
}

/// Why a finding is allowed.
#[derive(Debug, Clone)]
pub(crate) struct Allowed {
    pub(crate) reason: String,
    /// Whether a file of the project says so, not the command line.
    pub(crate) is_in_source: bool,
}

/// What an examination brought.
#[derive(Debug, Default)]
pub(crate) struct Examination {
    /// By file and line.
    pub(crate) found: Vec<Found>,
    /// What was not looked at, and how it would be.
    pub(crate) left_out: Vec<String>,
}

impl Examination {
    /// The findings that nobody allowed.
    pub(crate) fn open(&self) -> impl Iterator<Item = &Found> {
        self.found.iter().filter(|found| found.allowed.is_none())
    }

    /// How many open findings there are of a level.
    pub(crate) fn count(&self, level: Level) -> usize {
        self.open().filter(|found| found.rule.level == level).count()
    }

    /// Whether the project passes. `strict` minds warnings too.
    pub(crate) fn passes(&self, strict: bool) -> bool {
        self.count(Level::Error) == 0 && (!strict || self.count(Level::Warning) == 0)
    }
}

/// Examines a project.
///
/// # Errors
///
/// What was asked for makes no sense: no such function, or one program for several functions.
pub(crate) async fn examine(errand: &Errand) -> Result<Examination, String> {
    let environment = errand.environment.as_deref();
    let mut facts = match facts::gather(&errand.file, environment, errand.binary.as_deref(), true) {
        Ok(facts) => facts,
        Err(error) => return Ok(unreadable(error)),
    };
    if let Some(name) = &errand.function {
        facts.functions.retain(|function| function.name == *name || function.resource == *name);
        if facts.functions.is_empty() {
            return Err(format!("there is no function `{name}` in {}", errand.file.display()));
        }
    }
    let is_one = errand.binary.is_some() || errand.server.is_some();
    if is_one && facts.functions.len() > 1 {
        let names: Vec<&str> = facts.functions.iter().map(|function| function.name.as_str()).collect();
        return Err(format!("name the function with --function; there are: {}", names.join(", ")));
    }
    for function in &mut facts.functions {
        if let Some(file) = &function.file {
            function.described = facts::describe(file).await;
        }
    }
    ask_servers(errand, &mut facts).await;
    Ok(judge(&facts, &errand.allow))
}

/// How many errors the manifest itself shows, without a look at code and servers.
pub(crate) fn count_errors(file: &Path, environment: Option<&str>) -> usize {
    let gathered = facts::gather(file, environment, None, false);
    gathered.map_or(0, |facts| judge(&facts, &[]).count(Level::Error))
}

/// A manifest of which nothing more can be said.
fn unreadable(error: ManifestError) -> Examination {
    let manifest = facts::Text { file: error.file, text: String::new() };
    let facts = Facts { manifest, problems: error.problems, ..Facts::default() };
    judge(&facts, &[])
}

async fn ask_servers(errand: &Errand, facts: &mut Facts) {
    if let Some(address) = &errand.server {
        for function in &mut facts.functions {
            function.server = Some(facts::ask(address, function).await);
        }
        return;
    }
    if !errand.starts {
        if !facts.functions.is_empty() {
            facts.left_out.push(
                "the running server: --start starts the function and asks it, --server asks one that runs"
                    .to_owned(),
            );
        }
        return;
    }
    let Ok(manifest) = Manifest::load_in(&errand.file, errand.environment.as_deref()) else {
        facts.left_out.push("the running server: fc-local cannot start this manifest".to_owned());
        return;
    };
    let mut left_out = Vec::new();
    for function in &mut facts.functions {
        let Some(own) = manifest.functions().iter().find(|own| own.name == function.name) else { continue };
        if errand.binary.is_none() && !own.code.is_dir() {
            left_out.push(format!("the server of `{}`: its code is not built", function.name));
            continue;
        }
        function.server =
            Some(match facts::start(&manifest, &function.name, errand.binary.as_deref()).await {
                Ok(started) => {
                    let mut server = facts::ask(&started.address, function).await;
                    facts::ask_hooks(&mut server, function).await;
                    started.stop().await;
                    server
                }
                Err(why) => Server { failure: Some(why), ..Server::default() },
            });
    }
    facts.left_out.append(&mut left_out);
}

/// Judges the facts by all rules.
pub(super) fn judge(facts: &Facts, allow: &[String]) -> Examination {
    let permissions = allow::of(facts);
    let mut found: Vec<Found> = Vec::new();
    for rule in rules::all() {
        for finding in (rule.check)(facts) {
            let by_line = permissions.iter().find(|allow| allow.covers(rule, &finding));
            let by_line = by_line.map(|allow| Allowed { reason: allow.reason.clone(), is_in_source: true });
            let is_by_option = allow.iter().any(|id| id == rule.id);
            let by_option =
                is_by_option.then(|| Allowed { reason: "--allow".to_owned(), is_in_source: false });
            let allowed = by_line.or(by_option);
            found.push(Found { rule, finding, allowed });
        }
    }
    // What the reader of the manifest says is said better by a rule of its own.
    let of_reader = |rule: &Rule| rule.id == rules::MANIFEST || rule.id == rules::VALUE_LOST;
    let better = found.iter().filter(|found| found.rule.level == Level::Error && !of_reader(found.rule));
    let lost = found.iter().filter(|found| found.rule.id == rules::VALUE_LOST);
    let [better, lost] = [lines(better), lines(lost)];
    found.retain(|found| {
        let line = (found.finding.place.file.clone(), found.finding.place.line);
        let is_said = better.contains(&line) || found.rule.id == rules::MANIFEST && lost.contains(&line);
        !(of_reader(found.rule) && is_said)
    });
    found.sort_by(|one, other| one.finding.place.cmp(&other.finding.place));
    Examination { found, left_out: facts.left_out.clone() }
}

/// The lines on which something was found.
fn lines<'a>(found: impl Iterator<Item = &'a Found>) -> Vec<(PathBuf, usize)> {
    found.map(|found| (found.finding.place.file.clone(), found.finding.place.line)).collect()
}
