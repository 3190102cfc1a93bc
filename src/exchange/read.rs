//! Readers of bodies and queries: text, JSON and forms. Their errors name the place of the fault.

use std::borrow::Cow;
use std::future::poll_fn;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde::de::DeserializeOwned;

use crate::cancel::Phase;
use crate::error::{Error, OrError, Result};
use crate::exchange::Call;
use crate::form::{Form, Misfit};
use crate::json::quoted;
use crate::platform::limits::FORM_FIELDS_MAX;
use crate::timer::Timer;

/// A type that a request can be read as: every type that derives `serde::Deserialize` and owns its data.
///
/// ```
/// use fc_runtime::{App, Exchange, Method, Readable, StatusError};
/// use std::collections::BTreeMap;
///
/// /// The fields of a form, by whichever method the page sends them.
/// async fn fields<T: Readable>(ex: &Exchange) -> Result<T, StatusError> {
///     if ex.method() == Method::GET { ex.query() } else { ex.form().await }
/// }
///
/// # fc_runtime::testing::run(async {
/// let client = App::new()
///     .any("/search", async |ex| {
///         let fields: BTreeMap<String, String> = fields(&ex).await?;
///         Ok(fields["for"].clone())
///     })
///     .test_client();
/// client.get("/search?for=tea").await.assert_text("tea");
/// # });
/// ```
#[diagnostic::on_unimplemented(
    message = "the request cannot be read as `{Self}`: say its type, as in `let order: Order = ex.json().await?`",
    label = "`{Self}` cannot be deserialized, or borrows",
    note = "it has to implement `serde::Deserialize`, by a derive for example, and own its data"
)]
#[doc(alias = "Deserialize")]
#[doc(alias = "FromRequest")]
#[doc(alias = "extractor")]
pub trait Readable: DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> Readable for T {}

pub(crate) async fn bytes(call: &Call) -> Result<Bytes> {
    refuse_coded(&call.head.headers)?;
    whole(call, call.body_limit()).await
}

/// Refuses a compressed body, because a reader would take the compressed bytes for the content.
fn refuse_coded(headers: &HeaderMap) -> Result {
    let is_plain = |value: &HeaderValue| {
        let coding = value.as_bytes().trim_ascii();
        coding.is_empty() || coding.eq_ignore_ascii_case(b"identity")
    };
    match headers.get_all(CONTENT_ENCODING).iter().find(|value| !is_plain(value)) {
        None => Ok(()),
        Some(coding) => {
            let coding = String::from_utf8_lossy(coding.as_bytes());
            let message = format!("the body has the content coding {coding:?}; send it without one");
            Err(Error::new(415, message).with_header(ACCEPT_ENCODING, HeaderValue::from_static("identity")))
        }
    }
}

/// Reads the body to its end, with a bound on each wait for the next piece.
pub(crate) async fn whole(call: &Call, limit: usize) -> Result<Bytes> {
    let mut reading = Reading::default();
    poll_fn(|cx| reading.poll(cx, call, limit)).await
}

/// The state of a reader of the whole body.
#[derive(Default)]
pub(crate) struct Reading {
    slow: Timer,
    length: usize,
}

impl Reading {
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, call: &Call, limit: usize) -> Poll<Result<Bytes>> {
        let mut body_state = call.body_state();
        // Event calls have no scope. They are not counted: only the platform makes them, within the instance's
        // concurrency.
        let peer = call.peer.as_deref().filter(|_| call.scope.is_some());
        let read = body_state.poll_whole(cx, limit, peer);
        if body_state.has_left() {
            // Outside the lock: the announcement wakes tasks, and a waker may drop the body.
            drop(body_state);
            call.has_left();
            return read;
        }
        call.phase.set(if read.is_pending() { Phase::Reading } else { Phase::Handling });
        if read.is_pending() {
            if body_state.length() != std::mem::replace(&mut self.length, body_state.length()) {
                self.slow.stop();
            }
            let pause = call.body_pause();
            return self.slow.poll(cx, pause).map(|()| {
                Err(Error::new(408, format!("no more of the request's body came within {pause:?}")))
            });
        }
        read
    }
}

pub(crate) async fn text(call: &Call) -> Result<String> {
    let declared = content_type(&call.head.headers);
    let charset = Charset::of(declared.as_deref())?;
    let bytes = bytes(call).await?;
    if charset == Charset::Latin1 {
        return Ok(from_latin1(&bytes));
    }
    let text = std::str::from_utf8(&bytes).or_bad_request("the request's body is not UTF-8")?;
    Ok(text.to_owned())
}

pub(crate) async fn json<T: Readable>(call: &Call) -> Result<T> {
    let declared = content_type(&call.head.headers);
    if !declared.as_deref().is_some_and(is_json) {
        let got = declared.as_deref().unwrap_or("none");
        return Err(Error::new(415, format!("content type \"application/json\" expected, got {got:?}")));
    }
    let charset = Charset::of(declared.as_deref())?;
    let bytes = bytes(call).await?;
    if charset == Charset::Latin1 {
        return parse_json(from_latin1(&bytes).as_bytes());
    }
    parse_json(&bytes)
}

pub(crate) async fn form<T: Readable>(call: &Call) -> Result<T> {
    const FORM: &str = "application/x-www-form-urlencoded";
    let declared = content_type(&call.head.headers);
    if !declared.as_deref().is_some_and(|declared| essence(declared).eq_ignore_ascii_case(FORM)) {
        let got = declared.as_deref().unwrap_or("none");
        return Err(Error::new(415, format!("content type {FORM:?} expected, got {got:?}")));
    }
    // The bytes of other charsets, once percent-encoded, look like UTF-8.
    if Charset::of(declared.as_deref())? != Charset::Utf8 {
        return Err(Error::new(415, "a form has to be in UTF-8"));
    }
    let bytes = bytes(call).await?;
    let form = Form::parse(&bytes, FORM_FIELDS_MAX).ok_or_else(|| too_many(413, "form"))?;
    form.read().map_err(|error| misfit(422, "form", &error))
}

#[track_caller]
pub(crate) fn query<T: Readable>(call: &Call) -> Result<T> {
    let query = call.head.uri.query().unwrap_or_default();
    let form = Form::parse(query.as_bytes(), FORM_FIELDS_MAX).ok_or_else(|| too_many(400, "query"))?;
    form.read().map_err(|error| misfit(400, "query", &error))
}

/// Reads JSON. Broken JSON gives a 400; a value that does not fit the type gives a 422. Both name line, column and
/// field.
#[track_caller]
pub(crate) fn parse_json<T: Readable>(bytes: &[u8]) -> Result<T> {
    match serde_json::from_slice(bytes) {
        Ok(value) => Ok(value),
        // To remember the path costs an allocation for each key, so that only JSON that failed is read with it.
        Err(_) => parse_json_by_path(bytes),
    }
}

#[cold]
#[inline(never)]
#[track_caller]
fn parse_json_by_path<T: Readable>(bytes: &[u8]) -> Result<T> {
    let mut text = serde_json::Deserializer::from_slice(bytes);
    let error = match serde_path_to_error::deserialize(&mut text) {
        Ok(value) => match text.end() {
            Ok(()) => return Ok(value),
            Err(error) => return Err(json_error(&error, ".")),
        },
        Err(error) => error,
    };
    // For broken JSON the path may end in a question mark, and does not name a field.
    let path = error.path().to_string();
    Err(json_error(error.inner(), if path.ends_with('?') { "." } else { &path }))
}

#[track_caller]
fn json_error(error: &serde_json::Error, path: &str) -> Error {
    let (status, what) =
        if error.is_data() { (422, "the JSON does not fit") } else { (400, "the JSON is broken") };
    // serde_json appends the position, which has members of its own in the error.
    let text = error.to_string();
    let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
    let (line, column) = (error.line(), error.column());
    let field = if path == "." { String::new() } else { format!(", field {path:?}") };
    let error = Error::new(status, format!("{what} at line {line} column {column}{field}: {reason}"))
        .with_json("line", line.to_string())
        .with_json("column", column.to_string());
    with_field(error, path)
}

#[track_caller]
fn misfit(status: u16, what: &str, error: &Misfit) -> Error {
    let path = error.field().unwrap_or(".");
    let field = if path == "." { String::new() } else { format!(", field {path:?}") };
    with_field(Error::new(status, format!("the {what} does not fit{field}: {error}")), path)
}

#[track_caller]
pub(crate) fn not_acceptable(offers: &[&str]) -> Error {
    let quoted: Vec<String> = offers.iter().map(|offer| quoted(offer)).collect();
    let error = Error::new(406, format!("the client accepts none of {}", offers.join(", ")));
    error.with_json("available", format!("[{}]", quoted.join(",")))
}

#[track_caller]
fn too_many(status: u16, what: &str) -> Error {
    let message = format!("the {what} has more than {FORM_FIELDS_MAX} fields");
    Error::new(status, message).with_json("limit", FORM_FIELDS_MAX.to_string())
}

/// Names the field. The dot is the whole value, which is no field.
fn with_field(error: Error, path: &str) -> Error {
    if path == "." { error } else { error.with_json("field", quoted(path)) }
}

/// Bytes that are not UTF-8 are replaced, because they may be in a parameter that is never read.
fn content_type(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()))
}

fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// Whether the type is `application/json` or ends in `+json`.
fn is_json(content_type: &str) -> bool {
    let essence = essence(content_type).to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// The charset of a body that is text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Charset {
    Utf8,
    /// ISO 8859-1: each byte is the code point of its character.
    Latin1,
}

impl Charset {
    /// The charset that a content type declares. UTF-8 without a declaration.
    ///
    /// # Errors
    /// 415 for a charset that the text readers do not decode.
    pub(crate) fn of(content_type: Option<&str>) -> Result<Self> {
        const UTF8: &[&str] = &["utf-8", "utf8", "us-ascii", "ascii"];
        const LATIN1: &[&str] = &["iso-8859-1", "iso_8859-1", "iso8859-1", "latin1", "l1"];
        let Some(charset) = content_type.and_then(charset) else { return Ok(Self::Utf8) };
        let is_any = |names: &[&str]| names.iter().any(|name| charset.eq_ignore_ascii_case(name));
        if is_any(UTF8) {
            Ok(Self::Utf8)
        } else if is_any(LATIN1) {
            Ok(Self::Latin1)
        } else {
            Err(Error::new(415, format!("the charset {charset:?} is not supported; send UTF-8")))
        }
    }
}

pub(crate) fn from_latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

fn charset(content_type: &str) -> Option<&str> {
    let parameters = content_type.split(';').skip(1);
    let mut charsets = parameters.filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    charsets.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[allow(dead_code, reason = "only its shape matters")]
    struct Order {
        item: String,
        lines: Vec<Line>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[allow(dead_code, reason = "only its shape matters")]
    struct Line {
        quantity: u8,
    }

    #[track_caller]
    fn check(text: &str, status: u16, part: &str) {
        let error = parse_json::<Order>(text.as_bytes()).unwrap_err();
        assert_eq!(error.status(), status, "{error}");
        assert!(error.message().contains(part), "{error}");
    }

    #[test]
    fn json_errors_say_where() {
        check("{\"item\": tea}", 400, "line 1 column 11");
        check(
            "{\"item\": \"tea\",\n\"lines\": [{\"quantity\": 300}]}",
            422,
            "line 2 column 26, field \"lines[0].quantity\"",
        );
        check("{\"item\": \"tea\"}", 422, "missing field `lines`");
        check("", 400, "EOF");
        check("{\"item\": \"tea\", \"lines\": []} x", 400, "trailing characters");
    }

    #[test]
    fn json_content_types_are_told_from_others() {
        assert!(is_json("application/json"));
        assert!(is_json("Application/JSON; charset=utf-8"));
        assert!(is_json("application/problem+json"));
        assert!(!is_json("text/json"));
        assert!(!is_json("application/x-www-form-urlencoded"));
        assert_eq!(charset("text/plain; format=flowed; charset=\"UTF-8\""), Some("UTF-8"));
    }
}
