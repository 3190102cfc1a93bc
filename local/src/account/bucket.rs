//! The bucket that clients send code to before they name it in a call, and from which code is read back.
//!
//! What is sent stays for an hour: a client names it within seconds, and may do so again after a failure.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::account::Account;
use super::answer::{Answer, Ask};
use super::described::Code;
use crate::auth::{presign_object, random};
use crate::deploy::Crc64;
use crate::failure::Failure;
use crate::model::Secret;
use crate::wire::ids;

/// Its name.
pub(crate) const BUCKET: &str = "fc-local-code";

/// The largest object, in bytes: the platform's limit of a code package where it is highest.
pub(crate) const OBJECT_MAX: u64 = 500 * 1024 * 1024;

/// How long an object stays.
const STAYS: Duration = Duration::from_secs(60 * 60);

/// The most objects, and the most bytes of all. Beyond that the oldest go.
const OBJECTS_MAX: usize = 100;
const BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// The folder of what was sent, and the begin of the names of objects that are still coming in.
const FOLDER: &str = "uploads";
const COMING: &str = "coming-";

/// The begin of the names of code that can be read back.
const CODE: &str = "code/";

/// What was sent.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    folder: PathBuf,
}

/// An object that is coming in. Without its end nothing of it stays.
#[derive(Debug)]
pub(crate) struct Upload {
    file: tokio::fs::File,
    coming: PathBuf,
    to: PathBuf,
    length: u64,
    checksum: Crc64,
}

impl Bucket {
    /// The bucket of the account in `folder`. Nothing is written yet.
    pub(super) fn of(folder: &Path) -> Self {
        Bucket { folder: folder.join(FOLDER) }
    }

    /// Begins an object. `name` is the part behind the number of the account.
    pub(crate) async fn begin(&self, name: &str) -> io::Result<Upload> {
        let to = self.path(name)?;
        let own = self.clone();
        let coming = self.folder.join(format!("{COMING}{}", ids::uuid()));
        let made = tokio::task::spawn_blocking(move || own.make_room(SystemTime::now())).await;
        made.map_err(io::Error::other)??;
        let mut options = tokio::fs::OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(&coming).await?;
        Ok(Upload { file, coming, to, length: 0, checksum: Crc64::new() })
    }

    /// The file of an object that is there.
    pub(super) fn find(&self, name: &str) -> io::Result<Option<PathBuf>> {
        let path = self.path(name)?;
        Ok(path.is_file().then_some(path))
    }

    /// A name becomes that of a file.
    fn path(&self, name: &str) -> io::Result<PathBuf> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_name =
            (1..=128).contains(&name.len()) && name.bytes().all(is_plain) && !name.starts_with(COMING);
        if is_name {
            return Ok(self.folder.join(name));
        }
        let text =
            "the name of an object is 1 to 128 letters, digits, `-` and `_`, below the number of the account";
        Err(io::Error::new(io::ErrorKind::InvalidInput, text))
    }

    /// Removes what has been here for too long, and the oldest of too many.
    fn make_room(&self, now: SystemTime) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            all.push((metadata.modified()?, metadata.len(), entry.path()));
        }
        // The newest first.
        all.sort_unstable_by(|one, other| other.cmp(one));
        let mut bytes = 0_u64;
        for (nth, (modified, length, path)) in all.into_iter().enumerate() {
            bytes = bytes.saturating_add(length);
            let is_old = now.duration_since(modified).is_ok_and(|age| age > STAYS);
            if is_old || nth + 1 >= OBJECTS_MAX || bytes > BYTES_MAX {
                match fs::remove_file(&path) {
                    // Another call has removed it.
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// What a former process left behind goes.
    pub(super) fn clean(&self) -> io::Result<()> {
        if self.folder.is_dir() { self.make_room(SystemTime::now()) } else { Ok(()) }
    }
}

impl Upload {
    /// # Errors
    ///
    /// The object is too large (`FileTooLarge`), or the disk refuses.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.length += bytes.len() as u64;
        if self.length > OBJECT_MAX {
            let text = format!("an object has at most {} MiB", OBJECT_MAX / (1024 * 1024));
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
        }
        self.checksum.update(bytes);
        self.file.write_all(bytes).await
    }

    /// The object is there from now on. Gives its CRC-64.
    pub(crate) async fn finish(mut self) -> io::Result<u64> {
        self.file.flush().await?;
        tokio::fs::rename(&self.coming, &self.to).await?;
        Ok(self.checksum.value())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        // After the end it has another name.
        drop(fs::remove_file(&self.coming));
    }
}

impl Account {
    /// The number of the account.
    pub(crate) fn id(&self) -> &str {
        &self.place.id
    }

    pub(crate) fn bucket(&self) -> Bucket {
        self.files.bucket()
    }

    /// Where a client can send code to, and temporary keys for that.
    pub(super) fn upload_token(ask: &Ask) -> Result<Answer, Failure> {
        let nonce = random().map_err(Failure::unavailable)?;
        let key = ask.keys.temporary(nonce, SystemTime::now() + STAYS);
        let text = |secret: &Secret| String::from_utf8_lossy(secret.reveal()).into_owned();
        Ok(Answer::Document(json!({
            "credentials": {
                "AccessKeyId": key.id,
                "AccessKeySecret": text(&key.secret),
                "SecurityToken": key.token.as_ref().map(text),
            },
            "ossBucket": BUCKET,
            "objectName": ids::uuid().to_string(),
        })))
    }

    /// The object that a client named, as a file.
    pub(super) fn sent_object(&self, bucket: &str, object: &str) -> Result<PathBuf, Failure> {
        if bucket != BUCKET {
            return Err(Failure::invalid_argument(format!(
                "bucket '{bucket}' is in the cloud: fc-local has the bucket '{BUCKET}' alone, to which the deployment tool sends \
                 with FC_CODE_TEMP_OSS_ENDPOINT"
            )));
        }
        let name = object.strip_prefix(self.id()).and_then(|name| name.strip_prefix('/'));
        let found = name.and_then(|name| self.bucket().find(name).ok().flatten());
        found.ok_or_else(|| {
            Failure::invalid_argument(format!("object '{object}' is not in bucket '{bucket}'"))
        })
    }

    /// The file of a package that an address leads to.
    pub(crate) fn readable(&self, object: &str) -> Option<PathBuf> {
        let id = object.strip_prefix(CODE)?.strip_suffix(".zip")?;
        let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_id.then(|| self.files.package(id)).filter(|file| file.is_file())
    }
}

impl Ask {
    /// The address from which the client can read a package for some time.
    pub(super) fn address(&self, code: &Code) -> String {
        let path = format!("/{BUCKET}/{CODE}{}.zip", code.package);
        let query = presign_object(&path, self.keys.own(), SystemTime::now() + STAYS);
        format!("http://{}{path}?{query}", self.host)
    }
}

#[cfg(test)]
mod tests {
    use testkit::Folder;

    use super::*;

    #[tokio::test]
    async fn an_object_is_there_when_it_has_come_in_whole() {
        let own = Folder::new();
        let bucket = Bucket::of(own.path());
        let mut upload = bucket.begin("a").await.unwrap();
        upload.write(b"1234").await.unwrap();
        assert_eq!(bucket.find("a").unwrap(), None);
        upload.write(b"56789").await.unwrap();
        assert_eq!(upload.finish().await.unwrap(), 0x995D_C9BB_DF19_39FA);
        assert_eq!(own.text("uploads/a"), "123456789");
        drop(bucket.begin("b").await.unwrap());
        assert_eq!(fs::read_dir(own.file("uploads")).unwrap().count(), 1);
        for name in ["", "../a", "a/b", ".", "coming-a", "a.b", &"n".repeat(129)] {
            assert!(bucket.begin(name).await.is_err() && bucket.find(name).is_err(), "{name}");
        }
    }

    #[test]
    fn what_is_old_or_too_much_goes() {
        let own = Folder::new();
        let bucket = Bucket::of(own.path());
        let now = SystemTime::now();
        for (name, age) in [("old", 4000), ("new", 3000)] {
            let path = own.write(&format!("uploads/{name}"), "x");
            let file = fs::File::options().write(true).open(path).unwrap();
            file.set_modified(now - Duration::from_secs(age)).unwrap();
        }
        bucket.make_room(now).unwrap();
        assert!(bucket.find("old").unwrap().is_none() && bucket.find("new").unwrap().is_some());
        for nth in 0..OBJECTS_MAX {
            own.write(&format!("uploads/{nth}"), "x");
        }
        bucket.make_room(now).unwrap();
        assert_eq!(fs::read_dir(own.file("uploads")).unwrap().count(), OBJECTS_MAX - 1);
        assert!(bucket.find("new").unwrap().is_none(), "the oldest goes first");
    }
}
