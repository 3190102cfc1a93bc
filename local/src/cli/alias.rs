//! `fc-local alias`.

use std::fmt::Write;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;
use http::Method;
use serde_json::{Map, Value, json};

use super::version::{Of, finish, show, show_all};
use crate::model::is_alias_name;

/// What to do with aliases.
#[derive(Debug, Subcommand)]
pub(super) enum AliasCommand {
    /// Let an alias lead to a version, or divide its calls between two
    Set {
        #[command(flatten)]
        of: Of,
        /// The name of the alias
        #[arg(value_parser = alias_name)]
        alias: String,
        /// The number of the version
        #[arg(long)]
        version: u64,
        /// A second version and its share of the calls, such as `2=0.1` [default: none]
        #[arg(long, value_name = "VERSION=WEIGHT", value_parser = weight)]
        additional: Option<(u64, f64)>,
        /// What it is for
        #[arg(long)]
        description: Option<String>,
    },
    /// List the aliases
    List {
        #[command(flatten)]
        of: Of,
    },
    /// Remove an alias
    Remove {
        #[command(flatten)]
        of: Of,
        /// The name of the alias
        #[arg(value_parser = alias_name)]
        alias: String,
    },
}

pub(super) async fn run(template: &Path, command: AliasCommand) -> ExitCode {
    finish(try_run(template, command).await)
}

async fn try_run(template: &Path, command: AliasCommand) -> io::Result<()> {
    match command {
        AliasCommand::Set { of, alias, version, additional, description } => {
            let weights: Map<String, Value> = additional
                .into_iter()
                .map(|(version, weight)| (version.to_string(), weight.into()))
                .collect();
            let body = json!({
                "aliasName": alias,
                "versionId": version.to_string(),
                "additionalVersionWeight": weights,
                "description": description,
            });
            let exists = of.list(template, "aliases").await?.iter().any(|own| own["aliasName"] == *alias);
            let (method, what) = if exists {
                (Method::PUT, format!("aliases/{alias}"))
            } else {
                (Method::POST, "aliases".to_owned())
            };
            let set = of.call(template, method, &what, &body).await?;
            show(&of, &set, describe);
        }
        AliasCommand::List { of } => show_all(&of, &of.list(template, "aliases").await?, describe),
        AliasCommand::Remove { of, alias } => {
            of.call(template, Method::DELETE, &format!("aliases/{alias}"), &Value::Null).await?;
        }
    }
    Ok(())
}

fn alias_name(text: &str) -> Result<String, String> {
    if is_alias_name(text) {
        return Ok(text.to_owned());
    }
    Err("an alias has 1 to 128 letters, digits, `_` or `-`, starts with a letter or `_`, and is not LATEST"
        .to_owned())
}

fn weight(text: &str) -> Result<(u64, f64), String> {
    let pair = text.split_once('=');
    let pair = pair.and_then(|(version, weight)| Some((version.parse().ok()?, weight.parse().ok()?)));
    let (version, weight) = pair.ok_or("write VERSION=WEIGHT, such as 2=0.1")?;
    if weight > 0.0 && weight < 1.0 {
        return Ok((version, weight));
    }
    Err("the weight must be more than 0 and less than 1".to_owned())
}

fn describe(alias: &Value) -> String {
    let text = |key: &str| alias[key].as_str().unwrap_or_default().to_owned();
    let mut line = format!("{}  {}", text("aliasName"), text("versionId"));
    for (version, weight) in alias["additionalVersionWeight"].as_object().into_iter().flatten() {
        // Writing into a string cannot fail.
        _ = write!(line, ", {version} with {weight}");
    }
    let description = text("description");
    if !description.is_empty() {
        _ = write!(line, "  {description}");
    }
    line
}
