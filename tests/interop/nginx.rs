//! nginx as a reverse proxy in front, with connections that it keeps, as the platform's gateway does.

use std::process::{Child, Command, Stdio};

use crate::support::server::free_port;
use crate::support::wait::until;
use crate::support::{Ask, Server, h1, rows};
use crate::{Folder, curl, is_wanted};

pub struct Proxy {
    child: Child,
    pub port: u16,
    folder: Folder,
}

impl Proxy {
    #[track_caller]
    pub fn start(name: &str, upstream: u16) -> Self {
        Self::start_buffering(name, upstream, "off")
    }

    /// `on` is what nginx does unless it is told.
    #[track_caller]
    pub fn start_buffering(name: &str, upstream: u16, buffering: &str) -> Self {
        let folder = Folder::new(name);
        let port = free_port();
        let place = folder.0.display();
        let config = format!(
            "daemon off;\nmaster_process off;\npid {place}/pid;\nerror_log {place}/error.log warn;\n\
             events {{ worker_connections 256; }}\n\
             http {{\n\
             log_format short '$status $request_method $uri';\n\
             access_log {place}/access.log short;\n\
             client_body_temp_path {place}/b;\nproxy_temp_path {place}/p;\nfastcgi_temp_path {place}/f;\n\
             uwsgi_temp_path {place}/u;\nscgi_temp_path {place}/s;\n\
             client_max_body_size 64m;\nlarge_client_header_buffers 8 64k;\nmerge_slashes off;\n\
             upstream function {{ server 127.0.0.1:{upstream}; keepalive 32; }}\n\
             server {{\nlisten 127.0.0.1:{port};\n\
             location / {{\nproxy_pass http://function;\nproxy_http_version 1.1;\n\
             proxy_set_header Connection \"\";\nproxy_buffering {buffering};\nproxy_read_timeout 600s;\n}}\n}}\n}}\n"
        );
        std::fs::write(folder.file("nginx.conf"), config).unwrap();
        let mut child = Command::new("nginx")
            .arg("-p")
            .arg(&folder.0)
            .arg("-e")
            .arg(folder.file("error.log"))
            .arg("-c")
            .arg(folder.file("nginx.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx is installed");
        until("nginx to listen", || {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "nginx ended: {}", folder.text("error.log"));
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        });
        Self { child, port, folder }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// nginx names itself, and passes no reply header on that is its own.
#[test]
fn all_rows_pass() {
    if !is_wanted() {
        return;
    }
    let server = Server::contract();
    let proxy = Proxy::start("nginx-rows", server.port);
    rows::check(|ask| {
        let mut answer = h1::Conn::open(proxy.port).ask(ask);
        answer.headers.retain(|(name, value)| name != "server" || !value.starts_with("nginx"));
        answer
    });
    let errors = proxy.folder.text("error.log");
    assert!(!errors.contains("[error]"), "{errors}");
}

/// The proxy reuses its connections: a `POST` on one that the function had closed would be a 502.
#[test]
fn many_posts_meet_no_closed_connection() {
    if !is_wanted() {
        return;
    }
    let server = Server::contract();
    let proxy = Proxy::start("nginx-posts", server.port);
    let mut conn = h1::Conn::open(proxy.port);
    for at in 0..300 {
        conn.ask(&Ask::post("/echo", at.to_string())).assert_status(200).assert_text(&at.to_string());
    }
}

/// nginx closes its connection to the function when its client leaves, as the platform is assumed to.
#[test]
fn a_client_that_leaves_is_499_on_both_sides() {
    if !is_wanted() {
        return;
    }
    let server = Server::contract();
    let proxy = Proxy::start("nginx-left", server.port);
    let target = format!("http://127.0.0.1:{}/slow?ms=600000", proxy.port);
    let curl = Command::new("curl")
        .args(["--silent", "--max-time", "0.5", "--header", "x-fc-request-id: left", &target])
        .status()
        .expect("curl is installed");
    assert_eq!(curl.code(), Some(28), "curl gave up");
    until("nginx's record", || proxy.folder.text("access.log").contains("499 GET /slow").then_some(()));
    let records = server.records("left", 1);
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!((&records[0]["status"], &records[0]["phase"]), (&499.into(), &"handling".into()));
    assert_eq!(server.counter("cancelled"), 1);
}

/// Each piece passes before the next is sent.
#[test]
fn a_stream_passes_piece_by_piece() {
    if !is_wanted() {
        return;
    }
    let server = Server::contract();
    let proxy = Proxy::start("nginx-stream", server.port);
    let folder = Folder::new("nginx-stream-curl");
    let answer = curl::ask(&folder, proxy.port, "--http1.1", &Ask::get("/large?bytes=3000000"));
    answer.assert_status(200).assert_header("transfer-encoding", "chunked");
    assert_eq!(answer.body.len(), 3_000_000);
    // More than nginx would hold back, and a client that reads slowly gets all of it.
    let mut conn = h1::Conn::open(proxy.port);
    conn.send(b"GET /large?bytes=20000000 HTTP/1.1\r\nHost: a\r\n\r\n");
    conn.answer_head().assert_status(200).assert_header("transfer-encoding", "chunked");
    let mut length = 0;
    while let Some(chunk) = conn.chunk() {
        length += chunk.len();
    }
    assert_eq!(length, 20_000_000);
}
