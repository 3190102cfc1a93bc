//! An open file as a reply.

use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_TYPE, ETAG, LAST_MODIFIED, LOCATION, VARY};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::error::{Error, Result};
use crate::exchange::Exchange;
use crate::exchange::conditional::{apply, http_date, passed, set_part};
use crate::files::open::{Found, Opened};
use crate::files::stream::{FileSource, PIECE_MAX, read_piece};
use crate::files::types::content_type;
use crate::platform::limits::MIB;
use crate::precondition::{State, Verdict, judge, whole_second};
use crate::reply::Reply;

/// What the thread for blocking work hands over.
enum Ready {
    File(Box<Prepared>),
    Folder,
    Nothing,
}

struct Prepared {
    opened: Opened,
    verdict: Verdict,
    etag: Option<HeaderValue>,
    modified: Option<SystemTime>,
    /// The bytes to be sent.
    range: Range<u64>,
    first: Bytes,
}

/// The reply for the file that `open` finds. Everything that may block happens in one visit to another thread.
pub(super) async fn file<S, F>(ex: &Exchange<S>, open: F) -> Result<Reply>
where
    S: Send + Sync + 'static,
    F: FnOnce(&HeaderMap) -> io::Result<Found> + Send + 'static,
{
    let call = Arc::clone(ex.call());
    let ready = ex.blocking(move || {
        let head = &call.head;
        match open(&head.headers)? {
            Found::File(opened) => {
                prepare(*opened, &head.method, &head.headers).map(|file| Ready::File(Box::new(file)))
            }
            Found::Folder => Ok(Ready::Folder),
            Found::Nothing => Ok(Ready::Nothing),
        }
    });
    match ready.await {
        Ok(Ready::File(prepared)) => Ok(reply(ex, *prepared)),
        Ok(Ready::Folder) => Ok(to_folder(ex)),
        Ok(Ready::Nothing) => Err(Error::of_ours(StatusCode::NOT_FOUND, "there is no such file")),
        Err(error) => Err(Error::of_mistake(error)),
    }
}

fn prepare(mut opened: Opened, method: &Method, headers: &HeaderMap) -> io::Result<Prepared> {
    let length = opened.metadata.len();
    let modified = opened.metadata.modified().ok().and_then(usable);
    let version = match modified {
        Some(modified) => Some(since_1970(modified)),
        None if length <= CONTENT_MAX => Some(content(&mut opened.file, length)?),
        None => None,
    };
    let etag = version.and_then(|version| etag(version, length, opened.coding));
    let modified = modified.and_then(whole_second).map(passed);
    let state = State { etag: etag.as_ref().map(HeaderValue::as_bytes), modified };
    let verdict = judge(method, headers, state, Some(length));
    let range = match &verdict {
        Verdict::Part(range) => range.clone(),
        _ => 0..length,
    };
    let is_sent = *method != Method::HEAD && matches!(verdict, Verdict::Whole | Verdict::Part(_));
    let first = if is_sent {
        if range.start > 0 {
            opened.file.seek(SeekFrom::Start(range.start))?;
        }
        read_piece(&mut opened.file, range.end - range.start)?
    } else {
        Bytes::new()
    };
    Ok(Prepared { opened, verdict, etag, modified, range, first })
}

fn reply<S: Send + Sync + 'static>(ex: &Exchange<S>, prepared: Prepared) -> Reply {
    let Prepared { opened, verdict, etag, modified, range, first } = prepared;
    let length = range.end - range.start;
    let mut reply = if length <= PIECE_MAX && *ex.method() != Method::HEAD {
        Reply::new(first)
    } else {
        Reply::from_source(FileSource::new(opened.file, first, length, ex.shared().tracker.clone()))
    };
    let headers = reply.our_headers_mut();
    headers.insert(CONTENT_TYPE, content_type(&opened.path));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.extend(etag.map(|etag| (ETAG, etag)));
    headers.extend(modified.and_then(http_date).map(|date| (LAST_MODIFIED, date)));
    headers.extend(opened.coding.map(|coding| (CONTENT_ENCODING, HeaderValue::from_static(coding))));
    if opened.varies {
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    }
    match &verdict {
        Verdict::Part(range) => set_part(&mut reply, range, opened.metadata.len()),
        verdict => reply = apply(reply, verdict, Some(opened.metadata.len())),
    }
    reply
}

/// Sends the client to the path with a slash, so that the links of the folder's index lead into it.
fn to_folder<S: Send + Sync + 'static>(ex: &Exchange<S>) -> Reply {
    // Relative: a load balancer may have cut a prefix.
    let last = ex.path().rsplit('/').next().unwrap_or_default();
    let (mark, query) = ex.uri().query().map_or(("", ""), |query| ("?", query));
    let mut reply = Reply::empty(StatusCode::PERMANENT_REDIRECT);
    // A colon in the first part would make it a scheme.
    match HeaderValue::try_from(format!("./{last}/{mark}{query}")) {
        Ok(location) => {
            reply.our_headers_mut().insert(LOCATION, location);
            reply
        }
        Err(error) => Reply::from_error(Error::internal(error)),
    }
}

/// A time that tells states of the file apart. Tools that build archives without times write 1970 or 1980 into all, and
/// Serverless Devs the first of November 2023: then a new deployment has files of the same time and perhaps the same length.
fn usable(modified: SystemTime) -> Option<SystemTime> {
    const YEAR_1990: Duration = Duration::from_secs(631_152_000);
    const PACKED: Duration = Duration::from_secs(1_698_796_800);
    // Times of a zip are in no time zone: whoever unpacks it chooses one.
    const ZONES: Duration = Duration::from_secs(14 * 3600);
    const ZONE_STEP: u128 = Duration::from_secs(900).as_nanos();
    let since = modified.duration_since(UNIX_EPOCH).ok()?;
    let off = since.abs_diff(PACKED);
    let is_packed = off <= ZONES && off.as_nanos() % ZONE_STEP == 0;
    (since >= YEAR_1990 && !is_packed).then_some(modified)
}

fn since_1970(modified: SystemTime) -> u128 {
    modified.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}

/// The largest file that is read for its tag, in bytes.
const CONTENT_MAX: u64 = MIB as u64;

/// A number for the content, for a file whose time says nothing. The file is at its begin again.
fn content(file: &mut File, length: u64) -> io::Result<u128> {
    let mut hasher = DefaultHasher::new();
    let mut left = length;
    while left > 0 {
        let piece = read_piece(file, left)?;
        left -= piece.len() as u64;
        hasher.write(&piece);
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(hasher.finish().into())
}

/// The tag of a file's state. The compressed file beside it has one of its own.
fn etag(version: u128, length: u64, coding: Option<&str>) -> Option<HeaderValue> {
    let (behind, coding) = (if coding.is_some() { "-" } else { "" }, coding.unwrap_or_default());
    HeaderValue::try_from(format!("\"{version:x}-{length:x}{behind}{coding}\"")).ok()
}
