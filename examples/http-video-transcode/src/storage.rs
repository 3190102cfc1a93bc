//! Where videos lie: in OSS, or in a folder of this machine with one folder for each bucket.

use std::path::{Path, PathBuf};
use std::time::Duration;

use fc_runtime::{Credentials, Error, Instance, Result};
use opendal::layers::{RetryLayer, TimeoutLayer};
use opendal::services::{Fs, Oss};
use opendal::{ErrorKind, Operator, Writer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// How much is held of a file on its way.
const PIECE: usize = 4 * 1024 * 1024;

/// Where videos lie.
#[derive(Debug, Clone)]
pub enum Storage {
    /// The endpoint of OSS, such as `https://oss-cn-hangzhou-internal.aliyuncs.com`.
    Oss(String),
    Folder(PathBuf),
}

impl Storage {
    /// `OSS_ENDPOINT`, else the folder `STORAGE_DIR`.
    pub fn of(instance: &Instance) -> Result<Self> {
        match instance.var_opt("OSS_ENDPOINT") {
            Some(endpoint) => {
                // Without it no request can be sent: a transport is chosen for the whole program.
                opendal::install_default();
                Ok(Storage::Oss(endpoint.to_owned()))
            }
            None => Ok(Storage::Folder(instance.var("STORAGE_DIR")?.into())),
        }
    }

    /// A bucket, for the time of one job: the credentials of its call expire.
    pub fn bucket(&self, name: &str, credentials: Option<Credentials>) -> Result<Bucket> {
        let operator = match self {
            Storage::Oss(endpoint) => {
                let credentials = credentials.ok_or_else(|| {
                    Error::new(500, "there are no credentials for OSS: give the function a role")
                })?;
                let oss = Oss::default()
                    .endpoint(endpoint)
                    .bucket(name)
                    .access_key_id(&credentials.access_key_id)
                    .access_key_secret(&credentials.access_key_secret)
                    .security_token(&credentials.security_token);
                Operator::new(oss)?
            }
            Storage::Folder(root) => {
                let root = root.join(name);
                if !root.is_dir() {
                    return Err(Error::new(500, format!("there is no bucket `{name}`")));
                }
                let root = root.to_string_lossy();
                // A file has its name once it is whole. The folder of parts has to be on the same disk.
                Operator::new(Fs::default().root(&root).atomic_write_dir(&format!("{root}/.parts")))?
            }
        };
        let operator = operator
            .layer(TimeoutLayer::new().with_io_timeout(Duration::from_secs(30)))
            .layer(RetryLayer::new().with_max_times(3));
        Ok(Bucket { operator })
    }
}

/// A bucket.
#[derive(Debug, Clone)]
pub struct Bucket {
    operator: Operator,
}

impl Bucket {
    pub async fn has(&self, object: &str) -> Result<bool> {
        Ok(self.operator.exists(object).await?)
    }

    /// Copies an object to a file, piece by piece.
    pub async fn fetch(&self, object: &str, file: &Path) -> Result<u64> {
        let size = match self.operator.stat(object).await {
            Ok(known) => known.content_length(),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(Error::new(500, format!("there is no object `{object}`")));
            }
            Err(error) => return Err(error.into()),
        };
        let reader = self.operator.reader(object).await?;
        let mut target = tokio::fs::File::create(file).await?;
        let mut at = 0;
        while at < size {
            let end = size.min(at + PIECE as u64);
            for piece in reader.read(at..end).await? {
                target.write_all(&piece).await?;
            }
            at = end;
        }
        target.flush().await?;
        Ok(size)
    }

    /// Makes an object of a file. The object is there whole or not at all, and takes no other's place.
    pub async fn store(&self, file: &Path, object: &str) -> Result<u64> {
        let mut source = tokio::fs::File::open(file).await?;
        let writer = self.operator.writer_with(object).if_not_exists(true).chunk(PIECE).await?;
        let mut unfinished = Unfinished(Some(writer));
        let mut size = 0;
        loop {
            let mut piece = Vec::with_capacity(PIECE);
            (&mut source).take(PIECE as u64).read_to_end(&mut piece).await?;
            if piece.is_empty() {
                break;
            }
            size += piece.len() as u64;
            if let Some(writer) = &mut unfinished.0 {
                writer.write(piece).await?;
            }
        }
        if let Some(writer) = &mut unfinished.0 {
            writer.close().await?;
        }
        unfinished.0 = None;
        Ok(size)
    }
}

/// Removes the parts of an object that is not finished: also when its job is stopped.
struct Unfinished(Option<Writer>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(mut writer) = self.0.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move {
                if let Err(error) = writer.abort().await {
                    tracing::warn!("parts of an object remain: {error}");
                }
            });
        }
    }
}
