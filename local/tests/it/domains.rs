//! Custom domains: which function a host and a path lead to, and what the function sees of it.

use serde_json::{Value, json};
use testkit::Answer;
use testkit::events::kind;
use testkit::h1::{self, Conn, exchange};
use testkit::manifest::{Function, Manifest};
use testkit::ws::{Client, handshake};

use crate::harness::{Local, f, scripted, write_manifest};

/// Asks the main port by a host.
fn ask(local: &Local, method: &str, host: &str, target: &str, headers: &str) -> Answer {
    let head = format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\n{headers}\r\n");
    let mut conn = Conn::open(local.main_port());
    conn.send(head.as_bytes());
    conn.answer(method)
}

fn get(local: &Local, host: &str, target: &str) -> Answer {
    ask(local, "GET", host, target, "")
}

/// Properties of component fc3-domain.
fn domain(name: &str, routes: &Value) -> Value {
    json!({
        "region": "cn-hangzhou", "domainName": name, "protocol": "HTTP", "routeConfig": {"routes": routes},
    })
}

/// A function that says its name at `/name` and takes events only, as far as triggers go.
fn named(name: &str) -> Function {
    Function::new(name).var("SCRIPT_NAME", name).prop("triggers", json!([])).local("attachment", true)
}

/// The functions `web`, `api` (whose built-in domain is closed) and `shop` with three domains.
fn shops() -> Local {
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
fn preflights_on_a_domain_follow_the_methods_of_the_route() {
    let local = shops();
    let asked = "origin: https://a.example\r\naccess-control-request-method: PUT\r\n";
    // Not among the methods: answered here. Among them, or no methods: the function's affair.
    let reply = ask(&local, "OPTIONS", "api.example.com", "/seen", asked);
    assert_eq!((reply.status, reply.body.len()), (200, 0));
    assert_eq!(reply.header("access-control-allow-methods"), Some("PUT"));
    let reply = ask(&local, "OPTIONS", "api.example.com", "/cors", asked);
    assert_eq!(
        (reply.text().as_str(), reply.header("access-control-allow-origin")),
        ("x", Some("https://mine"))
    );
    let reply = ask(&local, "OPTIONS", "api.example.com", "/name", asked);
    assert_eq!((reply.text().as_str(), reply.header("access-control-allow-methods")), ("web", None));
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
    let page = get(&local, "localhost", "/").text();
    for part in ["<h2>api.example.com</h2>", "<td>/n*<td>api<td>", "<h2>*.shop.example</h2>"] {
        assert!(page.contains(part), "{part} in {page}");
    }
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

/// `corsConfig` at a trigger and at a domain, of functions that know nothing of CORS unless they are asked at `/cors`.
#[test]
fn configured_cors_is_the_gateways_affair() {
    let cors = json!({
        "allowOrigins": ["https://a.example"], "allowMethods": ["PUT"], "allowHeaders": ["x-own"],
        "exposeHeaders": ["x-fc-request-id", "x-own"], "allowCredentials": true, "maxAge": 60,
    });
    let trigger = json!({"authType": "anonymous", "methods": ["GET", "PUT"], "corsConfig": cors});
    let mut at_domain = json!({"domainName": "api.example.com", "protocol": "HTTP", "route": {"path": "/*", "methods": ["GET"]}});
    at_domain["corsConfig"] = cors;
    let local = Local::scripted(f().trigger(&trigger).prop("customDomain", at_domain));
    let names =
        ["allow-origin", "allow-credentials", "expose-headers", "allow-methods", "allow-headers", "max-age"];
    let told = |reply: &Answer| names.map(|name| reply.values(&format!("access-control-{name}")).join(" + "));
    let preflight = |host: &str, origin: &str, method: &str| {
        let headers = format!(
            "origin: {origin}\r\naccess-control-request-method: {method}\r\naccess-control-request-headers: X-Own\r\n"
        );
        ask(&local, "OPTIONS", host, "/name", &headers)
    };
    let whole = ["https://a.example", "true", "x-fc-request-id,x-own", "PUT", "x-own", "60"];
    let basic = ["https://a.example", "true", "x-fc-request-id,x-own", "", "", ""];
    for host in ["f.localhost", "api.example.com"] {
        let before: usize = get(&local, host, "/count").text().parse().unwrap();
        let reply = preflight(host, "https://a.example", "PUT");
        assert_eq!((reply.status, reply.body.len(), told(&reply)), (204, 0, whole.map(str::to_owned)));
        assert!(!reply.id().is_empty() && reply.header("content-length").is_none(), "{reply:?}");
        // A method that is not configured: the function is asked. Another origin: without headers.
        let reply = preflight(host, "https://a.example", "PATCH");
        assert_eq!((reply.status, told(&reply)), (200, basic.map(str::to_owned)));
        let reply = preflight(host, "https://b.example", "PUT");
        assert_eq!((reply.status, told(&reply)), (200, names.map(|_| String::new())));
        let reply = ask(&local, "GET", host, "/name", "origin: https://a.example\r\n");
        assert_eq!((reply.status, told(&reply)), (200, basic.map(str::to_owned)));
        let reply = ask(&local, "GET", host, "/name", "origin: https://b.example\r\n");
        assert_eq!((reply.status, told(&reply)), (200, names.map(|_| String::new())));
        let after: usize = get(&local, host, "/count").text().parse().unwrap();
        assert_eq!(after, before + 5, "one preflight did not reach the function");
        // An OPTIONS that is no preflight is a method like any other, and an error can be read by the page.
        let reply = ask(&local, "OPTIONS", host, "/name", "origin: https://a.example\r\n");
        reply.assert_platform_error(403, "FcCommonError", "AccessDenied", "OPTIONS");
        assert_eq!(told(&reply), basic.map(str::to_owned));
    }
    assert_eq!(local.count(kind("origins_doubled")), 0);
    let reply = ask(&local, "GET", "api.example.com", "/cors", "origin: https://a.example\r\n");
    assert_eq!(reply.values("access-control-allow-origin"), ["https://a.example", "https://mine"]);
    local.wait_for(kind("origins_doubled").function("f"));
    ask(&local, "GET", "f.localhost", "/cors", "origin: https://a.example\r\n");
    assert_eq!(local.count(kind("origins_doubled")), 1);
}

#[test]
fn refusals_come_in_the_platforms_order() {
    let closed = json!({"authType": "anonymous", "methods": ["GET"], "disableURLInternet": true});
    let open = json!({"authType": "anonymous", "methods": ["GET"]});
    let custom = json!({"domainName": "api.example.com", "protocol": "HTTP", "route": {"path": "/*", "methods": ["GET"]}});
    let folder = scripted();
    let functions = [f().trigger(&open).prop("customDomain", custom), Function::new("g").trigger(&closed)];
    write_manifest(&folder, Manifest::of(functions));
    let local = Local::start(folder, &[]);
    for name in ["f", "g"] {
        local.wait_for(kind("ready").function(name));
    }
    let (long, asynchronous) = (format!("/{}", "p".repeat(4096)), "x-fc-invocation-type: Async\r\n");
    let preflight = "origin: https://a.example\r\naccess-control-request-method: GET\r\n";
    // Each request breaks two rules: the first one in the platform's order is the one that is told.
    for (host, method, target, headers, expected) in [
        ("none.localhost", "PUT", &*long, asynchronous, (404, "DomainNameNotFound")),
        ("g.localhost", "PUT", &long, asynchronous, (403, "AccessDenied")),
        ("f.localhost", "PUT", &long, asynchronous, (400, "InvalidArgument")),
        ("api.example.com", "PUT", &long, asynchronous, (400, "InvalidArgument")),
        ("api.example.com", "OPTIONS", &long, preflight, (400, "InvalidArgument")),
        ("api.example.com", "PUT", "/", asynchronous, (403, "AccessDenied")),
    ] {
        let reply = ask(&local, method, host, target, headers);
        let text = if expected.0 == 400 { "4096 are allowed" } else { "" };
        reply.assert_platform_error(expected.0, "FcCommonError", expected.1, text);
    }
    assert_eq!(ask(&local, "OPTIONS", "api.example.com", "/", preflight).status, 200, "before the method");
    let reply = ask(&local, "GET", "api.example.com", "/", asynchronous);
    reply.assert_platform_error(400, "FcCommonError", "InvalidArgument", "asynchronous");
}

#[test]
fn packages_for_telephones_pass_by_custom_domains_alone() {
    let custom = json!({"domainName": "api.example.com", "protocol": "HTTP", "route": {"path": "/*"}});
    let local = Local::scripted(f().prop("customDomain", custom));
    for (host, port) in [("f.localhost", local.main_port()), ("f.localhost", local.function_port("f"))] {
        let reply = exchange(port, format!("GET /apk HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes());
        reply.assert_platform_error(400, "FcCommonError", "InvalidArgument", "custom domain");
    }
    assert_eq!(get(&local, "api.example.com", "/apk").text(), "PK");
    get(&local, "f.localhost", "/name").assert_ok();
}

#[test]
fn a_domain_asks_for_what_it_is_configured_to_and_the_trigger_for_its_own() {
    let (own, other) =
        ("a-token-of-the-domain-with-32-characters", "a-token-of-the-trigger-with-32-characters");
    let tokens = |token: &str| json!({"tokens": [{"tokenName": "t", "tokenData": token, "enable": true}]});
    let trigger = json!({"authType": "bearer", "methods": ["GET"], "authConfig": tokens(other)});
    let custom = json!({
        "domainName": "api.example.com", "protocol": "HTTP", "route": {"path": "/*", "methods": ["GET"]},
        "authConfig": {"authType": "bearer", "authInfo": tokens(own).to_string()},
    });
    let open = json!({"domainName": "open.example.com", "protocol": "HTTP", "route": {"path": "/*"}});
    let functions = [
        f().trigger(&trigger).var("SCRIPT_NAME", "f").prop("customDomain", custom),
        Function::new("g").trigger(&trigger).var("SCRIPT_NAME", "g").prop("customDomain", open),
    ];
    let folder = scripted();
    write_manifest(&folder, Manifest::of(functions));
    let local = Local::start(folder, &[]);
    for name in ["f", "g"] {
        local.wait_for(kind("ready").function(name));
    }
    let with = |host: &str, token: &str| {
        ask(&local, "GET", host, "/name", &format!("authorization: Bearer {token}\r\n"))
    };
    assert_eq!(with("api.example.com", own).text(), "f");
    assert_eq!(with("f.localhost", other).text(), "f");
    for (host, token) in [("api.example.com", other), ("f.localhost", own), ("api.example.com", "")] {
        with(host, token).assert_platform_error(403, "FcCommonError", "AccessDenied", "");
    }
    get(&local, "api.example.com", "/name").assert_platform_error(403, "FcCommonError", "AccessDenied", "");
    // A domain without settings is open, whatever the trigger asks for.
    assert_eq!(get(&local, "open.example.com", "/name").text(), "g");
    // A preflight carries no token.
    let asked = "origin: https://a.example\r\naccess-control-request-method: GET\r\n";
    assert_eq!(ask(&local, "OPTIONS", "api.example.com", "/name", asked).status, 200);
}

#[test]
fn a_domain_for_https_alone_takes_nothing_else() {
    let custom = |protocol: &str, name: &str| {
        json!({
            "domainName": name, "protocol": protocol, "route": {"path": "/*"},
            "certConfig": {"certName": "c", "certificate": "-----BEGIN NOTHING-----", "privateKey": "none.pem"},
        })
    };
    let folder = scripted();
    let functions = [
        f().prop("customDomain", custom("HTTPS", "tls.example.com")),
        Function::new("g").prop("customDomain", custom("HTTP,HTTPS", "both.example.com")),
    ];
    write_manifest(&folder, Manifest::of(functions));
    let local = Local::start(folder, &[]);
    let ready = local.wait_for(kind("domain_ready").field("domain", "tls.example.com"));
    let (main, curl) = (local.main_port(), ready["curl"].as_str().unwrap());
    let end = format!(" --resolve tls.example.com:{main}:127.0.0.1 https://tls.example.com:{main}/");
    assert!(curl.starts_with("curl --cacert ") && curl.ends_with(&end), "{curl}");
    get(&local, "tls.example.com", "/name").assert_platform_error(
        403,
        "FcCommonError",
        "AccessDenied",
        "takes HTTPS only",
    );
    local.wait_for(kind("domain_ready").field("domain", "both.example.com"));
    get(&local, "both.example.com", "/name").assert_ok();
    local.wait_for(kind("manifest_note").saying("cannot read ").saying("none.pem"));
}
