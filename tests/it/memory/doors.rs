//! Requests that come as events: the same routes, and replies in the form of their door.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fc_runtime::events::{api_gateway, http::RequestContext};
use fc_runtime::testing::Client;
use fc_runtime::{
    App, Cors, Error, HangUpPolicy, MIB, Reply, SetCookie, Sse, at, current_trace_context, guard,
};
use serde_json::{Value, json};

/// A request, before it is known by which door it comes.
struct Asked {
    method: &'static str,
    path: &'static str,
    query: Value,
    headers: Value,
    body: Vec<u8>,
}

fn get(path: &'static str) -> Asked {
    Asked { method: "GET", path, query: json!({}), headers: json!({}), body: Vec::new() }
}

impl Asked {
    fn header(mut self, name: &str, value: &str) -> Self {
        self.headers[name] = value.into();
        self
    }

    fn query(mut self, name: &str, value: &str) -> Self {
        self.query[name] = value.into();
        self
    }

    fn post(mut self, body: impl Into<Vec<u8>>) -> Self {
        (self.method, self.body) = ("POST", body.into());
        self
    }

    fn body(&self) -> (String, bool) {
        match String::from_utf8(self.body.clone()) {
            Ok(text) => (text, false),
            Err(_) => (STANDARD.encode(&self.body), true),
        }
    }

    fn of_gateway(&self) -> Value {
        let (body, is_base64) = self.body();
        json!({"path": self.path, "httpMethod": self.method, "headers": self.headers, "queryParameters": self.query,
            "pathParameters": {}, "body": body, "isBase64Encoded": is_base64})
    }

    fn of_trigger(&self) -> Value {
        let (body, is_base64) = self.body();
        json!({"version": "v1", "rawPath": self.path, "headers": self.headers, "queryParameters": self.query, "body": body,
            "isBase64Encoded": is_base64, "requestContext": {"accountId": "1", "domainName": "shop.example",
            "http": {"method": self.method, "path": self.path, "sourceIp": "203.0.113.9"}, "requestId": "", "timeEpoch": "1767595271895"}})
    }

    /// The reply, which is the same by both doors.
    async fn ask(&self, client: &Client) -> Told {
        let mut told = Vec::new();
        for event in [self.of_gateway(), self.of_trigger()] {
            let answer = client.invoke(event.to_string()).await;
            answer.assert_status(200).assert_header("x-fc-status", "200");
            told.push(Told(answer.json()));
        }
        let mut alike = told.clone();
        for one in &mut alike {
            // A problem has the id of its request.
            one.0["body"] = "".into();
        }
        assert_eq!(alike[0].0, alike[1].0, "{}", self.path);
        told.remove(1)
    }
}

#[derive(Clone)]
struct Told(Value);

impl Told {
    #[track_caller]
    fn check(&self, status: u16, body: &str) -> &Self {
        assert_eq!((&self.0["statusCode"], &*String::from_utf8_lossy(&self.body())), (&json!(status), body));
        self
    }

    #[track_caller]
    fn problem(&self, status: u16, part: &str) -> &Self {
        let problem: Value = serde_json::from_slice(&self.body()).unwrap();
        assert_eq!(self.0["headers"]["content-type"], "application/problem+json");
        assert_eq!(
            (&self.0["statusCode"], &problem["status"]),
            (&json!(status), &json!(status)),
            "{problem}"
        );
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(part), "{problem}");
        self
    }

    fn body(&self) -> Vec<u8> {
        let body = self.0["body"].as_str().unwrap();
        if self.0["isBase64Encoded"] == true {
            STANDARD.decode(body).unwrap()
        } else {
            body.as_bytes().to_vec()
        }
    }
}

#[tokio::test]
async fn routes_answer_with_path_query_and_headers() {
    let client = App::new()
        .get("/orders/{id}", async |ex| {
            let (id, tag): (String, String) =
                (ex.param("id")?, ex.query::<Vec<(String, String)>>()?[0].1.clone());
            Ok(format!(
                "{id} {tag} {} {}",
                ex.header("x-one").unwrap_or("-"),
                ex.header("host").unwrap_or("-")
            ))
        })
        .event_as_http()
        .test_client();
    let asked =
        get("/orders/42%20a").query("tag", "a b&c=d").header("X-One", "é").header("Host", "shop.example");
    asked.ask(&client).await.check(200, "42 a a b&c=d é shop.example");
    // What the door has decoded is encoded again.
    let asked = get("/orders/tea & salt").query("tag", "").header("host", "a").header("x-one", "1,2");
    asked.ask(&client).await.check(200, "tea & salt  1,2 a");
    get("/nowhere").ask(&client).await.problem(404, "nothing at this path");
    let wrong = get("/orders/1").post("x").ask(&client).await;
    assert_eq!(wrong.problem(405, "does not have this method").0["headers"]["allow"], "GET, HEAD, OPTIONS");
    get("/orders/%ff").query("tag", "x").ask(&client).await.problem(400, "UTF-8");
}

#[tokio::test]
async fn bodies_are_bytes_both_ways() {
    let client =
        App::new().post("/echo", async |ex| Ok(Reply::new(ex.bytes().await?))).event_as_http().test_client();
    let all: Vec<u8> = (0..=255).collect();
    for body in [&all[..], b"plain", "caf\u{e9} \u{1F375}".as_bytes(), b"\x00\x01", b"", &[0xff; 3]] {
        assert_eq!(get("/echo").post(body).ask(&client).await.body(), body);
    }
    let told = get("/echo").post("text").ask(&client).await;
    assert_eq!((&told.0["body"], &told.0["isBase64Encoded"]), (&json!("text"), &json!(false)));
    // The template of API Gateway quotes the word; a broken body is the client's fault.
    let mut event = get("/echo").post([0xff]).of_gateway();
    event["isBase64Encoded"] = "true".into();
    assert_eq!(Told(client.invoke(event.to_string()).await.json()).body(), [0xff]);
    event["body"] = "no base64!".into();
    Told(client.invoke(event.to_string()).await.json()).problem(400, "no base64");
}

#[tokio::test]
async fn limits_of_bodies_hold_and_a_reply_has_one_too() {
    let client = App::new()
        .post(at("/small").body_limit(4), async |ex| Ok(ex.text().await?))
        .get("/large", async |ex| Ok(Reply::new(vec![b'x'; ex.query::<Vec<(String, usize)>>()?[0].1])))
        .get("/stream", async |ex| {
            let left: usize = ex.query::<Vec<(String, usize)>>()?[0].1;
            Ok(Reply::stream(async_stream::stream! {
                for _ in 0..left { yield vec![b'x'; MIB]; }
            }))
        })
        .get("/broken", async |_| {
            Reply::try_stream(async_stream::try_stream! {
                yield fc_runtime::Bytes::from("half");
                Err(Error::internal("disk"))?;
            })
        })
        .get("/panic", async |_| {
            Reply::stream(async_stream::stream! {
                yield "half";
                panic!("in the stream");
            })
        })
        .event_as_http()
        .test_client();
    get("/small").post("tea").ask(&client).await.check(200, "tea");
    get("/small").post("teas!").ask(&client).await.problem(413, "larger than 4 bytes");
    assert_eq!(get("/large").query("n", "6000000").ask(&client).await.body().len(), 6_000_000);
    get("/large").query("n", "6400000").ask(&client).await.problem(500, "does not fit into an event");
    assert_eq!(get("/stream").query("n", "2").ask(&client).await.body().len(), 2 * MIB);
    get("/stream").query("n", "1000000").ask(&client).await.problem(500, "does not fit into an event");
    get("/broken").ask(&client).await.problem(500, "internal error");
    get("/panic").ask(&client).await.problem(500, "the reply's stream panicked");
    let counted = client.counters().await;
    assert_eq!((counted.in_flight, counted.panicked, counted.cancelled), (0, 2, 0));
}

#[tokio::test]
async fn repeated_headers_and_cookies_come_out() {
    let client = App::new()
        .get("/", async |ex| {
            let seen = ex.cookie("a").map(str::to_owned).unwrap_or_default();
            Reply::new(seen)
                .with_cookie(SetCookie::new("one", "1"))
                .with_cookie(SetCookie::new("two", "2"))
                .with_header("vary", "accept")
                .with_added_header("vary", "origin")
        })
        .event_as_http()
        .test_client();
    let told = get("/").header("Cookie", "b=2; a=1").ask(&client).await;
    let headers = told.check(200, "1").0["headers"].as_object().unwrap().clone();
    assert_eq!(headers["vary"], "accept, origin");
    let cookies: Vec<_> =
        headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie")).collect();
    let values: Vec<&str> = cookies.iter().map(|(_, value)| &value.as_str().unwrap()[..5]).collect();
    assert_eq!(
        (cookies.len(), values.contains(&"one=1"), values.contains(&"two=2")),
        (2, true, true),
        "{headers:?}"
    );
}

#[tokio::test]
async fn what_an_app_sets_around_its_routes_holds() {
    let client = App::new()
        .cors(Cors::allow("https://shop.example"))
        .group("/admin", |admin| {
            admin.get("/", async |_| "secret").around(guard::require_header("x-key", "k"))
        })
        .get("/", async |ex| ex.client_addr().map_or("nobody".to_owned(), |ip| ip.to_string()))
        .get("/id", async |ex| ex.request_id().to_owned())
        .get(at("/finish").hang_up_policy(HangUpPolicy::Finish), async |_| "finished")
        .get(at("/slow").time_limit(std::time::Duration::from_millis(5)), async |_| {
            std::future::pending::<&str>().await
        })
        .get("/panic", async |_| -> &str { panic!("in the handler") })
        .fallback(async |ex| (404, format!("no {}", ex.path())))
        .event_as_http()
        .test_client();
    get("/admin").ask(&client).await.problem(403, "");
    get("/admin").header("X-Key", "k").ask(&client).await.check(200, "secret");
    let told = get("/admin").header("x-key", "k").header("origin", "https://shop.example").ask(&client).await;
    assert_eq!(told.0["headers"]["access-control-allow-origin"], "https://shop.example");
    get("/finish").ask(&client).await.check(200, "finished");
    get("/slow").ask(&client).await.problem(504, "no answer within");
    get("/panic").ask(&client).await.problem(500, "");
    get("/other").ask(&client).await.check(404, "no /other");
    // A preflight has no handler.
    let mut preflight =
        get("/").header("origin", "https://shop.example").header("access-control-request-method", "GET");
    preflight.method = "OPTIONS";
    preflight.ask(&client).await.check(204, "");
    let mut head = get("/");
    head.method = "HEAD";
    head.ask(&client).await.check(200, "");
    // The trigger tells the client's address; API Gateway tells none.
    let told = client.invoke(get("/").of_trigger().to_string()).await;
    assert_eq!(told.json::<Value>()["body"], "203.0.113.9");
    let told = client.invoke(get("/").of_gateway().to_string()).await;
    assert_eq!(told.json::<Value>()["body"], "nobody");
    let told = client.invoke(get("/id").of_gateway().to_string()).header("x-fc-request-id", "1-abc").await;
    assert_eq!(told.json::<Value>()["body"], "1-abc");
}

/// A client of a door must not pass for the platform.
#[tokio::test]
async fn headers_of_the_platform_come_from_the_call_alone() {
    let client = App::new()
        .get("/", async |ex| {
            let has_key = ex.invocation().credentials().is_some();
            format!("{} {} {has_key}", ex.request_id(), ex.header("x-fc-account-id").unwrap_or("-"))
        })
        .on_initialize(async |_| Ok(()))
        .event_as_http()
        .test_client();
    let asked = get("/")
        .header("X-Fc-Request-Id", "forged")
        .header("x-fc-access-key-id", "forged")
        .header("x-fc-access-key-secret", "forged")
        .header("x-fc-security-token", "forged")
        .header("x-fc-client-ip", "10.0.0.1")
        .header("x-fc-control-path", "/initialize");
    let call = client.invoke(asked.of_gateway().to_string());
    let told = call.header("x-fc-request-id", "1-true").header("x-fc-account-id", "77").await;
    assert_eq!(told.json::<Value>()["body"], "1-true 77 false");
}

/// The request's own headers are nearer than those of the call that brought it.
#[tokio::test]
async fn the_trace_of_the_call_goes_on_in_its_request() {
    const OUTER: &str = "00-11111111111111111111111111111111-2222222222222222-01";
    const OWN: &str = "00-33333333333333333333333333333333-4444444444444444-01";
    let client = App::new()
        .get("/", async |_| current_trace_context().map(|trace| trace.trace_id()).unwrap_or_default())
        .event_as_http()
        .test_client();
    for (asked, trace) in [(get("/"), &OUTER[3..35]), (get("/").header("traceparent", OWN), &OWN[3..35])] {
        let told = client.invoke(asked.of_gateway().to_string()).header("traceparent", OUTER).await;
        assert_eq!(told.json::<Value>()["body"], trace);
    }
}

#[tokio::test]
async fn what_needs_a_connection_is_refused_clearly() {
    let client = App::new()
        .get("/ws", async |ex| ex.websocket(async |_| Ok(())))
        .get("/sse", async |_| {
            Sse::run(async move |mut out| {
                out.send("one").await?;
                Ok(out.send("two").await?)
            })
        })
        .event_as_http()
        .test_client();
    let asked = get("/ws").header("Upgrade", "websocket").header("Connection", "keep-alive, Upgrade");
    asked.ask(&client).await.problem(501, "cannot become a WebSocket");
    get("/ws").ask(&client).await.problem(426, "Upgrade: websocket");
    let call = get("/s.S/M").post("x").header("content-type", "application/grpc+proto");
    call.ask(&client).await.problem(501, "use gRPC-Web");
    // A stream that ends is a whole reply.
    get("/sse").ask(&client).await.check(200, "data: one\n\ndata: two\n\n");
}

/// As over HTTP: nobody waits for a body that is not sent.
#[tokio::test]
async fn the_stream_of_a_reply_to_head_is_not_begun() {
    let client = App::new()
        .get("/", async |_| {
            Sse::run(async |_| -> fc_runtime::Result { panic!("a stream that nobody reads has begun") })
        })
        .event_as_http()
        .test_client();
    let mut head = get("/");
    head.method = "HEAD";
    let told = head.ask(&client).await;
    assert_eq!(told.check(200, "").0["headers"]["content-type"], "text/event-stream");
    assert_eq!(client.counters().await.panicked, 0);
}

/// A stream without an end is cut before the platform cuts the call.
#[tokio::test(start_paused = true)]
async fn a_stream_without_an_end_is_a_504() {
    let client = App::new()
        .get("/", async |_| Sse::new(futures_util::stream::pending::<&str>()))
        .event_as_http()
        .test_client();
    let told = client.invoke(get("/").of_gateway().to_string()).header("x-fc-function-timeout", "3").await;
    Told(told.json()).problem(504, "did not end within the function's time");
}

#[tokio::test]
async fn other_events_go_to_the_event_handler_and_wrong_requests_fail() {
    let client =
        App::new().event(async |event| Ok(event.text()?.to_uppercase())).event_as_http().test_client();
    for event in ["tick", "", "[1]", "{\"httpMethod\": \"GET\"}", "{\"version\": \"v1\"}"] {
        client.invoke(event).await.assert_status(200).assert_text(&event.to_uppercase());
    }
    let mut event = get("/").of_trigger();
    event["requestContext"]["http"] = json!({});
    let failed = client.invoke(event.to_string()).await;
    failed.assert_status(404).assert_header("x-fc-status", "404");
    assert!(failed.text().contains("requestContext.http: missing field `method`"), "{}", failed.text());
    for (pointer, value, status) in [
        ("/httpMethod", json!("GE T"), 400),
        ("/path", json!("no-slash"), 400),
        ("/path", json!("*"), 400),
        ("/path", json!("/".repeat(70_000)), 400),
        ("/path", json!(format!("/{}", "a".repeat(9000))), 414),
        ("/headers", json!({"a b": "x"}), 400),
        ("/headers", json!({"a": "x\ny: z"}), 400),
        ("/headers", json!({"host": "a b"}), 400),
        ("/headers", json!({"a": "x".repeat(33_000)}), 431),
        (
            "/headers",
            (0..2000).map(|n| (format!("h{n}"), json!("x"))).collect::<serde_json::Map<_, _>>().into(),
            431,
        ),
        (
            "/headers",
            (0..40_000).map(|n| (format!("h{n}"), json!("x"))).collect::<serde_json::Map<_, _>>().into(),
            431,
        ),
    ] {
        let mut event = get("/").of_gateway();
        *event.pointer_mut(pointer).unwrap() = value;
        let told: Value = client.invoke(event.to_string()).await.assert_status(200).json();
        assert_eq!(told["statusCode"], status, "{pointer}: {}", told["body"]);
    }
    // Without an event handler other events fail as before.
    let client = App::new().event_as_http().test_client();
    assert!(client.invoke("tick").await.assert_status(404).text().contains("handles no events"));
    // Without the setting a request is an event as another.
    let client = App::new().get("/", async |_| "route").event(async |_| "event").test_client();
    client.invoke(get("/").of_gateway().to_string()).await.assert_text("event");
}

#[tokio::test]
async fn what_else_the_event_says_is_a_value() {
    let client = App::new()
        .get("/", async |ex| {
            if let Some(context) = ex.value::<RequestContext>() {
                return format!("{} {:?}", context.account_id, context.time_epoch);
            }
            ex.value::<api_gateway::Request>()
                .map(|event| event.path_parameters["id"].clone())
                .unwrap_or_default()
        })
        .event_as_http()
        .test_client();
    let told: Value = client.invoke(get("/").of_trigger().to_string()).await.json();
    assert_eq!(told["body"], "1 Some(1767595271895)");
    let mut event = get("/").of_gateway();
    event["pathParameters"]["id"] = "7".into();
    assert_eq!(client.invoke(event.to_string()).await.json::<Value>()["body"], "7");
}
