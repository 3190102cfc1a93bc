//! Forms with files (`multipart/form-data`), part by part as they come.

mod head;
mod parser;
mod part;
mod saved;

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_core::Stream;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http_body::Body;

use crate::budget::Held;
use crate::error::{Error, OrError, Result, StatusError};
use crate::exchange::body_state::too_large;
use crate::exchange::{Call, Exchange, Payload, Peer, too_much_memory};
use crate::platform::limits::FORM_FIELDS_MAX;
use crate::task::Tracker;

use parser::{Event, Parser};
pub use part::Part;
pub use saved::SavedPart;

/// A form with files, as browsers send it (`multipart/form-data`): its parts one after the other, as they come.
///
/// Limits, each with a 413: the whole body has the place's [`body_limit`](crate::App::body_limit), 1000 parts are the
/// most, and a part may be as large as the body. The head of a part has 8 KiB.
///
/// ```
/// use fc_runtime::{App, MIB, at};
///
/// # fc_runtime::testing::run(async {
/// let client = App::new()
///     .post(at("/photos").body_limit(32 * MIB), async |ex| {
///         let mut form = ex.multipart()?.with_max_part(8 * MIB);
///         let (mut title, mut photo) = (String::new(), None);
///         while let Some(part) = form.next().await? {
///             match part.name() {
///                 "title" => title = part.text().await?,
///                 "photo" => photo = Some(part.save().await?),
///                 _ => {}
///             }
///         }
///         Ok(format!("{title}: {} bytes", photo.map_or(0, |photo| photo.length())))
///     })
///     .test_client();
/// let body = "--x\r\ncontent-disposition: form-data; name=\"title\"\r\n\r\ntea\r\n\
///             --x\r\ncontent-disposition: form-data; name=\"photo\"; filename=\"tea.jpg\"\r\n\r\n12345\r\n--x--\r\n";
/// let sent = client.post("/photos").header("content-type", "multipart/form-data; boundary=x").body(body);
/// sent.await.assert_text("tea: 5 bytes");
/// # });
/// ```
#[must_use = "a form does nothing unless it is read"]
#[doc(alias = "upload")]
#[doc(alias = "FormData")]
pub struct Multipart {
    body: Payload,
    parser: Parser,
    call: Arc<Call>,
    tracker: Tracker,
    limits: Limits,
    /// The bytes of the body so far.
    total: usize,
    parts: usize,
    /// The bytes of the current part so far. `None` between parts.
    part: Option<usize>,
    /// The memory of the texts that were read.
    held: Option<Held>,
    texts: usize,
}

struct Limits {
    parts: usize,
    part: usize,
    total: usize,
}

impl<S> Exchange<S> {
    /// The body as a form with files, part by part. After that the methods that read the whole body fail.
    ///
    /// # Errors
    /// 415 for another content type; 400 without a boundary; 413 for a body that announces more than the body limit.
    #[track_caller]
    #[doc(alias = "upload")]
    pub fn multipart(&self) -> Result<Multipart, StatusError> {
        let declared =
            self.headers().get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let declared = declared.as_deref().unwrap_or_default();
        let (essence, parameters) = declared.split_at(declared.find(';').unwrap_or(declared.len()));
        if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
            let got = if declared.is_empty() { "none" } else { declared };
            let message = format!("content type \"multipart/form-data\" expected, got {got:?}");
            return Err(Error::new(415, message).into_std());
        }
        let boundary =
            head::boundary(parameters).or_bad_request("the content type has no usable boundary")?;
        let (body, total) = (self.body(), self.call().body_limit());
        if Body::size_hint(&body).lower() > total as u64 {
            return Err(too_large(total).into_std());
        }
        Ok(Multipart {
            body,
            parser: Parser::new(&boundary),
            call: Arc::clone(self.call()),
            tracker: self.shared().tracker.clone(),
            limits: Limits { parts: FORM_FIELDS_MAX, part: total, total },
            total: 0,
            parts: 0,
            part: None,
            held: None,
            texts: 0,
        })
    }
}

impl Multipart {
    /// The most parts. Default: 1000.
    pub fn with_max_parts(mut self, parts: usize) -> Self {
        self.limits.parts = parts;
        self
    }

    /// The largest part, in bytes. Default: the place's body limit.
    pub fn with_max_part(mut self, bytes: usize) -> Self {
        self.limits.part = bytes;
        self
    }

    /// The next part. `None` at the end of the form. What is unread of the part before is passed over.
    ///
    /// # Errors
    /// 400 when the form is broken, or ends before its last boundary; 413 beyond a limit; as
    /// [`Exchange::bytes`](Exchange::bytes) when the body does not come.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing of the part that it waits for.
    #[allow(clippy::should_implement_trait, reason = "it is async")]
    pub async fn next(&mut self) -> Result<Option<Part<'_>>, StatusError> {
        while self.part.is_some() {
            self.piece().await?;
        }
        loop {
            match self.event().await? {
                Event::Head(head) => {
                    self.parts += 1;
                    if self.parts > self.limits.parts {
                        let most = self.limits.parts;
                        let message = format!("the form has more than {most} parts");
                        return Err(beyond(most, message).into_std());
                    }
                    self.part = Some(0);
                    return Ok(Some(Part::new(self, *head)));
                }
                Event::End => return Ok(None),
                Event::Data(_) | Event::PartEnd | Event::More => {}
            }
        }
    }

    /// The next bytes of the current part.
    async fn piece(&mut self) -> Result<Option<Bytes>> {
        loop {
            let Some(length) = self.part else { return Ok(None) };
            match self.event().await? {
                Event::Data(data) => {
                    let length = length + data.len();
                    if length > self.limits.part {
                        let most = self.limits.part;
                        let message = format!("a part of the form is larger than {most} bytes");
                        return Err(beyond(most, message));
                    }
                    self.part = Some(length);
                    return Ok(Some(data));
                }
                Event::PartEnd | Event::End => self.part = None,
                Event::Head(_) | Event::More => {}
            }
        }
    }

    /// What the parser finds next in the body.
    async fn event(&mut self) -> Result<Event> {
        loop {
            match self.parser.next().map_err(broken)? {
                Event::More => {}
                event => return Ok(event),
            }
            let Some(data) = poll_fn(|cx| Pin::new(&mut self.body).poll_next(cx)).await.transpose()? else {
                return Err(broken("it ends before its last boundary"));
            };
            self.total += data.len();
            if self.total > self.limits.total {
                return Err(too_large(self.limits.total));
            }
            self.parser.feed(data);
        }
    }

    fn peer(&self) -> Option<&Peer> {
        self.call.peer.as_deref()
    }

    /// Counts a text that the handler keeps.
    ///
    /// # Errors
    /// 503 if the budget for clients has no room.
    fn hold_text(&mut self, length: usize) -> Result {
        self.texts += length;
        let (peer, texts) = (self.call.peer.as_deref(), self.texts);
        let has_room = peer.is_none_or(|peer| peer.hold_body(&mut self.held, texts));
        if has_room { Ok(()) } else { Err(too_much_memory()) }
    }
}

fn beyond(most: usize, message: String) -> Error {
    Error::of_ours(StatusCode::PAYLOAD_TOO_LARGE, message).with_json("limit", most.to_string())
}

fn broken(why: &'static str) -> Error {
    Error::of_ours(StatusCode::BAD_REQUEST, format!("the form is broken: {why}"))
}

impl fmt::Debug for Multipart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Multipart")
            .field("parts", &self.parts)
            .field("bytes", &self.total)
            .finish_non_exhaustive()
    }
}
