//! Compressed replies.

use std::io::Read;

use testkit::{Answer, h2};

use crate::support::{Ask, Server};

fn text() -> String {
    "tea and salt, ".repeat(1000)
}

fn plain(answer: &Answer) -> String {
    let (mut text, body) = (String::new(), &answer.body[..]);
    match answer.header("content-encoding") {
        Some("gzip") => flate2::read::GzDecoder::new(body).read_to_string(&mut text).unwrap(),
        Some("br") => brotli::Decompressor::new(body, 4096).read_to_string(&mut text).unwrap(),
        Some("zstd") => {
            text = String::from_utf8(zstd::decode_all(body).unwrap()).unwrap();
            text.len()
        }
        None => return answer.text(),
        Some(other) => panic!("{other}"),
    };
    text
}

#[test]
fn the_client_chooses_the_coding() {
    let server = Server::app("readers");
    let mut h2 = h2::Conn::open(server.port);
    for (accepted, coding) in [
        ("gzip, deflate, br, zstd", Some("br")),
        ("gzip, deflate", Some("gzip")),
        ("zstd;q=1, br;q=0.9", Some("zstd")),
        ("gzip;q=0.5, identity", None),
        ("gzip;q=0", None),
        ("*", Some("br")),
        ("identity;q=0, gzip;q=0.1", Some("gzip")),
        ("deflate", None),
        ("", None),
    ] {
        for (path, expected) in [("/compressed/text", text()), ("/compressed/large", text().repeat(20))] {
            let ask = Ask::get(path).header("accept-encoding", accepted);
            for answer in [server.ask(&ask), h2.ask(&ask)] {
                answer.assert_status(200).assert_header("vary", "accept-encoding");
                assert_eq!(answer.header("content-encoding"), coding, "{accepted}");
                assert!(plain(&answer) == expected, "{accepted}");
                assert!(coding.is_none() || answer.body.len() < expected.len() / 20);
            }
            let (whole, head) = (server.ask(&ask), server.ask(&Ask { method: "HEAD", ..ask.clone() }));
            head.assert_header("content-length", whole.header("content-length").unwrap());
        }
    }
    server.ask(&Ask::get("/compressed/text")).assert_no_header("content-encoding").assert_text(&text());
}

#[test]
fn what_should_stay_as_it_is_does() {
    let server = Server::app("readers");
    let ask = |path: &str| server.ask(&Ask::get(path).header("accept-encoding", "gzip, br, zstd"));
    for path in ["small", "bytes", "as-it-is", "stream", "events"] {
        let answer = ask(&format!("/compressed/{path}"));
        answer.assert_status(200).assert_no_header("content-encoding");
        assert!(answer.text().contains("tea"), "{path}");
    }
    ask("/compressed/coded").assert_header("content-encoding", "x").assert_text(&text());
    ask("/compressed/error").assert_no_header("content-encoding").assert_problem(409);
    assert_eq!(ask("/compressed/varies").assert_header("content-encoding", "br").values("vary").len(), 1);
    // Where the plain content is refused, a small one is compressed too.
    let refused = Ask::get("/compressed/small").header("accept-encoding", "gzip, identity;q=0");
    assert_eq!(plain(server.ask(&refused).assert_header("content-encoding", "gzip")), "tea");
}

#[test]
fn the_tag_of_a_compressed_reply_is_weak() {
    let server = Server::app("readers");
    let ask = |lines: &[(&str, &str)]| {
        let ask = Ask::get("/compressed/conditional").header("accept-encoding", "gzip");
        server.ask(&lines.iter().fold(ask, |ask, (name, value)| ask.header(name, value)))
    };
    let whole = ask(&[]);
    let etag = whole
        .assert_header("content-encoding", "gzip")
        .assert_no_header("accept-ranges")
        .header("etag")
        .unwrap();
    assert!(etag.starts_with("W/\""), "{etag}");
    // A 304 has the tag of the reply that it stands for: of the one that the client has.
    let kept = ask(&[("if-none-match", etag)]);
    kept.assert_status(304).assert_header("vary", "accept-encoding").assert_header("etag", etag);
    let strong = etag.strip_prefix("W/").unwrap();
    ask(&[("if-none-match", strong)]).assert_status(304).assert_header("etag", strong);
    let listed = format!("\"other\", {etag}");
    ask(&[("if-none-match", &listed)]).assert_status(304).assert_header("etag", etag);
    let part = ask(&[("range", "bytes=0-2")]);
    part.assert_status(206).assert_no_header("content-encoding").assert_text("tea");
    part.assert_header("vary", "accept-encoding");
}
