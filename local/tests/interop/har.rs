//! The archives of `fc-local requests --har`, through the checker of HAR 1.2.

use std::process::{Command, Output};

use testkit::h1::{Conn, request};
use testkit::ws::Client;
use testkit::{Folder, Launch};

use super::{root, run};
use crate::harness::{Local, f, program};

fn check(archive: &str) -> Output {
    let modules = root().join("target/har/node_modules");
    assert!(modules.exists(), "{} is absent: run `.ci/run tools`", modules.display());
    let folder = Folder::new();
    let file = folder.write("calls.har", archive);
    let script = "const har = JSON.parse(require('fs').readFileSync(process.argv[1]));
        require('har-validator/lib/promise').har(har).then(
            () => console.log('valid ' + har.log.entries.length),
            error => { console.log(JSON.stringify(error.errors)); process.exit(1); });";
    run(Command::new("node").args(["-e", script]).arg(file).env("NODE_PATH", modules))
}

#[test]
#[ignore = "needs node and the packages of `.ci/run tools`"]
fn an_archive_is_one_that_others_read() {
    let local = Local::scripted(f().timeout(60));
    let head = "content-type: application/json\r\ncookie: a=b; c\r\nx-bytes: caf\u{e9}\r\n";
    local.call("POST", "/seen?a=b+c&d&=e&token=x", head, br#"{"password": "secret"}"#);
    local.call("PUT", "/seen", "", &vec![0xff; 200_000]);
    for target in ["/sse?n=3&ms=10", "/status?code=404", "/exit?code=3", "/trailers", "/garbage"] {
        local.get(target);
    }
    local.call("HEAD", "/name", "", b"");
    local.call(
        "OPTIONS",
        "/name",
        "origin: https://page.example\r\naccess-control-request-method: PUT\r\n",
        b"",
    );
    let mut leaves = Conn::open(local.function_port("f"));
    leaves.send(&request("GET", "/sse?n=100&ms=50", "", b""));
    leaves.answer_head();
    leaves.reset();
    let mut socket = Client::open(local.function_port("f"), "/ws");
    socket.text("tea");
    socket.assert_text("tea");
    socket.close(1000);
    let launch = Launch::new(program()).args(["--template"]).args([local.folder.file("s.yaml")]);
    let ended = launch.args(["requests", "--har", "-", "--limit", "100"]).run();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let output = check(&ended.out);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.trim() == "valid 11", "{output:?}");
    // The checker finds what is wrong.
    let output = check(&ended.out.replace("\"status\": 404", "\"status\": \"404\""));
    assert!(!output.status.success(), "{output:?}");
}
