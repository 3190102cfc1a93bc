//! Where files lie: in a bucket of OSS, or in a folder of this machine. A file has its name once it is whole.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use fc_runtime::{Bytes, Credentials, Error, Instance, Result};
use opendal::layers::{RetryLayer, TimeoutLayer};
use opendal::services::{Fs, Oss};
use opendal::{ErrorKind, FuturesBytesStream, Operator, Writer};

/// How much is collected of a file before it is handed over: what each upload holds in memory. OSS takes parts of 100 KiB
/// or more.
const PART: usize = 1024 * 1024;

/// After this time nobody writes on: no call of a function with `timeout: 300` lasts so long.
const ABANDONED: Duration = Duration::from_secs(3600);

#[derive(Debug, Clone)]
pub enum Storage {
    Oss { bucket: String, endpoint: String },
    Folder(Operator),
}

/// The storage for one call, with the credentials of that call: they expire.
#[derive(Debug, Clone)]
pub struct Files(Operator);

/// A file that is being written, and has no name yet.
pub struct Writing(Writer);

impl Storage {
    /// The bucket `OSS_BUCKET` at `OSS_ENDPOINT`, else the folder `STORAGE_DIR`.
    pub fn open(instance: &Instance) -> Result<Self> {
        if let Some(bucket) = instance.var_opt("OSS_BUCKET") {
            // Without it no request can be sent: a transport is chosen for the whole program.
            opendal::install_default();
            return Ok(Storage::Oss { bucket: bucket.to_owned(), endpoint: instance.var("OSS_ENDPOINT")? });
        }
        let folder = PathBuf::from(instance.var_opt("STORAGE_DIR").unwrap_or("storage"));
        let parts = folder.join(".parts");
        std::fs::create_dir_all(&parts)?;
        sweep(&parts)?;
        let folder = Fs::default().root(&folder.to_string_lossy()).atomic_write_dir(&parts.to_string_lossy());
        Ok(Storage::Folder(patient(Operator::new(folder)?)))
    }

    pub fn for_call(&self, role: Option<Credentials>) -> Result<Files> {
        match self {
            Storage::Folder(operator) => Ok(Files(operator.clone())),
            Storage::Oss { bucket, endpoint } => {
                let none = || Error::new(500, "there are no credentials for OSS: give the function a role");
                let role = role.ok_or_else(none)?;
                let oss =
                    Oss::default().bucket(bucket).endpoint(endpoint).security_token(&role.security_token);
                let oss = oss.access_key_id(&role.access_key_id).access_key_secret(&role.access_key_secret);
                Ok(Files(patient(Operator::new(oss)?)))
            }
        }
    }
}

fn patient(operator: Operator) -> Operator {
    let timeout = TimeoutLayer::new().with_io_timeout(Duration::from_secs(30));
    operator.layer(timeout).layer(RetryLayer::new().with_max_times(3))
}

impl Files {
    pub async fn check(&self) -> Result<(), opendal::Error> {
        self.0.check().await
    }

    /// Begins a file that is not there yet.
    pub async fn begin(&self, name: &str) -> Result<Writing> {
        if self.0.exists(name).await? {
            return Err(taken());
        }
        Ok(Writing(self.0.writer_with(name).if_not_exists(true).chunk(PART).await?))
    }

    /// A file, piece by piece. `None` where there is none.
    pub async fn read(&self, name: &str) -> Result<Option<FuturesBytesStream>> {
        match self.0.stat(name).await {
            Ok(_) => Ok(Some(self.0.reader_with(name).chunk(PART).await?.into_bytes_stream(..).await?)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl Writing {
    pub async fn write(&mut self, piece: Bytes) -> Result<(), opendal::Error> {
        self.0.write(piece).await
    }

    /// Gives the file its name.
    pub async fn finish(mut self) -> Result {
        match self.0.close().await {
            Ok(_) => Ok(()),
            // Another upload of the same name was faster.
            Err(error) if error.kind() == ErrorKind::ConditionNotMatch => {
                self.abandon().await;
                Err(taken())
            }
            Err(error) => {
                self.abandon().await;
                Err(error.into())
            }
        }
    }

    /// Removes what was written.
    pub async fn abandon(mut self) {
        if let Err(error) = self.0.abort().await {
            tracing::warn!("parts of a file remain: {error}");
        }
    }
}

fn taken() -> Error {
    Error::conflict("this upload is stored already")
}

/// Removes what killed instances have left. Others may be writing beside this one, or sweep too: a part that is gone
/// meanwhile is no failure.
fn sweep(parts: &Path) -> std::io::Result<()> {
    for part in std::fs::read_dir(parts)? {
        let part = part?;
        let written = part.metadata().and_then(|part| part.modified());
        let age = written.ok().and_then(|time| SystemTime::now().duration_since(time).ok());
        if age.is_some_and(|age| age > ABANDONED) {
            tracing::info!("removes what a killed upload has left: {}", part.path().display());
            drop(std::fs::remove_file(part.path()));
        }
    }
    Ok(())
}
