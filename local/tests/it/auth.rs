//! Who may call a function: what callers see of it, and what the function gets.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use testkit::events::{kind, printed};
use testkit::h1::{Conn, exchange};
use testkit::manifest::{Function, Manifest};
use testkit::{Folder, Launch};

use crate::harness::{Local, f, program, scripted, write_manifest};
use crate::signer::{Key, Wire, hs256, iso8601, key, rfc1123, sha256, unix};

const SECRET: &[u8] = b"a secret of a test, with 32 bytes";

fn signed() -> Function {
    f().trigger(&json!({"authType": "function", "methods": ["GET", "POST"]})).timeout(60)
}

fn jwt(jwks: &Value, more: &[(&str, Value)]) -> Function {
    let mut config = json!({"jwks": jwks, "tokenLookup": "header:Authorization:Bearer "});
    for (name, value) in more {
        config[*name] = value.clone();
    }
    f().trigger(&json!({"authType": "jwt", "methods": ["GET", "POST"], "authConfig": config}))
}

fn shared(kid: &str) -> Value {
    json!({"kty": "oct", "alg": "HS256", "kid": kid, "k": URL_SAFE_NO_PAD.encode(SECRET)})
}

fn bearer(kid: &str, claims: &Value) -> String {
    format!("Bearer {}", hs256(&json!({"alg": "HS256", "kid": kid}), claims, SECRET))
}

#[test]
fn a_trigger_says_what_is_wrong_with_a_signature() {
    let local = Local::scripted(signed());
    let own = key(&local.folder, &[]);
    let port = local.function_port("f");
    let check = |wire: Wire, status, code, message: &str| {
        let reply = exchange(port, &wire.bytes());
        reply.assert_platform_error(status, "FcCommonError", code, message);
        // A page of another site can read why.
        assert_eq!(reply.header("access-control-allow-origin"), Some("https://page.example"), "{reply:?}");
    };
    let plain = || Wire::new("GET", "/name").with("origin", "https://page.example");
    check(plain(), 400, "MissingRequiredHeader", "required HTTP header Date was not specified");
    let dated = |seconds| plain().with("x-acs-date", &iso8601(seconds));
    check(dated(0), 400, "MissingRequiredHeader", "required HTTP header Authorization was not specified");
    let sign = |wire: Wire, key: &Key| wire.acs3(key, &["host", "x-acs-date"]);
    let stranger = Key { id: "nobody".to_owned(), ..own.clone() };
    check(sign(dated(0), &stranger), 403, "InvalidAccessKeyID", "invalid access key ID 'nobody'");
    let wrong = Key { secret: "wrong".to_owned(), ..own.clone() };
    let text = "The request signature we calculated does not match the signature you provided. Check your access key and signing method";
    check(sign(dated(0), &wrong), 403, "SignatureNotMatch", text);
    let stale =
        format!("the difference between the request time '{}' and the current time '", rfc1123(-3600));
    check(sign(dated(-3600), &own), 403, "AccessDenied", &stale[..60]);
    exchange(port, &sign(dated(0), &own).bytes()).assert_ok();

    // What needs no caller comes before: methods, and the questions of browsers.
    let put = exchange(port, &plain().by("PUT").bytes());
    put.assert_platform_error(403, "FcCommonError", "AccessDenied", "does not allow method PUT");
    let preflight = plain().by("OPTIONS").with("access-control-request-method", "GET");
    assert_eq!(exchange(port, &preflight.bytes()).status, 200);
}

#[test]
fn a_signed_body_reaches_the_function_whole() {
    let local = Local::scripted(signed());
    let own = key(&local.folder, &[]);
    let body = vec![b'x'; 300_000];
    let wire = Wire::new("POST", "/length")
        .with("x-acs-date", &iso8601(0))
        .with("x-acs-content-sha256", &sha256(&body));
    let wire = wire.acs3(&own, &["host", "x-acs-content-sha256", "x-acs-date"]).body(&body);
    assert_eq!(exchange(local.function_port("f"), &wire.bytes()).text(), "300000");
    // In pieces too.
    let mut bytes = wire.body(b"").with("transfer-encoding", "chunked").bytes();
    for piece in body.chunks(100_000) {
        bytes.extend(format!("{:x}\r\n", piece.len()).into_bytes());
        bytes.extend([piece, b"\r\n"].concat());
    }
    bytes.extend(b"0\r\n\r\n");
    assert_eq!(exchange(local.function_port("f"), &bytes).text(), "300000");
}

#[test]
fn a_websocket_needs_a_signature_too() {
    let local = Local::scripted(signed());
    let own = key(&local.folder, &[]);
    let handshake = || {
        let wire = Wire::new("GET", "/ws").with("connection", "Upgrade").with("upgrade", "websocket");
        wire.with("sec-websocket-version", "13").with("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
    };
    let open = |wire: Wire| {
        let mut conn = Conn::open(local.function_port("f"));
        conn.send(&wire.bytes());
        conn.answer_head().status
    };
    assert_eq!(open(handshake()), 400);
    assert_eq!(open(handshake().with("x-acs-date", &iso8601(0)).acs3(&own, &["host", "x-acs-date"])), 101);
}

#[test]
fn claims_reach_the_function_in_place_of_what_the_client_sends() {
    let claims = "header:name:x-name,header:missing:x-missing,cookie:uid:uid,query:role:role,form:name:name";
    let open = json!(["/public/*"]);
    let local = Local::scripted(jwt(
        &json!({"keys": [shared("k")]}),
        &[("claimPassBy", claims.into()), ("whitelist", open)],
    ));
    let port = local.function_port("f");
    let token = bearer("k", &json!({"name": "Ann", "uid": 7, "role": "a&b", "exp": unix(60)}));
    let wire = Wire::new("GET", "/seen?role=root&x=1&r%6fle=root")
        .with("authorization", &token)
        .with("connection", "x-name")
        .with("x-name", "root")
        .with("X_Name", "root")
        .with("x-missing", "root")
        .with("cookie", "uid=0; a=b");
    let seen = exchange(port, &wire.bytes()).text();
    let lower = seen.to_lowercase();
    for part in ["get /seen?x=1&role=a%26b http/1.1\r\n", "\r\nx-name: ann\r\n", "\r\ncookie: a=b; uid=7\r\n"]
    {
        assert!(lower.contains(part), "{part:?} in {seen}");
    }
    assert!(!lower.contains("root") && !lower.contains("x-missing") && !lower.contains("x_name"), "{seen}");

    let form =
        Wire::new("POST", "/seen").with("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    let form = form.with("authorization", &token).body(b"name=root&a=1&n%61me=root");
    let seen = exchange(port, &form.bytes()).text();
    assert!(seen.ends_with("\r\n\r\na=1&name=Ann") && seen.contains("content-length: 12"), "{seen}");

    // Where no token is needed, nobody vouches for the client's own parameters.
    let open =
        Wire::new("GET", "/public/seen?role=root").with("x-name", "root").with("authorization", "Bearer bad");
    let reply = exchange(port, &open.bytes());
    assert_eq!(reply.header("x-fc-error-type"), None, "{reply:?}");
}

/// A server that gives out a key set, or fails, and counts how often it was asked.
struct KeyServer {
    url: String,
    /// Status line and body.
    reply: Arc<Mutex<(String, String)>>,
    asked: Arc<AtomicUsize>,
}

impl KeyServer {
    fn start(keys: &Value) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}/keys.json?a=b", listener.local_addr().unwrap());
        let reply = Arc::new(Mutex::new(("200 OK".to_owned(), keys.to_string())));
        let asked = Arc::new(AtomicUsize::new(0));
        let (own, count) = (Arc::clone(&reply), Arc::clone(&asked));
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut head = [0; 4096];
                let length = stream.read(&mut head).unwrap_or(0);
                assert!(head[..length].starts_with(b"GET /keys.json?a=b HTTP/1.1\r\n"));
                count.fetch_add(1, Ordering::Relaxed);
                let (status, body) = own.lock().unwrap().clone();
                let text = format!(
                    "HTTP/1.1 {status}\r\nlocation: /\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                drop(stream.write_all(text.as_bytes()));
            }
        });
        KeyServer { url, reply, asked }
    }

    fn set(&self, status: &str, body: &str) {
        *self.reply.lock().unwrap() = (status.to_owned(), body.to_owned());
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

#[test]
fn a_key_set_is_fetched_once_and_used_on_through_an_outage() {
    let server = KeyServer::start(&json!({"keys": [shared("k"), {"kty": "unknown"}]}));
    let local = Local::scripted(jwt(&json!({"url": server.url}), &[]));
    let port = local.function_port("f");
    let ask = |kid: &str| {
        let token = bearer(kid, &json!({}));
        exchange(port, &Wire::new("GET", "/name").with("authorization", &token).bytes())
    };
    for _ in 0..5 {
        ask("k").assert_ok();
    }
    assert_eq!(server.asked(), 1);
    server.set("500 Internal Server Error", "");
    ask("k").assert_ok();
    // A token with an unknown key asks for a newer set, and not again at once.
    for _ in 0..5 {
        ask("other").assert_platform_error(403, "FcCommonError", "AccessDenied", "not in the key set");
    }
    assert!(server.asked() <= 2, "asked {} times", server.asked());
    ask("k").assert_ok();
}

#[test]
fn a_key_set_that_cannot_be_had_opens_nothing() {
    for (status, body, text) in [
        ("500 Internal Server Error", String::new(), "status 500"),
        ("302 Found", json!({"keys": [shared("k")]}).to_string(), "status 302"),
        ("200 OK", "no JSON".to_owned(), "no JSON"),
        ("200 OK", json!({"keys": [{"kty": "unknown"}]}).to_string(), "no key"),
        ("200 OK", json!({"keys": [shared(""), shared("")]}).to_string(), "without a `kid`"),
        ("200 OK", format!("{{\"keys\": [\"{}\"]}}", "x".repeat(300_000)), "length limit"),
    ] {
        let server = KeyServer::start(&json!({}));
        server.set(status, &body);
        let local = Local::scripted(jwt(&json!({"url": server.url}), &[]));
        let token = bearer("k", &json!({}));
        let reply = exchange(
            local.function_port("f"),
            &Wire::new("GET", "/name").with("authorization", &token).bytes(),
        );
        reply.assert_platform_error(503, "FcCommonError", "ServiceUnavailable", text);
    }
}

#[test]
fn a_key_set_is_fetched_over_https_from_whom_the_system_trusts() {
    let keys = json!({"keys": [shared("k")]}).to_string();
    let folder = scripted();
    write_manifest(&folder, f().var("SCRIPT_NAME", &keys));
    let server = Local::start(folder, &[]);
    let certificate = server.wait_for(kind("tls_ready"))["certificate"].as_str().unwrap().to_owned();
    let url = format!("https://127.0.0.1:{}/name", server.function_port("f"));
    let ask = |trusted: &str| {
        let folder = scripted();
        write_manifest(&folder, jwt(&json!({"url": url}), &[]));
        let local = Local::spawn_with(folder, ("SSL_CERT_FILE", trusted));
        let token = bearer("k", &json!({}));
        exchange(local.function_port("f"), &Wire::new("GET", "/name").with("authorization", &token).bytes())
    };
    ask(&certificate).assert_ok();
    ask("/dev/null").assert_platform_error(503, "FcCommonError", "ServiceUnavailable", "certificate");
}

#[test]
fn the_api_refuses_a_wrong_signature_and_an_absent_one_if_asked_to() {
    let call = |key: Option<&Key>| {
        let wire = Wire::new("POST", "/2023-03-30/functions/f/invocations").with("x-acs-date", &iso8601(0));
        let wire = wire.with("x-acs-content-sha256", &sha256(b"hello")).body(b"hello");
        key.map_or(wire.clone(), |key| wire.acs3(key, &["host", "x-acs-content-sha256", "x-acs-date"]))
    };
    let local = Local::scripted(f());
    let own = key(&local.folder, &[]);
    let wrong = Key { secret: "wrong".to_owned(), ..own.clone() };
    let port = local.main_port();
    assert_eq!(exchange(port, &call(None).bytes()).text(), "HELLO");
    assert_eq!(exchange(port, &call(Some(&own)).bytes()).text(), "HELLO");
    let refused = |wire: Wire, status, code, part: &str| {
        exchange(port, &wire.bytes()).assert_platform_error(status, "FcCommonError", code, part);
    };
    refused(call(Some(&wrong)), 403, "SignatureNotMatch", "does not match");
    refused(call(Some(&own)).body(b"other"), 403, "SignatureNotMatch", "does not match");
    let loose = call(None).acs3(&own, &["host", "x-acs-date"]);
    refused(loose, 400, "MissingRequiredHeader", "x-acs-content-sha256");
    let loose = call(None).acs3(&own, &["x-acs-content-sha256", "x-acs-date"]);
    refused(loose, 400, "MissingRequiredHeader", "host");

    let folder = scripted();
    write_manifest(&folder, f());
    let local = Local::start(folder, &["--require-signature"]);
    let own = key(&local.folder, &[]);
    let port = local.main_port();
    let reply = exchange(port, &call(None).bytes());
    reply.assert_platform_error(400, "FcCommonError", "MissingRequiredHeader", "Authorization");
    assert_eq!(exchange(port, &call(Some(&own)).bytes()).text(), "HELLO");
    // The command line signs its call.
    let invoke = Launch::new(program())
        .args(["--template"])
        .args([local.folder.file("s.yaml")])
        .args(["invoke", "f", "-e", "hi"]);
    let ended = invoke.run();
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "HI"), "{}", ended.err);
}

/// What there is, is for callers of the API alone.
#[test]
fn a_caller_is_judged_before_an_unknown_function_is_told() {
    let folder = scripted();
    write_manifest(&folder, f());
    let local = Local::start(folder, &["--require-signature"]);
    let own = key(&local.folder, &[]);
    for (method, path, status, code) in [
        ("POST", "/2023-03-30/functions/none/invocations", 404, "FunctionNotFound"),
        ("POST", "/2023-03-30/functions/f/invocations?qualifier=9", 404, "VersionNotFound"),
        ("GET", "/2023-03-30/functions/none/aliases", 404, "FunctionNotFound"),
        ("GET", "/2023-03-30/none", 400, "InvalidArgument"),
        ("GET", "/2023-03-30/layers/none/versions/1", 404, "LayerNotFound"),
    ] {
        let wire = Wire::new(method, path).with("x-acs-date", &iso8601(0));
        let wire = wire.with("x-acs-content-sha256", &sha256(b""));
        let ask = |wire: &Wire| exchange(local.main_port(), &wire.bytes());
        let unsigned = ask(&wire);
        unsigned.assert_platform_error(400, "FcCommonError", "MissingRequiredHeader", "Authorization");
        let signed = wire.acs3(&own, &["host", "x-acs-content-sha256", "x-acs-date"]);
        ask(&signed).assert_platform_error(status, "FcCommonError", code, "");
    }
}

/// A program that stands for curl shows its arguments, and what its configuration says.
#[test]
fn the_arguments_of_curl_show_no_signature() {
    let folder = Folder::new();
    write_manifest(&folder, f());
    let script = "#!/bin/sh\nprintf '<%s>\\n' \"$@\"\nwhile [ $# -gt 0 ]; do [ \"$1\" = --config ] && cat \"$2\"; shift; done\ncat\n";
    let curl = folder.write("bin/curl", script);
    std::fs::set_permissions(&curl, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.file("bin").display(), std::env::var("PATH").unwrap());
    let arguments = ["curl", "http://f.localhost:1/a?b=c", "-H", "x-a: \"b\\c\"", "-d", "the data"];
    let ended = run(&folder, &[("PATH", &path)], &arguments);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let (arguments, rest): (Vec<&str>, Vec<&str>) = ended.out.lines().partition(|line| line.starts_with('<'));
    assert!(
        !arguments.iter().any(|argument| argument.to_ascii_lowercase().contains("authorization")),
        "{arguments:?}"
    );
    assert!(arguments.contains(&"<--data-binary>") && arguments.contains(&"<@->"), "{arguments:?}");
    assert!(
        rest.iter().any(|line| line.starts_with("header = \"authorization: ACS3-HMAC-SHA256 ")),
        "{rest:?}"
    );
    for line in ["header = \"x-a: \\\"b\\\\c\\\"\"", "url = \"http://f.localhost:1/a?b=c\"", "the data"] {
        assert!(rest.contains(&line), "{line} in {rest:?}");
    }
    for (url, is_of_this_machine) in [
        ("http://LOCALHOST:1/", true),
        ("http://F.Localhost:1/", true),
        ("http://127.0.0.1:1/", true),
        ("http://[::1]:1/", true),
        ("https://shop.example/", false),
    ] {
        let ended = run(&folder, &[("PATH", &path)], &["curl", url]);
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        assert_eq!(ended.out.contains("<--noproxy>\n<*>\n"), is_of_this_machine, "{url}: {}", ended.out);
    }
}

/// Whatever a function prints of its callers.
#[test]
fn secrets_of_callers_are_masked_in_the_output() {
    const TOKEN: &str = "0123456789abcdef0123456789abcdef";
    let local = Local::scripted(f().trigger(&json!({
        "authType": "bearer", "methods": ["GET"], "authConfig": {"tokens": [{"tokenName": "t", "tokenData": TOKEN}]},
    })));
    let reply =
        local.call("GET", &format!("/say?{TOKEN}-b"), &format!("authorization: Bearer {TOKEN}\r\n"), b"");
    reply.assert_ok();
    local.wait_for(printed("said ******-b"));
    let (name, password) = ("first.user-1", "Hunter2hunter2!");
    let local = Local::scripted(f().trigger(&json!({
        "authType": "basic", "methods": ["GET"], "authConfig": {"users": [{"username": name, "password": password}]},
    })));
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}"));
    let reply = local.call(
        "GET",
        &format!("/say?{pair}&{password}"),
        &format!("authorization: Basic {pair}\r\n"),
        b"",
    );
    reply.assert_ok();
    local.wait_for(printed("said ******&******"));
}

fn run(folder: &Folder, variables: &[(&str, &str)], arguments: &[&str]) -> testkit::program::Ended {
    let launch = Launch::new(program()).args(["--template"]).args([folder.file("s.yaml")]).args(arguments);
    variables.iter().fold(launch, |launch, (name, value)| launch.var(name, value)).run()
}

#[test]
fn a_project_has_one_key_that_nobody_else_can_read() {
    let folder = Folder::new();
    write_manifest(&folder, f());
    // Of several that ask first, all see the same key.
    let shown: Vec<String> = std::thread::scope(|scope| {
        let ask = || scope.spawn(|| run(&folder, &[], &["keys", "--json"]).out);
        let asked: Vec<_> = (0..8).map(|_| ask()).collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    assert!(shown.windows(2).all(|pair| pair[0] == pair[1]) && shown[0].contains("FCLOCAL"), "{shown:?}");
    let mode = |name: &str| std::fs::metadata(folder.file(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(".fc-local"), mode(".fc-local/keys.json")), (0o700, 0o600));
    assert_eq!(std::fs::read_to_string(folder.file(".fc-local/.gitignore")).unwrap(), "*\n");
    let files = std::fs::read_dir(folder.file(".fc-local")).unwrap().count();
    assert_eq!(files, 2, "nothing is left over");

    let given = [("FC_LOCAL_ACCESS_KEY_ID", "given"), ("FC_LOCAL_ACCESS_KEY_SECRET", "hunter2")];
    let ended = run(&folder, &given, &["keys"]);
    assert!(ended.out.contains("given") && ended.out.contains("hunter2"), "{}", ended.out);
    let ended = run(&folder, &given[..1], &["keys"]);
    assert!(ended.code == Some(1) && ended.err.contains("belong together"), "{}", ended.err);

    std::fs::set_permissions(folder.file(".fc-local/keys.json"), PermissionsExt::from_mode(0o644)).unwrap();
    let ended = run(&folder, &[], &["keys"]);
    assert!(ended.code == Some(1) && ended.err.contains("chmod 600"), "{}", ended.err);
    std::fs::set_permissions(folder.file(".fc-local/keys.json"), PermissionsExt::from_mode(0o600)).unwrap();
    folder.write(".fc-local/keys.json", "{\"accessKeySecret\": \"hunter2\"}");
    let ended = run(&folder, &[], &["keys"]);
    assert!(
        ended.code == Some(1) && ended.err.contains("remove it") && !ended.err.contains("hunter2"),
        "{}",
        ended.err
    );
}

#[test]
fn a_request_is_signed_for_other_clients() {
    let local = Local::scripted(signed());
    let port = local.function_port("f");
    let url = format!("http://127.0.0.1:{port}/seen?x=a+b&y=%2B");
    let ended = run(&local.folder, &[], &["curl", "--presign", &url]);
    let target = ended.out.trim().strip_prefix(&format!("http://127.0.0.1:{port}")).unwrap().to_owned();
    exchange(port, &Wire::new("GET", &target).bytes()).assert_ok();
    for more in [&[][..], &["--temporary"]] {
        let arguments = [&["curl", "--print", "-d", "a=b", "-H", "x-own: 1", &url], more].concat();
        let ended = run(&local.folder, &[], &arguments);
        let mut wire =
            Wire::new("POST", "/seen?x=a+b&y=%2B").set("host", &format!("127.0.0.1:{port}")).body(b"a=b");
        for line in ended.out.lines() {
            let (name, value) = line.split_once(": ").unwrap();
            wire = wire.set(name, value);
        }
        let reply = exchange(port, &wire.bytes());
        assert!(reply.status == 200 && reply.text().contains("x-own: 1"), "{reply:?} for {}", ended.err);
    }
    let ended = run(&local.folder, &[], &["curl", "/no/host"]);
    assert!(ended.code == Some(1) && ended.err.contains("host"), "{}", ended.err);
    let ended = run(&local.folder, &[("PATH", "/nowhere")], &["curl", &url]);
    assert!(ended.code == Some(1) && ended.err.contains("`curl` is not installed"), "{}", ended.err);
}

#[test]
fn the_host_that_is_signed_is_sent() {
    let domain = json!({
        "domainName": "api.example.com", "protocol": "HTTP", "route": {"path": "/*"}, "authConfig": {"authType": "function"},
    });
    let local = Local::scripted(signed().prop("customDomain", domain));
    let url = format!("http://127.0.0.1:{}/seen", local.main_port());
    for host in ["api.example.com".to_owned(), format!("f.localhost:{}", local.main_port())] {
        let ended =
            run(&local.folder, &[], &["curl", "-H", &format!("Host: {host}"), "-H", "x-own: 1", &url]);
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        assert_eq!(ended.out.matches("x-own: 1").count(), 1, "{host}: {}", ended.out);
    }
    for via in ["custom_domain", "http_trigger"] {
        local.wait_for(kind("request").field("via", via).status(200));
    }
}

#[test]
fn a_domain_has_callers_of_its_own() {
    let token = "0123456789abcdef0123456789ABCDEF";
    let info = json!({"tokens": [{"tokenName": "t", "tokenData": token}]}).to_string();
    let domain = json!({
        "domainName": "api.example.com", "protocol": "HTTP", "route": {"path": "/*"},
        "authConfig": {"authType": "bearer", "authInfo": info},
    });
    let local = Local::scripted(Manifest::of([f().prop("customDomain", domain), Function::new("g")]));
    let ask = |authorization: &str| {
        let wire =
            Wire::new("GET", "/name").set("host", "api.example.com").with("authorization", authorization);
        exchange(local.main_port(), &wire.bytes())
    };
    ask(&format!("Bearer {token}")).assert_ok();
    ask("Bearer x").assert_platform_error(
        403,
        "FcCommonError",
        "AccessDenied",
        "the bearer token is not valid",
    );
    // The function's trigger is open all the same.
    local.get("/name").assert_ok();
}

#[test]
fn a_list_of_paths_holds_at_every_address_of_a_function() {
    let keys = json!({"keys": [shared("k")]});
    let token = bearer("k", &json!({}));
    let check = |port: u16, host: &str, target: &str, is_open: bool| {
        let ask = |wire: Wire| exchange(port, &wire.set("host", host).bytes()).status;
        assert_eq!(ask(Wire::new("GET", target).with("authorization", &token)), 200, "{target}");
        assert_eq!(ask(Wire::new("GET", target)), if is_open { 200 } else { 403 }, "{target}");
    };
    // The address of edition 2.0 has the service and the function before the path.
    let folder = scripted();
    write_manifest(
        &folder,
        Manifest::from(jwt(&keys, &[("blacklist", json!(["/name"]))])).with("name", "shop"),
    );
    let local = Local::start(folder, &["--edition", "fc2"]);
    check(local.main_port(), "127.0.0.1", "/2016-08-15/proxy/shop/f/name", false);
    check(local.main_port(), "127.0.0.1", "/2016-08-15/proxy/shop/f/pid", true);
    check(local.main_port(), "127.0.0.1", "/2016-08-15/proxy/shop/f/x/..%2fname?", false);

    // A rule of a domain makes another path of it.
    let info = json!({"jwks": keys, "tokenLookup": "header:Authorization:Bearer ", "blacklist": ["/name"]});
    let rules = json!({"equalRules": [{"match": "/open", "replacement": "/name"}, {"match": "/too", "replacement": "/pid"}]});
    let domain = json!({
        "domainName": "api.example.com", "protocol": "HTTP", "route": {"path": "/*", "rewriteConfig": rules},
        "authConfig": {"authType": "jwt", "authInfo": info},
    });
    let local = Local::scripted(f().prop("customDomain", domain));
    check(local.main_port(), "api.example.com", "/name", false);
    check(local.main_port(), "api.example.com", "/open", false);
    check(local.main_port(), "api.example.com", "/too", true);
}

#[test]
fn no_secret_of_callers_is_shown() {
    let secrets = ["hunter2hunter2hunter2hunter2hunter2", "Hunter2hunter2!", "aHVudGVyMmh1bnRlcjI"];
    let with = |name: &str, kind: &str, config: Value| {
        Function::new(name).trigger(&json!({"authType": kind, "methods": ["GET"], "authConfig": config}))
    };
    let tokens = json!({"tokens": [{"tokenName": "t", "tokenData": secrets[0]}]});
    let users = json!({"users": [{"username": "first.user-1", "password": secrets[1]}]});
    let keys = json!({"keys": [{"kty": "oct", "alg": "HS256", "k": secrets[2]}]});
    let jwt = json!({"jwks": keys, "tokenLookup": "header:x"});
    let folder = scripted();
    write_manifest(
        &folder,
        Manifest::of([
            with("a", "bearer", tokens.clone()),
            with("b", "basic", users.clone()),
            with("c", "jwt", jwt.clone()),
            with("d", "bearer", tokens.to_string().into()),
            with("e", "basic", users.to_string().into()),
            with("g", "jwt", jwt.to_string().into()),
        ]),
    );
    let shown = run(&folder, &[], &["manifest"]);
    assert_eq!(shown.code, Some(0), "{}", shown.err);
    let listed = run(&folder, &[], &["list", "--json"]);
    for secret in secrets {
        let is_shown =
            [&shown.out, &shown.err, &listed.out, &listed.err].iter().any(|text| text.contains(secret));
        assert!(!is_shown, "{secret}");
    }
    let local = Local::start(folder, &[]);
    let wire = Wire::new("GET", "/name").with("authorization", &format!("Bearer {}", secrets[0]));
    exchange(local.function_port("a"), &wire.bytes()).assert_ok();
    let own = key(&local.folder, &[]);
    let wire = Wire::new("GET", "/name?q=1").presigned(&own, &unix(60).to_string());
    exchange(local.function_port("a"), &wire.bytes());
    let record = local.wait_for_nth(2, kind("request"));
    assert_eq!(record["path"], "/name");
    assert!(!record.to_string().contains("signature"), "{record:?}");
}
