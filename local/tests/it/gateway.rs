//! What passes the gateway, and what it adds, takes out and refuses.

use serde_json::json;
use testkit::Answer;
use testkit::events::{kind, printed};
use testkit::h1::{Conn, exchange, request};
use testkit::manifest::{Function, Manifest};

use crate::harness::{Local, f, scripted, write_manifest};

/// The value of a header among the bytes that the function saw.
fn seen(text: &str, name: &str) -> Option<String> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let mut values =
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned());
    values.next()
}

#[test]
fn a_request_passes_with_the_platforms_headers_and_without_reserved_ones() {
    let local = Local::scripted(
        f().timeout(7).memory(256).prop("logConfig", json!({"project": "p", "logstore": "s"})),
    );
    let headers = "x-fc-request-id: mine\r\nx-fc-anything: 1\r\nconnection: close, x-hop\r\nx-hop: 1\r\n\
                   keep-alive: timeout=5\r\nx-own: kept\r\nx-forwarded-for: 1.2.3.4\r\n";
    let reply = local.call("POST", "/seen?a=%20b", headers, b"body");
    assert_eq!(reply.status, 200);
    let text = reply.text();
    assert!(text.starts_with("POST /seen?a=%20b HTTP/1.1"), "{text}");
    assert!(text.ends_with("body"), "{text}");
    let expected = [
        ("host", "127.0.0.1"),
        ("x-own", "kept"),
        ("x-forwarded-for", "1.2.3.4, 127.0.0.1"),
        ("x-forwarded-proto", "http"),
        ("x-fc-client-ip", "127.0.0.1"),
        ("x-fc-request-id", &reply.id()),
        ("x-fc-control-path", "/http-invoke"),
        ("x-fc-function-name", "f"),
        ("x-fc-function-handler", "handler"),
        ("x-fc-function-memory", "256"),
        ("x-fc-function-timeout", "7"),
        ("x-fc-region", "cn-hangzhou"),
        ("x-fc-account-id", "1234567890123456"),
        ("x-fc-qualifier", "LATEST"),
        ("x-fc-version-id", "LATEST"),
        ("x-fc-service-logproject", "p"),
        ("x-fc-service-logstore", "s"),
        ("content-length", "4"),
    ];
    for (name, value) in expected {
        assert_eq!(seen(&text, name).as_deref(), Some(value), "{name} in {text}");
    }
    for name in ["x-fc-anything", "connection", "x-hop", "keep-alive", "x-fc-access-key-id"] {
        assert_eq!(seen(&text, name), None, "{name} in {text}");
    }
    let id = reply.id();
    let lengths: Vec<usize> = id.split('-').map(str::len).collect();
    assert_eq!(lengths, [1, 8, 8, 12], "{id}");
}

#[test]
fn a_reply_passes_without_what_a_function_may_not_set() {
    let local = Local::scripted(f().local("attachment", true));
    let reply = local.get("/reserved");
    assert_eq!(reply.header("x-own"), Some("kept"));
    assert_eq!(reply.values("set-cookie"), ["a=1", "b=2"]);
    assert_eq!(reply.header("content-disposition"), Some("attachment"));
    assert_eq!(reply.header("access-control-expose-headers"), Some("Date,x-fc-request-id"));
    assert_eq!(reply.header("content-length"), Some("1"));
    assert!(reply.header("date").is_some_and(|date| date.ends_with("GMT")), "{reply:?}");
    for name in ["server", "keep-alive", "x-fc-anything", "x-fc-error-type", "access-control-allow-origin"] {
        assert_eq!(reply.header(name), None, "{name}");
    }
    let reply = local.get("/status?code=503");
    assert_eq!((reply.status, reply.text().as_str()), (503, "as asked"));
    assert_eq!(reply.header("x-fc-error-type"), None, "a function's own 503 is its own");
    let reply = local.call("HEAD", "/head", "", b"");
    assert_eq!((reply.status, reply.header("content-length")), (200, Some("5")));
}

#[test]
fn browsers_show_pages_and_a_line_says_what_the_built_in_domain_would_do() {
    let local = Local::scripted(f());
    assert_eq!(local.get("/reserved").header("content-disposition"), Some("inline"));
    assert_eq!(local.get("/").header("content-disposition"), None);
    local.call("GET", "/say?before", "sec-fetch-dest: empty\r\n", b"").assert_ok();
    local.wait_for(printed("said before"));
    assert_eq!(local.count(kind("attachment_left_out")), 0);
    for _ in 0..2 {
        local.call("GET", "/say?after", "sec-fetch-dest: document\r\n", b"").assert_ok();
    }
    local.wait_for_nth(2, printed("said after"));
    local.wait_for(kind("attachment_left_out").function("f"));
    assert_eq!(local.count(kind("attachment_left_out")), 1);
}

#[test]
fn what_is_beyond_the_limits_is_refused_before_the_function() {
    let local = Local::scripted(f());
    let before = local.get("/count").text();

    let under = format!("x-big: {}\r\n", "v".repeat(8 * 1024 - 60));
    assert_eq!(local.call("GET", "/seen", &under, b"").status, 200);
    let over = format!("x-big: {}\r\n", "v".repeat(8 * 1024));
    let reply = local.call("GET", "/seen", &over, b"");
    reply.assert_platform_error(400, "FcCommonError", "InvalidArgument", "8192 are allowed");

    let many: String =
        (0..150).flat_map(|number| ["x-".to_owned(), number.to_string(), ": v\r\n".to_owned()]).collect();
    assert_eq!(local.call("GET", "/seen", &many, b"").status, 200, "the limit is in bytes");

    assert_eq!(local.get(&format!("/seen?{}", "q".repeat(4096 - 6))).status, 200);
    let reply = local.get(&format!("/seen?{}", "q".repeat(4096 - 5)));
    reply.assert_platform_error(400, "FcCommonError", "InvalidArgument", "4096 are allowed");

    let claim = "POST /length HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 33554433\r\n\r\n";
    let reply = exchange(local.function_port("f"), claim.as_bytes());
    reply.assert_platform_error(
        400,
        "FcCommonError",
        "EntityTooLarge",
        "payload size exceeds maximum allowed size (33554432 bytes)",
    );

    let after: usize = local.get("/count").text().parse().unwrap();
    let before: usize = before.parse().unwrap();
    assert_eq!(after, before + 4, "only the four allowed requests reached the function");
}

#[test]
fn a_body_of_32_mb_passes_and_one_byte_more_does_not() {
    let local = Local::scripted(f().timeout(60));
    let limit = 32 * 1024 * 1024;
    let body = vec![b'x'; limit];
    assert_eq!(local.call("POST", "/length", "", &body).text(), limit.to_string());

    let mut chunked =
        b"POST /length HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    chunked.extend_from_slice(format!("{:x}\r\n", limit + 1).as_bytes());
    chunked.extend_from_slice(&body);
    chunked.extend_from_slice(b"x\r\n0\r\n\r\n");
    let reply = exchange(local.function_port("f"), &chunked);
    reply.assert_platform_error(400, "FcCommonError", "EntityTooLarge", "33554432");
}

#[test]
fn replies_beyond_the_limits_or_not_http_are_bad_responses() {
    let local = Local::scripted(f());
    assert_eq!(local.get("/big-headers?bytes=8000").status, 200);
    let reply = local.get("/big-headers?bytes=9000");
    reply.assert_platform_error(502, "UnhandledInvocationError", "BadResponse", "8192 are allowed");
    let reply = local.get("/garbage");
    reply.assert_platform_error(502, "UnhandledInvocationError", "BadResponse", "not HTTP");
}

#[test]
fn methods_that_the_trigger_does_not_list_are_refused() {
    let local = Local::scripted(f().methods(&["GET"]));
    assert_eq!(local.get("/").status, 200);
    for method in ["POST", "DELETE", "TRACE", "BREW"] {
        let reply = local.call(method, "/", "", b"");
        reply.assert_platform_error(403, "FcCommonError", "AccessDenied", method);
    }
    local.call("CONNECT", "a:1", "", b"").assert_platform_error(
        400,
        "FcCommonError",
        "InvalidArgument",
        "CONNECT",
    );
}

#[test]
fn a_function_without_an_http_trigger_or_without_its_public_address_is_not_served() {
    let local = Local::scripted(f().prop("triggers", json!([])));
    local.get("/").assert_platform_error(404, "FcCommonError", "TriggerNotFound", "'f'");
    let config = json!({"authType": "anonymous", "methods": ["GET"], "disableURLInternet": true});
    let local = Local::scripted(f().trigger(&config));
    let reply = local.get("/");
    reply.assert_platform_error(
        403,
        "FcCommonError",
        "AccessDenied",
        "access denied due to function internet URL is disable",
    );
}

/// The reply's headers of CORS that the gateway fills in.
fn cors(reply: &Answer) -> [Option<&str>; 3] {
    let names = ["allow-origin", "allow-credentials", "expose-headers"];
    names.map(|name| reply.header(&format!("access-control-{name}")))
}

#[test]
fn cors_is_filled_in_unless_the_function_speaks() {
    let local = Local::scripted(f());
    let filled = [Some("https://a.example"), Some("true"), Some("Date,x-fc-request-id")];
    let reply = local.call("GET", "/", "origin: https://a.example\r\n", b"");
    assert_eq!(cors(&reply), filled);
    let reply = local.call("GET", "/cors", "origin: https://a.example\r\n", b"");
    assert_eq!(cors(&reply), [Some("https://mine"), None, None]);
    let reply = local.call("GET", "/cors-expose", "origin: https://a.example\r\n", b"");
    assert_eq!(cors(&reply), [None, None, Some("x-own")]);
    let reply = local.call("BREW", "/", "origin: https://a.example\r\n", b"");
    assert_eq!((reply.status, cors(&reply)), (403, filled));
}

#[test]
fn a_preflight_is_answered_here_unless_the_trigger_lists_options() {
    let asked = "origin: https://a.example\r\naccess-control-request-method: PUT\r\naccess-control-request-headers: x-a,x-b\r\n";
    let local = Local::scripted(f());
    let before = local.get("/count").text();
    let reply = local.call("OPTIONS", "/any", asked, b"");
    assert_eq!((reply.status, reply.body.len()), (200, 0));
    for (name, value) in [
        ("access-control-allow-origin", "https://a.example"),
        ("access-control-allow-methods", "PUT"),
        ("access-control-allow-headers", "x-a,x-b"),
        ("access-control-allow-credentials", "true"),
        ("access-control-max-age", "3600"),
    ] {
        assert_eq!(reply.header(name), Some(value), "{name}");
    }
    assert_eq!(local.get("/count").text().parse::<usize>().unwrap(), before.parse::<usize>().unwrap() + 1);

    let local = Local::scripted(f().methods(&["OPTIONS"]));
    let reply = local.call("OPTIONS", "/", asked, b"");
    assert_eq!((reply.status, reply.text().as_str()), (200, "OPTIONS"));
    assert_eq!(reply.header("access-control-allow-origin"), Some("https://a.example"));
    assert_eq!(reply.header("access-control-max-age"), None);
}

#[test]
fn doubtful_shapes_never_reach_the_function() {
    let local = Local::scripted(f());
    let port = local.function_port("f");
    let before: usize = local.get("/count").text().parse().unwrap();
    for (shape, part) in [
        ("GET / HTTP/1.1\r\n\r\n", "exactly one Host"),
        ("GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n", "exactly one Host"),
        ("GET http://b/ HTTP/1.1\r\nhost: a\r\n\r\n", "differs"),
        ("OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n", ""),
    ] {
        let reply = exchange(port, shape.as_bytes());
        if part.is_empty() {
            // Answered as a preflight: it names no resource of the function.
            assert_eq!(reply.status, 200, "{shape}");
        } else {
            reply.assert_platform_error(400, "FcCommonError", "InvalidArgument", part);
        }
    }
    // These do not even get past the parser.
    for shape in [
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabc",
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, identity\r\n\r\nabc",
        "GET / HTTP/1.1\r\nhost: a\r\nx y: 1\r\n\r\n",
        "GET /\x01 HTTP/1.1\r\nhost: a\r\n\r\n",
    ] {
        assert_eq!(exchange(port, shape.as_bytes()).status, 400, "{shape}");
    }
    // Chunks win over a length, the connection closes, and the function sees one framing only.
    let (chunked, length) = ("transfer-encoding: chunked\r\n", "content-length: 3\r\n");
    for framing in [format!("{chunked}{length}"), format!("{length}{chunked}")] {
        let shape = format!(
            "POST /seen HTTP/1.1\r\nhost: a\r\n{framing}\r\n1\r\nx\r\n0\r\n\r\nGET /count HTTP/1.1\r\nhost: a\r\n\r\n"
        );
        let reply = exchange(port, shape.as_bytes());
        assert_eq!((reply.status, reply.header("connection")), (200, Some("close")));
        let text = reply.text();
        assert_eq!(seen(&text, "transfer-encoding").as_deref(), Some("chunked"), "{text}");
        assert_eq!(seen(&text, "content-length"), None, "{text}");
    }
    let after: usize = local.get("/count").text().parse().unwrap();
    assert_eq!(after, before + 3);
}

#[test]
fn chunked_replies_are_streamed_and_others_are_whole() {
    let local = Local::scripted(f().timeout(60));
    let reply = local.get("/chunks?n=3");
    assert_eq!(reply.header("transfer-encoding"), Some("chunked"));
    assert_eq!(reply.header("content-length"), None);
    assert_eq!((reply.text().as_str(), reply.is_cut), ("chunk 0\nchunk 1\nchunk 2\n", false));

    // The first chunk arrives while the function is far from done: a minute would be cut.
    let mut stream = Conn::open(local.function_port("f"));
    stream.send(&request("GET", "/chunks?n=2&ms=600000", "", b""));
    stream.until_text("chunk 0");
    drop(stream);

    let reply = local.get("/name");
    assert!(reply.header("content-length").is_some() && reply.header("transfer-encoding").is_none());
}

#[test]
fn server_sent_events_pass_one_by_one_until_the_client_leaves() {
    let local = Local::scripted(f().timeout(600).concurrency(5));
    let mut stream = Conn::open(local.function_port("f"));
    stream.send(&request("GET", "/sse?n=2&ms=600000", "accept: text/event-stream\r\n", b""));
    let text = stream.until_text("data: tick 0\n");
    let head = text.to_lowercase();
    assert!(
        head.contains("content-type: text/event-stream") && head.contains("cache-control: no-cache"),
        "{text}"
    );
    assert!(head.contains("transfer-encoding: chunked") && !head.contains("content-length"), "{text}");
    assert!(!head.contains("keep-alive: timeout"), "{text}");
    drop(stream);
    let id = local.wait_for(printed("cancelled ")).after("cancelled ").to_owned();
    local.wait_for(kind("request").request(&id).status(499));
    // The connection goes on after a stream that was read to its end.
    let mut conn = Conn::open(local.function_port("f"));
    for _ in 0..2 {
        conn.send(&request("GET", "/sse?n=3&ms=1", "", b""));
        let reply = conn.try_answer("GET").unwrap();
        assert_eq!((reply.status, reply.is_cut), (200, false));
        assert!(reply.text().ends_with("id: 2\ndata: tick 2\n\n"), "{reply:?}");
    }
}

#[test]
fn what_is_not_supported_yet_is_said() {
    let local = Local::scripted(f());
    // An upgrade that a server is free to ignore.
    let reply = local.call(
        "GET",
        "/seen",
        "connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AA\r\n",
        b"",
    );
    assert_eq!((reply.status, seen(&reply.text(), "upgrade")), (200, None));
}

#[test]
fn connections_are_kept_on_both_sides() {
    let local = Local::scripted(f());
    let mut conn = Conn::open(local.function_port("f"));
    for _ in 0..3 {
        conn.send(&request("GET", "/close-reused", "", b""));
        let reply = conn.try_answer("GET").expect("the client's connection stays open");
        // The function closes a connection that is used a second time: a GET is tried once more on a new one.
        assert_eq!((reply.status, reply.text().as_str()), (200, "fresh"));
    }
    // The last reply left an idle connection that the function will close: for a POST that is an error.
    let reply = local.call("POST", "/close-reused", "", b"x");
    reply.assert_function_error(502, "Process exited unexpectedly before completing request (duration: ");
    // With a connection that nobody used before there is nothing to try again.
    let closed = local.get("/close");
    closed.assert_function_error(502, "maxMemoryUsage: ");
    // The platform has one text for both; the log tells them apart.
    let told = local.wait_for(kind("call_failed").request(&closed.id()).field("failure", "process_exited"));
    let (message, part) = (told["message"].as_str().unwrap(), "; the process goes on");
    assert!(message.contains(part) && !closed.text().contains(part), "{told} {closed:?}");
}

#[test]
fn hosts_lead_to_functions() {
    let folder = scripted();
    let two = [f().var("SCRIPT_NAME", "one"), Function::new("g").called("G-2").var("SCRIPT_NAME", "two")];
    write_manifest(&folder, Manifest::of(two));
    let local = Local::start(folder, &[]);
    local.wait_for(kind("ready").function("G-2"));
    let main = local.main_port();
    let ask = |host: &str| exchange(main, format!("GET /name HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes());
    assert_eq!(ask(&format!("f.localhost:{main}")).text(), "one");
    assert_eq!(ask("g-2.localhost").text(), "two");
    assert_eq!(exchange(local.function_port("G-2"), &request("GET", "/name", "", b"")).text(), "two");
    ask("h.localhost").assert_platform_error(404, "FcCommonError", "DomainNameNotFound", "h.localhost");
    ask("127.0.0.1").assert_platform_error(404, "FcCommonError", "DomainNameNotFound", "127.0.0.1");
}

#[test]
fn a_single_function_answers_at_the_root() {
    let local = Local::scripted(f().var("SCRIPT_NAME", "only"));
    let reply = exchange(local.main_port(), &request("GET", "/name", "", b""));
    assert_eq!(reply.text(), "only");
}

#[test]
fn the_log_of_a_request_can_be_asked_for() {
    use base64::Engine;
    let local = Local::scripted(f().memory(256));
    let reply = local.call("GET", "/log", "x-fc-log-type: Tail\r\n", b"");
    let log = reply.header("x-fc-log-result").expect("a log");
    let log = String::from_utf8(base64::engine::general_purpose::STANDARD.decode(log).unwrap()).unwrap();
    let id = reply.id();
    let expected = format!(
        "FC Invoke Start RequestId: {id}\na line of {id}\nFC Invoke End RequestId: {id}\n\nDuration: "
    );
    assert!(log.starts_with(&expected), "{log}");
    assert!(log.contains("Memory Size: 256 MB, Max Memory Used: "), "{log}");
    assert_eq!(local.get("/log").header("x-fc-log-result"), None);
}

#[test]
fn a_call_does_not_wait_for_another_clients_upload() {
    let local = Local::scripted(f().concurrency(10).timeout(60));
    local.get("/").assert_ok();
    // The function answers, and the client does not go on.
    let mut slow = Conn::open(local.function_port("f"));
    slow.send(b"POST /refused HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1000000\r\n\r\nbeginning");
    let reply = slow.try_answer("POST").unwrap();
    assert_eq!(reply.status, 401);
    for _ in 0..5 {
        local.get("/").assert_ok();
    }
    drop(slow);
}

#[test]
fn the_main_port_lists_several_functions() {
    let folder = scripted();
    let events = Function::new("events").prop("triggers", json!([]));
    let signed = Function::new("signed").prop(
        "triggers",
        json!([{"triggerName": "http", "triggerType": "http",
            "triggerConfig": {"authType": "function", "methods": ["GET"]}}]),
    );
    write_manifest(&folder, Manifest::of([f(), events, signed]));
    let local = Local::start(folder, &[]);
    let (main, own) = (local.main_port(), local.function_port("f"));
    local.wait_for(kind("ready").function("events"));
    local.wait_for(kind("ready").function("signed"));
    let signed_url = format!("http://127.0.0.1:{}/", local.function_port("signed"));
    let asking = |host: &str, path: &str, accept: &str| {
        let head = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\naccept: {accept}\r\n\r\n");
        exchange(main, head.as_bytes())
    };
    let ask = |host: &str, path: &str| asking(host, path, "*/*");
    local.get("/exit").assert_status(502);
    let own_url = format!("http://127.0.0.1:{own}/");
    for host in ["localhost", "127.0.0.1"] {
        let host = format!("{host}:{main}");
        let page = asking(&host, "/", "text/html,application/xhtml+xml,*/*;q=0.8");
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        let host_url = format!("http://f.localhost:{main}/");
        for part in
            [&format!("<a href=\"{own_url}\">f</a>"), &host_url, "takes events only", "last error: Process"]
        {
            assert!(page.text().contains(part), "{part} in {}", page.text());
        }
        let lines = ask(&host, "/");
        assert_eq!(lines.header("content-type"), Some("text/plain; charset=utf-8"));
        let calls = [
            format!("f       curl {own_url}\n"),
            format!("signed  fc-local curl {signed_url}\n"),
            "events  fc-local invoke events -e '{}'\n".to_owned(),
        ];
        for part in &calls {
            assert!(lines.text().contains(part), "{part} in {}", lines.text());
        }
        let list: serde_json::Value =
            serde_json::from_slice(&asking(&host, "/", "application/json").body).unwrap();
        assert_eq!(list["functions"][0]["url"], serde_json::Value::Null);
        assert_eq!(list["functions"][1]["url"], own_url);
        let error = list["functions"][1]["lastError"].as_str().unwrap();
        assert!(error.starts_with("Process exited unexpectedly"), "{error}");
    }
    for (host, path) in [("localhost", "/other"), ("elsewhere.example", "/")] {
        ask(host, path).assert_platform_error(404, "FcCommonError", "DomainNameNotFound", "does not exist");
    }
}
