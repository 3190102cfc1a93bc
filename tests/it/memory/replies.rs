//! Replies: kinds, tuples, and what is refused before it reaches the wire.

use fc_runtime::{App, Bytes, Error, HeaderMap, Html, IntoReply, Json, Redirect, Reply, Result, StatusCode};

#[tokio::test]
async fn every_kind_of_reply_has_its_type() {
    let client = App::new()
        .get("/str", async |_| "text")
        .get("/string", async |_| String::from("text"))
        .get("/bytes", async |_| Bytes::from_static(b"bytes"))
        .get("/vec", async |_| vec![1_u8, 2])
        .get("/json", async |_| Json([1, 2]))
        .get("/html", async |_| Html("<p>"))
        .get("/status", async |_| StatusCode::NO_CONTENT)
        .get("/result", async |_| Ok::<_, Error>("text"))
        .get("/tuple", async |_| (202, [("x-a", "1"), ("x-b", "2")], Json("made")))
        .get("/map", async |_| (HeaderMap::new(), "text"))
        .get("/see", async |_| Redirect::to("/other"))
        .test_client();
    let typed = [
        ("/str", "text/plain; charset=utf-8"),
        ("/string", "text/plain; charset=utf-8"),
        ("/bytes", "application/octet-stream"),
        ("/vec", "application/octet-stream"),
        ("/json", "application/json"),
        ("/html", "text/html; charset=utf-8"),
        ("/result", "text/plain; charset=utf-8"),
    ];
    for (path, content_type) in typed {
        client.get(path).await.assert_status(200).assert_header("content-type", content_type);
    }
    client.get("/status").await.assert_status(204).assert_text("");
    let answer = client.get("/tuple").await;
    answer.assert_status(202).assert_header("x-a", "1").assert_header("x-b", "2").assert_text("\"made\"");
    client.get("/see").await.assert_status(303).assert_header("location", "/other");
}

/// RFC 9110: a 205 has no content.
#[tokio::test]
async fn a_reset_content_has_no_body() {
    let client = App::new()
        .get("/whole", async |_| (205, "text"))
        .get("/streamed", async |ex| Reply::stream(ex.body()).with_status(205))
        .test_client();
    for path in ["/whole", "/streamed"] {
        client.get(path).await.assert_status(205).assert_text("");
    }
}

/// However it was set.
#[tokio::test]
async fn a_location_is_a_uri() {
    const TEA: &str = "/green tea/\u{8336}?q=100%25";
    const ENCODED: &str = "/green%20tea/%E8%8C%B6?q=100%25";
    let client = App::new()
        .get("/redirect", async |_| Redirect::to(TEA))
        .get("/tuple", async |_| (201, [("location", TEA)], "made"))
        .get("/with", async |_| Reply::new("x").with_header("Location", TEA))
        .get("/map", async |_| {
            let mut reply = Reply::new("x");
            reply.headers_mut().insert("location", TEA.try_into().unwrap());
            reply
        })
        .test_client();
    for path in ["/redirect", "/tuple", "/with", "/map"] {
        client.get(path).await.assert_header("location", ENCODED);
    }
}

#[tokio::test]
async fn a_status_before_an_error_does_not_hide_it() {
    let client =
        App::new().get("/", async |_| (201, Err::<&str, _>(Error::conflict("sold out")))).test_client();
    client.get("/").await.assert_status(409);
}

#[tokio::test]
async fn statuses_are_replies_and_headers_of_several_types_stand_in_one() {
    let client = App::new()
        .get("/number", async |_| 204)
        .get("/number-in-result", async |ex| Ok(if ex.param::<u8>("none").is_ok() { 200 } else { 202 }))
        .get("/headers", async |_| {
            let (name, large) = (fc_runtime::HeaderName::from_static("x-name"), u64::MAX);
            (201, ("x-count", 5), (name, "tea".to_owned()), [("x-large", large)], ("x-last", "last"), "made")
        })
        .test_client();
    client.get("/number").await.assert_status(204).assert_text("");
    client.get("/number-in-result").await.assert_status(202);
    let made = client.get("/headers").await;
    made.assert_status(201).assert_text("made").assert_header("x-count", "5").assert_header("x-name", "tea");
    made.assert_header("x-large", &u64::MAX.to_string()).assert_header("x-last", "last");
}

/// The log names the header, and the line of the author: that of the call, or that of the route.
#[tokio::test]
async fn a_wrong_header_is_named_with_the_authors_line() {
    use fc_runtime::IntoReply;
    let called = Reply::new("x").with_header("x-note", "a\nb");
    let told = format!("{:?}", called.error().unwrap());
    assert!(told.contains("the value of the header \"x-note\" has bytes that HTTP forbids"), "{told}");
    assert!(told.contains(file!()), "{told}");
    let listed = (201, [("x-note", "a\nb")], "made").into_reply();
    let error = listed.error().unwrap();
    assert!(error.location().is_none() && format!("{error:?}").contains("\"x-note\""), "{error:?}");
    assert!((99, "x").into_reply().error().unwrap().location().is_none());
}

/// CR and LF in a header would be headers, or replies, of a client's making.
#[tokio::test]
async fn header_injection_is_refused_where_it_is_set() {
    const EVIL: &str = "/x\r\nset-cookie: sid=evil";
    let client = App::new()
        .get("/redirect", async |_| Redirect::to(EVIL))
        .get("/tuple", async |_| (201, [("location", EVIL)], "made"))
        .get("/with", async |_| Reply::new("x").with_header("location", EVIL))
        .get("/added", async |_| Reply::new("x").with_added_header("set-cookie", "a=b\nset-cookie: sid=evil"))
        .get("/name", async |_| Reply::new("x").with_header("x-a: b\r\nset-cookie", "sid=evil"))
        .get("/nul", async |_| Reply::new("x").with_header("x-a", "sid=evil\0"))
        .around(async |ex, next| next.run(ex).await)
        .test_client();
    for path in ["/redirect", "/tuple", "/with", "/added", "/name", "/nul"] {
        let answer = client.get(path).await;
        answer.assert_status(500).assert_header("content-type", "application/problem+json");
        let whole = format!("{answer:?}");
        assert!(!whole.contains("evil"), "{path}: {whole}");
    }
}

#[tokio::test]
async fn names_that_the_platform_owns_are_dropped() {
    const OWNED: [&str; 9] = [
        "connection",
        "content-length",
        "date",
        "keep-alive",
        "server",
        "upgrade",
        "transfer-encoding",
        "x-fc-status",
        "x-fc-anything",
    ];
    let client = App::new()
        .get("/", async |_| {
            OWNED
                .iter()
                .fold(Reply::new("x").with_header("x-kept", "1"), |reply, name| reply.with_header(*name, "7"))
        })
        .test_client();
    let answer = client.get("/").await;
    answer.assert_status(200).assert_header("x-kept", "1");
    for name in OWNED {
        assert!(answer.headers.get(name).is_none(), "{name}");
    }
}

#[tokio::test]
async fn cookies_are_added_beside_each_other() {
    let client = App::new()
        .get("/", async |_| {
            Reply::new("x").with_added_header("set-cookie", "a=1").with_added_header("set-cookie", "b=2")
        })
        .test_client();
    let answer = client.get("/").await;
    let cookies: Vec<_> =
        answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
}

#[tokio::test]
async fn a_stream_is_sent_whole_and_one_that_fails_is_broken() {
    let client = App::new()
        .get("/whole", async |_| {
            Reply::stream(async_stream::stream! {
                for piece in ["one ", "", "two"] { yield piece; }
            })
        })
        .get("/broken", async |_| {
            Reply::stream(async_stream::stream! {
                yield Ok("one ");
                yield Err(Error::internal("disk"));
            })
        })
        .test_client();
    let whole = client.get("/whole").await;
    whole.assert_status(200).assert_text("one two");
    assert!(!whole.broken);
    let broken = client.get("/broken").await;
    broken.assert_text("one ");
    assert!(broken.broken);
}

#[tokio::test]
async fn a_value_that_cannot_be_json_is_a_500() {
    let client =
        App::new().get("/", async |_| Json(std::collections::HashMap::from([((1, 2), 3)]))).test_client();
    client.get("/").await.assert_status(500);
}

#[tokio::test]
async fn branches_meet_in_a_reply() {
    let client = App::new()
        .get("/{x}", async |ex| -> Result<Reply> {
            Ok(if ex.param::<String>("x")? == "json" { Json(1).into_reply() } else { "text".into_reply() })
        })
        .test_client();
    client.get("/json").await.assert_text("1");
    client.get("/text").await.assert_text("text");
}

/// What is flushed before a reply's end is beside the request: its panic costs nobody the reply.
#[tokio::test]
async fn a_flush_that_panics_costs_no_reply() {
    let begins = || -> std::future::Ready<()> { panic!("asked to") };
    let runs = async || panic!("asked to");
    let limit = std::time::Duration::from_secs(1);
    let app = App::new().get("/", async |_| "whole").flush_with(limit, begins).flush_with(limit, runs);
    let client = app.test_client();
    for _ in 0..2 {
        client.get("/").await.assert_status(200).assert_text("whole");
    }
}
