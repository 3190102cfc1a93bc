//! Files as replies, alone and as folders: ranges, conditions, and nothing outside the folder.

mod folder;
mod open;
mod send;
mod stream;
mod types;

use std::path::PathBuf;

use crate::error::Result;
use crate::exchange::Exchange;
use crate::reply::Reply;

pub use folder::Files;

impl<S: Send + Sync + 'static> Exchange<S> {
    /// A file as the reply, in answer to the request's conditions and range, as [`conditional`](Self::conditional) does.
    ///
    /// The content type is that of the name's ending. `ETag` and `Last-Modified` are made from the file's time and length.
    /// A time that a packer gives to all files (before 1990, or the first of November 2023, as Serverless Devs has it) says
    /// nothing: then `ETag` is made from the content, up to 1 MiB, and a longer file has neither. Files above 64 KiB are
    /// streamed with their length, 64 KiB at a time. They are read on a thread for blocking work.
    ///
    /// The path is the author's: a path from a request may lead anywhere. For that, [`App::files`](crate::App::files) serves
    /// a folder.
    ///
    /// ```
    /// use fc_runtime::App;
    ///
    /// # fc_runtime::testing::run(async {
    /// let client = App::new().get("/about", async |ex| ex.file("Cargo.toml").await).test_client();
    /// let part = client.get("/about").header("range", "bytes=0-3").await;
    /// part.assert_status(206);
    /// # });
    /// ```
    ///
    /// # Errors
    /// 404 when there is no such file; 500 when it cannot be read.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing but the work.
    #[doc(alias = "send_file")]
    #[doc(alias = "NamedFile")]
    #[doc(alias = "ServeFile")]
    pub async fn file(&self, path: impl Into<PathBuf>) -> Result<Reply> {
        let path = path.into();
        send::file(self, move |_| open::any(&path)).await
    }
}
