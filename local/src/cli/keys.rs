//! `fc-local keys`.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use serde_json::json;

use super::{KeysArguments, print};
use crate::auth::{AccessKey, load_keys, random};

pub(super) fn run(template: &Path, arguments: &KeysArguments) -> ExitCode {
    match key(template, arguments.temporary) {
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

/// The key of the project whose manifest is `template`, or a temporary key for so many seconds.
pub(super) fn key(template: &Path, temporary: Option<u64>) -> Result<AccessKey, String> {
    if !template.is_file() {
        return Err(format!(
            "{} is not there: the key belongs to the project of a manifest",
            template.display()
        ));
    }
    let file = std::path::absolute(template)
        .map_err(|error| format!("cannot find the manifest's folder: {error}"))?;
    let keys = load_keys(file.parent().unwrap_or(Path::new("/")))?;
    let Some(seconds) = temporary else { return Ok(keys.own().clone()) };
    let end = SystemTime::now().checked_add(Duration::from_secs(seconds)).ok_or("the time is too long")?;
    Ok(keys.temporary(random()?, end))
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
