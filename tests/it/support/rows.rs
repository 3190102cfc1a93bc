//! The rows of the contract example, as any client sees them: over sockets, through curl, behind a proxy.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Answer, Ask};

type Client<'a> = dyn FnMut(&Ask) -> Answer + 'a;
type Row = (&'static str, fn(&mut Client<'_>));

/// Asks all rows, and says which of them failed.
#[track_caller]
pub fn check(mut client: impl FnMut(&Ask) -> Answer) {
    let mut failed = Vec::new();
    for (name, row) in ROWS {
        if catch_unwind(AssertUnwindSafe(|| row(&mut client))).is_err() {
            failed.push(*name);
        }
    }
    assert!(failed.is_empty(), "{} of {} rows failed: {failed:?}", failed.len(), ROWS.len());
}

/// In the order of the contract.
const ROWS: &[Row] = &[
    ("plaintext", plaintext),
    ("json", json),
    ("user", user),
    ("posts", posts),
    ("echo", echo),
    ("echo of many pieces", echo_of_many_pieces),
    ("an order is made", order_made),
    ("an order of another type", order_of_another_type),
    ("a broken order", order_broken),
    ("an order that does not fit", order_that_does_not_fit),
    ("an order that is refused", order_refused),
    ("an order that would forge a header", order_that_forges),
    ("an order that is too large", order_too_large),
    ("slow", slow),
    ("block and spin", block_and_spin),
    ("panics", panics),
    ("large", large),
    ("context", context),
    ("server-sent events", server_sent_events),
    ("publishing to nobody", publish),
    ("counters", counters),
    ("events", events),
    ("failed events", failed_events),
    ("hooks", hooks),
    ("ordinary calls at the platform's paths", ordinary_calls),
    ("health", health),
    ("head", head),
    ("options", options),
    ("not found", not_found),
    ("wrong method", wrong_method),
    ("too long a path", too_long),
    ("request ids", request_ids),
];

fn plaintext(ask: &mut Client<'_>) {
    let answer = ask(&Ask::get("/plaintext"));
    answer.assert_status(200).assert_text("Hello, World!");
    answer.assert_header("content-type", "text/plain; charset=utf-8").assert_header("content-length", "13");
    answer.assert_no_header("x-fc-status").assert_no_header("server");
}

fn json(ask: &mut Client<'_>) {
    let answer = ask(&Ask::get("/json"));
    answer.assert_status(200).assert_text("{\"message\":\"Hello, World!\"}");
    answer.assert_header("content-type", "application/json");
}

fn user(ask: &mut Client<'_>) {
    ask(&Ask::get("/users/7")).assert_status(200).assert_text("7");
    ask(&Ask::get("/users/a%20b%2Fc?x=1")).assert_status(200).assert_text("a b/c");
    ask(&Ask::get("/users/caf%C3%A9")).assert_status(200).assert_text("caf\u{e9}");
    ask(&Ask::get("/users/%2525")).assert_status(200).assert_text("%25");
    ask(&Ask::get("/users/%ff")).assert_problem(400);
}

fn posts(ask: &mut Client<'_>) {
    ask(&Ask::get("/users/3/posts/14")).assert_status(200).assert_text("{\"user\":3,\"post\":14}");
    let problem = ask(&Ask::get("/users/3/posts/pie")).assert_problem(400);
    assert!(problem["detail"].as_str().unwrap().contains("post"), "{problem}");
    ask(&Ask::get("/users/-3/posts/14")).assert_problem(400);
    ask(&Ask::get("/users/4294967296/posts/14")).assert_problem(400);
}

fn echo(ask: &mut Client<'_>) {
    let answer = ask(&Ask::post("/echo", "to and fro").header("Content-Type", "text/x-test"));
    answer.assert_status(200).assert_text("to and fro").assert_header("content-type", "text/x-test");
    answer.assert_no_header("content-length");
}

fn echo_of_many_pieces(ask: &mut Client<'_>) {
    let body: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let answer = ask(&Ask::post("/echo", body.clone()).header("Content-Type", "image/x-test").in_chunks());
    answer
        .assert_status(200)
        .assert_header("content-type", "image/x-test")
        .assert_no_header("content-length");
    assert!(answer.body == body, "{} bytes came back", answer.body.len());
}

fn order(text: &str) -> Ask {
    Ask::post("/orders", text).header("Content-Type", "application/json")
}

fn order_made(ask: &mut Client<'_>) {
    let answer = ask(&order("{\"item\":\"tea\",\"quantity\":2}"));
    answer.assert_status(201).assert_header("location", "/orders/tea");
    assert_eq!(answer.json(), serde_json::json!({ "item": "tea", "quantity": 2 }));
}

fn order_of_another_type(ask: &mut Client<'_>) {
    let text = "{\"item\":\"tea\",\"quantity\":2}";
    ask(&Ask::post("/orders", text).header("Content-Type", "text/plain")).assert_problem(415);
    ask(&Ask::post("/orders", text)).assert_problem(415);
}

fn order_broken(ask: &mut Client<'_>) {
    let problem = ask(&order("{\"item\":\"tea\",\n \"quantity\": two}")).assert_problem(400);
    assert_eq!((problem["line"].as_u64(), problem["column"].as_u64()), (Some(2), Some(15)), "{problem}");
    ask(&order("")).assert_problem(400);
}

fn order_that_does_not_fit(ask: &mut Client<'_>) {
    let problem = ask(&order("{\"item\":\"tea\",\"quantity\":\"two\"}")).assert_problem(422);
    assert_eq!(problem["field"], "quantity", "{problem}");
    assert!(problem["line"].is_u64() && problem["column"].is_u64(), "{problem}");
}

fn order_refused(ask: &mut Client<'_>) {
    let problem = ask(&order("{\"item\":\"tea\",\"quantity\":0}")).assert_problem(422);
    assert_eq!(problem["field"], "quantity", "{problem}");
}

/// The item stands in `Location`: a line break there would be a header of the client's making.
fn order_that_forges(ask: &mut Client<'_>) {
    let answer = ask(&order("{\"item\":\"x\\r\\nset-cookie: sid=1\",\"quantity\":1}"));
    answer.assert_problem(500);
    answer.assert_no_header("set-cookie").assert_no_header("location");
}

/// 2 MiB are the default limit.
fn order_too_large(ask: &mut Client<'_>) {
    let mut text = b"{\"item\":\"".to_vec();
    text.resize(2 * 1024 * 1024 + 1, b'x');
    let problem = ask(&Ask { body: Some(text), ..order("") }.in_chunks()).assert_problem(413);
    assert_eq!(problem["limit"], 2 * 1024 * 1024, "{problem}");
}

fn slow(ask: &mut Client<'_>) {
    ask(&Ask::get("/slow?ms=1")).assert_status(200).assert_text("slow");
    ask(&Ask::get("/slow-finish?ms=1")).assert_status(200).assert_text("slow");
    ask(&Ask::post("/slow?ms=1", vec![b'x'; 10_000])).assert_status(200).assert_text("slow");
    let problem = ask(&Ask::get("/slow?ms=soon")).assert_problem(400);
    assert_eq!(problem["field"], "ms", "{problem}");
    ask(&Ask::get("/slow")).assert_problem(400);
}

fn block_and_spin(ask: &mut Client<'_>) {
    ask(&Ask::get("/block?ms=1")).assert_status(200).assert_text("blocked");
    ask(&Ask::get("/spin?ms=1")).assert_status(200).assert_text("spun");
}

fn panics(ask: &mut Client<'_>) {
    for path in ["/panic", "/panic-early"] {
        let answer = ask(&Ask::get(path));
        answer.assert_header("x-fc-status", "404");
        answer.assert_problem(500);
        assert!(!answer.text().contains("asked to"), "{}", answer.text());
    }
    ask(&Ask::get("/plaintext")).assert_status(200);
}

fn large(ask: &mut Client<'_>) {
    let answer = ask(&Ask::get("/large?bytes=1000001"));
    answer.assert_status(200).assert_no_header("content-length");
    assert!(answer.body.len() == 1_000_001 && answer.body.iter().all(|byte| *byte == 0));
    let nothing = ask(&Ask::get("/large?bytes=0"));
    nothing.assert_status(200).assert_text("");
}

fn context(ask: &mut Client<'_>) {
    // 2100-01-01, and an address kept for documentation.
    let told = Ask::get("/context")
        .header("x-fc-request-id", "1-65d71219-15d63510-fecf237c590c")
        .header("x-fc-control-path", "/http-invoke")
        .header("x-fc-function-name", "shop")
        .header("x-fc-region", "cn-hangzhou")
        .header("x-fc-account-id", "123456")
        .header("x-fc-version-id", "3")
        .header("x-fc-client-ip", "203.0.113.9")
        .header("x-fc-function-deadline", "4102444800000")
        .header("x-fc-access-key-id", "STS.key-of-the-test")
        .header("x-fc-access-key-secret", "secret-of-the-test")
        .header("x-fc-security-token", "token-of-the-test");
    let answer = ask(&told);
    answer.assert_status(200);
    let context = answer.json();
    assert_eq!(context["request_id"], "1-65d71219-15d63510-fecf237c590c");
    assert_eq!(context["function"], "shop");
    assert_eq!(context["region"], "cn-hangzhou");
    assert_eq!(context["account"], "123456");
    assert_eq!(context["version"], "3");
    assert_eq!(context["client_address"], "203.0.113.9");
    let deadline = context["deadline_ms"].as_u64().unwrap();
    assert!(deadline.abs_diff(4_102_444_800_000) < 1000, "{deadline}");
    assert!(!answer.text().contains("-of-the-test"), "{}", answer.text());
    let plain = ask(&Ask::get("/context")).json();
    assert_eq!(plain["deadline_ms"], serde_json::Value::Null);
    assert_eq!(plain["client_address"], "127.0.0.1");
}

fn counters(ask: &mut Client<'_>) {
    let before = ask(&Ask::get("/counters")).assert_status(200).json();
    for name in ["in_flight", "finished", "cancelled", "panicked", "invoked"] {
        assert!(before[name].is_u64(), "{name} in {before}");
    }
    assert!(before["initialized"].is_boolean() && before["pre_stopped"].is_boolean(), "{before}");
    assert!(before["in_flight"].as_u64() >= Some(1), "{before}");
    ask(&Ask::get("/plaintext")).assert_status(200);
    let after = ask(&Ask::get("/counters")).json();
    assert!(after["finished"].as_u64() > before["finished"].as_u64(), "{before} {after}");
}

fn event(path: &str, payload: &str) -> Ask {
    Ask::post(path, payload)
        .header("Content-Type", "application/octet-stream")
        .header("x-fc-control-path", "/invoke")
        .header("x-fc-request-id", "1-65d71219-15d63510-0000000000ee")
}

fn server_sent_events(ask: &mut Client<'_>) {
    let answer = ask(&Ask::get("/sse?n=3&ms=1"));
    answer.assert_status(200).assert_header("content-type", "text/event-stream");
    answer.assert_header("cache-control", "no-cache").assert_no_header("content-length");
    answer.assert_text(":\ndata: tick 0\nid: 0\n\ndata: tick 1\nid: 1\n\ndata: tick 2\nid: 2\n\n");
    let again = Ask::get("/sse?n=3&ms=0").header("Last-Event-ID", "1");
    ask(&again).assert_status(200).assert_text("data: tick 2\nid: 2\n\n");
    ask(&Ask::get("/sse?n=3&ms=0").header("Last-Event-ID", "2")).assert_status(200).assert_text("");
    ask(&Ask::get("/sse?n=many")).assert_problem(400);
    let head = ask(&Ask::new("HEAD", "/sse?n=3&ms=600000"));
    head.assert_status(200).assert_text("").assert_header("content-type", "text/event-stream");
    head.assert_no_header("content-length");
}

fn publish(ask: &mut Client<'_>) {
    ask(&Ask::post("/publish", "to nobody")).assert_status(200).assert_text("0");
}

fn events(ask: &mut Client<'_>) {
    let before = ask(&Ask::get("/counters")).json()["invoked"].as_u64().unwrap();
    for path in ["/invoke", "/", "/plaintext", "/no/such/path"] {
        let answer = ask(&event(path, "hello world"));
        answer.assert_status(200).assert_text("HELLO WORLD").assert_header("x-fc-status", "200");
    }
    let by_path = Ask::post("/invoke", "by path").header("Content-Type", "application/octet-stream");
    ask(&by_path).assert_status(200).assert_text("BY PATH").assert_header("x-fc-status", "200");
    ask(&event("/invoke", "")).assert_status(200).assert_text("").assert_header("x-fc-status", "200");
    let after = ask(&Ask::get("/counters")).json()["invoked"].as_u64().unwrap();
    assert_eq!(after - before, 6);
}

fn failed_events(ask: &mut Client<'_>) {
    for (payload, message) in [("fail", Some("asked to fail")), ("panic", None)] {
        let answer = ask(&event("/invoke", payload));
        answer.assert_status(404).assert_header("x-fc-status", "404");
        answer.assert_header("content-type", "application/json");
        let failure = answer.json();
        let keys: Vec<_> = failure.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["errorMessage", "errorType", "stackTrace"]);
        assert!(failure["errorMessage"].is_string() && failure["errorType"].is_string(), "{failure}");
        assert!(failure["stackTrace"].is_array(), "{failure}");
        if let Some(message) = message {
            assert_eq!(failure["errorMessage"], message);
            assert_eq!(failure["errorType"], "AskedToFail");
        }
    }
    let not_text = Ask { body: Some(b"\xff\xfe".to_vec()), ..event("/invoke", "") };
    ask(&not_text).assert_status(404).assert_header("x-fc-status", "404");
    ask(&event("/invoke", "goes on")).assert_status(200).assert_text("GOES ON");
}

fn hooks(ask: &mut Client<'_>) {
    let id = "1-65d71219-15d63510-0000000000aa";
    let initialize = Ask::post("/initialize", "").header("x-fc-control-path", "/initialize");
    ask(&initialize.header("x-fc-request-id", id)).assert_status(200);
    ask(&Ask::post("/initialize", "")).assert_status(200);
    assert_eq!(ask(&Ask::get("/counters")).json()["initialized"], true);
    ask(&Ask::get("/pre-freeze").header("x-fc-request-id", id)).assert_status(200);
    ask(&Ask::get("/pre-stop").header("x-fc-request-id", id)).assert_status(200);
    // Before a freeze the platform calls pre-stop too, so serving goes on.
    assert_eq!(ask(&Ask::get("/counters")).json()["pre_stopped"], true);
}

/// The control path says that a client asked: then hooks and events are paths like any other.
fn ordinary_calls(ask: &mut Client<'_>) {
    let by_client = |method, path: &str| Ask::new(method, path).header("x-fc-control-path", "/http-invoke");
    let invoked = ask(&Ask::get("/counters")).json()["invoked"].as_u64();
    for path in ["/initialize", "/pre-stop", "/pre-freeze", "/invoke"] {
        ask(&by_client("GET", path)).assert_problem(404);
    }
    ask(&Ask { body: Some(b"x".to_vec()), ..by_client("POST", "/invoke") }).assert_problem(404);
    ask(&Ask { body: Some(Vec::new()), ..by_client("POST", "/initialize") }).assert_problem(404);
    assert_eq!(ask(&Ask::get("/counters")).json()["invoked"].as_u64(), invoked);
}

fn health(ask: &mut Client<'_>) {
    ask(&Ask::get("/healthz")).assert_status(200);
    ask(&Ask::new("HEAD", "/healthz")).assert_status(200).assert_text("");
}

fn head(ask: &mut Client<'_>) {
    let answer = ask(&Ask::new("HEAD", "/plaintext"));
    answer.assert_status(200).assert_text("");
    answer.assert_header("content-type", "text/plain; charset=utf-8").assert_header("content-length", "13");
    ask(&Ask::new("HEAD", "/nothing")).assert_status(404).assert_text("");
    ask(&Ask::new("HEAD", "/large?bytes=100")).assert_status(200).assert_text("");
    assert_eq!(ask(&Ask::new("HEAD", "/orders")).assert_status(405).allowed(), ["OPTIONS", "POST"]);
}

fn options(ask: &mut Client<'_>) {
    let answer = ask(&Ask::new("OPTIONS", "/plaintext"));
    answer.assert_status(204).assert_text("");
    assert_eq!(answer.allowed(), ["GET", "HEAD", "OPTIONS"]);
    assert_eq!(ask(&Ask::new("OPTIONS", "/slow")).allowed(), ["GET", "HEAD", "OPTIONS", "POST"]);
    ask(&Ask::new("OPTIONS", "/nothing")).assert_problem(404);
}

fn not_found(ask: &mut Client<'_>) {
    for path in ["/nothing", "/plaintext/", "/Plaintext", "/users", "/users/"] {
        ask(&Ask::get(path)).assert_problem(404);
    }
}

fn wrong_method(ask: &mut Client<'_>) {
    let answer = ask(&Ask::post("/plaintext", "x"));
    answer.assert_problem(405);
    assert_eq!(answer.allowed(), ["GET", "HEAD", "OPTIONS"]);
    let answer = ask(&Ask::new("DELETE", "/slow"));
    answer.assert_problem(405);
    assert_eq!(answer.allowed(), ["GET", "HEAD", "OPTIONS", "POST"]);
}

/// 8 KiB are the limit, the query included.
fn too_long(ask: &mut Client<'_>) {
    let target = |length: usize| format!("/users/{}", "x".repeat(length - "/users/".len()));
    ask(&Ask::get(target(8192))).assert_status(200);
    ask(&Ask::get(target(8193))).assert_problem(414);
    ask(&Ask::get(format!("/plaintext?{}", "x".repeat(8192)))).assert_problem(414);
}

fn request_ids(ask: &mut Client<'_>) {
    let id_with = |ask: &mut Client<'_>, given: Option<&str>| {
        let plain = Ask::get("/context");
        let answer = ask(&match given {
            Some(id) => plain.header("x-fc-request-id", id),
            None => plain,
        });
        answer.json()["request_id"].as_str().unwrap().to_owned()
    };
    let uuid = "dab25e58-9356-4e3f-97d6-f044c4a3b2c1";
    assert_eq!(id_with(ask, Some(uuid)), uuid);
    let longest = "x".repeat(128);
    assert_eq!(id_with(ask, Some(&longest)), longest);
    for unusable in [None, Some("two words"), Some(&*"x".repeat(129))] {
        let made = id_with(ask, unusable);
        let parts: Vec<&str> = made.split('-').collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [1, 8, 8, 12], "{made}");
        assert!(parts.iter().all(|part| part.bytes().all(|b| b"0123456789abcdef".contains(&b))), "{made}");
    }
}
