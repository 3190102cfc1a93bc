//! Compressed replies: middleware for bodies that are whole and shrink.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::app::Handler;
use crate::exchange::Exchange;
use crate::negotiate::{codings, lists};
use crate::platform::limits::KIB;
use crate::reply::{Body, Reply};
use crate::sealed::Next;

/// Middleware (an around) that compresses replies for clients that accept it: `br`, `gzip`, and `zstd` with the feature
/// `compression-zstd`. The client's weights decide; of equals, the first of `br`, `zstd`, `gzip`.
///
/// Compressed are whole bodies from 1 KiB of types that shrink: text, JSON, XML, SVG, JavaScript, WebAssembly. Left as they
/// are: streams, server-sent events, gRPC, parts (206), errors, replies that have a `Content-Encoding` or
/// `Cache-Control: no-transform`. `Vary` is set where a client with another `Accept-Encoding` might get another reply, and a
/// strong `ETag` becomes a weak one, also in a 304 to a client that has the compressed content. Bodies above 64 KiB are
/// compressed on a thread for blocking work.
///
/// Compression costs time of the instance, which is billed: some 0.4 ms for 10 KiB of text. Put it where replies are
/// large, and files beside their compressed copies ([`Files::with_compressed`](crate::Files::with_compressed)). A secret
/// should not stand in one reply with text that others choose: the length tells what repeats.
///
/// ```
/// use fc_runtime::{App, compress};
///
/// # fc_runtime::testing::run(async {
/// let client = App::new().get("/", async |_| "tea and salt, ".repeat(1000)).around(compress()).test_client();
/// let reply = client.get("/").header("accept-encoding", "gzip").await;
/// reply.assert_header("content-encoding", "gzip").assert_header("vary", "accept-encoding");
/// # });
/// ```
#[allow(clippy::type_complexity, reason = "it is what `around` asks for")]
#[doc(alias = "gzip")]
#[doc(alias = "brotli")]
#[doc(alias = "CompressionLayer")]
pub fn compress<S: Send + Sync + 'static>()
-> impl AsyncFn(Exchange<S>, Next<S>) -> Reply + Handler<(Exchange<S>, Next<S>), Reply> {
    async move |ex: Exchange<S>, next: Next<S>| {
        let (call, shared) = (Arc::clone(ex.call()), Arc::clone(ex.shared()));
        let mut reply = next.run(ex).await;
        if !shrinks(&reply) {
            return reply;
        }
        // A part too: a 206 says of `Vary` what the 200 would (RFC 9110, section 15.3.7).
        vary(reply.our_headers_mut());
        if is_part(&reply) {
            return reply;
        }
        if reply.status() == StatusCode::NOT_MODIFIED && has_compressed(&call.head.headers, reply.headers()) {
            weaken(reply.our_headers_mut());
        }
        let Some((bytes, coding)) = choose(&call.head.headers, &reply) else { return reply };
        let compressed = if bytes.len() > INLINE_MAX {
            let work = move || coding.compress(&bytes);
            match shared.tracker.spawn_blocking(work).await {
                Ok(compressed) => compressed,
                // The runtime shuts down, and drops this future too.
                Err(_) => std::future::pending().await,
            }
        } else {
            coding.compress(&bytes)
        };
        apply(&mut reply, coding, compressed);
        reply
    }
}

/// The smallest body that is compressed, in bytes. Below it the packets are as many as before.
const LENGTH_MIN: usize = KIB;

/// The largest body that is compressed on the executor, in bytes.
const INLINE_MAX: usize = 64 * KIB;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Brotli,
    #[cfg(feature = "compression-zstd")]
    Zstd,
    Gzip,
}

const CODINGS: &[Coding] = &[
    Coding::Brotli,
    #[cfg(feature = "compression-zstd")]
    Coding::Zstd,
    Coding::Gzip,
];

impl Coding {
    const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            #[cfg(feature = "compression-zstd")]
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// Levels for replies that are made anew each time: the best of each coding take ten times as long for a few percent.
    fn compress(self, bytes: &[u8]) -> Bytes {
        let mut out = Vec::with_capacity(bytes.len() / 4 + 64);
        // Writing to memory cannot fail.
        let _ = match self {
            Self::Brotli => {
                let mut writer = brotli::CompressorWriter::new(&mut out, 4 * KIB, 4, 18);
                writer.write_all(bytes)
            }
            #[cfg(feature = "compression-zstd")]
            Self::Zstd => zstd::stream::copy_encode(bytes, &mut out, 3),
            Self::Gzip => {
                let mut writer = flate2::write::GzEncoder::new(&mut out, flate2::Compression::new(4));
                writer.write_all(bytes).and_then(|()| writer.finish().map(drop))
            }
        };
        out.into()
    }
}

fn is_part(reply: &Reply) -> bool {
    reply.status() == StatusCode::PARTIAL_CONTENT || reply.headers().contains_key(CONTENT_RANGE)
}

/// Whether the reply is of a kind that is compressed at all, or a part of one.
fn shrinks(reply: &Reply) -> bool {
    let (headers, status) = (reply.headers(), reply.status());
    let is_whole = matches!(reply.body, Body::Once(_)) || status == StatusCode::NOT_MODIFIED;
    let is_left = headers.contains_key(CONTENT_ENCODING) || lists(headers, &CACHE_CONTROL, "no-transform");
    is_whole && !is_left && headers.get(CONTENT_TYPE).is_some_and(is_text)
}

/// The body and the coding for it, if there is one that the client likes at least as much as the plain content.
fn choose(asked: &HeaderMap, reply: &Reply) -> Option<(Bytes, Coding)> {
    const NAMES: [&str; CODINGS.len()] = {
        let mut names = [""; CODINGS.len()];
        let mut at = 0;
        while at < names.len() {
            names[at] = CODINGS[at].name();
            at += 1;
        }
        names
    };
    let Body::Once(bytes) = &reply.body else { return None };
    let (weights, plain) = codings(asked, NAMES);
    if plain > 0 && bytes.len() < LENGTH_MIN {
        return None;
    }
    let best = weights.iter().copied().max().filter(|weight| *weight >= plain.max(1))?;
    let at = weights.iter().position(|weight| *weight == best)?;
    Some((bytes.clone(), CODINGS[at]))
}

fn apply(reply: &mut Reply, coding: Coding, compressed: Bytes) {
    reply.body = Body::Once(compressed);
    let headers = reply.our_headers_mut();
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    headers.remove(CONTENT_LENGTH);
    // Ranges are those of the plain content.
    headers.remove(ACCEPT_RANGES);
    weaken(headers);
}

/// Whether a client that asks for news has the content as it was compressed: it names the weak tag that came with it. A
/// 304 has the tag of the reply that it stands for (RFC 9110, section 15.4.5).
fn has_compressed(asked: &HeaderMap, told: &HeaderMap) -> bool {
    let Some(etag) = told.get(ETAG).map(HeaderValue::as_bytes) else { return false };
    let weak = [b"W/", etag].concat();
    asked.get_all(IF_NONE_MATCH).iter().any(|line| line.as_bytes().windows(weak.len()).any(|own| own == weak))
}

/// Makes a strong tag a weak one: other bytes than those of the plain content leave, or have left.
fn weaken(headers: &mut HeaderMap) {
    if let Some(etag) = headers.get_mut(ETAG)
        && !etag.as_bytes().starts_with(b"W/")
        && let Ok(weak) = HeaderValue::from_bytes(&[b"W/", etag.as_bytes()].concat())
    {
        *etag = weak;
    }
}

fn vary(headers: &mut HeaderMap) {
    if !lists(headers, &VARY, "accept-encoding") && !lists(headers, &VARY, "*") {
        headers.append(VARY, HeaderValue::from_static("accept-encoding"));
    }
}

/// Whether content of this type shrinks.
fn is_text(content_type: &HeaderValue) -> bool {
    const TYPES: &[&str] = &[
        "application/javascript",
        "application/json",
        "application/vnd.ms-fontobject",
        "application/wasm",
        "application/x-ndjson",
        "application/xml",
        "application/yaml",
        "font/otf",
        "font/ttf",
        "image/bmp",
        "image/x-icon",
    ];
    let essence = content_type.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    let essence = String::from_utf8_lossy(essence.trim_ascii()).to_ascii_lowercase();
    essence.starts_with("text/") && essence != "text/event-stream"
        || essence.ends_with("+json")
        || essence.ends_with("+xml")
        || TYPES.contains(&&*essence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_that_shrink_are_told_from_others() {
        for (content_type, expected) in [
            ("text/html; charset=utf-8", true),
            ("Application/JSON", true),
            ("application/problem+json", true),
            ("image/svg+xml", true),
            ("text/event-stream", false),
            ("application/grpc", false),
            ("application/octet-stream", false),
            ("image/png", false),
            ("", false),
        ] {
            assert_eq!(is_text(&HeaderValue::from_static(content_type)), expected, "{content_type}");
        }
    }
}
