//! The files that pages load. htmx is vendored as it is published: `assets/README.md` has its version and checksums.

use std::io::Write;
use std::sync::LazyLock;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use crate::front::body::plain;

/// One file.
struct Asset {
    name: &'static str,
    kind: &'static str,
    bytes: Bytes,
    zipped: Bytes,
    /// By its content: a new version of fc-local has another one.
    tag: HeaderValue,
}

const HTMX: &[u8] = include_bytes!("assets/htmx.min.js");
const HX_SSE: &[u8] = include_bytes!("assets/hx-sse.min.js");

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    const SCRIPT: &str = "text/javascript; charset=utf-8";
    vec![
        Asset::new("console.css", "text/css; charset=utf-8", &[include_bytes!("assets/console.css")]),
        // One file: htmx begins with a page as soon as it can, whether its extension has come by then or not.
        Asset::new("console.js", SCRIPT, &[HTMX, HX_SSE, include_bytes!("assets/console.js")]),
        Asset::new("icon.svg", "image/svg+xml", &[include_bytes!("assets/icon.svg")]),
    ]
});

impl Asset {
    fn new(name: &'static str, kind: &'static str, parts: &[&[u8]]) -> Self {
        let bytes = parts.join(&b'\n');
        let tag = format!("\"{:08x}-{}\"", crc32fast::hash(&bytes), bytes.len());
        let tag = HeaderValue::from_str(&tag).unwrap_or_else(|_| HeaderValue::from_static("\"\""));
        Asset { name, kind, zipped: zipped(&bytes), bytes: bytes.into(), tag }
    }
}

/// The bytes in gzip; empty if that fails, which writing to memory does not.
fn zipped(bytes: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(bytes);
    written.and_then(|()| encoder.finish()).unwrap_or_default().into()
}

/// The file of this name, as the client can take it. `None` if there is none.
pub(super) fn reply(name: &str, asked: &HeaderMap) -> Option<Response<Bytes>> {
    let asset = ASSETS.iter().find(|asset| asset.name == name)?;
    let mut headers = HeaderMap::new();
    headers.insert(ETAG, asset.tag.clone());
    // A browser asks each time: another project on this port may have another version.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    let has_it = asked.get_all(IF_NONE_MATCH).iter().any(|tags| {
        let tags = tags.to_str().unwrap_or_default();
        tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == asset.tag)
    });
    if has_it {
        return Some(plain(StatusCode::NOT_MODIFIED, headers, Bytes::new()));
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    let body = if takes_gzip(asked) && !asset.zipped.is_empty() {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        asset.zipped.clone()
    } else {
        asset.bytes.clone()
    };
    Some(plain(StatusCode::OK, headers, body))
}

/// Whether the client says that it takes gzip.
fn takes_gzip(asked: &HeaderMap) -> bool {
    let codings = asked.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    codings.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").map_or(Some(1.0), |weight| weight.trim().parse().ok());
        name.trim().eq_ignore_ascii_case("gzip") && weight.is_some_and(|weight: f32| weight > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn asked(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(name), HeaderValue::from_static(value))])
    }

    #[test]
    fn a_file_is_sent_as_the_client_takes_it() {
        let whole = reply("console.js", &HeaderMap::new()).unwrap();
        assert_eq!(whole.headers().get(CONTENT_ENCODING), None);
        for (codings, is_zipped) in
            [("gzip, br", true), ("br;q=1, GZIP;q=0.5", true), ("gzip;q=0", false), ("identity", false)]
        {
            let reply = reply("console.js", &asked("accept-encoding", codings)).unwrap();
            assert_eq!(reply.headers().contains_key(CONTENT_ENCODING), is_zipped, "{codings}");
            if is_zipped {
                let mut text = Vec::new();
                flate2::read::GzDecoder::new(&reply.body()[..]).read_to_end(&mut text).unwrap();
                assert_eq!(text, whole.body()[..]);
            }
        }
        let tag = whole.headers()[ETAG].to_str().unwrap().to_owned();
        let known = HeaderMap::from_iter([(IF_NONE_MATCH, format!("\"x\", W/{tag}").parse().unwrap())]);
        assert_eq!(reply("console.js", &known).unwrap().status(), StatusCode::NOT_MODIFIED);
        assert!(reply("../console.css", &HeaderMap::new()).is_none());
    }

    #[test]
    fn what_is_vendored_is_what_was_published() {
        for (name, bytes, sum) in [("htmx.min.js", HTMX, HTMX_SUM), ("hx-sse.min.js", HX_SSE, HX_SSE_SUM)] {
            let own = ring::digest::digest(&ring::digest::SHA256, bytes);
            let own: Vec<String> = own.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(own.concat(), sum, "{name}");
            assert!(
                include_str!("assets/README.md").contains(sum),
                "assets/README.md lacks the sum of {name}"
            );
        }
    }

    const HTMX_SUM: &str = "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130";
    const HX_SSE_SUM: &str = "18ef2761356ec1fe0bb6d92612315b37517a7c1e9856b661c5ae81fef239d103";
}
