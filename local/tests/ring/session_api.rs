//! Sessions by the platform's API: begun, listed, changed and ended.

use fc_local::Kind;
use serde_json::json;
use testkit::h1::{exchange, request};
use testkit::manifest::Function;
use testkit::{Answer, eventually};

use crate::function::{Asked, text};
use crate::harness::{Ring, f};

fn by_header(more: &serde_json::Value) -> Function {
    let mut config = json!({"affinityHeaderFieldName": "my-session"});
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    f().prop("sessionAffinity", "HEADER_FIELD").prop("sessionAffinityConfig", config)
}

fn numbered(function: Function) -> Ring {
    Ring::serving(function, |asked: Asked| async move { text(asked.program.pid().to_string()) })
}

#[track_caller]
fn ask(ring: &Ring, method: &str, target: &str, headers: &str) -> Answer {
    let reply = exchange(ring.port(), &request(method, target, headers, b""));
    assert_eq!(reply.status, 200, "{reply:?}");
    reply
}

/// The instance of the request's record.
fn instance_of(ring: &Ring, reply: &Answer) -> String {
    let id = reply.id();
    ring.record(&id);
    let all = ring.all();
    let record = all
        .iter()
        .find(|event| event.request.as_deref() == Some(&*id) && matches!(event.kind, Kind::Request(_)));
    record.unwrap().instance.as_deref().expect("it has an instance").to_owned()
}

/// A call of the API below the function's sessions.
fn api(ring: &Ring, method: &str, below: &str, body: &serde_json::Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let path = format!("/2023-03-30/functions/f/sessions{below}");
    exchange(ring.main_port(), &request(method, &path, "", body.as_bytes()))
}

#[test]
fn the_api_begins_lists_changes_and_ends_sessions() {
    let none = serde_json::Value::Null;
    let ring = numbered(by_header(&json!({"sessionTTLInSeconds": 600})));
    let terms =
        json!({"sessionId": "mine", "sessionIdleTimeoutInSeconds": 60, "disableSessionIdReuse": true});
    let created = api(&ring, "POST", "", &terms);
    created.assert_ok();
    let session = created.json();
    let instance = session["containerId"].as_str().unwrap().to_owned();
    assert_eq!(ring.instances().len(), 1, "an instance is there before the first request");
    for (key, value) in [
        ("sessionId", json!("mine")),
        ("functionName", json!("f")),
        ("qualifier", json!("LATEST")),
        ("sessionAffinityType", json!("HEADER_FIELD")),
        ("sessionStatus", json!("Active")),
        ("sessionTTLInSeconds", json!(600)),
        ("sessionIdleTimeoutInSeconds", json!(60)),
        ("disableSessionIdReuse", json!(true)),
    ] {
        assert_eq!(session[key], value, "{key} of {session}");
    }
    let reply = ask(&ring, "GET", "/", "my-session: mine\r\n");
    assert_eq!(instance_of(&ring, &reply), instance, "the request comes to the session's instance");
    // A request begins a session too, and its reply names it.
    let other = ask(&ring, "GET", "/", "").header("my-session").unwrap().to_owned();
    let ids = |answer: &Answer| -> Vec<String> {
        let sessions = answer.json()["sessions"].as_array().unwrap().clone();
        sessions.iter().map(|session| session["sessionId"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&api(&ring, "GET", "", &none)), ["mine", &other]);
    assert_eq!(ids(&api(&ring, "GET", "?sessionId=mine", &none)), ["mine"]);
    let first = api(&ring, "GET", "?limit=1", &none);
    assert_eq!(ids(&first), ["mine"]);
    let next = first.json()["nextToken"].as_str().unwrap().to_owned();
    assert_eq!(ids(&api(&ring, "GET", &format!("?limit=1&nextToken={next}"), &none)), [&*other]);

    let changed =
        api(&ring, "PUT", "/mine", &json!({"sessionTTLInSeconds": 1200, "disableSessionIdReuse": false}));
    changed.assert_ok();
    assert_eq!(
        (&changed.json()["sessionTTLInSeconds"], &changed.json()["sessionIdleTimeoutInSeconds"]),
        (&1200.into(), &60.into())
    );
    assert_eq!(api(&ring, "GET", "/mine", &none).json()["disableSessionIdReuse"], false);

    // A session whose time is over is listed, and is no session any more.
    api(&ring, "POST", "", &json!({"sessionId": "short", "sessionTTLInSeconds": 1})).assert_ok();
    eventually("the end of its time", || {
        ids(&api(&ring, "GET", "?sessionStatus=Expired", &none)) == ["short"]
    });
    api(&ring, "GET", "/short", &none).assert_platform_error(
        404,
        "FcCommonError",
        "SessionNotFound",
        "'short'",
    );
    assert_eq!(ids(&api(&ring, "GET", "?sessionStatus=Active", &none)), ["mine", &other]);

    api(&ring, "DELETE", "/mine", &none).assert_status(204).assert_no_header("content-type");
    api(&ring, "DELETE", "/mine", &none).assert_platform_error(
        404,
        "FcCommonError",
        "SessionNotFound",
        "'mine'",
    );
    ask(&ring, "GET", "/", "my-session: mine\r\n").assert_ok();
}

#[test]
fn of_callers_who_begin_one_session_at_a_time_one_succeeds() {
    let ring = numbered(by_header(&json!({})));
    for round in 0..5 {
        let terms = json!({"sessionId": format!("s{round}")});
        let answers: Vec<Answer> = std::thread::scope(|scope| {
            let callers: Vec<_> = (0..8).map(|_| scope.spawn(|| api(&ring, "POST", "", &terms))).collect();
            callers.into_iter().map(|caller| caller.join().unwrap()).collect()
        });
        let (begun, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
        assert_eq!(begun.len(), 1, "{answers:?}");
        for answer in refused {
            answer.assert_platform_error(
                409,
                "FcCommonError",
                "SessionAlreadyExists",
                &format!("'s{round}'"),
            );
        }
    }
}

#[test]
fn sessions_that_cannot_be_are_refused() {
    let ring = numbered(by_header(&json!({})));
    api(&ring, "POST", "", &json!({"sessionId": "mine"})).assert_ok();
    api(&ring, "POST", "", &json!({"sessionId": "mine"})).assert_platform_error(
        409,
        "FcCommonError",
        "SessionAlreadyExists",
        "'mine'",
    );
    for (body, why) in [
        (json!({"sessionId": "a b"}), "letters, digits"),
        (json!({"sessionTTLInSeconds": 0}), "1 to 21600"),
        (json!({"sessionTTLInSeconds": "60"}), "1 to 21600"),
        (json!({"sessionIdleTimeoutInSeconds": 21_601}), "0 to 21600"),
        (json!({"disableSessionIdReuse": 1}), "true or false"),
        (json!({"nasConfig": {"mountPoints": []}}), "nasConfig"),
        (json!([]), "JSON object"),
    ] {
        api(&ring, "POST", "", &body).assert_platform_error(400, "FcCommonError", "InvalidArgument", why);
    }
    let none = serde_json::Value::Null;
    api(&ring, "GET", "?sessionStatus=Gone", &none).assert_platform_error(
        400,
        "FcCommonError",
        "InvalidArgument",
        "Active or Expired",
    );
    api(&ring, "PUT", "/mine/pause", &none).assert_platform_error(
        400,
        "FcCommonError",
        "InvalidArgument",
        "custom image",
    );
    api(&ring, "GET", "?qualifier=9", &none).assert_platform_error(
        404,
        "FcCommonError",
        "VersionNotFound",
        "'9'",
    );
    let plain = numbered(f());
    api(&plain, "GET", "", &none).assert_platform_error(
        400,
        "FcCommonError",
        "InvalidArgument",
        "sessionAffinity",
    );
    let cookie = numbered(f().prop("sessionAffinity", "GENERATED_COOKIE"));
    api(&cookie, "POST", "", &json!({"sessionId": "mine"})).assert_platform_error(
        400,
        "FcCommonError",
        "InvalidArgument",
        "HEADER_FIELD",
    );
    let made = api(&cookie, "POST", "", &none).json();
    let id = made["sessionId"].as_str().unwrap();
    assert_eq!((id.len(), &made["sessionAffinityType"]), (32, &"GENERATED_COOKIE".into()));
    let reply = ask(&cookie, "GET", "/", &format!("cookie: x-fc-cookie-session-id={id}\r\n"));
    assert_eq!(instance_of(&cookie, &reply), made["containerId"].as_str().unwrap());
}
