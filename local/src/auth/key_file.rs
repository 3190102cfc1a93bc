//! The access key of a project: from the environment, or in the file `.fc-local/keys.json` beside the manifest.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use ring::rand::{SecureRandom, SystemRandom};

use super::encoding::hex;
use super::keys::{AccessKey, LocalKeys};
use crate::model::Secret;
use crate::shell;

const FILE: &str = "keys.json";

/// The largest file that is read, in bytes.
const FILE_MAX: u64 = 8 * 1024;

const ID: &str = "FC_LOCAL_ACCESS_KEY_ID";
const SECRET: &str = "FC_LOCAL_ACCESS_KEY_SECRET";
const TOKEN: &str = "FC_LOCAL_SECURITY_TOKEN";

/// The keys that are kept in `folder`. The first use makes them.
pub(crate) fn load(folder: &Path) -> Result<LocalKeys, String> {
    if let Some(keys) = find(folder)? {
        return Ok(keys);
    }
    make(folder).map_err(|error| format!("{} cannot be made: {error}", folder.join(FILE).display()))?;
    find(folder)?.ok_or_else(|| format!("{} has gone", folder.join(FILE).display()))
}

/// The keys of the environment or, if there are any, those in `folder`.
pub(crate) fn find(folder: &Path) -> Result<Option<LocalKeys>, String> {
    match (shell::text(ID), shell::text(SECRET)) {
        (Some(id), Some(secret)) if !id.is_empty() && !secret.is_empty() => {
            let token = shell::text(TOKEN).filter(|token| !token.is_empty()).map(Secret::new);
            return Ok(Some(LocalKeys::new(AccessKey { id, secret: Secret::new(secret), token })));
        }
        (None, None) => {}
        _ => return Err(format!("{ID} and {SECRET} belong together: set both or none")),
    }
    let file = folder.join(FILE);
    match read(&file) {
        Ok(keys) => Ok(Some(keys)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{} cannot be read: {error}", file.display())),
    }
}

/// Random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| "the system has no random numbers".to_owned())?;
    Ok(bytes)
}

fn read(file: &Path) -> io::Result<LocalKeys> {
    let opened = File::open(file)?;
    let metadata = opened.metadata()?;
    if metadata.mode() & 0o077 != 0 {
        return Err(io::Error::other("others may read it: `chmod 600` it, or remove it to get a new key"));
    }
    let mut text = String::new();
    opened.take(FILE_MAX).read_to_string(&mut text)?;
    // The text itself is not shown: it holds the secret.
    let json: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let field = |name: &str| json[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    match (field("accessKeyId"), field("accessKeySecret")) {
        (Some(id), Some(secret)) => {
            Ok(LocalKeys::new(AccessKey { id, secret: Secret::new(secret), token: None }))
        }
        _ => Err(io::Error::other(
            "it is no JSON object with `accessKeyId` and `accessKeySecret`; remove it to get a new key",
        )),
    }
}

/// Makes the file. Of several programs that do so at once, one is the first, and all use its key.
fn make(folder: &Path) -> io::Result<()> {
    let (id, secret) = (random::<8>().map_err(io::Error::other)?, random::<20>().map_err(io::Error::other)?);
    let key =
        serde_json::json!({"accessKeyId": format!("FCLOCAL{}", hex(&id)), "accessKeySecret": hex(&secret)});
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // Nothing in the folder belongs into a repository.
    match File::create_new(folder.join(".gitignore")) {
        Ok(mut file) => file.write_all(b"*\n")?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let new = folder.join(format!("{FILE}.{}", hex(&id)));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    let written = file.write_all(format!("{key:#}\n").as_bytes()).and_then(|()| file.sync_all());
    // A link is there whole or not at all, and takes nobody's place.
    let linked = written.and_then(|()| fs::hard_link(&new, folder.join(FILE)));
    fs::remove_file(&new)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    }
}
