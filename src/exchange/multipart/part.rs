//! One part of a form: a field or a file.

use std::fmt;
use std::path::Path;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};

use crate::budget::Held;
use crate::error::{Error, Result, StatusError};
use crate::exchange::multipart::head::Head;
use crate::exchange::multipart::saved::Saving;
use crate::exchange::multipart::{Multipart, SavedPart};
use crate::exchange::read::{Charset, from_latin1};
use crate::exchange::too_much_memory;

/// One part of a [`Multipart`] form. A part that is dropped is passed over.
///
/// ```
/// use fc_runtime::App;
///
/// # fc_runtime::testing::run(async {
/// let client = App::new()
///     .post("/", async |ex| {
///         let mut form = ex.multipart()?;
///         let Some(mut part) = form.next().await? else { return Ok(String::new()) };
///         let (name, mut length) = (part.file_name().unwrap_or("no file").to_owned(), 0);
///         while let Some(piece) = part.piece().await? { length += piece.len(); }
///         Ok(format!("{name}: {length}"))
///     })
///     .test_client();
/// let body = "--x\r\ncontent-disposition: form-data; name=a; filename=\"tea.jpg\"\r\n\r\n12345\r\n--x--\r\n";
/// let sent = client.post("/").header("content-type", "multipart/form-data; boundary=x").body(body);
/// sent.await.assert_text("tea.jpg: 5");
/// # });
/// ```
#[must_use = "a part that is not read is passed over"]
#[doc(alias = "Field")]
pub struct Part<'f> {
    form: &'f mut Multipart,
    head: Head,
}

impl<'f> Part<'f> {
    pub(super) fn new(form: &'f mut Multipart, head: Head) -> Self {
        Self { form, head }
    }

    /// The name of the field.
    pub fn name(&self) -> &str {
        &self.head.name
    }

    /// The name of the file, without folders, as the client says it. `None` for a part that is no file; empty when the user
    /// has chosen none. Two clients may send the same name: it is no name for a file of yours.
    pub fn file_name(&self) -> Option<&str> {
        self.head.file_name.as_deref()
    }

    /// The content type that the client states, if it is UTF-8.
    pub fn content_type(&self) -> Option<&str> {
        std::str::from_utf8(self.head.headers.get(CONTENT_TYPE)?.as_bytes()).ok()
    }

    /// All headers of the part. A `Content-Transfer-Encoding`, which is out of use in forms, is not applied.
    pub fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// The next bytes, as they come. `None` at the end of the part.
    ///
    /// # Errors
    /// As [`Multipart::next`].
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, StatusError> {
        Ok(self.form.piece().await?)
    }

    /// The whole part. Its memory counts in [`client_memory`](crate::App::client_memory) until the bytes are dropped.
    ///
    /// # Errors
    /// As [`Multipart::next`]; 503 when [`client_memory`](crate::App::client_memory) is used up.
    pub async fn bytes(mut self) -> Result<Bytes, StatusError> {
        let mut held = None;
        let bytes = self.gather(&mut held).await?;
        Ok(match held {
            Some(held) => Bytes::from_owner(Counted { bytes, _held: held }),
            None => bytes,
        })
    }

    /// The whole part as text.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes); 400 when it is not UTF-8; 415 when its content type declares a charset other than UTF-8,
    /// ASCII or ISO 8859-1.
    pub async fn text(mut self) -> Result<String, StatusError> {
        let charset = Charset::of(self.content_type()).map_err(Error::without_line)?;
        let bytes = self.gather(&mut None).await?;
        self.form.hold_text(bytes.len())?;
        if charset == Charset::Latin1 {
            return Ok(from_latin1(&bytes));
        }
        let name = self.name();
        let text = std::str::from_utf8(&bytes).map_err(|cause| {
            let message = format!("the part {name:?} of the form is not UTF-8");
            Error::of_ours(StatusCode::BAD_REQUEST, message).with_cause(cause)
        });
        Ok(text?.to_owned())
    }

    /// Writes the part to a file of its own below `/tmp`, piece by piece. The file is removed when the returned value is
    /// dropped.
    ///
    /// # Errors
    /// As [`Multipart::next`]; 500 when the file cannot be written. Nothing is left behind.
    #[doc(alias = "tempfile")]
    pub async fn save(self) -> Result<SavedPart, StatusError> {
        self.save_in("/tmp").await
    }

    /// As [`save`](Self::save), in another folder, such as a mounted one.
    ///
    /// # Errors
    /// As [`save`](Self::save).
    pub async fn save_in(mut self, folder: impl AsRef<Path>) -> Result<SavedPart, StatusError> {
        let file_name = self.head.file_name.take();
        let mut saving = Saving::begin(folder.as_ref(), self.form.tracker.clone());
        while let Some(piece) = self.piece().await? {
            saving.add(piece).await?;
        }
        Ok(saving.end(file_name).await?)
    }

    /// The whole part. Its memory is counted while it grows.
    async fn gather(&mut self, held: &mut Option<Held>) -> Result<Bytes> {
        // Most parts are one piece, and need no copy.
        let Some(first) = self.piece().await? else { return Ok(Bytes::new()) };
        self.hold(held, first.len())?;
        let Some(second) = self.piece().await? else { return Ok(first) };
        let mut whole = BytesMut::with_capacity(first.len() + second.len());
        whole.extend_from_slice(&first);
        whole.extend_from_slice(&second);
        drop((first, second));
        self.hold(held, whole.len())?;
        while let Some(piece) = self.piece().await? {
            self.hold(held, whole.len() + piece.len())?;
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }

    fn hold(&self, held: &mut Option<Held>, length: usize) -> Result<(), Error> {
        let has_room = self.form.peer().is_none_or(|peer| peer.hold_body(held, length));
        if has_room { Ok(()) } else { Err(too_much_memory()) }
    }
}

/// Bytes that count until they are dropped.
struct Counted {
    bytes: Bytes,
    _held: Held,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part")
            .field("name", &self.name())
            .field("file_name", &self.file_name())
            .finish_non_exhaustive()
    }
}
