//! Heads and bodies as they come.

use super::*;

#[track_caller]
fn check(head: &str, method: &str, expected: Framing) {
    let reply = parse(head.as_bytes(), method).unwrap().expect("it is whole");
    assert_eq!(reply.framing, expected, "{head}");
    for end in 0..head.len() {
        assert!(parse(&head.as_bytes()[..end], method).unwrap().is_none());
    }
}

#[test]
fn the_end_of_a_body_is_known_by_the_head() {
    check("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "GET", Framing::Length(3));
    check("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "HEAD", Framing::Nothing);
    check("HTTP/1.1 204 No Content\r\n\r\n", "GET", Framing::Nothing);
    check(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\nContent-Length: 3\r\n\r\n",
        "GET",
        Framing::Chunked,
    );
    check("HTTP/1.0 200 OK\r\n\r\n", "GET", Framing::Close);
}

#[tokio::test]
async fn a_body_without_end_is_not_waited_for() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut conn = Conn::open(port, Duration::from_millis(100)).await.unwrap();
    let (mut program, _) = listener.accept().await.unwrap();
    let endless = async {
        program.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
        while program.write_all(b"1\r\n:\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let error = tokio::select! {
        reply = conn.reply("GET") => reply.unwrap_err(),
        () = endless => panic!("the connection ends"),
    };
    assert!(matches!(&error, Finding::Failed(text) if text.contains("does not end within")), "{error:?}");
}

#[test]
fn what_is_no_reply_says_what_it_begins_with() {
    let error = parse(b"hello there\r\n\r\n", "GET").unwrap_err();
    assert!(matches!(&error, Finding::Failed(text) if text.contains("hello there")), "{error:?}");
    let error = parse(b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", "GET").unwrap_err();
    assert!(matches!(&error, Finding::Failed(text) if text.contains("no number")), "{error:?}");
}
