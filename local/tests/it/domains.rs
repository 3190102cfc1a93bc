//! Custom domains: which function a host and a path lead to, and what the function sees of it.

use serde_json::{Value, json};
use testkit::Answer;
use testkit::events::kind;
use testkit::h1::{self, Conn, exchange};
use testkit::manifest::{Function, Manifest};
use testkit::ws::{Client, handshake};

use crate::harness::{Local, f, scripted, write_manifest};

/// Asks the main port by a host.
pub(crate) fn ask(local: &Local, method: &str, host: &str, target: &str, headers: &str) -> Answer {
    let head = format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\n{headers}\r\n");
    let mut conn = Conn::open(local.main_port());
    conn.send(head.as_bytes());
    conn.answer(method)
}

pub(crate) fn get(local: &Local, host: &str, target: &str) -> Answer {
    ask(local, "GET", host, target, "")
}

/// Properties of component fc3-domain.
fn domain(name: &str, routes: &Value) -> Value {
    json!({
        "region": "cn-hangzhou", "domainName": name, "protocol": "HTTP", "routeConfig": {"routes": routes},
    })
}

/// A function that says its name at `/name` and takes events only, as far as triggers go.
pub(crate) fn named(name: &str) -> Function {
    Function::new(name).var("SCRIPT_NAME", name).prop("triggers", json!([])).local("attachment", true)
}

/// The functions `web`, `api` (whose built-in domain is closed) and `shop` with three domains.
pub(crate) fn shops() -> Local {
    let closed = json!({"authType": "anonymous", "methods": ["GET"], "disableURLInternet": true});
    let rewrites = json!({
        "equalRules": [{"match": "/r/equal", "replacement": "/seen?by=equal"}],
        "wildcardRules": [
            {"match": "^/r/*/to/*", "replacement": "/seen?first=$1&second=$2"},
            {"match": "/r/equal", "replacement": "/never"},
        ],
        "regexRules": [{"match": "^/r/([0-9]+)$", "replacement": "/name?id=$1"}],
    });
    let routes = json!([
        {"path": "/name", "functionName": "web"},
        {"path": "/n*", "functionName": "api"},
        {"path": "/seen", "functionName": "api", "methods": ["GET", "POST"]},
        {"path": "/cors", "functionName": "web", "methods": ["GET", "OPTIONS"]},
        {"path": "/reserved", "functionName": "web", "qualifier": "LATEST"},
        {"path": "/ws", "functionName": "web"},
        {"path": "/r/*", "functionName": "web", "rewriteConfig": rewrites},
        {"path": "/away", "functionName": "elsewhere"},
    ]);
    let shop = json!({
        "domainName": "*.shop.example", "protocol": "HTTP,HTTPS",
        "route": {"path": "/*", "rewriteConfig": {"wildcardRules": [{"match": "^/pre/*", "replacement": "/$1"}]}},
    });
    let auto = json!({"domainName": "auto", "protocol": "HTTP", "route": {"path": "/*"}});
    let functions = [
        named("web"),
        named("api").trigger(&closed).prop("customDomain", auto),
        named("shop").timeout(60).prop("customDomain", shop),
    ];
    let folder = scripted();
    write_manifest(
        &folder,
        Manifest::of(functions).resource("names", "fc3-domain", &domain("api.example.com", &routes)),
    );
    let local = Local::start(folder, &[]);
    for name in ["web", "api", "shop"] {
        local.wait_for(kind("ready").function(name));
    }
    local
}

#[test]
fn domains_lead_to_functions() {
    let local = shops();
    let main = local.main_port();
    // Host names: exact, with a port, in capitals, by a wildcard, by the tool's own name for `auto`.
    for (host, function) in [
        ("api.example.com", "web"),
        (&*format!("API.example.com:{main}"), "web"),
        ("a.shop.example", "shop"),
        ("a.b.shop.example", "shop"),
        ("api.fcv3.1234567890123456.cn-hangzhou.fc.devsapp.net", "api"),
    ] {
        assert_eq!(get(&local, host, "/name").text(), function, "{host}");
    }
    // Functions' own hosts stay as they are.
    get(&local, "api.localhost", "/name").assert_platform_error(
        403,
        "FcCommonError",
        "AccessDenied",
        "disable",
    );
    get(&local, "web.localhost", "/name").assert_platform_error(
        404,
        "FcCommonError",
        "TriggerNotFound",
        "'web'",
    );

    // Routes: the exact path, then the longest begin; what no route names is not there.
    let reply = get(&local, "api.example.com", "/seen");
    assert!(reply.text().contains("x-fc-function-name: api\r\n"), "{reply:?}");
    get(&local, "api.example.com", "/name/").assert_ok();
    for path in ["/", "/seen/", "/Name"] {
        let reply = get(&local, "api.example.com", path);
        reply.assert_platform_error(404, "FcCommonError", "PathNotSupported", "/name, /n*, /seen, ");
    }
    let reply = get(&local, "api.example.com", "/away");
    reply.assert_platform_error(404, "FcCommonError", "FunctionNotFound", "'elsewhere'");
    // A page of the API is a path like any other: the host says whose it is.
    let reply = ask(
        &local,
        "POST",
        "a.shop.example",
        "/2023-03-30/functions/web/invocations",
        "content-length: 0\r\n",
    );
    assert_eq!((reply.status, reply.header("x-fc-instance-id")), (200, None), "{reply:?}");
    let reply = get(&local, "other.example", "/name");
    reply.assert_platform_error(404, "FcCommonError", "DomainNameNotFound", "api.example.com");

    // Methods are the route's; a route without them takes all.
    let reply = ask(&local, "PUT", "api.example.com", "/seen", "content-length: 0\r\n");
    reply.assert_platform_error(403, "FcCommonError", "AccessDenied", "does not allow method PUT");
    assert_eq!(ask(&local, "DELETE", "api.example.com", "/name", "").text(), "web");
    ask(&local, "BREW", "api.example.com", "/name", "").assert_platform_error(
        403,
        "FcCommonError",
        "AccessDenied",
        "BREW",
    );

    // The record says by which domain a call came, and the client's path.
    let id = get(&local, "api.example.com", "/r/7").id();
    let record = local.wait_for(kind("request").request(&id));
    for (field, value) in
        [("via", "custom_domain"), ("domain", "api.example.com"), ("path", "/r/7"), ("function", "web")]
    {
        assert_eq!(record[field], value, "{record}");
    }
    let id = get(&local, "api.example.com", "/").id();
    let record = local.wait_for(kind("request").request(&id));
    assert_eq!((&record["domain"], record.get("via")), (&json!("api.example.com"), None), "{record}");
}

#[test]
fn a_domain_passes_requests_and_replies_without_the_built_in_ones_marks() {
    let local = shops();
    let reply = get(&local, "api.example.com", "/reserved");
    // The function's own word for a browser stays.
    assert_eq!(reply.header("content-disposition"), Some("inline"));
    assert_eq!(reply.header("access-control-expose-headers"), Some("Date,x-fc-request-id"));
    assert_eq!(get(&local, "a.shop.example", "/name").header("content-disposition"), None);
    let text = ask(&local, "GET", "a.shop.example:81", "/seen?a=%20b&c", "x-fc-own: 1\r\n").text();
    for line in [
        "GET /seen?a=%20b&c HTTP/1.1\r\n",
        "host: a.shop.example:81\r\n",
        "x-fc-control-path: /http-invoke\r\n",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(!text.contains("x-fc-own"), "{text}");
    let long = format!("/seen?{}", "q".repeat(4096));
    get(&local, "a.shop.example", &long).assert_platform_error(
        400,
        "FcCommonError",
        "InvalidArgument",
        "4096",
    );

    let mut socket = Client { conn: Conn::open(local.main_port()) };
    let hello = String::from_utf8(h1::bytes(&handshake("/ws"))).unwrap();
    socket.conn.send(hello.replace("Host: 21.0.0.1", "Host: a.shop.example").as_bytes());
    socket.greeted();
    socket.text("tea");
    socket.assert_text("tea");
    socket.close(1000);
    let record = local.wait_for(kind("request").field("domain", "*.shop.example").status(101));
    assert_eq!((&record["via"], &record["path"]), (&json!("custom_domain"), &json!("/ws")), "{record}");
}

#[test]
fn rewrites_change_what_the_function_sees() {
    let local = shops();
    for (host, target, seen) in [
        ("api.example.com", "/r/equal", "GET /seen?by=equal "),
        ("api.example.com", "/r/equal?x=1", "GET /seen?by=equal&x=1 "),
        ("api.example.com", "/r/a/to/b%20c?x", "GET /seen?first=a&second=b%20c&x "),
        ("http://api.example.com", "/r/a/to/", "GET /seen?first=a&second= "),
        ("a.shop.example", "/pre/seen?x=1", "GET /seen?x=1 "),
    ] {
        let reply = match host.strip_prefix("http://") {
            Some(name) => get(&local, name, &format!("{host}{target}")),
            None => get(&local, host, target),
        };
        let text = reply.text();
        assert!(text.starts_with(seen), "{target}: {text}");
    }
    assert_eq!(get(&local, "api.example.com", "/r/42").text(), "web");
    // A result is not looked at again, by no route and no rule.
    let seen = get(&local, "a.shop.example", "/pre/pre/seen?x").text();
    assert!(!seen.starts_with("GET /seen"), "{seen}");
}

#[test]
fn what_is_known_of_domains_is_shown() {
    let local = shops();
    let main = local.main_port();
    let ready = local.wait_for(kind("domain_ready").field("domain", "*.shop.example"));
    assert_eq!(ready["url"], format!("http://any.shop.example:{main}/"));
    assert_eq!(ready["curl"], format!("curl -H 'Host: any.shop.example' http://127.0.0.1:{main}/"));
    for name in ["api.example.com", "api.fcv3.1234567890123456.cn-hangzhou.fc.devsapp.net"] {
        local.wait_for(kind("domain_ready").field("domain", name));
        assert_eq!(local.count(kind("domain_ready").field("domain", name)), 1);
    }
    let index = |kind: &str| ask(&local, "GET", "localhost", "/", &format!("accept: {kind}\r\n")).text();
    let page = index("text/html");
    for part in ["<h2>api.example.com</h2>", "<td>/n*<td>api<td>", "<h2>*.shop.example</h2>"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    let lines = index("*/*");
    assert!(lines.contains("\napi.example.com/n*  api\n"), "{lines}");
    let known: Value = serde_json::from_str(&index("application/json")).unwrap();
    let first = json!({"path": "/name", "function": "web", "qualifier": "LATEST"});
    assert!(
        known["domains"].as_array().unwrap().iter().any(|domain| domain["routes"][0] == first),
        "{known}"
    );
}

#[test]
fn domains_follow_the_manifest() {
    let folder = scripted();
    let one = || f().var("SCRIPT_NAME", "one");
    let two = || Function::new("g").var("SCRIPT_NAME", "two");
    write_manifest(&folder, one());
    let local = Local::start(folder, &[]);
    // Without domains a single function answers for every name.
    assert_eq!(get(&local, "api.example.com", "/name").text(), "one");
    assert_eq!(local.count(kind("domain_ready")), 0);
    let routes = |function: &str| json!([{"path": "/name", "functionName": function}]);
    let with = |function: &str| {
        Manifest::of([one(), two()]).resource(
            "d",
            "fc3-domain",
            &domain("api.example.com", &routes(function)),
        )
    };
    write_manifest(&local.folder, with("g"));
    local.wait_for(kind("domain_ready"));
    assert_eq!(get(&local, "api.example.com", "/name").text(), "two");
    let before = local.count(kind("swapped"));
    write_manifest(&local.folder, with("f"));
    local.wait_for_nth(2, kind("manifest_changed"));
    testkit::eventually("the route leads to the other function", || {
        get(&local, "api.example.com", "/name").text() == "one"
    });
    assert_eq!(
        (local.count(kind("swapped")), local.count(kind("domain_ready"))),
        (before, 1),
        "no code changed"
    );
    write_manifest(&local.folder, Manifest::of([one(), two()]));
    testkit::eventually("the domain is gone", || get(&local, "api.example.com", "/name").status == 404);
}

#[test]
fn the_functions_of_a_domain_have_their_own_ports_too() {
    let local = Local::scripted(f().var("SCRIPT_NAME", "own").prop(
        "customDomain",
        json!({"domainName": "api.example.com", "protocol": "HTTP", "route": {"path": "/other"}}),
    ));
    // A function's port is the function's, whatever the host.
    let head = "GET /name HTTP/1.1\r\nhost: api.example.com\r\n\r\n";
    assert_eq!(exchange(local.function_port("f"), head.as_bytes()).text(), "own");
    get(&local, "api.example.com", "/name").assert_platform_error(
        404,
        "FcCommonError",
        "PathNotSupported",
        "/other",
    );
    assert_eq!(get(&local, "127.0.0.1", "/name").text(), "own");
}

#[test]
fn a_route_leads_to_a_version_or_an_alias() {
    let route =
        |path: &str, qualifier: &str| json!({"path": path, "functionName": "f", "qualifier": qualifier});
    let routes = json!([route("/name", "1"), route("/seen", "prod"), route("/cors", "LATEST")]);
    let folder = scripted();
    let with = |name: &str| {
        Manifest::of([f().var("SCRIPT_NAME", name)]).resource(
            "d",
            "fc3-domain",
            &domain("api.example.com", &routes),
        )
    };
    write_manifest(&folder, with("first"));
    let local = Local::start(folder, &[]);
    let version = get(&local, "api.example.com", "/name");
    version.assert_platform_error(404, "FcCommonError", "VersionNotFound", "'1'");
    let alias = get(&local, "api.example.com", "/seen");
    alias.assert_platform_error(404, "FcCommonError", "AliasNotFound", "prod");
    let post = |path: &str, body: &str| {
        let target = format!("/2023-03-30/functions/f/{path}");
        exchange(local.main_port(), &h1::request("POST", &target, "", body.as_bytes())).assert_ok();
    };
    post("versions", "{}");
    post("aliases", r#"{"aliasName": "prod", "versionId": "1"}"#);
    write_manifest(&local.folder, with("second"));
    local.wait_for(kind("swapped"));
    assert_eq!(get(&local, "api.example.com", "/name").text(), "first");
    let text = get(&local, "api.example.com", "/seen").text();
    assert!(text.contains("x-fc-qualifier: prod\r\n") && text.contains("x-fc-version-id: 1\r\n"), "{text}");
    get(&local, "api.example.com", "/cors").assert_ok();
    assert_eq!(get(&local, "f.localhost", "/name").text(), "second");
}
