//! One server-sent event. It is built in its wire format, so that sending it takes one copy at most.

use std::borrow::Cow;
use std::fmt;
use std::io::Write as _;
use std::panic::Location;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;

use crate::error::{Error, Result, StatusError};
use crate::reply::chunk::Framed;
use crate::reply::{ChunkData, Json};

/// A server-sent event: data, and optionally an id, a name, and the time until the client connects again.
///
/// ```
/// use fc_runtime::{Result, SseEvent};
/// use std::time::Duration;
///
/// # fn main() -> Result {
/// let event = SseEvent::data("two\nlines").with_id(7).with_event("note").with_retry(Duration::from_secs(2));
/// assert_eq!(event.text()?, "data: two\ndata: lines\nid: 7\nevent: note\nretry: 2000\n\n");
/// assert_eq!(SseEvent::json(&["tea", "salt"])?.text()?, "data: [\"tea\",\"salt\"]\n\n");
/// assert!(SseEvent::data("x").with_id("a\nb").text().is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "an event does nothing unless it is sent"]
pub struct SseEvent(Form);

#[derive(Debug)]
enum Form {
    /// Lines without the empty line that ends an event.
    Open(Vec<u8>),
    Closed(Bytes),
    /// Complete events in the frame of a chunk, which many clients share.
    Framed(Framed),
    /// A field was refused: sending the event gives this error.
    Mistake(Error),
}

/// Extra capacity for an id, a name and the final line, in bytes. Most events then need one allocation.
const ROOM: usize = 48;

impl SseEvent {
    /// An event with this data. A CR, an LF or both end a line; the client gets the same lines.
    ///
    /// Some clients take away all spaces in front of a line. To those that are not known, words and code go as
    /// [`json`](Self::json).
    pub fn data(text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        let mut lines = Vec::with_capacity(text.len() + ROOM);
        write_lines(&mut lines, b"data: ", text.as_bytes());
        Self(Form::Open(lines))
    }

    /// An event whose data is this value as JSON.
    ///
    /// # Errors
    /// When the value cannot be JSON, such as a map whose keys are not text.
    #[track_caller]
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self, StatusError> {
        const FIELD: &[u8] = b"data: ";
        let mut lines = Vec::with_capacity(128);
        lines.extend_from_slice(FIELD);
        if let Err(cause) = serde_json::to_writer(&mut lines, value) {
            return Err(Error::internal(cause).into_std());
        }
        // Only `RawValue`s of serde_json can contain line breaks.
        if has_break(&lines) {
            let text = lines.split_off(FIELD.len());
            lines.clear();
            write_lines(&mut lines, FIELD, &text);
        } else {
            lines.push(b'\n');
        }
        Ok(Self(Form::Open(lines)))
    }

    /// A comment, which is not an event: clients skip it. It keeps a connection busy, and is visible in the raw bytes.
    pub fn comment(text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        let mut lines = Vec::with_capacity(text.len() + ROOM);
        write_lines(&mut lines, b": ", text.as_bytes());
        Self(Form::Open(lines))
    }

    /// The event with this id, which the client sends back as `Last-Event-ID` when it connects again.
    ///
    /// An id cannot contain a line break or a NUL. Such an event gives an error when it is sent, with the line of code
    /// that made it.
    #[track_caller]
    pub fn with_id(self, id: impl fmt::Display) -> Self {
        self.with_field("id: ", id, |byte| matches!(byte, b'\r' | b'\n' | 0))
    }

    /// The event with this name. Listeners for `name` get the event; listeners for `message` do not.
    ///
    /// A name cannot contain a line break. Such an event gives an error when it is sent, with the line of code that
    /// made it.
    #[track_caller]
    pub fn with_event(self, name: impl fmt::Display) -> Self {
        self.with_field("event: ", name, |byte| matches!(byte, b'\r' | b'\n'))
    }

    /// The event with a retry time: how long the client waits before it connects again, in whole milliseconds.
    pub fn with_retry(self, after: Duration) -> Self {
        self.with_field("retry: ", after.as_millis(), |_| false)
    }

    /// The event in its wire format.
    ///
    /// # Errors
    /// When an id or a name was refused.
    pub fn text(self) -> Result<String, StatusError> {
        let wire = self.into_wire().map_err(Error::into_std)?;
        // All parts were written as text, so nothing is lost.
        Ok(String::from_utf8_lossy(wire.as_slice()).into_owned())
    }

    #[track_caller]
    fn with_field(
        self,
        field: &'static str,
        value: impl fmt::Display,
        is_illegal: impl Fn(u8) -> bool,
    ) -> Self {
        let at = Location::caller();
        let mut lines = match self.0 {
            Form::Open(lines) => lines,
            Form::Closed(text) => open(&text),
            Form::Framed(framed) => open(framed.data()),
            Form::Mistake(_) => return self,
        };
        lines.extend_from_slice(field.as_bytes());
        let start = lines.len();
        let written = write!(lines, "{value}");
        if written.is_err() || lines[start..].iter().any(|&byte| is_illegal(byte)) {
            let name = field.trim_end_matches(": ");
            let cause =
                format!("the {name} of a server-sent event has bytes that cannot stand in one (at {at})");
            return Self(Form::Mistake(Error::internal(cause)));
        }
        lines.push(b'\n');
        Self(Form::Open(lines))
    }

    /// Wraps complete events in wire format.
    pub(super) fn closed(text: Bytes) -> Self {
        Self(Form::Closed(text))
    }

    /// Wraps an event that is framed for all who get it.
    pub(super) fn framed(event: Framed) -> Self {
        Self(Form::Framed(event))
    }

    /// Completes the event, and gives its wire format.
    pub(super) fn into_wire(self) -> Result<EventBytes> {
        match self.0 {
            Form::Open(mut lines) => {
                lines.extend_from_slice(END);
                Ok(EventBytes::Own(lines))
            }
            Form::Closed(text) => Ok(EventBytes::Shared(text)),
            Form::Framed(framed) => Ok(EventBytes::Framed(framed)),
            Form::Mistake(error) => Err(error),
        }
    }
}

/// The empty line that ends an event.
const END: &[u8] = b"\n";

/// The lines of a complete event, to which others may be added.
fn open(event: &[u8]) -> Vec<u8> {
    event[..event.len() - END.len()].to_vec()
}

/// Writes each line of `text` with the field's name before it.
fn write_lines(out: &mut Vec<u8>, field: &[u8], text: &[u8]) {
    let mut rest = text;
    if has_break(text) {
        while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
            let (line, after) = rest.split_at(end);
            write_line(out, field, line);
            rest = after.strip_prefix(b"\r\n").unwrap_or(&after[1..]);
        }
    }
    write_line(out, field, rest);
}

fn write_line(out: &mut Vec<u8>, field: &[u8], line: &[u8]) {
    out.extend_from_slice(field);
    out.extend_from_slice(line);
    out.push(b'\n');
}

/// The last line of a complete event that begins with `name`, which includes the colon and the space.
pub(super) fn field<'e>(event: &'e [u8], name: &[u8]) -> Option<&'e [u8]> {
    event.split(|&byte| byte == b'\n').rev().find_map(|line| line.strip_prefix(name))
}

/// Does not return early, so that the compiler can compare many bytes in one step: most data is one line.
fn has_break(text: &[u8]) -> bool {
    text.iter().fold(0, |found, &byte| found | u8::from(byte == b'\n') | u8::from(byte == b'\r')) != 0
}

/// Complete events in wire format, in a buffer that can grow or in bytes that may be shared.
#[derive(Debug)]
pub(super) enum EventBytes {
    Own(Vec<u8>),
    Shared(Bytes),
    Framed(Framed),
}

impl EventBytes {
    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Own(text) => text,
            Self::Shared(text) => text,
            Self::Framed(framed) => framed.data(),
        }
    }

    /// Appends more events. A buffer that has to grow takes at least `room` bytes more.
    pub(super) fn push(&mut self, more: &[u8], room: usize) {
        let Self::Own(own) = self else {
            *self = Self::Own(self.as_slice().to_vec());
            return self.push(more, room);
        };
        if own.capacity() - own.len() < more.len() {
            own.reserve(more.len().max(room));
        }
        own.extend_from_slice(more);
    }

    pub(super) fn into_bytes(self) -> Bytes {
        match self {
            Self::Own(text) => text.into(),
            Self::Shared(text) => text,
            Self::Framed(framed) => framed.into_data(),
        }
    }

    pub(super) fn into_chunk(self) -> ChunkData {
        match self {
            Self::Framed(framed) => ChunkData::Framed(framed),
            bare => ChunkData::Bare(bare.into_bytes()),
        }
    }
}

/// An item of a stream of server-sent events: [`SseEvent`], text, [`Json`], or a `Result` of one of these with any error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a server-sent event",
    label = "`{Self}` cannot be sent as an event",
    note = "send text, `Json(value)`, an `SseEvent`, or a `Result` of one of these with any error",
    note = "an error is a type that implements `std::error::Error`, `Send` and `Sync`, or that `fc_runtime::Error` has a `From` of"
)]
pub trait IntoSseEvent {
    /// Converts the value into an event.
    ///
    /// # Errors
    /// The error that ends the stream in place of the event.
    fn into_sse_event(self) -> Result<SseEvent>;
}

impl IntoSseEvent for SseEvent {
    fn into_sse_event(self) -> Result<SseEvent> {
        Ok(self)
    }
}

impl IntoSseEvent for String {
    fn into_sse_event(self) -> Result<SseEvent> {
        Ok(SseEvent::data(self))
    }
}

impl IntoSseEvent for &str {
    fn into_sse_event(self) -> Result<SseEvent> {
        Ok(SseEvent::data(self))
    }
}

impl IntoSseEvent for Cow<'_, str> {
    fn into_sse_event(self) -> Result<SseEvent> {
        Ok(SseEvent::data(self))
    }
}

impl<T: Serialize> IntoSseEvent for Json<T> {
    fn into_sse_event(self) -> Result<SseEvent> {
        Ok(SseEvent::json(&self.0)?)
    }
}

#[diagnostic::do_not_recommend]
impl<T: IntoSseEvent, E: Into<Error>> IntoSseEvent for Result<T, E> {
    fn into_sse_event(self) -> Result<SseEvent> {
        self.map_err(Into::into).and_then(IntoSseEvent::into_sse_event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(event: SseEvent, text: &str) {
        assert_eq!(event.text().unwrap(), text);
    }

    #[test]
    fn data_is_split_where_a_client_would_end_a_line() {
        check(SseEvent::data(""), "data: \n\n");
        check(SseEvent::data(" two"), "data:  two\n\n");
        check(SseEvent::data("a\nb\rc\r\nd"), "data: a\ndata: b\ndata: c\ndata: d\n\n");
        check(SseEvent::data("\n"), "data: \ndata: \n\n");
        check(SseEvent::data("a\n\r\nb\r"), "data: a\ndata: \ndata: b\ndata: \n\n");
        check(SseEvent::data("id: 7\n\ndata: forged"), "data: id: 7\ndata: \ndata: data: forged\n\n");
        check(SseEvent::comment("a\nb"), ": a\n: b\n\n");
    }

    #[test]
    fn json_is_one_line_unless_it_brings_its_own() {
        check(SseEvent::json(&"a\nb").unwrap(), "data: \"a\\nb\"\n\n");
        let keyed: std::collections::BTreeMap<[u8; 1], u8> = [([1], 2)].into();
        assert!(SseEvent::json(&keyed).is_err());
    }

    #[test]
    fn what_cannot_stand_in_a_field_is_refused_with_its_line() {
        for event in [
            SseEvent::data("x").with_id("a\rb"),
            SseEvent::data("x").with_id("a\0"),
            SseEvent::data("x").with_id("\n").with_event("fine"),
            SseEvent::data("x").with_event("a\nb"),
        ] {
            let error = event.text().unwrap_err();
            assert_eq!(error.status(), 500);
            assert!(error.cause().unwrap().to_string().contains("event.rs:"), "{error:?}");
        }
        check(SseEvent::data("x").with_event("a\0b"), "data: x\nevent: a\0b\n\n");
    }

    #[test]
    fn a_closed_event_is_opened_again() {
        let text = b"data: x\n\n";
        for shared in [SseEvent::closed(Bytes::from_static(text)), SseEvent::framed(Framed::of(text))] {
            check(shared.with_id(3), "data: x\nid: 3\n\n");
        }
    }
}
