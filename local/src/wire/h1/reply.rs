//! The head of a reply, read from bytes.

use std::mem::MaybeUninit;

use bytes::{Buf, Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Version, response};
use httparse::ParserConfig;
use hyper::ext::ReasonPhrase;
use memchr::memchr_iter;

use super::chunks::Chunks;

/// The largest head that is read, in bytes. The platform's smaller limit is checked afterwards.
const HEAD_MAX: usize = 400 * 1024;

/// Room for the headers of a usual reply costs nothing.
const HEADERS_USUAL: usize = 64;

/// The most headers of a reply. The platform's limit is in bytes.
const HEADERS_MAX: usize = 1024;

/// How the end of a reply's body is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes are to come.
    Length(u64),
    Chunks(Chunks),
    /// The body ends with the connection.
    Close,
    /// The connection is no longer HTTP.
    Switched,
}

/// Why a head cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    NotHttp,
    TooLarge,
}

/// Takes a whole head from `bytes`. `None` if more bytes are needed. `is_head` says whether the request was a `HEAD`.
pub(super) fn take_head(
    bytes: &mut BytesMut,
    is_head: bool,
) -> Result<Option<(response::Parts, Framing)>, Unreadable> {
    let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    bytes.advance(blank);
    let length = match length_of(bytes) {
        Some(length) if length <= HEAD_MAX => length,
        None if bytes.len() <= HEAD_MAX => return Ok(None),
        _ => return Err(Unreadable::TooLarge),
    };
    let head = bytes.split_to(length).freeze();
    let mut usual = [const { MaybeUninit::uninit() }; HEADERS_USUAL];
    let parts = match parse(&head, &mut usual) {
        Err(httparse::Error::TooManyHeaders) => {
            let mut room: Vec<_> = (0..HEADERS_MAX).map(|_| MaybeUninit::uninit()).collect();
            parse(&head, &mut room)
        }
        parsed => parsed,
    };
    let parts = match parts {
        Ok(Some(parts)) => parts,
        Err(httparse::Error::TooManyHeaders) => return Err(Unreadable::TooLarge),
        _ => return Err(Unreadable::NotHttp),
    };
    let framing = framing_of(&parts, is_head).ok_or(Unreadable::NotHttp)?;
    Ok(Some((parts, framing)))
}

/// The length of the head: up to its empty line. A line may end with a line feed alone.
fn length_of(bytes: &[u8]) -> Option<usize> {
    memchr_iter(b'\n', bytes).find_map(|at| match bytes.get(at + 1..)? {
        [b'\n', ..] => Some(at + 2),
        [b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    })
}

/// The parts of a head, or `None` if it is not whole or has a header that is none.
fn parse<'a>(
    head: &'a Bytes,
    room: &mut [MaybeUninit<httparse::Header<'a>>],
) -> Result<Option<response::Parts>, httparse::Error> {
    let mut reply = httparse::Response::new(&mut []);
    let parsed = ParserConfig::default().parse_response_with_uninit_headers(&mut reply, head, room)?;
    Ok(if parsed.is_complete() { parts_of(head, &reply) } else { None })
}

fn parts_of(head: &Bytes, reply: &httparse::Response<'_, '_>) -> Option<response::Parts> {
    let (mut parts, ()) = Response::new(()).into_parts();
    parts.status = StatusCode::from_u16(reply.code?).ok()?;
    parts.version = if reply.version? == 0 { Version::HTTP_10 } else { Version::HTTP_11 };
    parts.headers = HeaderMap::with_capacity(reply.headers.len());
    for header in &*reply.headers {
        let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
        let value = HeaderValue::from_maybe_shared(head.slice_ref(header.value)).ok()?;
        parts.headers.append(name, value);
    }
    let reason = reply.reason.unwrap_or_default();
    if Some(reason) != parts.status.canonical_reason()
        && let Ok(reason) = ReasonPhrase::try_from(reason.as_bytes())
    {
        parts.extensions.insert(reason);
    }
    Some(parts)
}

/// How the body ends. `None` if the lengths are none, or differ.
fn framing_of(parts: &response::Parts, is_head: bool) -> Option<Framing> {
    let status = parts.status;
    if status == StatusCode::SWITCHING_PROTOCOLS {
        return Some(Framing::Switched);
    }
    if is_head || status.is_informational() || matches!(status.as_u16(), 204 | 304) {
        return Some(Framing::Length(0));
    }
    let mut codings = parts.headers.get_all(TRANSFER_ENCODING).iter();
    if let Some(last) = codings.next_back() {
        let last = last.as_bytes().rsplit(|byte| *byte == b',').next().unwrap_or_default();
        // HTTP/1.0 has no chunks. Such a reply ends with the connection alone, whatever else it says (RFC 9112, 6.1).
        let is_chunked =
            parts.version == Version::HTTP_11 && last.trim_ascii().eq_ignore_ascii_case(b"chunked");
        return Some(if is_chunked { Framing::Chunks(Chunks::Size) } else { Framing::Close });
    }
    let mut lengths = parts.headers.get_all(CONTENT_LENGTH).iter();
    let Some(first) = lengths.next() else { return Some(Framing::Close) };
    let first = length_in(first)?;
    lengths.all(|length| length_in(length) == Some(first)).then_some(Framing::Length(first))
}

/// A length, which a reply may repeat.
fn length_in(value: &HeaderValue) -> Option<u64> {
    let mut lengths = value.as_bytes().split(|byte| *byte == b',').map(|length| {
        let digits = std::str::from_utf8(length.trim_ascii()).ok()?;
        // `parse` takes a sign too.
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u64>().ok())?
    });
    let first = lengths.next()??;
    lengths.all(|length| length == Some(first)).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<(u16, Framing, usize)>, Unreadable> {
        let mut bytes = BytesMut::from(text);
        let head = take_head(&mut bytes, false)?;
        Ok(head.map(|(parts, framing)| (parts.status.as_u16(), framing, bytes.len())))
    }

    #[test]
    fn the_framing_of_a_body_is_as_its_head_says() {
        for (text, status, framing, left) in [
            ("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", 200, Framing::Length(3), 3),
            (
                "\r\nHTTP/1.1 200 OK\ncontent-length: 3, 3\ncontent-length: 3\n\na\r\n\r\n",
                200,
                Framing::Length(3),
                5,
            ),
            ("HTTP/1.1 200\r\n\r\n", 200, Framing::Close, 0),
            ("HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", 200, Framing::Close, 0),
            (
                "HTTP/1.0 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0",
                200,
                Framing::Close,
                1,
            ),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: gzip, Chunked\r\n\r\n",
                200,
                Framing::Chunks(Chunks::Size),
                0,
            ),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n", 200, Framing::Close, 0),
            ("HTTP/1.1 204 No Content\r\ncontent-length: 3\r\n\r\n", 204, Framing::Length(0), 0),
            ("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP", 103, Framing::Length(0), 4),
            ("HTTP/1.1 101 Switching Protocols\r\n\r\n\x01", 101, Framing::Switched, 1),
        ] {
            assert_eq!(read(text), Ok(Some((status, framing, left))), "{text:?}");
        }
        let mut bytes = BytesMut::from("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n");
        assert_eq!(take_head(&mut bytes, true).unwrap().unwrap().1, Framing::Length(0));
    }

    #[test]
    fn what_is_no_head_is_told() {
        for text in ["", "HTTP/1.1 200 OK\r\na: b\r\n", "\r\n\r\n"] {
            assert_eq!(read(text), Ok(None), "{text:?}");
        }
        for text in [
            "hello\r\n\r\n",
            "HTTP/2.0 200 OK\r\n\r\n",
            "HTTP/1.1 20 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nno header\r\n\r\n",
            "HTTP/1.1 200 OK\r\na : b\r\n\r\n",
            "HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: +3\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 3, 4\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\n",
        ] {
            assert_eq!(read(text), Err(Unreadable::NotHttp), "{text:?}");
        }
        let many = |count: usize| format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(count));
        assert_eq!(read(&many(HEADERS_MAX)), Ok(Some((200, Framing::Close, 0))));
        assert_eq!(read(&many(HEADERS_MAX + 1)), Err(Unreadable::TooLarge));
        let long = format!("HTTP/1.1 200 OK\r\na: {}", "b".repeat(HEAD_MAX));
        assert_eq!(read(&long), Err(Unreadable::TooLarge));
        assert_eq!(read(&format!("{long}\r\n\r\n")), Err(Unreadable::TooLarge));
    }

    #[test]
    fn a_reason_of_the_functions_own_is_kept() {
        let mut bytes = BytesMut::from("HTTP/1.1 200 Fine\r\n\r\nHTTP/1.1 200 OK\r\n\r\n");
        let own = take_head(&mut bytes, false).unwrap().unwrap().0;
        assert_eq!(own.extensions.get::<ReasonPhrase>().unwrap().as_bytes(), b"Fine");
        let usual = take_head(&mut bytes, false).unwrap().unwrap().0;
        assert!(usual.extensions.is_empty());
    }
}
