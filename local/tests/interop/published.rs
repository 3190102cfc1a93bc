//! A server as its public templates start it, and what every server has to do.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use testkit::events::{kind, printed};
use testkit::h1::Conn;
use testkit::manifest::{Function, Manifest};
use testkit::process::{below, free_port, is_running};
use testkit::{Answer, Folder, eventually};

use super::root;
use crate::harness::{Local, write_manifest};

/// A size that no buffer holds on its way: 5 MiB.
const LARGE: usize = 5 * 1024 * 1024;

/// The custom domain of functions that have no trigger.
const DOMAIN: &str = "www.example.com";

/// A server, and what it takes to run it.
#[expect(clippy::struct_excessive_bools, reason = "each is a trait of its own")]
pub(super) struct Server {
    /// The files of the code: their names here, and in the code.
    pub(super) files: &'static [(&'static str, &'static str)],
    pub(super) command: Value,
    /// Whether it does more than to serve files.
    pub(super) is_program: bool,
    /// Whether its streams are chunked. The platform gathers any other reply.
    pub(super) streams: bool,
    /// Whether it notices a client that leaves before the reply.
    pub(super) notices_departure: bool,
    /// Whether it has no trigger, and is reached by a custom domain alone.
    pub(super) by_domain: bool,
    /// Whether its instances may have networks of their own.
    pub(super) network: bool,
}

/// A program that notices everything.
pub(super) fn program(files: &'static [(&'static str, &'static str)], command: Value) -> Server {
    Server {
        files,
        command,
        is_program: true,
        streams: true,
        notices_departure: true,
        by_domain: false,
        network: true,
    }
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/languages")
}

/// What `.ci/run tools` installs.
pub(super) fn installed(name: &str) -> PathBuf {
    let folder = root().join("target").join(name);
    assert!(folder.exists(), "{} is absent: run `.ci/run tools`", folder.display());
    folder
}

/// A function as public templates write one.
pub(super) fn published(name: &str, port: u16, command: &Value) -> Function {
    Function::new(name)
        .timeout(60)
        .concurrency(1)
        .memory(1024)
        .runtime("command", command.clone())
        .runtime("port", port)
        .var("OWN_PORT", &port.to_string())
        .var("PYTHONPATH", "/code/python:/opt/python")
        .var("NODE_PATH", "/opt/nodejs/node_modules")
        .var("PATH", &format!("/code/node_modules/.bin:/opt/python/bin:{}", std::env::var("PATH").unwrap()))
}

/// Writes the files into the code folder.
pub(super) fn write_code(folder: &Folder, code: &str, files: &[(&str, &str)], port: u16) {
    for (source, name) in files {
        let text = std::fs::read_to_string(sources().join(source)).unwrap();
        folder.write(&format!("{code}/{name}"), &text.replace("OWN_PORT;", &format!("{port};")));
    }
    folder.write(&format!("{code}/word"), "one");
}

/// A running server, and the way to it.
struct Site {
    local: Local,
    port: u16,
    host: String,
}

impl Site {
    fn start(server: &Server, port: u16, change: impl FnOnce(Function) -> Function) -> Self {
        let folder = Folder::new();
        write_code(&folder, "code", server.files, port);
        let mut function = change(published("f", port, &server.command)).local("network", server.network);
        if server.by_domain {
            function = function.prop("triggers", json!([]));
        }
        let mut manifest = Manifest::of([function]);
        if server.by_domain {
            let routes = json!({"routes": [{"path": "/*", "functionName": "f", "methods": ["GET", "POST"]}]});
            let domain = json!({
                "region": "cn-hangzhou", "domainName": DOMAIN, "protocol": "HTTP", "routeConfig": routes,
            });
            manifest = manifest.resource("domain", "fc3-domain", &domain);
        }
        write_manifest(&folder, manifest);
        let local = Local::spawn(folder, &[]);
        local.wait_for_long(
            kind("instance_started").or(kind("instance_start_failed")).or(kind("build_failed")),
        );
        let (port, host) = if server.by_domain {
            (local.main_port(), DOMAIN.to_owned())
        } else {
            (local.function_port("f"), "127.0.0.1".to_owned())
        };
        Site { local, port, host }
    }

    fn open(&self) -> Conn {
        Conn::open(self.port)
    }

    /// The bytes of a request. Only what has a body has a length.
    fn request(&self, target: &str, body: &[u8]) -> Vec<u8> {
        let length = format!("content-type: application/octet-stream\r\ncontent-length: {}\r\n", body.len());
        let (method, length) = if body.is_empty() { ("GET", "") } else { ("POST", &*length) };
        let head = format!("{method} {target} HTTP/1.1\r\nhost: {}\r\n{length}\r\n", self.host);
        [head.as_bytes(), body].concat()
    }

    /// The reply to a request on a connection of its own.
    #[track_caller]
    fn ask(&self, target: &str, body: &[u8]) -> Answer {
        let mut conn = self.open();
        // A server that refuses early may close while we still write.
        drop(conn.try_send(&self.request(target, body)));
        conn.try_answer("GET").expect("a reply")
    }
}

/// What every server has to do.
pub(super) fn check(server: &Server, change: impl FnOnce(Function) -> Function) {
    let port = free_port();
    let mut site = Site::start(server, port, change);
    let reply = site.ask("/", b"");
    assert_eq!((reply.status, reply.text().as_str()), (200, "one"));
    assert!(!server.by_domain || reply.header("content-disposition").is_none(), "{reply:?}");
    let of_port = if server.network { "network_own" } else { "port_ignored" };
    site.local.wait_for(kind(of_port).field("port", port));
    if site.local.count(kind("folders_translated")) == 0 {
        assert_eq!(site.ask("/where", b"").text(), "/code /code");
    }
    // All at once: to several instances where there may be some, and then they wait.
    let mut calls: Vec<Conn> = (0..50).map(|_| site.open()).collect();
    for call in &mut calls {
        call.send(&site.request("/", b""));
    }
    for call in &mut calls {
        let reply = call.answer("GET");
        assert_eq!((reply.status, reply.text().as_str()), (200, "one"));
    }
    if server.network {
        // One may have answered all calls before the others, which are started for them, are up.
        site.local.wait_for_nth(2, kind("instance_started"));
    } else {
        assert_eq!(site.local.count(kind("instance_started")), 1);
    }
    if server.is_program {
        check_program(&site, server);
    } else {
        check_files(&site);
    }

    // An edit is noticed and served.
    let local = &mut site.local;
    let swaps = local.count(kind("swapped"));
    local.folder.write("code/word", "two");
    local.wait_for_nth(swaps + 1, kind("swapped"));
    assert_eq!(site.ask("/", b"").text(), "two");
    assert_eq!(site.local.count(kind("request").status(429)), 0);

    let all = below(site.local.pid());
    assert_eq!(site.local.interrupt(), Some(0));
    eventually("all processes end", || !all.iter().any(|pid| is_running(*pid)));
    let listening = std::net::TcpListener::bind(("0.0.0.0", port));
    assert!(listening.is_ok(), "nothing listens on the port any more: {listening:?}");
}

fn check_program(site: &Site, server: &Server) {
    assert_eq!(site.ask("/length", &vec![b'x'; LARGE]).text(), LARGE.to_string());
    let reply = site.ask(&format!("/big?bytes={LARGE}"), b"");
    assert_eq!((reply.status, reply.body.len()), (200, LARGE));
    let mut stream = site.open();
    stream.send(&site.request("/stream", b""));
    let head = stream.answer_head();
    let coding = server.streams.then_some("chunked");
    assert_eq!((head.status, head.header("transfer-encoding")), (200, coding), "{head:?}");
    let expected = "chunk 0\nchunk 1\nchunk 2\n";
    if server.streams {
        let mut all = String::new();
        while let Some(chunk) = stream.chunk() {
            _ = write!(all, "{}", String::from_utf8_lossy(&chunk));
        }
        assert_eq!(all, expected);
    } else {
        assert_eq!(stream.bytes(expected.len()), expected.as_bytes());
    }

    // A client that leaves.
    let local = &site.local;
    let mut slow = site.open();
    slow.send(&site.request("/slow", b""));
    local.wait_for(kind("stdout").saying("slow begins").or(kind("stderr").saying("slow begins")));
    drop(slow);
    local.wait_for(kind("request").status(499).field("path", "/slow"));
    if server.notices_departure {
        // Where nothing replaces the instance first, which is the platform's rule for a single call at a time.
        local.wait_for(printed("slow client left").or(kind("instance_stopped")));
    }
    assert_eq!(site.ask("/", b"").text(), "one");
}

/// A server of files: a large one goes out whole, and an upload is refused so that the client sees that.
fn check_files(site: &Site) {
    let swaps = site.local.count(kind("swapped"));
    site.local.folder.write("code/large", &"x".repeat(LARGE));
    site.local.wait_for_nth(swaps + 1, kind("swapped"));
    let reply = site.ask("/large", b"");
    assert_eq!((reply.status, reply.body.len()), (200, LARGE));
    let refused = site.ask("/large", &vec![b'x'; LARGE]);
    assert!(matches!(refused.status, 405 | 413), "{refused:?}");
    // A client that leaves in the middle.
    let mut left = site.open();
    left.send(&site.request("/large", b""));
    assert_eq!(left.answer_head().status, 200);
    left.reset();
    site.local.wait_for(kind("request").status(499).field("path", "/large"));
}
