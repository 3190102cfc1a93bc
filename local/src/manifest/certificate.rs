//! Reads `certConfig` of a domain: a certificate of one's own, with its key.

use std::path::{Path, PathBuf};

use super::node::Node;
use super::reader::Reader;
use super::text_file;
use crate::model::Certificate;

/// What every PEM text begins with.
const PEM: &str = "-----BEGIN ";

/// The certificate under `certConfig` of `owner`. `None` if there is none that is at hand here; a note says so. Files
/// that were read, or should be, come to `files`.
pub(super) fn read(owner: &Node, files: &mut Vec<PathBuf>, reader: &mut Reader<'_>) -> Option<Certificate> {
    let entry = owner.entry("certConfig").filter(|entry| entry.node.is_something())?;
    let (node, line) = (&entry.node, entry.line);
    let instead = "fc-local uses a certificate of its own authority";
    if node.child("certId").is_some() {
        reader.note(line, format!("`certId` names a certificate that exists only in the cloud: {instead}"));
        return None;
    }
    let mut texts = ["certificate", "privateKey"].map(|key| {
        let value = reader.required_text(node, key)?;
        match text(&value, files) {
            Ok(text) => Some(text),
            Err(why) => {
                let line = node.entry(key).map_or(line, |entry| entry.line);
                reader.note(line, format!("`{key}` {why}: {instead}"));
                None
            }
        }
    });
    let (chain, key) = (texts[0].take()?, texts[1].take()?);
    Some(Certificate { chain, key, line })
}

/// The PEM text that a value stands for, as the deployment tool reads it: the text itself, or a file as seen from the
/// current folder. The value may be a secret, so no reason holds it unless it is a path.
fn text(value: &str, files: &mut Vec<PathBuf>) -> Result<String, String> {
    if value.starts_with('-') {
        return Ok(value.trim().to_owned());
    }
    if ["http://", "https://", "oss://"].iter().any(|scheme| value.starts_with(scheme)) {
        return Err("is an address, which only a deployment reads".to_owned());
    }
    if value.contains('\n') || value.contains(PEM) {
        return Err("is neither PEM text nor the path of a file".to_owned());
    }
    let file = std::path::absolute(Path::new(value)).map_err(|error| error.to_string())?;
    let text = text_file::read(&file);
    files.push(file);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_text_or_a_file() {
        let mut files = Vec::new();
        let pem = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----";
        assert_eq!(text(&format!("{pem}\n\n"), &mut files).as_deref(), Ok(pem));
        for value in ["https://a.example/a.pem", "oss://cn-hangzhou/bucket/a.pem"] {
            assert!(text(value, &mut files).unwrap_err().contains("only a deployment reads"));
        }
        let unfinished = format!("x\n{pem}");
        assert!(!text(&unfinished, &mut files).unwrap_err().contains("AA=="));
        assert!(files.is_empty());
        assert!(text("there-is-none.pem", &mut files).unwrap_err().contains("there-is-none.pem"));
        assert!(text("Cargo.toml", &mut files).unwrap().contains("fc-local"));
        assert!(files.len() == 2 && files.iter().all(|file| file.is_absolute()), "{files:?}");
    }
}
