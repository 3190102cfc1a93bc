//! Programs of other languages that nobody here wrote, with manifests as public templates write them: a port of their own,
//! `/code` and `/opt` in variables, packages that are installed in the code folder, one call at a time.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use testkit::events::{kind, printed};
use testkit::h1::{Conn, request};
use testkit::manifest::Function;
use testkit::process::{free_port, is_running};
use testkit::{Folder, eventually};

use super::root;
use crate::harness::{Local, f, write_manifest};

/// A size that no buffer holds on its way: 5 MiB.
const LARGE: usize = 5 * 1024 * 1024;

/// A server, and what it takes to run it.
struct Server {
    /// The files of the code: their names here, and in the code.
    files: &'static [(&'static str, &'static str)],
    command: Value,
    /// Whether it does more than to serve files.
    is_program: bool,
    /// Whether its streams are chunked. The platform gathers any other reply.
    streams: bool,
    /// Whether it notices a client that leaves before the reply.
    notices_departure: bool,
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/languages")
}

/// The packages that `.ci/run tools` installs.
fn installed(name: &str) -> PathBuf {
    let folder = root().join("target").join(name);
    assert!(folder.exists(), "{} is absent: run `.ci/run tools`", folder.display());
    folder
}

/// A function as public templates write one.
fn published(port: u16, command: &Value) -> Function {
    f().timeout(60)
        .concurrency(1)
        .memory(1024)
        .runtime("command", command.clone())
        .runtime("port", port)
        .var("OWN_PORT", &port.to_string())
        .var("PYTHONPATH", "/code/python:/opt/python")
        .var("NODE_PATH", "/opt/nodejs/node_modules")
        .var("PATH", &format!("/code/node_modules/.bin:/opt/python/bin:{}", std::env::var("PATH").unwrap()))
}

fn start(server: &Server, port: u16, change: impl FnOnce(Function) -> Function) -> Local {
    let folder = Folder::new();
    for (source, name) in server.files {
        let text = std::fs::read_to_string(sources().join(source)).unwrap();
        folder.write(&format!("code/{name}"), &text.replace("OWN_PORT;", &format!("{port};")));
    }
    folder.write("code/word", "one");
    write_manifest(&folder, change(published(port, &server.command)));
    let local = Local::spawn(folder, &[]);
    local.wait_for_long(kind("instance_started").or(kind("instance_start_failed")).or(kind("build_failed")));
    local
}

/// What every server has to do.
fn check(server: &Server, change: impl FnOnce(Function) -> Function) {
    let port = free_port();
    let mut local = start(server, port, change);
    local.get("/").assert_ok();
    assert_eq!(local.get("/").text(), "one");
    local.wait_for(kind("port_ignored").field("port", port));
    if local.count(kind("folders_translated")) == 0 {
        assert_eq!(local.get("/where").text(), "/code /code");
    }
    // All at once: they wait for the one instance.
    let mut calls: Vec<Conn> = (0..50).map(|_| Conn::open(local.function_port("f"))).collect();
    for call in &mut calls {
        call.send(&request("GET", "/", "", b""));
    }
    for call in &mut calls {
        let reply = call.answer("GET");
        assert_eq!((reply.status, reply.text().as_str()), (200, "one"));
    }
    if server.is_program {
        check_program(&local, server);
    }

    // An edit is noticed and served.
    let swaps = local.count(kind("swapped"));
    local.folder.write("code/word", "two");
    local.wait_for_nth(swaps + 1, kind("swapped"));
    assert_eq!(local.get("/").text(), "two");
    assert_eq!(local.count(kind("request").status(429)), 0);

    let started = local.matching(kind("instance_started"));
    let processes: Vec<u32> =
        started.iter().map(|event| event["processId"].as_u64().unwrap().try_into().unwrap()).collect();
    assert_eq!(local.interrupt(), Some(0));
    eventually("all processes end", || !processes.iter().any(|pid| is_running(*pid)));
    let listening = std::net::TcpListener::bind(("0.0.0.0", port));
    assert!(listening.is_ok(), "nothing listens on the port any more: {listening:?}");
}

fn check_program(local: &Local, server: &Server) {
    let body = vec![b'x'; LARGE];
    assert_eq!(
        local.call("POST", "/length", "content-type: application/octet-stream\r\n", &body).text(),
        LARGE.to_string()
    );
    let reply = local.get(&format!("/big?bytes={LARGE}"));
    assert_eq!((reply.status, reply.body.len()), (200, LARGE));
    let mut stream = Conn::open(local.function_port("f"));
    stream.send(&request("GET", "/stream", "", b""));
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
    let mut slow = Conn::open(local.function_port("f"));
    slow.send(&request("GET", "/slow", "", b""));
    local.wait_for(kind("stdout").saying("slow begins").or(kind("stderr").saying("slow begins")));
    drop(slow);
    local.wait_for(kind("request").status(499).field("path", "/slow"));
    if server.notices_departure {
        // Where nothing replaces the instance first, which is the platform's rule for a single call at a time.
        local.wait_for(printed("slow client left").or(kind("instance_stopped")));
    }
    assert_eq!(local.get("/").text(), "one");
}

/// With an install step in the code folder, as templates of Node.js have.
fn node(file: &'static str) {
    let packages = installed("servers/node_modules");
    let files: &[(&str, &str)] = match file {
        "express.js" => &[("express.js", "index.js")],
        "koa.js" => &[("koa.js", "index.js")],
        "fastify.js" => &[("fastify.js", "index.js")],
        _ => &[("hono.js", "index.js")],
    };
    let server = Server {
        files,
        command: json!(["node", "/code/index.js"]),
        is_program: true,
        streams: true,
        notices_departure: file != "hono.js",
    };
    let step = format!(
        "cd code && cp -r {}/. node_modules 2>/dev/null || (mkdir node_modules && cp -r {}/. node_modules)",
        packages.display(),
        packages.display()
    );
    check(&server, |function| function.step(&step));
}

#[test]
#[ignore = "needs node and npm: .ci/run runs it with --ignored"]
fn express() {
    node("express.js");
}

#[test]
#[ignore = "needs node and npm: .ci/run runs it with --ignored"]
fn koa() {
    node("koa.js");
}

#[test]
#[ignore = "needs node and npm: .ci/run runs it with --ignored"]
fn fastify() {
    node("fastify.js");
}

#[test]
#[ignore = "needs node and npm: .ci/run runs it with --ignored"]
fn hono() {
    node("hono.js");
}

/// With its packages in a layer, as templates of Python have.
fn python(file: &'static [(&'static str, &'static str)], command: Value, notices_departure: bool) {
    let layer = installed("python-layer");
    let server = Server { files: file, command, is_program: true, streams: true, notices_departure };
    check(&server, |function| {
        let name = "acs:fc:cn-hangzhou:official:layers/Python310-Flask2x/versions/2";
        function.prop("layers", json!([name])).local("layers", json!([layer.to_str().unwrap()]))
    });
}

#[test]
#[ignore = "needs python3: .ci/run runs it with --ignored"]
fn flask() {
    python(&[("flask_app.py", "app.py")], json!(["python3", "app.py"]), false);
}

#[test]
#[ignore = "needs python3: .ci/run runs it with --ignored"]
fn gunicorn() {
    let line = "exec python3 -m gunicorn --bind 0.0.0.0:$OWN_PORT --threads 4 app:app";
    python(&[("flask_app.py", "app.py")], json!(["/bin/sh", "-c", line]), false);
}

#[test]
#[ignore = "needs python3: .ci/run runs it with --ignored"]
fn fastapi() {
    let line = "exec python3 -m uvicorn --host 0.0.0.0 --port $OWN_PORT app:app";
    python(&[("fastapi_app.py", "app.py")], json!(["/bin/sh", "-c", line]), false);
}

#[test]
#[ignore = "needs python3: .ci/run runs it with --ignored"]
fn tornado() {
    python(&[("tornado_app.py", "app.py")], json!(["python3", "/code/app.py"]), true);
}

#[test]
#[ignore = "needs php: .ci/run runs it with --ignored"]
fn php() {
    let line = "PHP_CLI_SERVER_WORKERS=4 exec php -S 0.0.0.0:$OWN_PORT /code/index.php";
    let command = json!(["/bin/sh", "-c", line]);
    let server = Server {
        files: &[("index.php", "index.php")],
        command,
        is_program: true,
        streams: false,
        notices_departure: false,
    };
    check(&server, |function| function);
}

#[test]
#[ignore = "needs go: .ci/run runs it with --ignored"]
fn go() {
    let command = json!(["/code/main"]);
    let server = Server {
        files: &[("main.go", "main.go")],
        command,
        is_program: true,
        streams: true,
        notices_departure: true,
    };
    check(&server, |function| function.step("cd code && CGO_ENABLED=0 go build -o main main.go"));
}

#[test]
#[ignore = "needs nginx: .ci/run runs it with --ignored"]
fn nginx() {
    let command = json!(["nginx", "-c", "/code/nginx.conf"]);
    let server = Server {
        files: &[("nginx.conf", "nginx.conf")],
        command,
        is_program: false,
        streams: false,
        notices_departure: false,
    };
    check(&server, |function| function);
}
