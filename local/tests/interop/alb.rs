//! Load balancers with real clients, and under many requests.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use testkit::events::kind;
use testkit::h1::{Conn, exchange, request};
use testkit::{Folder, until};

use super::{example, python, succeed};
use crate::alb::{fixed, group, listener, manifest, port_of, rule, start};
use crate::harness::{Local, f, scripted};
use crate::tls::authority;

/// Says `ok` once the contract's socket has answered through TLS. Its arguments are the URL and the authority.
const PYTHON: &str = r#"
import asyncio, ssl, sys
import websockets

async def main():
    trust = ssl.create_default_context(cafile=sys.argv[2])
    async with websockets.connect(sys.argv[1], ssl=trust, max_size=None) as socket:
        for message in ["tea", "é" * 1000, b"\0\1", b"x" * 65_536]:
            await socket.send(message)
            assert await socket.recv() == message, len(message)
        await socket.close(4001, "bye")
        assert (socket.close_code, socket.close_reason) == (4001, "bye")
    print("ok")

asyncio.run(main())
"#;

fn contract(terraform: &str, ports: &[u16], concurrency: u32) -> Local {
    let folder = Folder::new();
    folder.link("code/bootstrap", example("contract").to_str().unwrap());
    folder.write("alb/main.tf", terraform);
    let function = f().timeout(120).concurrency(concurrency);
    folder.write("s.yaml", &manifest([function], ports).to_string());
    Local::start(folder, &[])
}

#[test]
#[ignore = "needs curl, Chromium and Python: .ci/run runs it with --ignored"]
fn curl_chromium_and_websockets_come_through_https() {
    let certificates = "certificates {\n certificate_id = \"cert-1\"\n }\n \
                        security_policy_id = \"tls_cipher_policy_1_2_strict_with_1_3\"";
    let https = listener(443, "f", certificates).replace("\"HTTP\"", "\"HTTPS\"");
    let terraform = [group("f"), listener(80, "f", ""), https].concat();
    let local = contract(&terraform, &[80, 443], 20);
    let (plain, port) = (port_of(&local, 80), port_of(&local, 443));
    let file = authority(&local).display().to_string();
    let url = format!("https://localhost:{port}/plaintext");
    for (version, expected) in
        [(&["--http1.1"][..], "1.1"), (&["--http2"], "2"), (&["--http2", "--tls-max", "1.2"], "2")]
    {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--cacert", &file, "-w", "|%{http_version}|%{http_code}", &url]).args(version);
        assert_eq!(succeed(&mut curl), format!("Hello, World!|{expected}|200"), "{version:?}");
    }
    let mut curl = Command::new("curl");
    curl.args(["-sS", "-w", "|%{http_version}", &format!("http://localhost:{plain}/plaintext")]);
    assert_eq!(succeed(&mut curl), "Hello, World!|1.1");
    let mut python = python();
    python.args(["-c", PYTHON, &format!("wss://localhost:{port}/ws"), &file]);
    assert_eq!(succeed(&mut python).trim(), "ok");
    let mut curl = Command::new("curl");
    curl.args(["-sS", "-N", "--cacert", &file, &format!("https://localhost:{port}/sse?n=3&ms=1")]);
    assert!(succeed(&mut curl).contains("tick 2"));
    // A browser over HTTP/2: the page is the function's own text.
    let text = look_at(&format!("https://localhost:{port}/plaintext"));
    assert!(text.contains("Hello, World!"), "{text}");
    local.wait_for(kind("request").field("path", "/plaintext").status(200));
}

/// What Chromium shows of a page without a script.
fn look_at(url: &str) -> String {
    let profile = Folder::new();
    let mut chromium = Command::new("chromium");
    chromium.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--dump-dom"]);
    chromium.args(["--ignore-certificate-errors", "--proxy-server=direct://"]);
    chromium.arg(format!("--user-data-dir={}", profile.path().display())).arg(url);
    succeed(&mut chromium)
}

#[test]
#[ignore = "takes a while: .ci/run runs it with --ignored"]
fn a_thousand_leavers_are_counted_equally_by_listener_and_function() {
    const LEAVERS: usize = 1000;
    /// As many as leave at a time: an instance takes 200 calls at most.
    const AT_ONCE: usize = 100;
    let local = contract(&[group("f"), listener(80, "f", "")].concat(), &[80], 200);
    let port = port_of(&local, 80);
    let counters =
        |name: &str| exchange(port, &request("GET", "/counters", "", b"")).json()[name].as_u64().unwrap();
    for round in 1..=LEAVERS / AT_ONCE {
        let conns: Vec<Conn> = (0..AT_ONCE)
            .map(|_| {
                let mut conn = Conn::open(port);
                conn.send(&request("GET", "/slow?ms=60000", "", b""));
                conn
            })
            .collect();
        until("the function has them", || (counters("in_flight") > AT_ONCE as u64).then_some(()));
        drop(conns);
        let all = (round * AT_ONCE) as u64;
        until("the function knows", || (counters("cancelled") >= all).then_some(()));
    }
    local.wait_for_nth(LEAVERS, kind("request").field("path", "/slow").status(499));
    let records = local.matching(kind("request").field("path", "/slow"));
    assert_eq!((records.len(), counters("cancelled")), (LEAVERS, LEAVERS as u64));
    assert!(records.iter().all(|record| record["status"] == 499 && record["alb"]["statusBy"] == "alb"));
}

#[test]
#[ignore = "takes a while: .ci/run runs it with --ignored"]
fn no_request_is_lost_while_rules_change_and_instances_are_replaced() {
    const REQUESTS: usize = 10_000;
    const CLIENTS: usize = 8;
    let terraform = |word: &str| {
        [group("f"), listener(80, "f", ""), rule(80, 10, "/fixed", &fixed(1, 200, word))].concat()
    };
    let function =
        |round: usize| f().timeout(60).concurrency(20).var("SCRIPT_NAME", &format!("name-{round}"));
    let local = start(scripted(), function(0), &terraform("round-0"), &[80]);
    let port = port_of(&local, 80);
    let (asked, is_over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (asked, is_over) = (Arc::clone(&asked), Arc::clone(&is_over));
            std::thread::spawn(move || {
                let mut conn = Conn::open(port);
                let (mut names, mut words) = (0, 0);
                while asked.fetch_add(1, Ordering::Relaxed) < REQUESTS || !is_over.load(Ordering::Relaxed) {
                    for path in ["/name", "/fixed"] {
                        conn.send(&request("GET", path, "", b""));
                        let answer = conn.answer("GET");
                        let text = answer.text();
                        let begin = if path == "/name" { "name-" } else { "round-" };
                        assert!(answer.status == 200 && text.starts_with(begin), "{} {text}", answer.status);
                        *(if path == "/name" { &mut names } else { &mut words }) += 1;
                        if answer.header("connection") == Some("close") {
                            conn = Conn::open(port);
                        }
                    }
                }
                (names, words)
            })
        })
        .collect();
    // A round changes the rule, or replaces the instances.
    let mut round = 0;
    while asked.load(Ordering::Relaxed) < REQUESTS || round < 6 {
        round += 1;
        local.folder.write("alb/main.tf", &terraform(&format!("round-{round}")));
        if round % 2 == 0 {
            local.folder.write("s.yaml", &manifest([function(round)], &[80]).to_string());
        }
        let fixed = || exchange(port, &request("GET", "/fixed", "", b"")).text();
        until("the rule has changed", || (fixed() == format!("round-{round}")).then_some(()));
        if round % 2 == 0 {
            local.wait_for_nth(round / 2, kind("swapped"));
        }
    }
    is_over.store(true, Ordering::Relaxed);
    let counts: Vec<(usize, usize)> = clients.into_iter().map(|client| client.join().unwrap()).collect();
    let all: usize = counts.iter().map(|(names, words)| names + words).sum();
    assert!(all >= REQUESTS, "{all}");
    let failed = local.matching(kind("request").has("alb")).iter().filter(|one| one["status"] != 200).count();
    assert_eq!(failed, 0);
}
