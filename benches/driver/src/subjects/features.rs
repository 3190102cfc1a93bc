//! One optional feature at a time, ours beside axum with equal work and the same feature.

use super::Kind::{Equal, Ours};
use super::{Family, Kind, Subject};
use crate::http::{ordinary, post};

/// A feature with its request. Both packages have a cargo feature of its name; `plain` is the base without any.
pub(crate) struct Case {
    pub(crate) feature: &'static str,
    pub(crate) ours: Subject,
    pub(crate) axum: Subject,
    /// The request that is counted. Its reply is no error.
    pub(crate) request: fn() -> Vec<u8>,
}

macro_rules! case {
    ($feature:literal, $request:expr) => {
        case!($feature, $feature, $request)
    };
    ($name:literal, $feature:literal, $request:expr) => {
        Case {
            feature: $feature,
            ours: subject(concat!("ours, ", $name), concat!("features-ours-", $feature), Ours, $feature),
            axum: subject(concat!("axum, ", $name), concat!("features-axum-", $feature), Equal, $feature),
            request: $request,
        }
    };
}

/// In the order of the table. `benches/run` builds those that `FEATURES` names there.
pub(crate) static CASES: [Case; 15] = [
    case!("plain", || ordinary("/users/42")),
    case!("mounted", || ordinary("/api/users/42")),
    case!("layered", || ordinary("/layered/42")),
    case!("query", || ordinary("/search?q=green+tea&page=2&size=50&sort=price&exact=true")),
    case!("form", || post("/search", FORM, "q=green+tea&page=2&size=50&sort=price&exact=true")),
    case!("validate", || post(
        "/orders",
        "application/json",
        "{\"item\":\"tea\",\"quantity\":2,\"notes\":[\"a\",\"b\"]}"
    )),
    case!("multipart", upload),
    case!("cookies", || with_header("/user", COOKIES)),
    case!("files", || ordinary("/static/cpu.svg")),
    case!("files, a part", "files", || with_header("/static/cpu.svg", "range: bytes=1000-1999")),
    case!("files, not modified", "files", || {
        with_header("/static/cpu.svg", "if-modified-since: Fri, 01 Jan 2100 00:00:00 GMT")
    }),
    case!("compression", || with_header("/text", "accept-encoding: gzip")),
    case!("metrics", || ordinary("/users/42")),
    case!("otel", || ordinary("/users/42")),
    case!("rate-limit", || ordinary("/users/42")),
];

const FORM: &str = "application/x-www-form-urlencoded";

/// `user=7`, signed by the key of both packages: as `cookie` signs it, and with the name, as ours does.
const COOKIES: &str = "cookie: theme=dark; user=P5/UW3vTKDmXPcG4Mlm8ewL1AdcoRp8BSWra3iUxf60=7; \
                       member=kG7m3PCZlKkOEL3fnn99EvJiJDrq7Fs5woqPiFgJeiM=7";

fn with_header(path: &str, line: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost:9000\r\n{line}\r\n\r\n").into_bytes()
}

/// A text and a file of 8 KiB.
fn upload() -> Vec<u8> {
    let part = |parameters: &str, content: &str| {
        format!("--boundary\r\nContent-Disposition: form-data; {parameters}\r\n\r\n{content}\r\n")
    };
    let file = part("name=\"file\"; filename=\"tea.txt\"", &"tea and salt, and\n".repeat(455));
    let body = part("name=\"title\"", "tea") + &file + "--boundary--\r\n";
    post("/upload", "multipart/form-data; boundary=boundary", &body)
}

pub(crate) fn all() -> impl Iterator<Item = &'static Subject> {
    CASES.iter().flat_map(|case| [&case.ours, &case.axum])
}

const fn subject(name: &'static str, binary: &'static str, kind: Kind, feature: &'static str) -> Subject {
    Subject { family: Family::Feature(feature), ..Subject::binary(name, binary, kind) }
}
