//! nginx in front, as in many set-ups.

use testkit::events::kind;
use testkit::h1::{Conn, exchange, request};
use testkit::proxy::{Config, Proxy};

use crate::harness::{Local, f};

/// As many set-ups have it: nothing is buffered, connections are kept, the client's address is appended.
const PLAIN: Config<'_> = Config {
    http: "client_max_body_size 0;",
    listen: "",
    location: "proxy_pass http://function;\nproxy_http_version 1.1;\nproxy_set_header Connection '';\n\
               proxy_set_header Host $host;\nproxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n\
               proxy_buffering off;\nproxy_request_buffering off;",
};

#[test]
#[ignore = "needs nginx: .ci/run runs it with --ignored"]
fn nginx_in_front_changes_nothing() {
    let local = Local::scripted(f().timeout(60).concurrency(5));
    let nginx = Proxy::start(local.function_port("f"), &PLAIN);
    let reply = exchange(
        nginx.port,
        &request("POST", "/seen?a=1", "x-forwarded-for: 1.2.3.4\r\nx-fc-own: 1\r\n", b"body"),
    );
    assert_eq!(reply.status, 200);
    let text = reply.text();
    assert!(text.starts_with("POST /seen?a=1 HTTP/1.1") && text.ends_with("body"), "{text}");
    assert!(text.contains("x-forwarded-for: 1.2.3.4, 127.0.0.1, 127.0.0.1"), "{text}");
    assert!(!text.contains("x-fc-own"), "{text}");
    for _ in 0..20 {
        assert_eq!(exchange(nginx.port, &request("POST", "/length", "", b"12345")).text(), "5");
    }
    let body = vec![b'x'; 1024 * 1024];
    assert_eq!(exchange(nginx.port, &request("POST", "/length", "", &body)).text(), body.len().to_string());
    let reply = exchange(nginx.port, &request("BREW", "/", "", b""));
    reply.assert_platform_error(403, "FcCommonError", "AccessDenied", "BREW");
    exchange(nginx.port, &request("GET", "/exit?code=1", "", b""))
        .assert_function_error(502, "Process exited");

    // A stream arrives as it is sent, and a client that leaves nginx leaves the function.
    let mut stream = Conn::open(nginx.port);
    stream.send(&request("GET", "/chunks?n=100000&ms=20", "", b""));
    stream.until_text("chunk 1");
    drop(stream);
    let line = local.wait_for(kind("call_cancelled"));
    local.wait_for(kind("request").request(line.request()).status(499));

    // The connection of a client stays open whatever is answered.
    let mut conn = Conn::open(nginx.port);
    for target in ["/", "/status?code=500", "/exit?code=1", "/name"] {
        conn.send(&request("GET", target, "", b""));
        assert!(conn.try_answer("GET").is_some(), "{target}");
    }
}
