//! Tests of the ring, the filter, the masks and the exports.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};
use serde_json::Value;

use super::*;
use crate::event::Via;

fn headers(all: &[(&str, &[u8])]) -> Headers {
    let mut map = HeaderMap::new();
    for (name, value) in all {
        map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_bytes(value).unwrap());
    }
    Headers::of(&map)
}

fn call(id: &str, method: Method, target: &str, request: &[(&str, &[u8])]) -> Recorded {
    Recorded {
        number: 0,
        id: Arc::from(id),
        function: Some(Arc::from("shop")),
        qualifier: None,
        instance: Some(Arc::from("c-1")),
        via: Some(Via::HttpTrigger),
        attempt: 1,
        is_probe: false,
        door: Arc::from(""),
        is_tls: false,
        version: Version::HTTP_11,
        method,
        original: Original::new(target, "shop.localhost:8080", headers(request)),
        status: 200,
        reply: headers(&[
            ("content-type", b"application/json"),
            ("set-cookie", b"sid=abcdef; Path=/; HttpOnly"),
        ]),
        begun: SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000),
        phases: Phases {
            admitted: Some(Duration::from_millis(1)),
            instance: Some(Duration::from_millis(301)),
            is_cold: true,
            sent: Some(Duration::from_millis(302)),
            head: Some(Duration::from_millis(312)),
            end: Duration::from_millis(322),
        },
        end: End::Sent,
        cause: None,
        log: "one\ntwo".into(),
        socket: None,
        grpc_status: None,
        lengths: [0, 0],
        replay_of: None,
    }
}

fn body(bytes: &[u8]) -> Body {
    Body::new(bytes.to_vec(), bytes.len() as u64, true)
}

fn recorded(records: &Records, call: Recorded, request: &[u8], reply: &[u8]) -> Entry {
    let id = Arc::clone(&call.id);
    let lengths = [request.len() as u64, reply.len() as u64];
    records.push(Recorded { lengths, ..call }, Bodies::new(body(request), body(reply)));
    records.find(&id).expect("it is there")
}

fn records() -> Records {
    Records::new(Limits::default())
}

#[test]
fn ten_thousand_calls_stay_within_the_bounds_of_calls_heads_and_bodies() {
    let limits = Limits { calls: 300, heads: 400_000, bodies: 100_000, body: 10_000 };
    let records = Records::new(limits);
    for number in 0..10_000 {
        let target = format!("/items/{number}?q={}", "x".repeat(number % 700));
        let call = call(&format!("id-{number}"), Method::POST, &target, &[("user-agent", b"test")]);
        recorded(&records, call, &vec![b'a'; number % 9_000], b"ok");
    }
    let (calls, heads, bodies) = records.size();
    assert!(calls > 200 && calls <= 300, "{calls}");
    assert!(heads <= limits.heads && bodies <= limits.bodies, "{heads} {bodies}");
    assert!(bodies > limits.bodies / 2, "the bound is used: {bodies}");
    // The latest have their bodies, the oldest have lost them, and the lengths stay.
    let page = records.list(&Filter::default(), None, 1000);
    assert_eq!((page.entries.len(), page.kept, page.gone), (calls, calls, 10_000 - calls as u64));
    assert!(page.entries[0].bodies.request().is_some_and(Body::is_whole));
    let oldest = page.entries.last().unwrap();
    assert!(oldest.bodies.request().is_none() && oldest.call.lengths[0] > 0);
    assert!(page.entries.windows(2).all(|pair| pair[0].call.number == pair[1].call.number + 1));
    records.clear();
    assert_eq!(records.size(), (0, 0, 0));
}

#[test]
fn a_call_under_way_is_replaced_by_its_end_and_both_are_news() {
    let records = records();
    let changed = records.subscribe().unwrap();
    let begun = Recorded { end: End::UnderWay, ..call("s", Method::GET, "/sse", &[]) };
    let number = records.push(begun, Bodies::default()).unwrap();
    let (news, revision) = records.since(0);
    assert_eq!(news.iter().map(|entry| entry.call.end).collect::<Vec<_>>(), [End::UnderWay]);
    recorded(&records, call("t", Method::GET, "/", &[]), b"", b"");
    records.replace(
        number,
        call("s", Method::GET, "/sse", &[]),
        Bodies::new(Body::empty(), body(b"data: 1\n\n")),
    );
    let (news, latest) = records.since(revision);
    let ids: Vec<&str> = news.iter().map(|entry| &*entry.call.id).collect();
    assert_eq!((ids, latest), (vec!["t", "s"], *changed.borrow()));
    let entry = records.find("s").unwrap();
    assert_eq!((entry.call.number, entry.call.end), (number, End::Sent));
    assert_eq!(entry.bodies.reply().unwrap().bytes(), b"data: 1\n\n");
    // One whose call had to go changes nothing.
    records.replace(number + 100, call("u", Method::GET, "/", &[]), Bodies::default());
    assert_eq!(records.find("u").unwrap_err(), Unfound::Unknown);
}

#[test]
fn a_call_is_found_by_the_end_of_its_id_if_no_other_ends_so() {
    let records = records();
    for id in ["1-a-23456789", "1-b-23456789", "1-c-3456789a", "1-c-3456789a", "56789a"] {
        recorded(&records, call(id, Method::GET, "/", &[]), b"", b"");
    }
    let found = |end: &str| records.find(end).map(|entry| (entry.call.id.to_string(), entry.call.number));
    assert_eq!(found("3456789a"), Ok(("1-c-3456789a".to_owned(), 4)), "the latest of one id");
    assert_eq!(found("56789a"), Ok(("56789a".to_owned(), 5)), "a whole id comes first");
    assert_eq!(found("a-23456789"), Ok(("1-a-23456789".to_owned(), 1)));
    assert_eq!(found("23456789"), Err(Unfound::Ambiguous));
    assert_eq!(found("6789a"), Err(Unfound::Unknown), "five characters are too few");
    assert_eq!(found("3456789b"), Err(Unfound::Unknown));
}

#[test]
fn late_bodies_of_old_calls_count_like_others() {
    let records = Records::new(Limits { calls: 10, heads: 100_000, bodies: 2_000, body: 1_000 });
    let begun = Recorded { end: End::UnderWay, ..call("s", Method::GET, "/sse", &[]) };
    let number = records.push(begun, Bodies::default()).unwrap();
    for other in 0..5 {
        recorded(&records, call(&format!("o{other}"), Method::GET, "/", &[]), b"", &[b'x'; 900]);
    }
    records.replace(
        number,
        call("s", Method::GET, "/sse", &[]),
        Bodies::new(Body::empty(), body(&[b'y'; 900])),
    );
    assert!(records.size().2 <= 2_000);
    for other in 5..9 {
        recorded(&records, call(&format!("o{other}"), Method::GET, "/", &[]), b"", &[b'x'; 900]);
        assert!(records.size().2 <= 2_000, "{:?}", records.size());
    }
}

#[test]
fn switched_off_nothing_is_kept() {
    let records = Records::default();
    assert_eq!(records.push(call("a", Method::GET, "/", &[]), Bodies::default()), None);
    assert!(records.find("a").is_err() && records.subscribe().is_none() && records.limits().is_none());
    assert!(records.list(&Filter::default(), None, 10).entries.is_empty());
}

#[test]
fn pages_follow_each_other_and_filters_hold() {
    let records = records();
    for number in 0..10_u16 {
        let own = call(&format!("{number}"), Method::GET, &format!("/a/{number}?x=/b"), &[]);
        recorded(&records, Recorded { status: if number % 2 == 0 { 200 } else { 502 }, ..own }, b"", b"");
    }
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = records.list(&Filter::default(), before, 4);
        seen.extend(page.entries.iter().map(|entry| entry.call.id.to_string()));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["9", "8", "7", "6", "5", "4", "3", "2", "1", "0"]);
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_060);
    for (fields, expected) in [
        (&[("status", "5xx")][..], 5),
        (&[("status", "200"), ("error", "false"), ("other", "?")], 5),
        (&[("path", "/a/3")], 1),
        // The query is not the path.
        (&[("path", "/b")], 0),
        (&[("function", "shop"), ("method", "get"), ("via", "http_trigger"), ("cold", "true")], 10),
        (&[("function", "other")], 0),
        (&[("slower", "300ms")], 10),
        (&[("slower", "1s")], 0),
        (&[("since", "2m")], 10),
        (&[("since", "30s")], 0),
        (&[("end", "client_left")], 0),
        (&[("probe", "false"), ("status", "")], 10),
    ] {
        let filter = Filter::parse(fields.iter().copied(), now).unwrap();
        assert_eq!(records.list(&filter, None, 100).entries.len(), expected, "{fields:?}");
    }
    for wrong in [
        ("status", "6xx"),
        ("status", "abc"),
        ("since", "soon"),
        ("via", "air"),
        ("error", "maybe"),
        ("end", "?"),
    ] {
        assert!(Filter::parse([wrong], now).unwrap_err().contains(wrong.1), "{wrong:?}");
    }
}

#[test]
fn the_phases_add_up_to_the_whole() {
    let phases = call("a", Method::GET, "/", &[]).phases;
    let names: Vec<&str> = phases.spans().iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["admission", "cold_start", "connect", "function", "body"]);
    assert_eq!(phases.spans().iter().map(|(_, took)| *took).sum::<Duration>(), phases.end);
    // A call that a start failed.
    let failed = Phases { instance: None, sent: None, head: None, ..phases };
    assert_eq!(failed.spans().last(), Some(&("cold_start", Duration::from_millis(321))));
    let refused = Phases { end: Duration::from_millis(2), ..Phases::default() };
    assert_eq!(refused.spans(), [("admission", Duration::from_millis(2))]);
}

const SECRETS: [(&str, &[u8]); 7] = [
    ("authorization", b"Bearer s3cr3t-token"),
    ("cookie", b"sid=s3cr3t-cookie; theme=s3cr3t-theme"),
    ("x-fc-security-token", b"s3cr3t-sts"),
    ("x-fc-access-key-secret", b"s3cr3t-key"),
    ("x-api-key", b"s3cr3t-api"),
    ("referer", b"http://x/?a=b#state=c&access_token=s3cr3t-referer"),
    ("content-type", b"application/json"),
];

#[test]
fn no_credential_is_shown_and_a_replay_has_them_all() {
    let target = "/a?x-oss-signature=s3cr3t-one&Signature=s3cr3t-two&access%5Ftoken=s3cr3t-three&page=2";
    let sent =
        br#"{"user": "ann", "password": "s3cr3t-\"pass", "list": ["a"], "api_key":"s3cr3t-four", "n": 1}"#;
    let records = records();
    let own = call("a", Method::POST, target, &SECRETS);
    let entry = recorded(&records, own, sent, br#"{"token":"s3cr3t-reply"}"#);
    let line = curl_line(&entry, SocketAddr::from(([127, 0, 0, 1], 8080)), None).unwrap();
    let shown = [
        detail(&entry).to_string(),
        summary(&entry.call).to_string(),
        har([&entry]).to_string(),
        line,
        format!("{entry:?}"),
    ];
    for text in &shown {
        assert!(!text.contains("s3cr3t"), "{text}");
    }
    let document = detail(&entry);
    assert_eq!(document["target"], "/a?x-oss-signature=******&Signature=******&access%5Ftoken=******&page=2");
    let text = document["requestBody"]["text"].as_str().unwrap();
    assert_eq!(text, r#"{"user": "ann", "password": "******", "list": ["a"], "api_key":"******", "n": 1}"#);
    let shown: Value = document["requestHeaders"].clone();
    assert_eq!(shown[0], serde_json::json!(["authorization", "Bearer ******"]));
    assert_eq!(shown[1], serde_json::json!(["cookie", "sid=******; theme=******"]));
    assert_eq!(
        document["replyHeaders"][1],
        serde_json::json!(["set-cookie", "sid=******; Path=/; HttpOnly"])
    );
    assert_eq!(document["masked"], true);
    let (original, host, all) = entry.call.original.for_replay();
    assert_eq!((original, host), (target, "shop.localhost:8080"));
    assert_eq!(all.get("authorization"), Some(&b"Bearer s3cr3t-token"[..]));
    assert_eq!(all.to_map().len(), SECRETS.len());
    assert_eq!(entry.bodies.request().unwrap().bytes(), sent);
}

#[test]
fn forms_and_documents_that_break_off_are_masked_too() {
    let form = headers(&[("content-type", b"application/x-www-form-urlencoded; charset=utf-8")]);
    let shown = mask::body(&body(b"user=a&pass%77ord=s3cr3t&x"), &form).into_owned();
    assert_eq!(String::from_utf8(shown).unwrap(), "user=a&pass%77ord=******&x");
    let shown = |query: &[u8]| String::from_utf8(mask::body(&body(query), &form).into_owned()).unwrap();
    assert_eq!(shown(b"code=503"), "code=503");
    assert_eq!(shown(b"state=xyz&code=s3cr3t"), "state=xyz&code=******");
    let json = headers(&[("content-type", b"application/problem+json")]);
    // Cut inside a character, or with a byte that is none.
    for text in [&b"{\"token\": \"s3cr3t\", \"a\": \"\xe4\xb8"[..], b"{\"token\": \"s3\xffcr3t\", \"a\": 1}"]
    {
        let sent = body(text);
        let shown = mask::body(&sent, &json);
        assert!(shown.starts_with(b"{\"token\": \"******\", \"a\""), "{}", String::from_utf8_lossy(&shown));
    }
    for (text, expected) in [
        (r#"{"token": "s3c"#, r#"{"token": "******"#),
        (r#"{"token""#, r#"{"token""#),
        (
            r#"{"token": {"token": "s"}, "secret": ["s"]}"#,
            r#"{"token": {"token": "******"}, "secret": ["******"]}"#,
        ),
        (
            r#"{"api_keys": ["s1", ["s2]", {"a": "s3", "b": 1}], "s4"], "list": ["a"], "b": "c"}"#,
            r#"{"api_keys": ["******", ["******", {"a": "******", "b": 1}], "******"], "list": ["a"], "b": "c"}"#,
        ),
        (r#"{"api_keys": ["s1", "s"#, r#"{"api_keys": ["******", "******"#),
        (r#"{"a": "token", "b": "c"}"#, r#"{"a": "token", "b": "c"}"#),
        (r#"{"token": """#, r#"{"token": """#),
        ("\"", "\""),
    ] {
        let shown = mask::body(&body(text.as_bytes()), &json).into_owned();
        assert_eq!(String::from_utf8(shown).unwrap(), expected);
    }
}

#[test]
fn bodies_that_are_not_here_are_not_exported_as_if_they_were() {
    let records = records();
    let cut = Bodies::new(Body::new(b"abc".to_vec(), 10, true), Body::new(vec![0xff, 0xfe], 2, true));
    records.push(Recorded { lengths: [10, 2], ..call("cut", Method::POST, "/", &[]) }, cut);
    let entry = records.find("cut").unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], 8080));
    let error = curl_line(&entry, address, None).unwrap_err();
    assert!(error.contains("3 of 10 bytes"), "{error}");
    let archive = har([&entry]);
    let own = &archive["log"]["entries"][0];
    assert_eq!(own["request"]["postData"]["comment"], "3 of 10 bytes are kept");
    assert_eq!(own["response"]["content"]["encoding"], "base64");
    assert_eq!(own["response"]["content"]["text"], "//4=");
    assert_eq!(own["timings"]["blocked"], 301.0);
    let document = detail(&entry);
    assert_eq!(document["requestBody"]["leftOutBytes"], 7);
    assert_eq!(document["replyBody"]["base64"], "//4=");
}

#[test]
fn hostile_texts_are_quoted_for_a_shell() {
    let records = records();
    let hostile = "it's $(touch /tmp/x) `id` \\ \"q\" !! \n% {a,b} * ~ #\t@file";
    let own = call(
        "h",
        Method::PUT,
        "/a'b?c=$(id)&d=[1-3]",
        &[("x-a", b"'; id; '"), ("x-b", b"caf\xe9 %s\\n"), ("x-c", b""), ("x'|id|'`%", b"\xe9")],
    );
    let entry = recorded(&records, own, hostile.as_bytes(), b"");
    let line = curl_line(&entry, SocketAddr::from(([127, 0, 0, 1], 8080)), None).unwrap();
    // That a shell and curl make the same request of it is tested with both.
    let has = |part: &str| line.contains(part);
    assert!(has(r"--data-raw 'it'\''s $(touch /tmp/x) `id` \ "), "{line}");
    assert!(has(r"--header 'x-a: '\''; id; '\'''") && has("--header 'x-c;'"), "{line}");
    assert!(has(r"(printf 'x-b: caf\351 \045s\134n')"), "{line}");
    assert!(has(r"(printf 'x\047|id|\047\140\045: \351')"), "{line}");
    assert!(line.ends_with(r"'http://shop.localhost:8080/a'\''b?c=$(id)&d=[1-3]'"), "{line}");
    assert!(!line.contains("--connect-to"), "{line}");
    // At another port, or under another name, curl is told where the host is.
    let line = curl_line(&entry, SocketAddr::from(([127, 0, 0, 1], 9)), None).unwrap();
    assert!(line.contains(" --connect-to ::127.0.0.1:9 "), "{line}");
}
