//! The code that a client sends.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::answer::text;
use super::described::Fields;
use crate::deploy::unpack_zip;
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
        let checksum = crc64(&self.bytes).to_string();
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
    fs::create_dir(to)?;
    unpack_zip(package, to)
}

/// What tells the starts of this machine apart.
pub(super) fn boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

/// CRC-64 as the platform computes it: ECMA-182, reflected.
fn crc64(bytes: &[u8]) -> u64 {
    const POLYNOMIAL: u64 = 0xC96C_5795_D787_0F42;
    let mut table = [0_u64; 256];
    for (at, entry) in table.iter_mut().enumerate() {
        let mut value = at as u64;
        for _ in 0..8 {
            value = if value & 1 == 1 { (value >> 1) ^ POLYNOMIAL } else { value >> 1 };
        }
        *entry = value;
    }
    let step = |sum: u64, byte: &u8| {
        let at = usize::from((sum.to_le_bytes()[0]) ^ byte);
        table[at] ^ (sum >> 8)
    };
    !bytes.iter().fold(u64::MAX, step)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_checksum_is_the_platforms() {
        // The check value of CRC-64/XZ.
        assert_eq!(super::crc64(b"123456789"), 0x995D_C9BB_DF19_39FA);
    }
}
