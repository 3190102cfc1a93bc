//! A connection between a test that asks and a test that serves.

use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

async fn pair() -> (Link, TcpStream) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (Link::new(client), listener.accept().await.unwrap().0)
}

async fn ask(link: &mut Link, payload: Payload) -> Result<response::Parts, Broken> {
    link.begin(&Method::GET, &Uri::from_static("/")).end(payload);
    match link.reply().await? {
        Reply::Final(head) => Ok(head),
        Reply::Interim(head) => panic!("{head:?}"),
    }
}

async fn body(link: &mut Link) -> Result<Vec<u8>, Broken> {
    Ok(link.collect().await?.to_bytes().to_vec())
}

#[tokio::test]
async fn replies_of_every_framing_follow_each_other() {
    let (mut link, mut server) = pair().await;
    for (reply, expected) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", "abc"),
        ("HTTP/1.1 204 No Content\r\n\r\n", ""),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n", "abcd"),
    ] {
        server.write_all(reply.as_bytes()).await.unwrap();
        ask(&mut link, Payload::Empty).await.unwrap();
        assert_eq!(body(&mut link).await.unwrap(), expected.as_bytes());
        assert!(link.is_sent() && link.is_open());
    }
    server.write_all(b"HTTP/1.1 200 OK\r\n\r\nto the end").await.unwrap();
    ask(&mut link, Payload::Empty).await.unwrap();
    // A drop would reset the connection: the server has not read the requests.
    server.shutdown().await.unwrap();
    assert_eq!(body(&mut link).await.unwrap(), b"to the end");
}

#[tokio::test]
async fn a_connection_that_ends_says_whether_the_reply_had_begun() {
    for (reply, had_begun) in [("", false), ("H", true)] {
        let (mut link, mut server) = pair().await;
        server.write_all(reply.as_bytes()).await.unwrap();
        server.shutdown().await.unwrap();
        let broken = ask(&mut link, Payload::Empty).await.unwrap_err();
        let ended = matches!(broken, Broken::Ended { has_begun, .. } if has_begun == had_begun);
        assert!(ended, "{reply:?} {broken:?}");
    }
    let (mut link, mut server) = pair().await;
    server.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab").await.unwrap();
    server.shutdown().await.unwrap();
    ask(&mut link, Payload::Empty).await.unwrap();
    assert!(matches!(body(&mut link).await, Err(Broken::Ended { .. })));
}

#[tokio::test]
async fn a_reply_is_read_whatever_becomes_of_the_request() {
    const LONG: usize = 32 * 1024 * 1024;
    let (mut link, mut server) = pair().await;
    let answering = async move {
        server.read_exact(&mut [0; 1024]).await.unwrap();
        server.write_all(b"HTTP/1.1 413 No\r\ncontent-length: 2\r\n\r\nno").await.unwrap();
        server.shutdown().await.unwrap();
        // Unread bytes would reset the connection.
        while server.read(&mut [0; 8 * 1024]).await.is_ok_and(|length| length > 0) {}
    };
    let asked = async move {
        let head = ask(&mut link, Payload::whole(vec![b'x'; LONG])).await.unwrap();
        (head.status, body(&mut link).await.unwrap())
    };
    let ((), (status, body)) = tokio::join!(answering, asked);
    assert_eq!((status.as_u16(), &*body), (413, &b"no"[..]));
}

#[tokio::test]
async fn a_connection_that_cannot_carry_another_request_is_not_kept() {
    const LONG: usize = 32 * 1024 * 1024;
    let (mut link, mut server) = pair().await;
    let answering = async move {
        server.read_exact(&mut [0; 1024]).await.unwrap();
        server.write_all(b"HTTP/1.1 413 No\r\ncontent-length: 2\r\n\r\nno").await.unwrap();
        // Bytes are unread, so the drop resets the connection.
    };
    let asked = async {
        ask(&mut link, Payload::whole(vec![b'x'; LONG])).await.unwrap();
        assert_eq!(body(&mut link).await.unwrap(), b"no");
        std::future::poll_fn(|context| link.poll_upload(context)).await;
    };
    tokio::join!(answering, asked);
    assert!(!link.is_sent() && !link.is_lasting(), "the rest of the request was dropped");

    let (mut link, mut server) = pair().await;
    server.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").await.unwrap();
    ask(&mut link, Payload::Empty).await.unwrap();
    assert_eq!(body(&mut link).await.unwrap(), b"");
    assert!(link.is_sent() && !link.is_lasting(), "it is no longer HTTP");
}

#[tokio::test]
async fn what_nobody_asked_for_ends_the_use_of_a_connection() {
    let (mut link, mut server) = pair().await;
    server.write_all(b"HTTP/1.1 204 No\r\n\r\nmore").await.unwrap();
    ask(&mut link, Payload::Empty).await.unwrap();
    assert!(!link.is_open());

    let (link, server) = pair().await;
    assert!(link.is_open());
    drop(server);
    link.0.stream.readable().await.unwrap();
    assert!(!link.is_open());
}
