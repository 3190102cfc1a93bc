//! The console: who may ask, what replies carry, what pages weigh, what they hide, and the stream that goes on where it was.

use serde_json::json;
use testkit::events::kind;
use testkit::h1::{Conn, exchange, request};
use testkit::manifest::{Function, Manifest};
use testkit::{Answer, Folder, Launch, eventually};

use crate::control::{Serve, package};
use crate::harness::{Local, SCRIPTED, f, program, scripted, write_manifest};

/// The most that a page may bring to a browser, its files counted, in bytes.
const PAGE_MAX: usize = 100_000;

const PAGES: [&str; 8] =
    ["/", "/requests", "/tasks", "/instances", "/logs", "/send", "/routes", "/configuration"];

const SECRET: &str = "never-to-be-shown-7f3a";

fn host(local: &Local) -> String {
    format!("console.localhost:{}", local.main_port())
}

/// Sends a request to the console's own host.
fn ask(local: &Local, method: &str, target: &str, headers: &str, body: &[u8]) -> Answer {
    let (port, host) = (local.main_port(), host(local));
    let mut conn = Conn::open(port);
    let length = if method == "POST" { format!("content-length: {}\r\n", body.len()) } else { String::new() };
    conn.send(format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\n{headers}{length}\r\n").as_bytes());
    conn.send(body);
    conn.answer(method)
}

fn page(local: &Local, target: &str) -> Answer {
    ask(local, "GET", target, "", b"")
}

/// The value of a field in a form of the page.
fn token(local: &Local) -> String {
    let form = page(local, "/send").text();
    let (_, rest) = form.split_once("name=\"token\" value=\"").expect("the form has a token");
    rest.split_once('"').unwrap().0.to_owned()
}

fn form(local: &Local, target: &str, headers: &str, fields: &[(&str, &str)]) -> Answer {
    let encode = |text: &str| -> String {
        text.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat()
    };
    let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    let headers = format!("content-type: application/x-www-form-urlencoded\r\n{headers}");
    ask(local, "POST", target, &headers, body.join("&").as_bytes())
}

#[test]
fn every_reply_has_the_policy_and_every_page_is_small() {
    let local = Local::scripted(f());
    local.get("/name");
    let assets = ["console.css", "console.js", "icon.svg"];
    let files: usize = assets.iter().map(|name| page(&local, &format!("/assets/{name}")).body.len()).sum();
    for target in PAGES.into_iter().chain(["/assets/console.css", "/no-such-page", "/assets/none.js"]) {
        let reply = page(&local, target);
        let is_there = !target.contains("no");
        assert_eq!(reply.status, if is_there { 200 } else { 404 }, "{target}");
        let policy = reply.header("content-security-policy").unwrap();
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(part), "{target}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            reply.assert_header(name, value);
        }
        reply.assert_no_header("access-control-allow-origin");
        if !target.starts_with("/assets") {
            let text = reply.text();
            assert!(text.len() + files < PAGE_MAX, "{target} weighs {} with {files} of files", text.len());
            // The policy lets none of these run, and a browser would say so on each page.
            for inline in [
                " style=",
                "<style",
                " onclick=",
                "<script>",
                "hx-on",
                "js:",
                "src=\"http",
                "href=\"http://cdn",
            ] {
                assert!(!text.contains(inline), "{target} has {inline}");
            }
        }
    }
}

#[test]
fn files_are_sent_once() {
    let local = Local::scripted(f());
    let whole = page(&local, "/assets/console.js");
    let zipped = ask(&local, "GET", "/assets/console.js", "accept-encoding: gzip\r\n", b"");
    zipped
        .assert_status(200)
        .assert_header("content-encoding", "gzip")
        .assert_header("vary", "accept-encoding");
    assert!(zipped.body.len() * 2 < whole.body.len());
    let tag = whole.header("etag").unwrap();
    let known = ask(&local, "GET", "/assets/console.js", &format!("if-none-match: {tag}\r\n"), b"");
    known.assert_status(304);
    assert!(known.body.is_empty());
    let head = ask(&local, "HEAD", "/requests", "", b"");
    assert!(head.status == 200 && head.body.is_empty());
}

#[test]
fn it_stands_beside_the_functions() {
    let folder = scripted();
    let names = ["f", "console"].map(|name| Function::new(name).var("SCRIPT_NAME", name));
    write_manifest(&folder, Manifest::of(names));
    let local = Local::start(folder, &[]);
    local.wait_for(kind("ready").function("console"));
    let port = local.main_port();
    // A function that has the console's name keeps its host.
    let ready = local.wait_for(kind("console_ready"));
    let path = format!("http://127.0.0.1:{port}/_local/console/");
    assert_eq!((ready["url"].as_str(), ready["pathUrl"].as_str()), (Some(&*path), Some(&*path)));
    page(&local, "/name").assert_text("console");
    let at = |target: &str, host: &str| {
        exchange(
            port,
            format!("GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").as_bytes(),
        )
    };
    for host in ["localhost", "127.0.0.1:1", "[::1]"] {
        let reply = at("/_local/console/", host);
        assert!(reply.status == 200 && reply.text().contains("href=\"/_local/console/requests\""), "{host}");
    }
    at("/_local/console", "localhost").assert_status(303).assert_header("location", "/_local/console/");
    // Elsewhere the path is the function's.
    assert_eq!(
        at("/_local/console/", "f.localhost").text(),
        exchange(local.function_port("f"), &request("GET", "/_local/console/", "", b"")).text()
    );
    at("/_local/console/", "evil.example").assert_status(404);
    let index = exchange(
        port,
        b"GET / HTTP/1.1\r\nhost: localhost\r\naccept: text/html\r\nconnection: close\r\n\r\n",
    );
    assert!(index.text().contains(&path), "{}", index.text());
}

#[test]
fn the_command_line_tells_its_address() {
    let local = Local::scripted(f());
    let run = |arguments: &[&str]| {
        Launch::new(program())
            .args(["--template".into(), local.folder.file("s.yaml")])
            .args(["console"])
            .args(arguments.iter().copied())
            .run()
    };
    let url = local.wait_for(kind("console_ready"))["url"].as_str().unwrap().to_owned();
    let ended = run(&[]);
    assert_eq!((ended.code, ended.out.trim()), (Some(0), &*url), "{}", ended.err);
    let told: serde_json::Value = serde_json::from_str(&run(&["--json"]).out).unwrap();
    assert_eq!(told["url"], url);
    assert!(told["pathUrl"].as_str().unwrap().ends_with("/_local/console/"));
    let port = local.function_port("f").to_string();
    let ended = run(&["--port", &port]);
    assert!(ended.code == Some(1) && ended.err.contains("is not fc-local's main port"), "{}", ended.err);
}

#[test]
fn forms_of_other_pages_do_nothing() {
    let local = Local::scripted(f());
    let (token, own) = (token(&local), host(&local));
    let fields = |token: &str| {
        vec![
            ("token".to_owned(), token.to_owned()),
            ("function".to_owned(), "f".to_owned()),
            ("event".to_owned(), "{}".to_owned()),
        ]
    };
    let send = |headers: &str, token: &str| {
        let fields = fields(token);
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        form(&local, "/send", headers, &fields)
    };
    let before = local.count(kind("request"));
    for headers in [
        "origin: https://evil.example\r\n",
        "origin: null\r\n",
        "origin: http://f.localhost\r\n",
        "sec-fetch-site: cross-site\r\n",
        "sec-fetch-site: same-site\r\n",
    ] {
        send(headers, &token).assert_status(403);
    }
    for wrong in ["", "x", &token[1..]] {
        send("", wrong).assert_status(403);
    }
    let reply = send(&format!("origin: http://{own}\r\nsec-fetch-site: same-origin\r\n"), &token);
    assert!(reply.status == 200 && reply.text().contains("succeeded"), "{}", reply.text());
    // Only the last one has reached the function, and the console's own requests leave no record.
    local.wait_for(kind("request"));
    assert_eq!(local.count(kind("request")), before + 1);
    for (method, target) in [("PUT", "/"), ("DELETE", "/requests"), ("PATCH", "/send"), ("OPTIONS", "/")] {
        ask(&local, method, target, "", b"").assert_status(405);
    }
    let large = [("token".to_owned(), "x".repeat(2 << 20))];
    let large: Vec<(&str, &str)> =
        large.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    form(&local, "/send", "", &large).assert_status(413);
    form(&local, "/no-such-form", "", &[("token", &token)]).assert_status(404);
}

#[test]
fn a_request_is_shown_with_everything_but_its_secrets() {
    let quoted = "7f3a<&>\"quoted\"";
    let local = Local::scripted(f().var("API_TOKEN", SECRET).var("OTHER_TOKEN", quoted));
    let headers = format!(
        "content-type: application/json\r\nauthorization: Bearer {SECRET}\r\ncookie: sid={SECRET}\r\nx-own: <b>bold</b>\r\n"
    );
    let body = format!("{{\"name\":\"<script>alert(1)</script>\",\"password\":\"{SECRET}\"}}");
    let reply =
        local.call("POST", &format!("/length?access_token={SECRET}&q=%3Ci%3E"), &headers, body.as_bytes());
    let id = reply.header("x-fc-request-id").unwrap().to_owned();
    local.get(&format!("/say?x={SECRET}"));
    let echoed = local.call("POST", "/invoke", "", quoted.as_bytes());
    let echo = page(&local, &format!("/requests/{}", echoed.header("x-fc-request-id").unwrap())).text();
    assert!(echo.contains("******") && !echo.contains("&quot;quoted"), "{echo}");
    let shown = page(&local, &format!("/requests/{id}")).text();
    for part in [
        "POST",
        "/length?access_token=******",
        "&lt;b&gt;bold&lt;/b&gt;",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "Where the time went",
        "cold start",
        "curl ",
        "Send it once more",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    for target in
        PAGES.into_iter().map(str::to_owned).chain([format!("/requests/{id}"), format!("/logs?request={id}")])
    {
        assert!(!page(&local, &target).text().contains(SECRET), "{target} shows a secret");
    }
    // Filters, and what cannot be read.
    let list = |query: &str| page(&local, &format!("/requests?{query}")).text();
    assert!(list("status=2xx&method=POST&path=length").contains(&id) && !list("status=5xx").contains(&id));
    assert!(list("status=abc").contains("is no status"));
    let detail = page(&local, &format!("/requests/{id}/json")).json();
    assert_eq!(detail["status"], 200);
    let archive = page(&local, "/har?method=POST&path=length");
    archive.assert_header("content-disposition", "attachment; filename=\"requests.har\"");
    assert_eq!(archive.json()["log"]["entries"].as_array().unwrap().len(), 1);
    assert!(!archive.text().contains(SECRET) && !detail.to_string().contains(SECRET));
    page(&local, "/requests/1-none").assert_status(404);
    assert!(page(&local, "/configuration").text().contains("s.yaml"));
}

#[test]
fn tasks_are_stopped_and_carried_out_once_more() {
    let local = Local::scripted(f().timeout(60).prop("asyncInvokeConfig", json!({"asyncTask": true})));
    let token = token(&local);
    let accepted = local.call("POST", "/sleep?ms=30000", "x-fc-invocation-type: Async\r\n", b"");
    accepted.assert_status(202);
    let id = accepted.header("x-fc-async-task-id").expect("an asynchronous call is a task").to_owned();
    let path =
        format!("/tasks/f/{}", id.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat());
    eventually("the task runs", || page(&local, &path).text().contains("Running"));
    assert!(page(&local, "/tasks").text().contains("Running"));
    form(&local, &format!("{path}/stop"), "", &[("token", &token)]).assert_status(303);
    eventually("the task is stopped", || page(&local, &path).text().contains("Stopped"));
    let again = form(&local, &format!("{path}/retry"), "", &[("token", &token)]);
    let new = again.assert_status(303).header("location").unwrap().to_owned();
    assert_ne!(new, path);
    page(&local, &new).assert_status(200);
    form(&local, "/tasks/f/none/stop", "", &[("token", &token)]).assert_status(409);
    form(&local, &format!("{new}/stop"), "", &[("token", &token)]).assert_status(303);
}

#[test]
fn routes_explain_a_request() {
    let domain = json!({"domainName": "api.example.com", "protocol": "HTTP", "route": {"path": "/api/*"}});
    let local = Local::scripted(f().prop("customDomain", domain));
    for (url, parts) in [
        (
            "http%3A%2F%2Fapi.example.com%2Fapi%2F7",
            &["Custom domain api.example.com", "Route /api/*", "Function f, LATEST"][..],
        ),
        ("http%3A%2F%2Fapi.example.com%2Fx", &["404", "no route of api.example.com is for /x"]),
        ("http%3A%2F%2Ff.localhost%2Fx", &["Built-in domain of f"]),
        ("nonsense", &["is no address"]),
    ] {
        let text = page(&local, &format!("/routes?url={url}")).text();
        assert!(parts.iter().all(|part| text.contains(part)), "{url}: {text}");
    }
}

/// One message of a stream: its id and its data.
fn message(conn: &mut Conn, left: &mut String) -> (String, String) {
    loop {
        if let Some((message, rest)) = left.clone().split_once("\n\n") {
            rest.clone_into(left);
            let field = |name: &str| {
                message.lines().filter_map(|line| line.strip_prefix(name)).collect::<Vec<_>>().join("\n")
            };
            if message.starts_with("id: ") {
                return (field("id: "), field("data: "));
            }
            continue;
        }
        let chunk = conn.chunk().expect("the stream goes on");
        *left += &String::from_utf8(chunk).unwrap();
    }
}

fn stream(local: &Local, target: &str, headers: &str) -> Conn {
    let mut conn = Conn::open(local.main_port());
    conn.send(
        format!(
            "GET {target} HTTP/1.1\r\nhost: {}\r\naccept: text/event-stream\r\n{headers}\r\n",
            host(local)
        )
        .as_bytes(),
    );
    let head = conn.answer_head();
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")));
    conn
}

#[test]
fn a_stream_goes_on_where_it_was_and_says_what_is_gone() {
    let local = Local::scripted(f());
    local.get("/name");
    let (mut conn, mut left) = (stream(&local, "/live/logs?q=needle", ""), String::new());
    let (first, data) = message(&mut conn, &mut left);
    assert!(data.contains("hx-target=\"#r-logs\"") && !data.contains("a-needle"), "{data}");
    local.get("/say?a-needle");
    let (second, data) = message(&mut conn, &mut left);
    assert!(data.contains("a-needle") && second != first, "{data}");
    drop(conn);
    // What comes meanwhile pushes the first events out of the ring.
    local.get("/flood?lines=6000&bytes=10");
    eventually("the lines have come", || page(&local, "/logs?q=needle").text().contains("No line fits"));
    let (mut conn, mut left) =
        (stream(&local, "/live/logs?q=needle", &format!("last-event-id: {second}\r\n")), String::new());
    let (third, data) = message(&mut conn, &mut left);
    assert!(data.contains("came while this page was not connected and are no longer kept"), "{data}");
    // Nothing is lost for who has all.
    let (mut conn, mut left) =
        (stream(&local, "/live/logs?q=needle", &format!("last-event-id: {third}\r\n")), String::new());
    assert!(!message(&mut conn, &mut left).1.contains("no longer kept"));
    page(&local, "/live/nothing").assert_status(404);
    // An id of something else begins anew.
    stream(&local, "/live/requests", "last-event-id: nonsense\r\n");
}

#[test]
fn what_a_page_does_not_show_is_counted() {
    const CALLS: usize = 1000;
    let local = Local::scripted(f());
    local.get("/name");
    let (mut conn, mut left) = (stream(&local, "/live/requests", ""), String::new());
    let mut shown = std::collections::BTreeSet::new();
    let mut take = |data: &str| {
        for part in data.split("<tr id=\"q-").skip(1) {
            shown.insert(part.split_once('"').unwrap().0.parse::<usize>().unwrap());
        }
        let passed = data.split_once("id=\"missed\"").map_or(data, |(_, rest)| rest);
        let unseen = passed
            .split(" passed between two looks")
            .next()
            .and_then(|text| text.rsplit('>').next()?.trim().parse::<usize>().ok());
        (shown.len(), if data.contains("passed between two looks") { unseen.unwrap_or(0) } else { 0 })
    };
    take(&message(&mut conn, &mut left).1);
    let caller = std::thread::spawn({
        let port = local.function_port("f");
        move || {
            let mut client = Conn::open(port);
            for _ in 0..CALLS {
                client.send(b"GET /name HTTP/1.1\r\nhost: x\r\n\r\n");
                client.answer("GET");
            }
        }
    });
    caller.join().unwrap();
    // Each request was shown, or is counted among those that were not.
    let mut last = (0, 0);
    for _ in 0..60 {
        let data = message(&mut conn, &mut left).1;
        assert!(data.len() < 100_000, "a message is bounded: {}", data.len());
        last = take(&data);
        if last.0 + last.1 == CALLS + 1 {
            return;
        }
    }
    panic!("{last:?} of {CALLS}");
}

#[test]
fn a_stop_does_not_wait_for_open_pages() {
    let mut local = Local::scripted(f());
    local.get("/name");
    let mut streams: Vec<Conn> = PAGES[..5]
        .iter()
        .map(|page| {
            let name = if *page == "/" { "/overview" } else { page };
            stream(&local, &format!("/live{name}"), "")
        })
        .collect();
    assert_eq!(local.interrupt(), Some(0));
    for conn in &mut streams {
        while conn.chunk().is_some() {}
    }
    assert_eq!(local.count(kind("calls_remain")), 0);
}

#[test]
fn without_records_the_page_says_so() {
    let folder = scripted();
    write_manifest(&folder, f());
    let local = Local::start(folder, &["--no-record"]);
    local.get("/name");
    assert!(page(&local, "/requests").text().contains("Requests are not recorded"));
}

/// An account has secrets that no manifest knows, and takes nothing that is not signed.
#[test]
fn an_account_is_shown_without_secrets_and_not_changed() {
    let serve = Serve::start(Folder::new());
    serve.done(
        "POST",
        "/functions",
        &json!({
            "functionName": "f", "runtime": "custom.debian12", "handler": "h", "timeout": 20,
            "customRuntimeConfig": { "command": [SCRIPTED], "port": 9000 },
            "environmentVariables": { "DB_PASSWORD": SECRET }, "code": { "zipFile": package("f") },
        }),
    );
    serve.done("POST", "/functions/f/invocations", &json!(format!("a {SECRET} b")));
    let ask = |method: &str, target: &str, headers: &str| {
        let head = format!(
            "{method} /_local/console{target} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\n{headers}\r\n",
            serve.port
        );
        exchange(serve.port, head.as_bytes())
    };
    for target in PAGES {
        let shown = ask("GET", target, "");
        assert_eq!(shown.status, 200, "{target}");
        assert!(!shown.text().contains(SECRET), "{target}");
    }
    let list = ask("GET", "/requests", "").text();
    let links = list.split("/_local/console/requests/").skip(1).filter_map(|rest| rest.split_once('"'));
    let bodies = links.map(|(id, _)| ask("GET", &format!("/requests/{id}"), "").text());
    let bodies: Vec<String> = bodies.collect();
    assert!(bodies.iter().any(|text| text.contains("a ****** b")), "{bodies:?}");
    assert!(!bodies.iter().any(|text| text.contains(SECRET)));
    let refused = ask("POST", "/send", "content-length: 0\r\n");
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("calls are signed here"), "{}", refused.text());
}
