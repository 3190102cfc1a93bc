//! What a custom domain lets through: methods, CORS, callers, protocols; and in which order requests are refused.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use testkit::Answer;
use testkit::events::kind;
use testkit::h1::exchange;
use testkit::manifest::{Function, Manifest};

use crate::domains::{ask, get, named, shops};
use crate::harness::{Local, f, scripted, write_manifest};
use crate::signer::hs256;

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
    assert_eq!((reply.status, reply.body.len()), (202, 0), "what breaks no rule is accepted");
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

#[test]
fn a_token_is_asked_for_by_the_clients_path_and_its_claims_pass_a_rewrite() {
    const SECRET: &[u8] = b"a secret of a test, with 32 bytes";
    let key = json!({"kty": "oct", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode(SECRET)});
    let jwt = json!({
        "jwks": {"keys": [key]}, "tokenLookup": "header:Authorization:Bearer ",
        "claimPassBy": "header:sub:x-user,query:sub:user", "whitelist": ["/open/*", "/seen"],
    });
    let rewrite = json!({"wildcardRules": [{"match": "^/*/seen", "replacement": "/seen?from=$1"}]});
    let custom = json!({
        "domainName": "api.example.com", "protocol": "HTTP", "route": {"path": "/*", "rewriteConfig": rewrite},
        "authConfig": {"authType": "jwt", "authInfo": jwt.to_string()},
    });
    let local = Local::scripted(f().prop("customDomain", custom));
    let token = hs256(&json!({"alg": "HS256"}), &json!({"sub": "me"}), SECRET);
    let with = |target: &str| {
        ask(
            &local,
            "GET",
            "api.example.com",
            target,
            &format!("authorization: Bearer {token}\r\nx-user: forged\r\n"),
        )
    };
    let text = with("/closed/seen?a=1").text();
    assert!(text.starts_with("GET /seen?from=closed&a=1&user=me HTTP/1.1\r\n"), "{text}");
    assert!(text.contains("x-user: me\r\n") && !text.contains("forged"), "{text}");
    // Both what the client asked for and what becomes of it have to be open.
    get(&local, "api.example.com", "/closed/seen").assert_platform_error(
        403,
        "FcCommonError",
        "AccessDenied",
        "",
    );
    let text = get(&local, "api.example.com", "/open/seen").text();
    assert!(text.starts_with("GET /seen?from=open "), "{text}");
}

#[test]
fn in_edition_2_a_domain_leads_to_functions_with_a_trigger_alone() {
    let custom = |name: &str| json!({"domainName": name, "protocol": "HTTP", "route": {"path": "/*"}});
    let folder = scripted();
    let functions = [
        f().var("SCRIPT_NAME", "f").prop("customDomain", custom("f.example.com")),
        named("g").prop("customDomain", custom("g.example.com")),
    ];
    write_manifest(&folder, Manifest::of(functions));
    let local = Local::start(folder, &["--edition", "fc2"]);
    local.wait_for(kind("ready").function("f"));
    local.wait_for(kind("ready").function("g"));
    assert_eq!(get(&local, "f.example.com", "/name").text(), "f");
    let reply = get(&local, "g.example.com", "/name");
    assert_eq!(
        (reply.status, reply.json()["ErrorCode"].as_str()),
        (404, Some("TriggerNotFound")),
        "{reply:?}"
    );
}
