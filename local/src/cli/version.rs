//! `fc-local version`.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Value, json};

use super::client::RunningArguments;
use super::print;
use crate::auth::encode;
use crate::event::neutral;

/// What to do with versions.
#[derive(Debug, Subcommand)]
pub(super) enum VersionCommand {
    /// Publish the running code and settings as a version, which never changes
    Publish {
        #[command(flatten)]
        of: Of,
        /// What is new in it
        #[arg(long, default_value = "", hide_default_value = true)]
        description: String,
    },
    /// List the versions, the latest first
    List {
        #[command(flatten)]
        of: Of,
    },
    /// Remove a version. Aliases that lead to it stay, and refuse their calls
    Remove {
        #[command(flatten)]
        of: Of,
        /// Its number
        #[arg(value_parser = number)]
        version: u64,
    },
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "a version is a number, as `fc-local version list` shows it".to_owned())
}

/// Whose versions or aliases, and where.
#[derive(Debug, Args)]
pub(super) struct Of {
    /// The function's name
    pub(super) function: String,
    #[command(flatten)]
    running: RunningArguments,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

impl Of {
    /// The address of the function's `what`.
    fn path(&self, what: &str) -> String {
        format!("/2023-03-30/functions/{}/{what}", encode(self.function.as_bytes()))
    }

    /// Calls the API for the function's `what`.
    pub(super) async fn call(
        &self,
        template: &Path,
        method: Method,
        what: &str,
        body: &Value,
    ) -> io::Result<Value> {
        self.running.find(template).await?.call(method, &self.path(what), body).await
    }

    /// All entries under `key` of a list, page by page.
    pub(super) async fn list(&self, template: &Path, key: &str) -> io::Result<Vec<Value>> {
        let running = self.running.find(template).await?;
        let (mut all, mut token) = (Vec::new(), String::new());
        loop {
            let path = self.path(&format!("{key}?limit=100&nextToken={token}"));
            let page = running.call(Method::GET, &path, &Value::Null).await?;
            all.extend(page[key].as_array().cloned().unwrap_or_default());
            match page["nextToken"].as_str() {
                Some(next) => next.clone_into(&mut token),
                None => return Ok(all),
            }
        }
    }
}

pub(super) async fn run(template: &Path, command: VersionCommand) -> ExitCode {
    finish(try_run(template, command).await)
}

/// The exit code, after an error was said.
pub(super) fn finish(outcome: io::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print::complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

async fn try_run(template: &Path, command: VersionCommand) -> io::Result<()> {
    match command {
        VersionCommand::Publish { of, description } => {
            let body = json!({ "description": description });
            let version = of.call(template, Method::POST, "versions", &body).await?;
            show(&of, &version, describe);
        }
        VersionCommand::List { of } => show_all(&of, &of.list(template, "versions").await?, describe),
        VersionCommand::Remove { of, version } => {
            of.call(template, Method::DELETE, &format!("versions/{version}"), &Value::Null).await?;
        }
    }
    Ok(())
}

/// Prints a document as it is, or as a line.
pub(super) fn show(of: &Of, document: &Value, describe: impl Fn(&Value) -> String) {
    let line = if of.json { document.to_string() } else { describe(document) };
    print::say(&neutral(&line));
}

/// As [`show`], for all documents of a list.
pub(super) fn show_all(of: &Of, documents: &[Value], describe: impl Fn(&Value) -> String) {
    if of.json {
        print::say(&Value::from(documents).to_string());
        return;
    }
    for document in documents {
        show(of, document, &describe);
    }
}

fn describe(version: &Value) -> String {
    let text = |key: &str| version[key].as_str().unwrap_or_default().to_owned();
    format!("{}  {}  {}", text("versionId"), text("createdTime"), text("description").replace('\n', " "))
        .trim_end()
        .to_owned()
}
