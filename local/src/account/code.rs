//! The code that a client sends.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::answer::text;
use super::described::Fields;
use crate::deploy::{Crc64, unpack_code};
use crate::failure::Failure;

/// A package as a client names it.
#[derive(Debug)]
pub(super) struct Package {
    bytes: Vec<u8>,
    /// The CRC-64 that the client expects.
    checksum: Option<String>,
}

impl Package {
    /// Reads the field `code`. `None` without one.
    pub(super) fn read(fields: &mut Fields) -> Result<Option<Self>, Failure> {
        let code = match fields.remove("code") {
            None => return Ok(None),
            Some(Value::Object(code)) => code,
            Some(_) => return Err(Failure::invalid_argument("`code` must be a map")),
        };
        if let Some(zip) = text(&code, "zipFile")? {
            let bytes = STANDARD.decode(zip.trim());
            let bytes =
                bytes.map_err(|_| Failure::invalid_argument("`code.zipFile` must be base64 of a zip"))?;
            return Ok(Some(Package { bytes, checksum: text(&code, "checksum")? }));
        }
        let text = "`code` needs `zipFile`, the package in base64, or `ossBucketName` with `ossObjectName`";
        Err(Failure::invalid_argument(text))
    }

    /// Writes the package, and gives its size and its CRC-64.
    pub(super) fn write(&self, file: &Path) -> io::Result<(u64, String)> {
        let mut sum = Crc64::new();
        sum.update(&self.bytes);
        let checksum = sum.value().to_string();
        if let Some(expected) = &self.checksum
            && *expected != checksum
        {
            let text = format!("`code.checksum` is {expected}, but the package's CRC-64 is {checksum}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        File::create_new(file)?.write_all(&self.bytes)?;
        Ok((self.bytes.len() as u64, checksum))
    }
}

/// Unpacks a package into a new folder.
pub(super) fn unpack(package: &Path, to: &Path) -> io::Result<()> {
    unpack_code(package, to).map(drop)
}

/// What tells the starts of this machine apart.
pub(super) fn boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}
