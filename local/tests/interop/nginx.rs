//! nginx in front, as in many set-ups.

use std::process::{Child, Command, Stdio};

use testkit::events::kind;
use testkit::h1::{Conn, exchange, request};
use testkit::{Folder, eventually};

use crate::harness::{Local, f};

/// A running nginx that passes everything to one port.
pub(super) struct Nginx {
    child: Child,
    pub(super) port: u16,
    #[expect(dead_code, reason = "removed in the end")]
    folder: Folder,
}

impl Nginx {
    pub(super) fn start(upstream: u16) -> Self {
        let folder = Folder::new();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let path = folder.path().display();
        let text = format!(
            "daemon off; user root; worker_processes 1; pid {path}/pid; error_log {path}/error.log;
             events {{ worker_connections 1024; }}
             http {{
               access_log {path}/access.log;
               client_body_temp_path {path}/body; proxy_temp_path {path}/proxy; fastcgi_temp_path {path}/f; uwsgi_temp_path {path}/u; scgi_temp_path {path}/s;
               keepalive_requests 1000000;
               upstream functions {{ server 127.0.0.1:{upstream}; keepalive 32; keepalive_requests 1000000; }}
               server {{
                 listen 127.0.0.1:{port};
                 client_max_body_size 0;
                 location / {{
                   proxy_pass http://functions; proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Host $host;
                   proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_buffering off; proxy_request_buffering off;
                 }}
               }}
             }}"
        );
        let file = folder.write("nginx.conf", &text);
        let child = Command::new("nginx")
            .args(["-p", folder.path().to_str().unwrap(), "-c", file.to_str().unwrap()])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx");
        eventually("nginx listens", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        Nginx { child, port, folder }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        testkit::process::signal(self.child.id(), "TERM");
        drop(self.child.wait());
    }
}

#[test]
#[ignore = "needs nginx: .ci/run runs it with --ignored"]
fn nginx_in_front_changes_nothing() {
    let local = Local::scripted(f().timeout(60).concurrency(5));
    let nginx = Nginx::start(local.function_port("f"));
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
