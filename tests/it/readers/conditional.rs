//! Replies with a state: conditions and ranges.

use testkit::h2;

use crate::support::{Ask, Server};

#[test]
fn a_reply_is_whole_once_and_then_not_modified() {
    let server = Server::app("readers");
    let whole = server.ask(&Ask::get("/conditional"));
    whole.assert_status(200).assert_text("tea and salt").assert_header("accept-ranges", "bytes");
    let etag = whole.header("etag").unwrap().to_owned();
    let mut conn = server.connect();
    for _ in 0..2 {
        let again = conn.ask(&Ask::get("/conditional").header("if-none-match", &etag));
        again.assert_status(304).assert_header("etag", &etag).assert_no_header("content-length");
    }
    conn.ask(&Ask::get("/conditional").header("if-none-match", "\"other\"")).assert_status(200);
    conn.ask(&Ask::get("/conditional").header("if-match", "\"other\"")).assert_problem(412);
    conn.ask(&Ask::new("HEAD", "/conditional").header("range", "bytes=0-1"))
        .assert_status(200)
        .assert_header("content-length", "12");
    server.until_counter("finished", 6);
    assert_eq!(server.counter("cancelled"), 0);
}

/// RFC 9110, section 8.8.2.1: a server cannot know of a change that is still to come.
#[test]
fn a_change_in_the_future_is_told_as_of_now() {
    let answer = Server::app("readers").ask(&Ask::get("/conditional/future"));
    let time = |name| httpdate::parse_http_date(answer.header(name).unwrap()).unwrap();
    answer.assert_status(200);
    let (date, modified) = (time("date"), time("last-modified"));
    assert!(modified <= date, "{answer:?}");
    assert!(date.duration_since(modified).unwrap().as_secs() < 60, "{answer:?}");
}

#[test]
fn parts_are_given_over_both_protocols() {
    let server = Server::app("readers");
    let mut h2 = h2::Conn::open(server.port);
    for (range, status, said, text) in [
        ("bytes=4-6", 206, "bytes 4-6/12", "and"),
        ("bytes=8-", 206, "bytes 8-11/12", "salt"),
        ("bytes=-4", 206, "bytes 8-11/12", "salt"),
        ("bytes=-100", 206, "bytes 0-11/12", "tea and salt"),
    ] {
        let ask = Ask::get("/conditional").header("range", range);
        for answer in [server.ask(&ask), h2.ask(&ask)] {
            answer.assert_status(status).assert_header("content-range", said).assert_text(text);
        }
    }
    let beyond = server.ask(&Ask::get("/conditional").header("range", "bytes=12-"));
    beyond.assert_header("content-range", "bytes */12").assert_problem(416);
    let several = server.ask(&Ask::get("/conditional").header("range", "bytes=0-1,4-5"));
    several.assert_status(200).assert_text("tea and salt");
    let long = server.ask(&Ask::get("/conditional/large").header("range", "bytes=140000-270003"));
    assert_eq!(long.assert_status(206).body.len(), 130_004);
    assert!(long.text().starts_with("tea and salt, tea"));
}

#[test]
fn the_state_that_the_author_gives_counts() {
    let server = Server::app("readers");
    let ask = |path: &str, name: &str, value: &str| server.ask(&Ask::get(path).header(name, value));
    ask("/conditional/stated", "if-none-match", "\"1\"").assert_status(304);
    ask("/conditional/stated", "if-modified-since", "Wed, 09 Nov 1994 08:49:37 GMT").assert_status(304);
    ask("/conditional/stated", "if-modified-since", "Wed, 09 Nov 1994 08:49:36 GMT").assert_status(200);
    // A weak tag is not enough to join parts.
    let mut part = Ask::get("/conditional/stated").header("range", "bytes=0-0");
    server.ask(&part).assert_status(206);
    part = part.header("if-range", "W/\"1\"");
    server.ask(&part).assert_status(200).assert_text("tea");
    ask("/conditional/stream", "if-none-match", "\"1\"").assert_status(304);
    ask("/conditional/stream", "range", "bytes=0-0")
        .assert_status(200)
        .assert_no_header("accept-ranges")
        .assert_text("tea");
    ask("/conditional/error", "if-none-match", "*").assert_problem(409);
}
