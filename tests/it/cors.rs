//! Cross-origin rules, in the headers that browsers and the platform read.

use crate::support::{Answer, Ask, Launch, Server};

const ALLOW_ORIGIN: &str = "access-control-allow-origin";
const CREDENTIALS: &str = "access-control-allow-credentials";
const SHOP: &str = "https://shop.example";
const EVIL: &str = "https://evil.example";

fn server(policy: &str) -> Server {
    Launch::app("settings")
        .var("IT_CORS", policy)
        .var("IT_ORIGINS", "https://shop.example https://b.example")
        .start()
}

fn from(origin: &str, ask: Ask) -> Ask {
    ask.header("Origin", origin)
}

fn preflight(origin: &str, target: &str, method: &str) -> Ask {
    from(origin, Ask::new("OPTIONS", target)).header("Access-Control-Request-Method", method)
}

/// All tokens of `Vary`, sorted.
fn vary(answer: &Answer) -> Vec<String> {
    let lines = answer.headers.iter().filter(|(name, _)| name == "vary");
    let mut names: Vec<String> =
        lines.flat_map(|(_, line)| line.split(',')).map(|name| name.trim().to_lowercase()).collect();
    names.sort();
    names
}

/// An allowed origin is named, a refused one is told the first of those that are allowed: to the platform silence is an
/// invitation. `header` panics when there are two.
#[track_caller]
fn check_told(answer: &Answer, told: &str, credentials: bool) {
    answer.assert_header(ALLOW_ORIGIN, told);
    assert_eq!(answer.header(CREDENTIALS), credentials.then_some("true"), "{:?}", answer.headers);
    assert!(vary(answer).contains(&"origin".to_owned()), "{:?}", answer.headers);
}

#[test]
fn allowed_origins_are_named_and_others_are_told_the_first() {
    let server = server("list");
    let get = || Ask::get("/plaintext");
    let shop = server.ask(&from(SHOP, get()));
    check_told(shop.assert_status(200), SHOP, true);
    shop.assert_header("access-control-expose-headers", "x-total, x-page");
    check_told(&server.ask(&from("https://b.example", get())), "https://b.example", true);
    for refused in [
        EVIL,
        "null",
        "http://shop.example",
        "https://shop.example:8443",
        "https://shop.example.evil.example",
        "https://Shop.example",
        "https://shop.example/",
        "",
    ] {
        let answer = server.ask(&from(refused, get()));
        check_told(answer.assert_status(200), SHOP, false);
        answer.assert_no_header("access-control-expose-headers");
    }
    // Without an origin there is nothing to say, but caches have to know.
    let none = server.ask(&get());
    none.assert_no_header(ALLOW_ORIGIN).assert_no_header(CREDENTIALS);
    assert_eq!(vary(&none), ["origin"]);
}

#[test]
fn two_origins_are_refused() {
    let answer = server("list").ask(&from(EVIL, from(SHOP, Ask::get("/plaintext"))));
    assert_eq!(answer.headers.iter().filter(|(name, _)| name == ALLOW_ORIGIN).count(), 1);
}

#[test]
fn a_preflight_is_answered_before_anybody_is_asked_who_they_are() {
    let server = server("list");
    for target in ["/private", "/alb", "/token", "/plaintext"] {
        let ask =
            preflight(SHOP, target, "GET").header("Access-Control-Request-Headers", "x-key, content-type");
        let answer = server.ask(&ask);
        check_told(answer.assert_status(204), SHOP, true);
        answer
            .assert_header("access-control-allow-headers", "x-key, content-type")
            .assert_header("access-control-max-age", "60");
        let methods = answer.header("access-control-allow-methods").unwrap();
        assert!(methods.split(", ").any(|method| method == "GET"), "{methods}");
        assert!(!methods.contains("DELETE"), "{methods}");
        assert_eq!(
            vary(&answer),
            ["access-control-request-headers", "access-control-request-method", "origin"]
        );
        assert!(answer.body.is_empty());
    }
    let methods = server.ask(&preflight(SHOP, "/private", "PUT"));
    assert_eq!(methods.header("access-control-allow-methods"), Some("GET, HEAD, PUT, OPTIONS"));
    server.ask(&from(SHOP, Ask::get("/private"))).assert_problem(401);
}

#[test]
fn a_refused_preflight_says_so() {
    let server = server("list");
    let answer = server.ask(&preflight(EVIL, "/plaintext", "GET"));
    check_told(answer.assert_status(204), SHOP, false);
    for silent in ["access-control-allow-methods", "access-control-allow-headers", "access-control-max-age"] {
        answer.assert_no_header(silent);
    }
}

#[test]
fn headers_that_are_listed_are_the_only_ones() {
    let ask = preflight(SHOP, "/plaintext", "GET").header("Access-Control-Request-Headers", "x-other");
    let answer = server("headers").ask(&ask);
    check_told(answer.assert_status(204), SHOP, false);
    answer.assert_header("access-control-allow-headers", "content-type, x-key");
}

#[test]
fn an_ordinary_options_is_no_preflight() {
    let server = server("list");
    let answer = server.ask(&from(SHOP, Ask::new("OPTIONS", "/plaintext")));
    check_told(answer.assert_status(204), SHOP, true);
    assert_eq!(answer.allowed(), ["GET", "HEAD", "OPTIONS"]);
    answer.assert_no_header("access-control-allow-methods");
    let bare = Ask::new("OPTIONS", "/plaintext").header("Access-Control-Request-Method", "GET");
    server.ask(&bare).assert_status(204).assert_no_header(ALLOW_ORIGIN);
}

/// A page can read why it failed.
#[test]
fn errors_are_decorated_too() {
    let server = server("list");
    let json = |ask: Ask| ask.header("content-type", "application/json");
    let long = Ask::get(format!("/plaintext?{}", "x".repeat(9000)));
    for (ask, status) in [
        (Ask::get("/nothing"), 404),
        (Ask::post("/plaintext", ""), 405),
        (json(Ask::post("/read", vec![b'x'; 3 * 1024 * 1024])), 413),
        (long, 414),
        (Ask::get("/private"), 401),
        (Ask::get("/alb"), 403),
        (Ask::get("/panic"), 500),
        (Ask::get("/fail"), 503),
        (Ask::get("/limited?ms=600000"), 504),
        (Ask::get("/slow?ms=x"), 400),
        (Ask::get("/plaintext").header("Host", "another"), 400),
    ] {
        let target = ask.target.chars().take(40).collect::<String>();
        let allowed = server.ask(&from(SHOP, ask.clone()));
        println!("{target}: {}", allowed.status);
        check_told(allowed.assert_status(status), SHOP, true);
        check_told(server.ask(&from(EVIL, ask)).assert_status(status), SHOP, false);
    }
}

#[test]
fn a_scope_has_a_policy_of_its_own() {
    let server = server("list");
    let public = server.ask(&from(EVIL, Ask::get("/public")));
    public.assert_status(200).assert_header(ALLOW_ORIGIN, "*").assert_no_header(CREDENTIALS);
    server.ask(&preflight(EVIL, "/public", "GET")).assert_status(204).assert_header(ALLOW_ORIGIN, "*");
    let closed = server.ask(&from(SHOP, Ask::get("/closed")));
    assert_ne!(closed.header(ALLOW_ORIGIN), Some(SHOP));
    assert!(closed.header(ALLOW_ORIGIN).is_some_and(|told| told != "*" && told != "null"), "{closed:?}");
    let closed = server.ask(&preflight(SHOP, "/closed", "GET"));
    assert_ne!(closed.assert_status(204).header(ALLOW_ORIGIN), Some(SHOP));
}

/// Below a group's prefix its policy holds where no route answers too, and app-wide policies end there.
#[test]
fn a_group_has_its_policy_for_everything_below() {
    for app_wide in ["none", "list"] {
        let server = server(app_wide);
        let told = "https://console.example";
        for (ask, status) in [
            (Ask::get("/api/items"), 200),
            (Ask::post("/api/items", ""), 405),
            (Ask::get("/api/nothing"), 404),
            (Ask::get("/api/items/"), 404),
            (Ask::get("/api/"), 404),
            (Ask::get("/api"), 404),
            (Ask::get("/api/nothing").header("Host", "another"), 400),
            (Ask::new("OPTIONS", "/api/items"), 204),
        ] {
            let allowed = server.ask(&from(told, ask.clone()));
            check_told(allowed.assert_status(status), told, false);
            check_told(server.ask(&from(EVIL, ask.clone())).assert_status(status), told, false);
            assert_eq!(vary(&server.ask(&ask)), ["origin"], "{}", ask.target);
        }
        for (target, method) in [("/api/items", "GET"), ("/api/items", "DELETE"), ("/api/nothing", "GET")] {
            let allowed = server.ask(&preflight(told, target, method));
            check_told(allowed.assert_status(204), told, false);
            assert!(allowed.header("access-control-allow-methods").is_some());
            let refused = server.ask(&preflight(EVIL, target, method));
            check_told(refused.assert_status(204), told, false);
            refused.assert_no_header("access-control-allow-methods");
        }
        // An inner group's own, for one of its routes, too.
        for (ask, status) in [
            (Ask::get("/api/open/all"), 200),
            (Ask::get("/api/open/nothing"), 404),
            (Ask::post("/api/open/all", ""), 405),
        ] {
            server.ask(&from(EVIL, ask)).assert_status(status).assert_header(ALLOW_ORIGIN, "*");
        }
        // The policy of a route holds for the methods that it does not have.
        let other = server.ask(&from(EVIL, Ask::post("/public", "")));
        other.assert_status(405).assert_header(ALLOW_ORIGIN, "*");
        // Beside the group nothing has changed.
        let beside = server.ask(&from(told, Ask::get("/apis")));
        assert_ne!(beside.assert_status(404).header(ALLOW_ORIGIN), Some(told));
    }
}

/// Probes are no pages.
#[test]
fn health_checks_have_no_policy() {
    for policy in ["any", "list"] {
        let answer = server(policy).ask(&from(SHOP, Ask::get("/healthz")));
        answer.assert_status(200).assert_no_header(ALLOW_ORIGIN).assert_no_header("vary");
    }
}

/// Whatever a handler says itself, there is one answer, and the policy gives it.
#[test]
fn there_are_never_two() {
    let server = server("list");
    for origin in [SHOP, EVIL] {
        check_told(&server.ask(&from(origin, Ask::get("/own-cors"))), SHOP, origin == SHOP);
    }
    let none = self::server("none").ask(&from(EVIL, Ask::get("/own-cors")));
    none.assert_header(ALLOW_ORIGIN, "https://handler.example");
}

#[test]
fn any_origin_is_a_star_for_caches_too() {
    let server = server("any");
    for ask in
        [from(EVIL, Ask::get("/plaintext")), from("null", Ask::get("/nothing")), Ask::get("/plaintext")]
    {
        let answer = server.ask(&ask);
        answer.assert_header(ALLOW_ORIGIN, "*").assert_no_header(CREDENTIALS);
    }
}

#[test]
fn a_predicate_decides() {
    let server = server("predicate");
    let answer = server.ask(&from("https://a.shop.example", Ask::get("/plaintext")));
    check_told(&answer, "https://a.shop.example", false);
    let refused = server.ask(&from(EVIL, Ask::get("/plaintext")));
    assert!(refused.header(ALLOW_ORIGIN).is_some_and(|told| told != EVIL && told != "*" && told != "null"));
}

/// A refusal is a header that names another origin, never silence: the platform would fill it in.
#[test]
fn same_origin_closes_the_door() {
    let server = server("same");
    for origin in [SHOP, EVIL, "null", "https://21.0.0.1"] {
        for ask in [from(origin, Ask::get("/plaintext")), preflight(origin, "/plaintext", "GET")] {
            let answer = server.ask(&ask);
            let told = answer.header(ALLOW_ORIGIN).expect("an answer");
            assert!(told != origin && told != "*" && told != "null", "{origin}: {told}");
            answer.assert_no_header(CREDENTIALS);
        }
    }
}

#[test]
fn without_a_policy_nothing_is_said() {
    let answer = server("none").ask(&from(EVIL, Ask::get("/plaintext")));
    assert!(
        !answer.headers.iter().any(|(name, _)| name.starts_with("access-control-")),
        "{:?}",
        answer.headers
    );
}
