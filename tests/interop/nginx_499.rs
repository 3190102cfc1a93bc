//! nginx set up as a load balancer's documents say, with clients that are killed under load: both count alike.

use std::collections::BTreeSet;

use crate::support::{Ask, Server};
use testkit::proxy::{Config, Proxy};
use testkit::{Launch, Program, until};

/// Clients of one round: connections of a wrk that is killed, and curls that lose patience.
const KILLED: usize = 200;
const IMPATIENT: usize = 30;
const ROUNDS: usize = 3;

/// 60 s for a reply, 5 s to connect, 15 s idle, the client's address appended, and 499 for a client that left.
const BALANCER: Config<'_> = Config {
    http: "keepalive_timeout 15s;",
    listen: "",
    location: "proxy_pass http://function;\nproxy_http_version 1.1;\nproxy_set_header Connection \"\";\n\
               proxy_connect_timeout 5s;\nproxy_read_timeout 60s;\nproxy_send_timeout 60s;\n\
               proxy_ignore_client_abort off;\nproxy_next_upstream off;\n\
               proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n\
               proxy_set_header X-Forwarded-Proto $scheme;\nproxy_set_header Host $http_host;\n\
               proxy_set_header X-Fc-Request-Id $request_id;",
};

/// The ids of the requests on a path that the proxy records with this status.
fn ids(front: &Proxy, status: &str, path: &str) -> BTreeSet<String> {
    let log = front.records();
    let words = log.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    words.filter(|words| words[0] == status && words[2] == path).map(|words| words[3].to_owned()).collect()
}

fn wrk(connections: usize, seconds: usize, url: &str) -> Program {
    let connections = connections.to_string();
    let duration = format!("{seconds}s");
    Launch::new("wrk").args(["-t", "1", "-c", &connections, "-d", &duration, "--timeout", "60s", url]).start()
}

#[test]
#[ignore = "needs wrk, curl and nginx: .ci/run runs it with --ignored"]
fn both_count_the_same_departures() {
    let mut server = Server::contract();
    let front = Proxy::start(server.port, &BALANCER);
    let url = |target: &str| format!("http://127.0.0.1:{}{target}", front.port);
    for round in 1..=ROUNDS {
        let mut killed = wrk(KILLED, 60, &url("/slow?ms=600000"));
        let impatient: Vec<_> = (0..IMPATIENT)
            .map(|_| {
                Launch::new("curl").args(["--silent", "--max-time", "8", &url("/slow?ms=600000")]).start()
            })
            .collect();
        // All have reached the function: what the proxy alone has seen is not the function's to count.
        server.until_counter("in_flight", (KILLED + IMPATIENT + 1) as u64);
        // Others are served while they leave.
        let mut load = wrk(16, 3, &url("/plaintext"));
        killed.kill();
        for mut curl in impatient {
            assert_eq!(curl.wait().code(), Some(28), "curl gave up");
        }
        assert!(load.wait().success());
        server.until_counter("cancelled", (round * KILLED) as u64);
    }
    server.until_idle();
    let theirs = until("nginx's records", || {
        let theirs = ids(&front, "499", "/slow");
        (theirs.len() >= ROUNDS * (KILLED + IMPATIENT)).then_some(theirs)
    });
    let counted = server.counter("cancelled");
    let lines = server.stop();
    let ours = |path: &str| -> BTreeSet<String> {
        let left = lines.iter().filter(|line| line["status"] == 499 && line["path"] == path);
        left.map(|line| line["request_id"].as_str().unwrap().to_owned()).collect()
    };
    let all = lines.iter().filter(|line| line["status"] == 499).count();
    println!(
        "499: nginx {}, the runtime's counter {counted}, its log {all}; of /plaintext: nginx {}, the log {}; served {}",
        theirs.len() + ids(&front, "499", "/plaintext").len(),
        ids(&front, "499", "/plaintext").len(),
        ours("/plaintext").len(),
        ids(&front, "200", "/plaintext").len(),
    );
    assert_eq!(theirs, ours("/slow"), "request by request");
    assert_eq!(counted, all as u64);
    // A load that ends leaves a few quick requests behind, whose replies may have crossed the departure.
    assert!(ours("/plaintext").is_subset(&ids(&front, "499", "/plaintext")));
    assert_eq!(ids(&front, "502", "/plaintext"), BTreeSet::new());
    assert!(!ids(&front, "200", "/plaintext").is_empty(), "others were served");
}

/// What the balancer says about the client reaches the function; what the client says about itself does not count.
#[test]
#[ignore = "needs wrk, curl and nginx: .ci/run runs it with --ignored"]
fn the_client_is_seen_through_the_proxy() {
    let server = Server::contract();
    let front = Proxy::start(server.port, &BALANCER);
    let ask = Ask::get("/healthz");
    crate::support::h1::Conn::open(front.port).ask(&ask).assert_status(200).assert_text("ok");
}
