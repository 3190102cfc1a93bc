//! The code that a client sends, and where it is kept.

use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::account::Account;
use super::answer::text;
use super::described::{Code, Fields};
use super::files::Files;
use crate::deploy::Package;
use crate::failure::Failure;
use crate::wire::ids;

/// The most entries of an unpacked package that are brought to the disk one by one.
const SYNCED_MAX: usize = 2000;

/// Code as a client names it.
#[derive(Debug)]
pub(super) struct Sent {
    zip: Zip,
    /// The CRC-64 that the client expects.
    checksum: Option<u64>,
}

/// A zip, in the call or sent before.
#[derive(Debug)]
enum Zip {
    Here(Vec<u8>),
    Before(PathBuf),
}

impl Sent {
    /// Takes the field `code`. `None` without one.
    pub(super) fn take(account: &Account, fields: &mut Fields) -> Result<Option<Self>, Failure> {
        let code = match fields.remove("code") {
            None => return Ok(None),
            Some(Value::Object(code)) => code,
            Some(_) => return Err(Failure::invalid_argument("`code` must be a map")),
        };
        let checksum = match text(&code, "checksum")?.filter(|text| !text.is_empty()) {
            None => None,
            Some(text) => Some(text.parse::<u64>().map_err(|_| {
                Failure::invalid_argument(
                    "`code.checksum` must be the CRC-64 of the package in decimal digits",
                )
            })?),
        };
        if let Some(zip) = text(&code, "zipFile")? {
            let zip = STANDARD.decode(zip.trim());
            let zip = zip.map_err(|_| Failure::invalid_argument("`code.zipFile` must be base64 of a zip"))?;
            return Ok(Some(Sent { zip: Zip::Here(zip), checksum }));
        }
        if let (Some(bucket), Some(object)) = (text(&code, "ossBucketName")?, text(&code, "ossObjectName")?) {
            return Ok(Some(Sent { zip: Zip::Before(account.sent_object(&bucket, &object)?), checksum }));
        }
        let text = "`code` needs `zipFile`, the package in base64, or `ossBucketName` with `ossObjectName`";
        Err(Failure::invalid_argument(text))
    }

    /// Keeps the code.
    ///
    /// # Errors
    ///
    /// The package is refused (`InvalidData`), or this machine cannot write. Nothing of it is left.
    pub(super) fn store(&self, files: &Files) -> io::Result<Code> {
        let package = match &self.zip {
            Zip::Before(file) => files.packages().put(file, self.checksum)?,
            Zip::Here(bytes) => {
                let incoming = files.incoming()?;
                let written =
                    write(&incoming, bytes).and_then(|()| files.packages().put(&incoming, self.checksum));
                drop(fs::remove_file(&incoming));
                written?
            }
        };
        sync_tree(&package.code)?;
        let Package { id, checksum, size, .. } = package;
        Ok(Code { package: id, size, checksum: checksum.to_string() })
    }
}

fn write(file: &Path, bytes: &[u8]) -> io::Result<()> {
    use io::Write;
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?.write_all(bytes)
}

/// The begin of the names of files that come in.
const INCOMING: &str = "incoming-";

/// A name for a file that comes in.
pub(super) fn incoming_name() -> String {
    format!("{INCOMING}{}", ids::uuid())
}

/// Whether the name is one of those.
pub(super) fn is_incoming(name: &str) -> bool {
    name.starts_with(INCOMING)
}

/// Brings an unpacked package to the disk: the loss of power may otherwise leave files without contents.
fn sync_tree(folder: &Path) -> io::Result<()> {
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    let mut seen = 0;
    while let Some(own) = folders.pop() {
        for entry in fs::read_dir(&own)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                seen += 1;
                if seen > SYNCED_MAX {
                    return Ok(rustix::fs::syncfs(fs::File::open(folder)?)?);
                }
                // A file may be closed to its owner.
                if let Ok(file) = fs::File::open(entry.path()) {
                    file.sync_all()?;
                }
            }
        }
        fs::File::open(&own)?.sync_all()?;
    }
    Ok(())
}
