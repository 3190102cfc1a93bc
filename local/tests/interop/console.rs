//! The console in a real browser: every page, light and dark, wide and at 390 px, by keyboard, live, and for a screen reader.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use testkit::events::kind;
use testkit::manifest::Manifest;

use super::{packages, run, succeed};
use crate::harness::{Local, f, scripted, write_manifest};

/// A project in which every page has something to show.
fn project() -> Local {
    let folder = scripted();
    let function = f()
        .prop("asyncInvokeConfig", json!({"asyncTask": true, "maxAsyncRetryAttempts": 0}))
        .prop(
            "customDomain",
            json!({"domainName": "api.example.com", "protocol": "HTTP", "route": {"path": "/api/*"}}),
        )
        .var("API_TOKEN", "never-to-be-shown-7f3a");
    write_manifest(&folder, Manifest::of([function, f().called("second").prop("timeout", 5)]));
    let local = Local::start(folder, &[]);
    local.wait_for(kind("ready").function("second"));
    local
}

fn fill(local: &Local) {
    for target in
        ["/say?a+line", "/status?code=500", "/status?code=404", "/name?token=never-to-be-shown-7f3a"]
    {
        local.get(target);
    }
    local.call(
        "POST",
        "/length",
        "content-type: application/json\r\ncookie: a=never-to-be-shown-7f3a\r\n",
        b"{\"text\":\"<script>alert(1)</script>\"}",
    );
    local.call("POST", "/length", "", b"\x00\xff\x01binary");
    for event in ["{}", "fail"] {
        local.call("POST", "/invoke", "x-fc-invocation-type: Async\r\n", event.as_bytes());
    }
    local.wait_for(kind("async_call"));
}

#[test]
#[ignore = "needs Chromium, Node.js and npm packages"]
fn every_page_works_in_a_browser_and_for_everybody() {
    let local = project();
    fill(&local);
    let ready = local.wait_for(kind("console_ready"));
    let url = ready["url"].as_str().unwrap().trim_end_matches('/').to_owned();
    let screenshots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("console");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/console.js");
    let mut node = Command::new("node");
    node.env("NODE_PATH", packages().join("node_modules")).arg(script).arg(url).arg(screenshots);
    let output = run(&mut node);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let found: Value = serde_json::from_str(&told)
        .unwrap_or_else(|error| panic!("{error}: {told} {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(found["error"], Value::Null, "{found:#}");
    for kind in ["complaints", "violations", "wide", "foreign"] {
        assert_eq!(found[kind], json!([]), "{kind}");
    }
    assert!(found["steps"].as_array().unwrap().len() > 12, "{found:#}");
}

/// What a client sees that does not know `*.localhost`, through the tool that everybody has.
#[test]
#[ignore = "needs curl"]
fn curl_reaches_it_without_names() {
    let local = project();
    let url = local.wait_for(kind("console_ready"))["pathUrl"].as_str().unwrap().to_owned();
    let page = succeed(Command::new("curl").args(["--fail", "--silent", "--compressed", &url]));
    assert!(
        page.contains("<h1>Overview</h1>") && page.contains("/_local/console/assets/console.css"),
        "{page}"
    );
}
