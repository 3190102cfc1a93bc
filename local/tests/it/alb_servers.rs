//! Groups of servers beside the functions: who gets a request, and what becomes of servers that do not answer.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::{Value, json};
use testkit::events::kind;
use testkit::h1::{exchange, request};
use testkit::ws::Client;
use testkit::{Answer, Launch, Program, until};

use crate::alb::{action, alb_part, forward, group, listener, port_of, records, rule, start};
use crate::harness::{SCRIPTED, f, scripted};

/// The scripted program as a server of its own.
fn server(name: &str) -> (Program, u16) {
    Launch::new(SCRIPTED).var("SCRIPT_NAME", name).start_on_port("FC_CUSTOM_LISTEN_PORT")
}

/// A group of servers, each with its weight.
fn servers(name: &str, servers: &[(u16, u8)], more: &str) -> String {
    let block = |(port, weight): &(u16, u8)| {
        format!(
            "servers {{\n server_type = \"Ip\"\n server_id = \"127.0.0.1\"\n server_ip = \"127.0.0.1\"\n \
             port = {port}\n weight = {weight}\n }}\n"
        )
    };
    let blocks = servers.iter().map(block).collect::<Vec<_>>().concat();
    let check = if more.contains("health_check_config") {
        ""
    } else {
        "health_check_config {\n health_check_enabled = false\n }"
    };
    format!(
        "resource \"alicloud_alb_server_group\" \"{name}\" {{\n server_group_name = \"{name}-group\"\n \
         server_group_type = \"Ip\"\n vpc_id = \"vpc-1\"\n {check}\n {more}\n {blocks} }}\n"
    )
}

fn get(port: u16, target: &str, headers: &str) -> Answer {
    exchange(port, &request("GET", target, headers, b""))
}

fn names(port: u16, path: &str, asked: usize) -> Vec<String> {
    (0..asked).map(|_| get(port, path, "").text()).collect()
}

/// A port at which nobody listens.
fn closed() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// A server that answers each connection with `bytes` and closes it. Every request is sent to `asked`.
fn saying(bytes: &'static [u8]) -> (u16, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, asked) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut read = vec![0; 16 * 1024];
            let mut text = String::new();
            while !text.contains("\r\n\r\n") {
                match stream.read(&mut read) {
                    Ok(length) if length > 0 => text += &String::from_utf8_lossy(&read[..length]),
                    _ => break,
                }
            }
            if tell.send(text).is_err() {
                return;
            }
            _ = stream.write_all(bytes);
        }
    });
    (port, asked)
}

#[test]
fn servers_get_requests_as_a_reverse_proxy_sends_them() {
    let ((one, one_port), (_two, two_port)) = (server("one"), server("two"));
    let (garbled, _asked) = saying(b"this is not HTTP\r\n\r\n");
    let (silent, _asked_too) = saying(b"");
    let (mirror_port, copies) = saying(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\ncopied");
    let sticky =
        "sticky_session_config {\n sticky_session_enabled = true\n sticky_session_type = \"Insert\"\n }";
    let mirror = "traffic_mirror_config {\n target_type = \"ForwardGroupMirror\"\n mirror_group_config {\n \
                  server_group_tuples {\n server_group_id = alicloud_alb_server_group.copied.id\n }\n }\n }";
    let halves = "forward_group_config {\n server_group_tuples {\n server_group_id = alicloud_alb_server_group.first.id\n \
                  weight = 50\n }\n server_group_tuples {\n server_group_id = alicloud_alb_server_group.second.id\n \
                  weight = 50\n }\n server_group_sticky_session {\n enabled = true\n timeout = 60\n }\n }";
    let terraform = [
        group("f"),
        servers("both", &[(one_port, 100), (two_port, 100)], ""),
        servers("stays", &[(one_port, 100), (two_port, 100)], sticky),
        servers("first", &[(one_port, 100)], ""),
        servers("second", &[(two_port, 100)], ""),
        servers("gone", &[(closed(), 100)], ""),
        servers("garbled", &[(garbled, 100)], ""),
        servers("silent", &[(silent, 100)], ""),
        servers("copied", &[(mirror_port, 100)], ""),
        servers("nobody", &[(one_port, 0)], ""),
        listener(80, "both", "idle_timeout = 600"),
        rule(80, 10, "/gone", &forward(1, "gone")),
        rule(80, 20, "/garbled", &forward(1, "garbled")),
        rule(80, 30, "/silent", &forward(1, "silent")),
        rule(80, 40, "/nobody", &forward(1, "nobody")),
        rule(80, 50, "/pid", &forward(1, "stays")),
        rule(80, 60, "/length", &(action(1, "TrafficMirror", mirror) + &forward(2, "first"))),
        rule(80, 70, "/count", &action(1, "ForwardGroup", halves)),
        rule(80, 80, "/ws", &forward(1, "first")),
    ]
    .concat();
    let local = start(scripted(), f(), &terraform, &[80]);
    let port = port_of(&local, 80);

    // Both get the same share.
    let all = names(port, "/name", 8);
    assert_eq!(all.iter().filter(|name| *name == "one").count(), 4, "{all:?}");
    let seen = get(port, "/seen?a=b", "connection: x-mine\r\nx-mine: 1\r\n").text();
    assert!(seen.starts_with("GET /seen?a=b HTTP/1.1") && !seen.contains("x-mine"), "{seen}");
    assert!(seen.contains("x-forwarded-for: 127.0.0.1") && !seen.contains("x-fc-"), "{seen}");
    let told = alb_part(&local, "/seen", 200);
    assert_eq!((&told["statusBy"], &told["upstreamStatus"]), (&json!("server"), &json!(200)));

    for (path, status) in [("/gone", 502), ("/garbled", 502), ("/silent", 500), ("/nobody", 503)] {
        get(port, path, "").assert_status(status);
        let told = alb_part(&local, path, status);
        assert_eq!((&told["statusBy"], &told["upstreamStatus"]), (&json!("alb"), &Value::Null), "{path}");
    }

    // A client stays with its server, and with its group, by a cookie.
    let first = get(port, "/pid", "");
    let set = first.values("set-cookie");
    let cookie = set[0].split(';').next().unwrap().to_owned();
    assert!(cookie.starts_with("SERVERID="), "{cookie}");
    // Its twin is for pages of other sites.
    let twin = cookie.replace("SERVERID", "SERVERCORSID");
    assert_eq!(set[1], format!("{twin}; Path=/; Max-Age=1000; SameSite=None; Secure"));
    for _ in 0..4 {
        let answer = get(port, "/pid", &format!("cookie: a=b; {cookie}\r\n"));
        answer.assert_text(&first.text()).assert_no_header("set-cookie");
    }
    get(port, "/pid", &format!("cookie: {twin}\r\n")).assert_text(&first.text());
    let first = get(port, "/count", "");
    let group = alb_part(&local, "/count", 200)["group"].clone();
    let cookie = first.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    for _ in 0..6 {
        get(port, "/count", &format!("cookie: {cookie}\r\n")).assert_no_header("set-cookie");
    }
    local.wait_for_nth(7, kind("request").field("path", "/count"));
    let groups: BTreeSet<String> =
        records(&local, "/count").iter().map(|record| record["alb"]["group"].to_string()).collect();
    assert_eq!(groups, BTreeSet::from([group.to_string()]));

    // A copy of a request has its body too, and its reply is dropped.
    exchange(port, &request("POST", "/length", "x-a: 1\r\n", b"12345")).assert_text("5");
    let copy = copies.recv_timeout(testkit::PATIENCE).unwrap();
    assert!(copy.starts_with("POST /length HTTP/1.1") && copy.contains("x-a: 1"), "{copy}");

    let mut socket = Client::open(port, "/ws");
    socket.text("hello");
    socket.assert_text("hello");
    socket.close(1000);
    local.wait_for(kind("request").field("path", "/ws").status(101));
    // No instance ends this one with the platform.
    let mut socket = Client::open(port, "/ws");
    socket.text("hello");
    socket.assert_text("hello");
    local.program.signal("INT");
    socket.assert_closed(1001);
    drop(one);
}

/// The mark that the listener puts in front of the value of a server's own cookie.
#[test]
fn a_client_stays_with_its_server_by_the_servers_own_cookie() {
    let ((_one, one_port), (_two, two_port)) = (server("one"), server("two"));
    let own = "sticky_session_config {\n sticky_session_enabled = true\n sticky_session_type = \"Server\"\n cookie = \"a\"\n }";
    let terraform =
        [group("f"), servers("both", &[(one_port, 100), (two_port, 100)], own), listener(80, "both", "")]
            .concat();
    let local = start(scripted(), f(), &terraform, &[80]);
    let port = port_of(&local, 80);
    let mut names = BTreeSet::new();
    for _ in 0..2 {
        let first = get(port, "/reserved", "");
        let set = first.values("set-cookie");
        let [cookie, other] = set[..] else { panic!("{set:?}") };
        assert_eq!(other, "b=2", "another cookie is left as it is");
        let mark = cookie
            .strip_prefix("a=")
            .and_then(|own| own.strip_suffix("|1"))
            .unwrap_or_else(|| panic!("{cookie}"));
        assert_eq!(mark.len(), 16);
        let header = format!("cookie: c=d; {cookie}\r\n");
        let stays: BTreeSet<String> = (0..4).map(|_| get(port, "/name", &header).text()).collect();
        assert_eq!(stays.len(), 1, "{stays:?}");
        names.extend(stays);
        let seen = get(port, "/seen", &header).text();
        assert!(seen.contains("cookie: c=d; a=1\r\n"), "the server gets back what it set: {seen}");
    }
    assert_eq!(names.len(), 2, "each server has a mark of its own");
    // A value that no server has is none, and passes as it is.
    let all: BTreeSet<String> = (0..4).map(|_| get(port, "/name", "cookie: a=0|1\r\n").text()).collect();
    assert_eq!(all.len(), 2);
}

/// The limit of messages is Function Compute's.
#[test]
fn a_message_to_a_server_has_no_limit_and_one_to_a_function_has() {
    let (_one, one_port) = server("one");
    let terraform = [
        group("f"),
        servers("one", &[(one_port, 100)], ""),
        listener(80, "one", "idle_timeout = 60"),
        listener(81, "f", "idle_timeout = 60"),
    ]
    .concat();
    let local = start(scripted(), f().timeout(60), &terraform, &[80, 81]);
    let large = vec![b'x'; 7 << 20];
    let mut socket = Client::open(port_of(&local, 80), "/ws");
    socket.send(0x82, &large);
    let (first, echoed) = socket.frame();
    assert!(first == 0x82 && echoed == large);
    socket.text("send 7000000");
    assert_eq!(socket.frame().1.len(), 7_000_000);
    socket.close(1000);
    let mut socket = Client::open(port_of(&local, 81), "/ws");
    socket.text("hello");
    socket.assert_text("hello");
    let _ = socket.conn.try_send(&testkit::ws::masked(0x82, &large));
    let (first, payload) = socket.frame();
    assert_eq!((first, &payload[..2]), (0x88, &1009_u16.to_be_bytes()[..]));
    drop(socket);
    local.wait_for(kind("call_failed").field("failure", "entity_too_large"));
}

#[test]
fn a_server_that_fails_its_checks_gets_no_requests() {
    let ((one, one_port), (two, two_port)) = (server("one"), server("two"));
    let check = "health_check_config {\n health_check_enabled = true\n health_check_interval = 1\n \
                 health_check_path = \"/healthz\"\n healthy_threshold = 2\n unhealthy_threshold = 2\n }";
    let both = servers("both", &[(one_port, 100), (two_port, 100)], check);
    let local = start(scripted(), f(), &(group("f") + &both + &listener(80, "both", "")), &[80]);
    let port = port_of(&local, 80);
    let target = format!("127.0.0.1:{two_port}");
    let healthy = || kind("alb").field("what", "healthy").field("target", target.as_str());
    local.wait_for(healthy());
    get(two_port, "/set-health?ok=0", "").assert_status(200);
    local.wait_for(kind("alb").field("what", "unhealthy").field("target", target.as_str()));
    assert_eq!(names(port, "/name", 4), ["one"; 4]);
    // Where all have failed, all are asked.
    get(one_port, "/set-health?ok=0", "").assert_status(200);
    let first = format!("127.0.0.1:{one_port}");
    local.wait_for(kind("alb").field("what", "unhealthy").field("target", first.as_str()));
    let mut both = names(port, "/name", 4);
    both.sort();
    assert_eq!(both, ["one", "one", "two", "two"]);
    get(two_port, "/set-health?ok=1", "").assert_status(200);
    local.wait_for_nth(2, healthy());
    assert_eq!(names(port, "/name", 4), ["two"; 4]);
    get(one_port, "/set-health?ok=1", "").assert_status(200);
    until("both are asked again", || names(port, "/name", 2).contains(&"two".to_owned()).then_some(()));
    assert_eq!(local.count(kind("request").field("path", "/healthz")), 0, "no function was asked");
    drop((one, two));
}
