//! Compression of whole replies: brotli of everything for clients that take it, else gzip of texts.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue};

/// Smaller replies are not compressed.
const LENGTH_MIN: usize = 1024;

/// The platform's level of gzip.
const GZIP_LEVEL: u32 = 4;

/// The level and the window of brotli. The platform's are not documented; these take about as long as its gzip.
const BROTLI: (u32, u32) = (4, 20);

/// The types that gzip compresses.
const TEXTS: [&str; 9] = [
    "text/xml",
    "text/plain",
    "text/css",
    "application/javascript",
    "application/x-javascript",
    "application/rss+xml",
    "application/atom+xml",
    "application/xml",
    "application/json",
];

/// How a reply is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Brotli,
    Gzip,
}

/// The coding for a reply of `length` bytes with these headers, by what the client accepts.
pub(super) fn choose(accepted: &HeaderValue, reply: &HeaderMap, length: usize) -> Option<Coding> {
    // The ranges of a part are those of the text as it is.
    if length <= LENGTH_MIN || reply.contains_key(CONTENT_ENCODING) || reply.contains_key(CONTENT_RANGE) {
        return None;
    }
    let accepted = accepted.to_str().ok()?;
    if takes(accepted, "br") {
        return Some(Coding::Brotli);
    }
    let media_type = reply.get(CONTENT_TYPE)?.to_str().ok()?.split(';').next()?.trim();
    let is_text = TEXTS.iter().any(|text| media_type.eq_ignore_ascii_case(text));
    (is_text && takes(accepted, "gzip")).then_some(Coding::Gzip)
}

/// Whether an `Accept-Encoding` takes a coding: named, and not with the weight 0.
fn takes(accepted: &str, coding: &str) -> bool {
    accepted.split(',').any(|part| {
        let mut words = part.split(';').map(str::trim);
        let is_named = words.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
        let weight = words.find_map(|word| word.strip_prefix("q=")?.parse::<f32>().ok());
        is_named && weight.is_none_or(|weight| weight > 0.0)
    })
}

/// Compresses a body, and says so in the headers. Takes time on the processor.
pub(super) fn compress(coding: Coding, headers: &mut HeaderMap, body: &Bytes) -> Option<Bytes> {
    let (name, compressed) = match coding {
        Coding::Brotli => {
            let mut out = brotli::CompressorWriter::new(Vec::new(), 4096, BROTLI.0, BROTLI.1);
            // Into memory, which does not fail.
            out.write_all(body).ok()?;
            ("br", out.into_inner())
        }
        Coding::Gzip => {
            let mut out = GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL));
            out.write_all(body).ok()?;
            ("gzip", out.finish().ok()?)
        }
    };
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
    headers.remove(CONTENT_LENGTH);
    headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
    Some(compressed.into())
}

/// What the client accepts.
pub(super) fn accepted(headers: &HeaderMap) -> Option<HeaderValue> {
    headers.get(ACCEPT_ENCODING).cloned()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[track_caller]
    fn check(accepted: &'static str, media_type: &'static str, length: usize, expected: Option<Coding>) {
        let mut reply = HeaderMap::new();
        reply.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        let chosen = choose(&HeaderValue::from_static(accepted), &reply, length);
        assert_eq!(chosen, expected, "{accepted} {media_type} {length}");
    }

    #[test]
    fn the_coding_depends_on_client_type_and_length() {
        check("gzip", "text/plain; charset=utf-8", 1025, Some(Coding::Gzip));
        check("gzip", "text/plain", 1024, None);
        check("gzip", "Application/JSON", 2000, Some(Coding::Gzip));
        check("gzip", "text/html", 2000, None);
        check("gzip, br", "text/html", 2000, Some(Coding::Brotli));
        check("br", "image/png", 2000, Some(Coding::Brotli));
        check("br;q=0, gzip;q=0.5", "text/css", 2000, Some(Coding::Gzip));
        check("gzip;q=0", "text/css", 2000, None);
        check("identity", "text/css", 2000, None);
        for (name, value) in [(CONTENT_ENCODING, "zstd"), (CONTENT_RANGE, "bytes 0-1999/5000")] {
            let reply = HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
            assert_eq!(choose(&HeaderValue::from_static("br"), &reply, 2000), None, "{value}");
        }
    }

    #[test]
    fn a_compressed_body_can_be_read_again() {
        let body = Bytes::from(b"fc-local ".repeat(1000));
        for coding in [Coding::Gzip, Coding::Brotli] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("9000"));
            let compressed = compress(coding, &mut headers, &body).unwrap();
            assert!(compressed.len() < 1000, "{coding:?}");
            assert!(!headers.contains_key(CONTENT_LENGTH));
            let mut again = Vec::new();
            match coding {
                Coding::Gzip => flate2::read::GzDecoder::new(&*compressed).read_to_end(&mut again).unwrap(),
                Coding::Brotli => {
                    brotli::Decompressor::new(&*compressed, 4096).read_to_end(&mut again).unwrap()
                }
            };
            assert_eq!(again, body);
        }
    }
}
