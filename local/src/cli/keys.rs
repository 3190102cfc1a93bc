//! `fc-local keys`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::Args;
use serde_json::json;

use super::print;
use crate::auth::{AccessKey, load_keys, random};
use crate::deploy::FOLDER;

#[derive(Debug, Args)]
pub(super) struct KeysArguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The folder of the account that `fc-local serve --data` has
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Show a temporary key with a security token instead, valid for so many seconds
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "3600")]
    temporary: Option<u64>,
}

pub(super) fn run(template: &Path, arguments: &KeysArguments) -> ExitCode {
    match key(template, arguments.data.as_deref(), arguments.temporary) {
        Ok(key) => {
            show(&key, arguments.json);
            ExitCode::SUCCESS
        }
        Err(error) => {
            print::complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// The key of the project whose manifest is `template`, or of the account that is kept in the folder `data`; or a temporary
/// key for so many seconds.
pub(super) fn key(template: &Path, data: Option<&Path>, temporary: Option<u64>) -> Result<AccessKey, String> {
    let keys = load_keys(&match data {
        Some(data) => data.to_owned(),
        None => folder(template)?,
    })?;
    let Some(seconds) = temporary else { return Ok(keys.own().clone()) };
    let end = SystemTime::now().checked_add(Duration::from_secs(seconds)).ok_or("the time is too long")?;
    Ok(keys.temporary(random()?, end))
}

/// The folder of the keys: beside the manifest, or where `fc-local serve` was started.
fn folder(template: &Path) -> Result<PathBuf, String> {
    let file = std::path::absolute(template)
        .map_err(|error| format!("cannot find the manifest's folder: {error}"))?;
    let folder = file.parent().unwrap_or(Path::new("/")).join(FOLDER);
    if template.is_file() || folder.is_dir() {
        return Ok(folder);
    }
    Err(format!(
        "{} is not there: a key belongs to the project of a manifest, or to the folder in which `fc-local serve` was started",
        template.display()
    ))
}

fn show(key: &AccessKey, json: bool) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (id, secret) = (&key.id, text(key.secret.reveal()));
    let token = key.token.as_ref().map(|token| text(token.reveal()));
    if json {
        let shown = json!({"accessKeyId": id, "accessKeySecret": secret, "securityToken": token});
        print::say(&shown.to_string());
        return;
    }
    print::say(&format!("access key ID      {id}"));
    print::say(&format!("access key secret  {secret}"));
    if let Some(token) = token {
        print::say(&format!("security token     {token}"));
    }
}
