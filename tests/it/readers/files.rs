//! Files and folders.

use std::io::Write;
use std::time::{Duration, SystemTime};

use testkit::process::free_port;
use testkit::{Folder, h2};

use crate::support::{Ask, Launch, Server};

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("site/a.txt", "tea and salt");
    folder.write("site/b c/ä.html", "<p>ä</p>");
    folder.write("site/sub/index.html", "<h1>sub</h1>");
    folder.write("site/index.html", "<h1>site</h1>");
    folder.write("site/empty.css", "");
    folder.write("site/.env", "SECRET=1");
    folder.write("site/.well-known/security.txt", "mailto:a@example.com");
    folder.write("site/app.js", "let plain");
    folder.write("site/app.js.br", "brotli");
    folder.write("site/app.js.gz", "gzip");
    folder.write("outside.txt", "secret");
    folder.link("site/out", folder.file("outside.txt"));
    folder.link("site/up", folder.path());
    folder.link("site/env.txt", folder.file("site/.env"));
    folder.link("site/inside.txt", "a.txt");
    folder
}

fn start(folder: &Folder) -> Server {
    Launch::app("readers").var("IT_FOLDER", folder.file("site").to_str().unwrap()).start()
}

#[test]
fn files_of_the_folder_are_served() {
    let (_folder, server) = folder_and_server();
    let mut conn = server.connect();
    for (path, content_type, text) in [
        ("/files/a.txt", "text/plain; charset=utf-8", "tea and salt"),
        ("/files/b%20c/%C3%A4.html", "text/html; charset=utf-8", "<p>ä</p>"),
        ("/files/", "text/html; charset=utf-8", "<h1>site</h1>"),
        ("/files/sub/", "text/html; charset=utf-8", "<h1>sub</h1>"),
        ("/files/empty.css", "text/css; charset=utf-8", ""),
        ("/files/inside.txt", "text/plain; charset=utf-8", "tea and salt"),
        ("/files/.well-known/security.txt", "text/plain; charset=utf-8", "mailto:a@example.com"),
        ("/group/a.txt", "text/plain; charset=utf-8", "tea and salt"),
        ("/group", "text/html; charset=utf-8", "<h1>site</h1>"),
        ("/file", "text/plain; charset=utf-8", "tea and salt"),
    ] {
        let answer = conn.ask(&Ask::get(path));
        answer.assert_status(200).assert_header("content-type", content_type).assert_text(text);
        let length = text.len().to_string();
        answer.assert_header("content-length", &length).assert_no_header("transfer-encoding");
        let head = conn.ask(&Ask::new("HEAD", path));
        head.assert_status(200).assert_header("content-length", &length);
    }
    for (path, location) in
        [("/files", "./files/"), ("/files/sub", "./sub/"), ("/files/sub?a=1", "./sub/?a=1")]
    {
        conn.ask(&Ask::get(path)).assert_status(308).assert_header("location", location);
    }
    conn.ask(&Ask::post("/files/a.txt", "")).assert_problem(405);
    server.until_idle();
    assert_eq!(server.counter("cancelled"), 0);
}

fn folder_and_server() -> (Folder, Server) {
    let folder = folder();
    let server = start(&folder);
    (folder, server)
}

#[test]
fn nothing_outside_the_folder_and_nothing_hidden_is_served() {
    let (_folder, server) = folder_and_server();
    for path in [
        "/files/absent.txt",
        "/files/a.txt/",
        "/files/a.txt/b",
        "/files/.env",
        "/files/env.txt",
        "/files/out",
        "/files/up/outside.txt",
        "/files/../outside.txt",
        "/files/%2e%2e/outside.txt",
        "/files/..%2foutside.txt",
        "/files/%2e%2e%2foutside.txt",
        "/files/sub/..%2f..%2foutside.txt",
        "/files/..%5coutside.txt",
        "/files//etc/passwd",
        "/files/%2fetc%2fpasswd",
        "/files/a.txt%00.html",
        "/files/%ff",
        "/files/b c",
        "/built/",
        "/built/sub/",
        "/file/absent",
    ] {
        let mut conn = server.connect();
        conn.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
        let answer = conn.answer("GET");
        assert!([400, 404].contains(&answer.status), "{path}: {answer:?}");
        assert!(!answer.text().contains("secret") && !answer.text().contains("SECRET"), "{path}");
    }
    let long = format!("/files/{}", "a".repeat(4000));
    server.ask(&Ask::get(long)).assert_problem(404);
}

#[test]
fn conditions_and_ranges_are_answered() {
    let (folder, server) = folder_and_server();
    let whole = server.ask(&Ask::get("/files/a.txt"));
    let (etag, date) = (whole.header("etag").unwrap(), whole.header("last-modified").unwrap());
    let ask = |lines: &[(&str, &str)]| {
        server.ask(&lines.iter().fold(Ask::get("/files/a.txt"), |ask, (name, value)| ask.header(name, value)))
    };
    ask(&[("if-none-match", etag)])
        .assert_status(304)
        .assert_header("etag", etag)
        .assert_header("last-modified", date);
    ask(&[("if-modified-since", date)]).assert_status(304);
    ask(&[("if-match", "\"other\"")]).assert_problem(412);
    ask(&[("range", "bytes=4-6")])
        .assert_status(206)
        .assert_header("content-range", "bytes 4-6/12")
        .assert_text("and");
    ask(&[("range", "bytes=-4"), ("if-range", etag)]).assert_status(206).assert_text("salt");
    ask(&[("range", "bytes=-4"), ("if-range", date)]).assert_status(206).assert_text("salt");
    ask(&[("range", "bytes=12-")]).assert_header("content-range", "bytes */12").assert_problem(416);
    folder.write("site/a.txt", "tea and more salt");
    ask(&[("range", "bytes=-4"), ("if-range", etag)]).assert_status(200).assert_text("tea and more salt");
    ask(&[("if-none-match", etag)]).assert_status(200);
}

#[test]
fn a_time_that_a_packer_gives_to_all_files_is_no_state_but_the_content_is() {
    let (folder, server) = folder_and_server();
    let ask = |lines: &[(&str, &str)]| {
        server.ask(&lines.iter().fold(Ask::get("/files/a.txt"), |ask, (name, value)| ask.header(name, value)))
    };
    let put = |text: &str, seconds: u64| {
        folder.write("site/a.txt", text);
        let file = std::fs::File::options().write(true).open(folder.file("site/a.txt")).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
    };
    // 1980, the date of Serverless Devs, and that date in the time zones of Shanghai and Kathmandu.
    for seconds in [315_532_800, 1_698_796_800, 1_698_768_000, 1_698_776_100] {
        put("price: 10", seconds);
        let first = ask(&[]);
        first.assert_status(200).assert_no_header("last-modified");
        let tag = first.header("etag").unwrap();
        ask(&[("if-none-match", tag)]).assert_status(304);
        ask(&[("range", "bytes=-2"), ("if-range", tag)]).assert_status(206).assert_text("10");
        put("price: 12", seconds);
        ask(&[("if-none-match", tag)]).assert_status(200).assert_text("price: 12");
        ask(&[("range", "bytes=-2"), ("if-range", tag)]).assert_status(200).assert_text("price: 12");
        put(&"x".repeat(1024 * 1024 + 1), seconds);
        ask(&[]).assert_status(200).assert_no_header("etag").assert_no_header("last-modified");
    }
    put("price: 10", 1_698_796_801);
    ask(&[]).assert_status(200).assert_header("last-modified", "Wed, 01 Nov 2023 00:00:01 GMT");
    // In the year 2100, which has not been yet (RFC 9110, section 8.8.2.1).
    put("price: 11", 4_102_444_800);
    let answer = ask(&[]);
    let time = |name| httpdate::parse_http_date(answer.header(name).unwrap()).unwrap();
    assert!(time("last-modified") <= time("date"), "{answer:?}");
    let tag = answer.header("etag").unwrap();
    ask(&[("if-none-match", tag)]).assert_status(304);
}

#[test]
fn compressed_files_beside_the_originals_are_sent_to_those_who_accept_them() {
    let (_folder, server) = folder_and_server();
    let ask = |codings: &str| {
        let answer = server.ask(&Ask::get("/built/app.js").header("accept-encoding", codings));
        answer.assert_status(200).assert_header("vary", "accept-encoding");
        answer
            .assert_header("content-type", "text/javascript; charset=utf-8")
            .assert_header("cache-control", "max-age=60");
        (answer.header("content-encoding").map(str::to_owned), answer.text())
    };
    let coded = |coding: &str, text: &str| (Some(coding.to_owned()), text.to_owned());
    assert_eq!(ask("gzip, deflate, br"), coded("br", "brotli"));
    assert_eq!(ask("gzip, br;q=0.5"), coded("gzip", "gzip"));
    assert_eq!(ask("zstd"), (None, "let plain".to_owned()));
    assert_eq!(ask("br;q=0"), (None, "let plain".to_owned()));
    server.ask(&Ask::get("/built/a.txt").header("accept-encoding", "br")).assert_text("tea and salt");
    server
        .ask(&Ask::get("/files/app.js").header("accept-encoding", "br"))
        .assert_no_header("vary")
        .assert_text("let plain");
}

/// Larger than a piece, so that it is streamed; every eighth byte says where it is.
fn long(folder: &Folder) -> Vec<u8> {
    let bytes: Vec<u8> = (0..100_000u64).flat_map(u64::to_be_bytes).collect();
    std::fs::File::create(folder.file("site/long.bin")).unwrap().write_all(&bytes).unwrap();
    bytes
}

#[test]
fn long_files_are_streamed_with_their_length() {
    let (folder, server) = folder_and_server();
    let bytes = long(&folder);
    let mut h1 = server.connect();
    let mut h2 = h2::Conn::open(server.port);
    for (range, expected) in [
        (None, &bytes[..]),
        (Some("bytes=100001-"), &bytes[100_001..]),
        (Some("bytes=7-200000"), &bytes[7..=200_000]),
        (Some("bytes=65536-131071"), &bytes[65_536..131_072]),
    ] {
        let ask = Ask::get("/files/long.bin");
        let ask = range.map_or(ask.clone(), |range| ask.header("range", range));
        for answer in [h1.ask(&ask), h2.ask(&ask)] {
            answer.assert_status(if range.is_some() { 206 } else { 200 });
            answer.assert_header("content-length", &expected.len().to_string());
            assert!(answer.body == expected, "{range:?}");
        }
    }
    h1.ask(&Ask::new("HEAD", "/files/long.bin")).assert_status(200).assert_header("content-length", "800000");
    server.until_counter("finished", 9);
    assert_eq!(server.counter("cancelled"), 0);
    // A client that leaves in the middle is one that has left.
    let mut conn = server.connect();
    folder.hollow("site/huge.bin", 256 * 1024 * 1024);
    conn.send(b"GET /files/huge.bin HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(conn.answer_head().status, 200);
    conn.reset();
    server.until_counter("cancelled", 1);
}

#[test]
fn a_file_that_becomes_shorter_breaks_its_reply() {
    let (folder, server) = folder_and_server();
    folder.hollow("site/huge.bin", 256 * 1024 * 1024);
    let mut conn = server.connect();
    conn.send(b"GET /files/huge.bin HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(conn.answer_head().header("content-length"), Some("268435456"));
    folder.hollow("site/huge.bin", 1024);
    assert!(conn.rest().len() < 256 * 1024 * 1024);
    server.ask(&Ask::get("/files/huge.bin")).assert_status(200);
}

#[test]
fn a_folder_that_is_not_there_is_a_mistake_of_the_author() {
    let port = free_port().to_string();
    let ended = Launch::app("readers").var("IT_FOLDER", "/absent").var("FC_CUSTOM_LISTEN_PORT", &port).run();
    assert!(ended.out.contains("the folder /absent of files cannot be opened"), "{ended:?}");
    assert!(ended.out.contains("apps/readers.rs"), "{ended:?}");
}
