//! The requests that are sent.

use std::fmt::Write as _;

/// As a browser's fetch or a client library sends it: five ordinary headers.
pub(crate) fn ordinary(path: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\n\
         host: localhost:9000\r\n\
         user-agent: Mozilla/5.0 (X11; Linux x86_64)\r\n\
         accept: application/json, text/plain, */*\r\n\
         accept-encoding: gzip, deflate, br\r\n\
         accept-language: en-GB,en;q=0.8\r\n\
         \r\n"
    )
    .into_bytes()
}

/// The same request as it comes out of the platform: with the caller's address, the call's id and the function's words.
pub(crate) fn on_fc(path: &str) -> Vec<u8> {
    let plain = String::from_utf8(ordinary(path)).unwrap_or_default();
    let mut request = plain.trim_end().to_owned();
    for (name, value) in [
        ("x-forwarded-proto", "https"),
        ("x-fc-request-id", "1-65d71219-15d63510-fecf237c590c"),
        ("x-fc-control-path", "/http-invoke"),
        ("x-fc-client-ip", "203.0.113.7"),
        ("x-fc-account-id", "1234567890123456"),
        ("x-fc-region", "cn-hangzhou"),
        ("x-fc-function-name", "catalogue"),
        ("x-fc-function-handler", "index.handler"),
        ("x-fc-function-memory", "512"),
        ("x-fc-function-timeout", "60"),
        ("x-fc-qualifier", "LATEST"),
        ("x-fc-version-id", ""),
        ("x-fc-instance-id", "c-65d71219-15d63510-0123456789ab"),
        ("x-fc-access-key-id", "STS.NUgYrLnoC37mZZCNnAbez"),
        ("x-fc-access-key-secret", "CVwjCkNzTMupZ8NbTCxCBRq3K16jtcWFTJAyBEv2"),
        ("x-fc-security-token", &"CAISJAJ1q6Ft5B2yfSjIr5bkIe3v".repeat(20)),
    ] {
        let _ = write!(request, "\r\n{name}: {value}");
    }
    request.push_str("\r\n\r\n");
    request.into_bytes()
}

/// With about 2 KiB of headers, cookies most of it.
pub(crate) fn with_large_head(path: &str) -> Vec<u8> {
    let plain = String::from_utf8(ordinary(path)).unwrap_or_default();
    format!("{}\r\ncookie: session={}\r\n\r\n", plain.trim_end(), "0123456789abcdef".repeat(115)).into_bytes()
}

/// With a body.
pub(crate) fn post(path: &str, content_type: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost:9000\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
