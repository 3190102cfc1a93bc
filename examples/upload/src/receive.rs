//! Receives a file piece by piece, and gives it back.

use fc_runtime::{Error, Exchange, IntoReply, Json, OrError, Part, Reply, Result};
use serde::Serialize;

use crate::State;
use crate::kind::{BEGIN, Kind, TAKEN};
use crate::progress::{Progress, Upload, id};
use crate::storage::{Files, Writing};

#[derive(Debug, Serialize)]
struct Stored {
    location: String,
    bytes: u64,
    content_type: &'static str,
}

/// `POST /uploads/{id}`: a form with one file.
pub async fn upload(ex: Exchange<State>) -> Result<Reply> {
    let State { storage, uploads, .. } = ex.state();
    let id = id(&ex)?;
    let storage = storage.for_call(ex.invocation().credentials())?;
    let length = ex.header("content-length").and_then(|length| length.parse().ok());
    let mut upload = uploads.begin(&id, length)?;
    match receive(&ex, &storage, &id, &mut upload).await {
        Ok(stored) => {
            let Stored { location, bytes, .. } = &stored;
            upload.end(Progress::Done { location: location.clone(), bytes: *bytes });
            Ok((201, ("location", stored.location.clone()), Json(stored)).into_reply())
        }
        Err(error) => {
            upload.end(Progress::Failed { why: error.message().to_owned() });
            Err(error)
        }
    }
}

async fn receive(ex: &Exchange<State>, storage: &Files, id: &str, upload: &mut Upload) -> Result<Stored> {
    let mut form = ex.multipart()?.with_max_parts(10);
    while let Some(mut part) = form.next().await? {
        if part.name() != "file" || part.file_name().is_none_or(str::is_empty) {
            continue;
        }
        let mut begin = Vec::new();
        while begin.len() < BEGIN
            && let Some(piece) = part.piece().await?
        {
            begin.extend_from_slice(&piece);
        }
        let kind = Kind::of(&begin).or_error(415, format!("this is none of {TAKEN}"))?;
        let name = format!("{id}.{}", kind.extension);
        let mut writing = storage.begin(&name).await?;
        let copied = match copy(begin, &mut part, &mut writing, upload).await {
            // A form that ends too early has no whole file either.
            Ok(bytes) => form.next().await.map_err(Into::into).map(|more| (bytes, more.is_some())),
            Err(error) => Err(error),
        };
        let wrong = match copied {
            Ok((bytes, false)) => {
                writing.finish().await?;
                return Ok(Stored {
                    location: format!("/files/{name}"),
                    bytes,
                    content_type: kind.content_type,
                });
            }
            Ok((_, true)) => Error::unprocessable("one file, as the form's last field, please"),
            Err(error) => error,
        };
        writing.abandon().await;
        return Err(wrong);
    }
    Err(Error::unprocessable("the form has no file: choose one"))
}

/// Holds one piece at a time, and what the storage collects for a part.
async fn copy(begin: Vec<u8>, part: &mut Part<'_>, to: &mut Writing, upload: &mut Upload) -> Result<u64> {
    let mut bytes = begin.len() as u64;
    to.write(begin.into()).await?;
    while let Some(piece) = part.piece().await? {
        bytes += piece.len() as u64;
        to.write(piece).await?;
        upload.received(bytes);
    }
    Ok(bytes)
}

/// `GET /files/{name}`: to be saved, not shown. It is a stranger's, and on our own origin.
pub async fn download(ex: Exchange<State>) -> Result<Reply> {
    let name: String = ex.param("name")?;
    let is_ours = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.';
    let kind =
        Kind::named(&name).filter(|_| name.bytes().all(is_ours)).or_not_found("there is no such file")?;
    let storage = ex.state().storage.for_call(ex.invocation().credentials())?;
    let pieces = storage.read(&name).await?.or_not_found("there is no such file")?;
    let headers = [
        ("content-type", kind.content_type.to_owned()),
        ("content-disposition", format!("attachment; filename=\"{name}\"")),
        ("x-content-type-options", "nosniff".to_owned()),
    ];
    Ok((headers, Reply::stream(pieces)).into_reply())
}
