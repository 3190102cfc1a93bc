//! Reading bodies: limits, types, charsets, and reading twice.

use fc_runtime::{App, Exchange, Json, KIB, Reply, at};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Serialize, Deserialize)]
struct Order {
    item: String,
    quantity: u8,
}

#[tokio::test]
async fn json_errors_say_what_where_and_in_which_field() {
    let client = App::new().post("/", async |ex| Ok(Json(ex.json::<Vec<Order>>().await?))).test_client();
    let send = |text: &'static str| client.post("/").header("content-type", "application/json").body(text);
    send("[{\"item\":\"tea\",\"quantity\":2}]").await.assert_status(200);
    let problem: Value = send("[{\"item\":\"tea\",\n\"quantity\":300}]").await.assert_status(422).json();
    assert_eq!((&problem["line"], &problem["field"]), (&2.into(), &"[0].quantity".into()), "{problem}");
    let problem: Value = send("[{").await.assert_status(400).json();
    assert_eq!((&problem["line"], &problem["column"]), (&1.into(), &2.into()), "{problem}");
    // The whole value is no field.
    let problem: Value = send("5").await.assert_status(422).json();
    assert_eq!(problem.get("field"), None, "{problem}");
    send("[] trailing").await.assert_status(400);
}

#[tokio::test]
async fn json_wants_a_json_type() {
    let client = App::new().post("/", async |ex| Ok(Json(ex.json::<u8>().await?))).test_client();
    for good in ["application/json", "Application/JSON; charset=utf-8", "application/vnd.shop+json"] {
        client.post("/").header("content-type", good).body("7").await.assert_status(200);
    }
    for bad in ["text/plain", "text/json", "application/x-json", ""] {
        let answer = client.post("/").header("content-type", bad).body("7").await;
        answer.assert_status(415).assert_header("content-type", "application/problem+json");
    }
}

#[tokio::test]
async fn text_is_read_in_the_charset_that_it_declares() {
    let client = App::new().post("/", async |ex| Ok(ex.text().await?)).test_client();
    client.post("/").body("caf\u{e9}").await.assert_text("caf\u{e9}");
    client.post("/").header("content-type", "text/plain; charset=UTF-8").body("x").await.assert_text("x");
    for ascii in ["us-ascii", "US-ASCII", "\"utf-8\""] {
        let declared = format!("text/plain; charset={ascii}");
        client.post("/").header("content-type", &declared).body("tea").await.assert_text("tea");
    }
    for latin1 in ["latin1", "ISO-8859-1"] {
        let declared = format!("text/plain; charset={latin1}");
        let answer = client.post("/").header("content-type", &declared).body(&b"caf\xe9"[..]).await;
        answer.assert_text("caf\u{e9}");
    }
    for other in ["utf-16", "windows-1252", "gbk", "shift_jis"] {
        let declared = format!("text/plain; charset={other}");
        client.post("/").header("content-type", &declared).body("x").await.assert_status(415);
    }
    client.post("/").body(&b"\xff"[..]).await.assert_status(400);
    client.post("/").await.assert_status(200).assert_text("");
}

/// A label that the bytes do not follow would be wrong text in silence.
#[tokio::test]
async fn json_and_forms_heed_the_charset() {
    let client = App::new()
        .post("/json", async |ex| Ok(ex.json::<String>().await?))
        .post("/form", async |ex| Ok(Json(ex.form::<Vec<(String, String)>>().await?)))
        .test_client();
    let json = |charset: &str| {
        client.post("/json").header("content-type", &format!("application/json; charset={charset}"))
    };
    json("latin1").body(&b"\"caf\xe9\""[..]).await.assert_text("caf\u{e9}");
    json("utf-8").body(&b"\"caf\xe9\""[..]).await.assert_status(400);
    json("utf-16").body("\"tea\"").await.assert_status(415);
    let form = |charset: &str| {
        let declared = format!("application/x-www-form-urlencoded; charset={charset}");
        client.post("/form").header("content-type", &declared).body("a=%e9")
    };
    form("UTF-8").await.assert_status(200);
    form("iso-8859-1").await.assert_status(415);
}

/// Compressed bytes are not the content.
#[tokio::test]
async fn a_body_with_a_content_coding_is_a_415_for_readers() {
    let client = App::new()
        .post("/bytes", async |ex| Ok(ex.bytes().await?))
        .post("/text", async |ex| Ok(ex.text().await?))
        .post("/json", async |ex| Ok(ex.json::<String>().await?))
        .post("/form", async |ex| Ok(Json(ex.form::<Vec<(String, String)>>().await?)))
        .post("/stream", async |ex| Reply::stream(ex.body()))
        .test_client();
    let send = |path: &'static str, coding: &str| {
        let content_type = match path {
            "/json" => "application/json",
            "/form" => "application/x-www-form-urlencoded",
            _ => "text/plain",
        };
        client
            .post(path)
            .header("content-type", content_type)
            .header("content-encoding", coding)
            .body("\"x\"")
    };
    for path in ["/bytes", "/text", "/json", "/form"] {
        for coding in ["gzip", "br", "identity, gzip", "GZIP"] {
            let answer = send(path, coding).await;
            answer.assert_status(415).assert_header("accept-encoding", "identity");
        }
        send(path, "Identity").await.assert_status(200);
    }
    send("/stream", "gzip").await.assert_text("\"x\"");
}

#[tokio::test]
async fn forms_are_read() {
    let client = App::new().post("/", async |ex| Ok(Json(ex.form::<Order>().await?))).test_client();
    let send = |text: &'static str| {
        client.post("/").header("content-type", "application/x-www-form-urlencoded").body(text)
    };
    send("item=green+tea%21&quantity=2").await.assert_text("{\"item\":\"green tea!\",\"quantity\":2}");
    let problem: Value = send("item=tea&quantity=many").await.assert_status(422).json();
    assert_eq!(problem["field"], "quantity");
    client.post("/").header("content-type", "text/plain").body("item=tea").await.assert_status(415);
}

#[tokio::test]
async fn limits_hold_for_their_scope_and_the_nearest_wins() {
    let length = async |ex: Exchange| Ok(ex.bytes().await?.len().to_string());
    let client = App::new()
        .body_limit(10)
        .post("/app", length)
        .post(at("/route").body_limit(30), length)
        .group(at("/group").body_limit(20), |group| {
            group.post("/plain", length).post(at("/own").body_limit(40), length)
        })
        .test_client();
    for (path, limit) in [("/app", 10), ("/route", 30), ("/group/plain", 20), ("/group/own", 40)] {
        client.post(path).body(vec![b'x'; limit]).await.assert_status(200).assert_text(&limit.to_string());
        let problem: Value = client.post(path).body(vec![b'x'; limit + 1]).await.assert_status(413).json();
        assert_eq!(problem["limit"], limit, "{path}");
    }
}

#[tokio::test]
async fn the_default_limit_is_2_mib() {
    let client = App::new().post("/", async |ex| Ok(ex.bytes().await?.len().to_string())).test_client();
    client.post("/").body(vec![0; 2048 * KIB]).await.assert_text("2097152");
    client.post("/").body(vec![0; 2048 * KIB + 1]).await.assert_status(413);
}

/// A stream is the handler's own affair: it sees how much comes.
#[tokio::test]
async fn a_stream_has_no_limit() {
    let client = App::new().post(at("/").body_limit(1), async |ex| Reply::stream(ex.body())).test_client();
    client.post("/").body("more than one").await.assert_status(200).assert_text("more than one");
}

#[tokio::test]
async fn readers_may_be_called_again_and_a_taken_body_is_the_authors_mistake() {
    let client = App::new()
        .post("/again", async |ex| {
            let first: u8 = ex.json().await?;
            let text = ex.text().await?;
            Ok(format!("{first} {text} {}", ex.bytes().await?.len()))
        })
        .post("/taken", async |ex| {
            drop(ex.body());
            Ok(ex.text().await?)
        })
        .post("/read-then-stream", async |ex| {
            ex.text().await?;
            Ok(Reply::stream(ex.body()))
        })
        .test_client();
    client.post("/again").json(&42).await.assert_status(200).assert_text("42 42 2");
    let answer = client.post("/taken").body("x").await;
    answer.assert_status(500);
    assert!(!answer.text().contains("taken"), "{}", answer.text());
    client.post("/read-then-stream").body("still here").await.assert_text("still here");
}
