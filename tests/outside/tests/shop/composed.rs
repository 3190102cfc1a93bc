//! Errors, streams, layers and mounted services of other crates, over sockets.

use futures_util::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::served::{Served, WAIT_MAX};

#[tokio::test]
async fn status_and_message_come_through_other_error_types() {
    let shop = Served::start().await;
    for way in ["anyhow", "context", "eyre", "box", "enum"] {
        let path = format!("/errors/{way}");
        let (status, order) = shop.order(&path, json!({"item": "tea", "quantity": 2})).await;
        assert_eq!((status, &order["item"]), (200, &json!("tea")), "{way}");
        let (status, problem) = shop.order(&path, json!({"item": "tea", "quantity": -2})).await;
        assert_eq!((status, &problem["field"]), (422, &json!("quantity")), "{way}: {problem}");
        let (status, problem) = shop.order(&path, json!({"item": "tea".repeat(50), "quantity": 2})).await;
        assert_eq!((status, &problem["limit"]), (413, &json!(64)), "{way}: {problem}");
    }
    let (status, problem) = shop.order("/errors/anyhow", json!({"item": "gold", "quantity": 2})).await;
    assert_eq!((status, &problem["code"], &problem["detail"]), (409, &json!("no_gold"), &json!("no gold")));
    let (status, problem) = shop.order("/errors/anyhow", json!({"item": "tea", "quantity": 1000})).await;
    assert_eq!((status, &problem["detail"]), (500, &json!("internal error")));
    let (status, _) = shop.order("/errors/enum", json!({"item": "transparent", "quantity": 2})).await;
    assert_eq!(status, 400);
    let (status, problem) = shop.order("/errors/chosen", json!({"item": "tea", "quantity": -2})).await;
    assert_eq!((status, &problem["detail"]), (502, &json!("the order did not come through")));
    assert_eq!(shop.get("/errors/found").await.status(), 409);
}

#[tokio::test]
async fn bodies_go_into_readers_of_other_crates() {
    let shop = Served::start().await;
    let parts = "--b\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\none\r\n\
                 --b\r\ncontent-disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n12345\r\n--b--\r\n";
    let sent = shop
        .call(Method::POST, "/streams/multipart")
        .header("content-type", "multipart/form-data; boundary=b");
    let seen: Value = sent.body(parts).send().await.unwrap().json().await.unwrap();
    assert_eq!(seen, json!([["a", 3], ["f", 5]]));
    for path in ["/streams/lines", "/streams/forward", "/streams/forward-body"] {
        let answer = shop.call(Method::POST, path).body("a\nb\nc\n").send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "3", "{path}");
    }
    let large = "0123456789abcdef".repeat(20_000);
    let file = shop.call(Method::POST, "/streams/file").body(large.clone()).send().await.unwrap();
    assert!(file.text().await.unwrap() == large);
}

#[tokio::test]
async fn streams_with_errors_of_other_crates_are_replies() {
    let shop = Served::start().await;
    assert_eq!(shop.text("/streams/rows").await, "salttea");
    assert_eq!(shop.text("/streams/tried").await, "salttea");
    // A comment opens the stream when its first row is not there at once.
    let events = shop.text("/streams/events").await;
    assert_eq!(events.trim_start_matches(":\n"), "data: salt\n\ndata: tea\n\n");
    // Length-prefixed, an empty message: the two names come back, and a trailer in the body.
    let asked = shop
        .call(Method::POST, "/streams/shop.Shop/Names")
        .header("content-type", "application/grpc-web+proto");
    let names = asked.body(vec![0; 5]).send().await.unwrap().bytes().await.unwrap();
    let names = String::from_utf8_lossy(&names).into_owned();
    assert!(names.contains("salt") && names.contains("tea") && names.contains("grpc-status: 0"), "{names:?}");
}

#[tokio::test]
async fn layers_of_tower_http_apply() {
    let shop = Served::start().await;
    assert_eq!(shop.text("/layers/trace").await, "/layers/trace");
    let problem = shop.get("/layers/trace/error").await;
    assert_eq!(problem.status(), 409);
    assert_eq!(problem.json::<Value>().await.unwrap()["code"], "sold_out");
    assert_eq!(shop.get("/layers/header").await.headers()["x-added"], "yes");
    assert_eq!(shop.text("/layers/request-header").await, "asked");
    let id = shop.get("/layers/id").await;
    assert_eq!(id.headers()["x-request-id"].to_str().unwrap().to_owned(), id.text().await.unwrap());
    for path in ["/layers/timeout"] {
        assert_eq!(shop.get(path).await.status(), 408, "{path}");
    }
    assert_eq!(shop.get("/layers/tower-timeout").await.status(), 500);
    assert_eq!(shop.get("/layers/panic").await.status(), 500);
    let ones = futures_util::future::join_all((0..4).map(|_| shop.text("/layers/one"))).await;
    assert_eq!(ones, ["one"; 4]);
}

#[tokio::test]
async fn a_cors_layer_answers_preflights() {
    let shop = Served::start().await;
    let asked = shop.call(Method::OPTIONS, "/layers/cors").header("origin", "https://a.example");
    let preflight = asked.header("access-control-request-method", "PUT").send().await.unwrap();
    assert_eq!(preflight.headers()["access-control-allow-origin"], "*");
    assert!(preflight.headers()["access-control-allow-methods"].to_str().unwrap().contains("PUT"));
    let plain = shop.call(Method::OPTIONS, "/layers/header").send().await.unwrap();
    assert_eq!(
        (plain.status().as_u16(), &plain.headers()["allow"], &plain.headers()["x-added"]),
        (204, &"GET, HEAD, OPTIONS".parse().unwrap(), &"yes".parse().unwrap())
    );
    assert_eq!(shop.call(Method::DELETE, "/layers/cors").send().await.unwrap().status(), 405);
    let got =
        shop.call(Method::GET, "/layers/cors").header("origin", "https://a.example").send().await.unwrap();
    assert_eq!(got.headers()["access-control-allow-origin"], "*");
    assert_eq!(got.text().await.unwrap(), "shared");
}

#[tokio::test]
async fn layers_wrap_bodies_in_both_directions() {
    let shop = Served::start().await;
    let limited = async |body: reqwest::Body| {
        shop.call(Method::POST, "/layers/limit").body(body).send().await.unwrap().status().as_u16()
    };
    assert_eq!(limited("0123456789abcdef".into()).await, 200);
    assert_eq!(limited("0123456789abcdefg".into()).await, 413);
    let pieces = futures_util::stream::iter(["0123456789", "abcdefghij"].map(Ok::<_, std::io::Error>));
    assert_eq!(limited(reqwest::Body::wrap_stream(pieces)).await, 413);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, b"tea").unwrap();
    let gzip = gzip.finish().unwrap();
    let inflated = shop.call(Method::POST, "/layers/inflate").header("content-encoding", "gzip").body(gzip);
    let inflated = inflated.send().await.unwrap();
    assert_eq!((inflated.status().as_u16(), inflated.text().await.unwrap()), (200, "tea".to_owned()));
    let broken =
        shop.call(Method::POST, "/layers/inflate").header("content-encoding", "gzip").body("no gzip");
    assert_eq!(broken.send().await.unwrap().status(), 400);
    for path in ["/layers/compressed", "/layers/stream"] {
        let answer = shop.call(Method::GET, path).header("accept-encoding", "gzip").send().await.unwrap();
        assert_eq!(answer.headers()["content-encoding"], "gzip", "{path}");
        assert!(answer.headers().get("content-length").is_none());
        assert!(answer.bytes().await.unwrap().starts_with(&[0x1f, 0x8b]), "{path}");
        let head = shop.call(Method::HEAD, path).send().await.unwrap();
        assert_eq!(head.status(), 200);
    }
}

#[tokio::test]
async fn an_axum_router_is_mounted_unchanged() {
    let shop = Served::start().await;
    for path in ["/axum", "/axum/"] {
        assert_eq!(shop.text(path).await, "the root", "{path}");
    }
    let hello = shop.get("/axum/hello/you").await;
    assert_eq!(
        (hello.headers()["content-length"].to_str().unwrap(), hello.headers().get("transfer-encoding")),
        ("9", None)
    );
    assert_eq!(hello.text().await.unwrap(), "hello you");
    let head = shop.call(Method::HEAD, "/axum/hello/you").send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.headers()["content-length"].to_str().unwrap()), (200, "9"));
    assert_eq!(shop.text("/axum/query?a=b&c=d").await, "[(\"a\", \"b\"), (\"c\", \"d\")]");
    assert_eq!(shop.text("/axum/events").await, "data: a\n\ndata: b\n\n");
    assert_eq!(shop.get("/axum/nowhere").await.status(), 404);
    assert_eq!(shop.call(Method::DELETE, "/axum/echo").send().await.unwrap().status(), 405);
    let teapot = shop.get("/axum/teapot").await;
    assert_eq!((teapot.status().as_u16(), &teapot.headers()["x-tea"]), (418, &"green".parse().unwrap()));
    let large = "0123456789abcdef".repeat(60_000);
    for path in ["/axum/echo", "/axum/stream"] {
        let echoed = shop.call(Method::POST, path).body(large.clone()).send().await.unwrap();
        assert!(echoed.text().await.unwrap() == large, "{path}");
    }
    assert_eq!(shop.text("/axum/state").await, "/axum/{*mounted} 1");
}

#[tokio::test]
async fn what_goes_wrong_in_a_mounted_service_is_a_reply() {
    let shop = Served::start().await;
    let failed = shop.get("/axum/failing").await;
    assert_eq!(failed.status(), 500);
    assert_eq!(failed.json::<Value>().await.unwrap()["detail"], "internal error");
    let panicked = shop.get("/axum/panic").await;
    assert_eq!(panicked.status(), 500);
    assert_eq!(panicked.json::<Value>().await.unwrap()["code"], "Panic");
}

#[tokio::test]
async fn what_serves_a_client_that_left_is_dropped_and_counted() {
    let mut shop = Served::start().await;
    shop.leave("/axum/slow", "axum").await;
    shop.leave("/layers/trace/slow", "layered").await;
    shop.leave("/layers/trace/events", "events").await;
}

#[tokio::test]
async fn a_websocket_of_axum_echoes() {
    let shop = Served::start().await;
    let (mut socket, _) =
        tokio_tungstenite::connect_async(format!("ws://{}/axum/ws", shop.address)).await.unwrap();
    for text in ["tea".to_owned(), "salt ".repeat(20_000)] {
        socket.send(Message::text(text.clone())).await.unwrap();
        let echoed = tokio::time::timeout(WAIT_MAX, socket.next()).await.unwrap().unwrap().unwrap();
        assert!(echoed.into_text().unwrap().as_str() == text);
    }
    let (finished, cancelled) = (shop.counter("finished").await, shop.counter("cancelled").await);
    socket.close(None).await.unwrap();
    while let Some(Ok(_)) = socket.next().await {}
    shop.until("finished", |now| now > finished).await;
    shop.until("in_flight", |in_flight| in_flight == 1).await;
    assert_eq!(shop.counter("cancelled").await, cancelled);
    // One that leaves without a close is a 499.
    let (socket, _) =
        tokio_tungstenite::connect_async(format!("ws://{}/axum/ws", shop.address)).await.unwrap();
    drop(socket);
    shop.until("cancelled", |now| now == cancelled + 1).await;
}
