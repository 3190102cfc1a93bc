//! The objects of an account by the official SDKs of Node and Python, which are used as they are.

use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use testkit::Folder;
use testkit::zips::{Entry, zip};

use super::{packages, python, root, succeed};
use crate::control::{Serve, without_addresses};
use crate::harness::SCRIPTED;

const NODE: &str = include_str!("control.js");

fn node(serve: &Serve, phase: &str) -> Value {
    let script = packages().join("control.js");
    std::fs::write(&script, NODE).unwrap();
    let package = STANDARD.encode(zip(&[Entry::file("word", "in a package")]));
    let mut node = Command::new("node");
    node.arg(&script).args([&format!("127.0.0.1:{}", serve.port), &serve.key.id, &serve.key.secret]);
    node.args([phase, SCRIPTED, &package]).current_dir(packages());
    serde_json::from_str(succeed(&mut node).trim()).unwrap()
}

/// Both SDKs read what the one of Node made, and it removes everything again.
#[test]
#[ignore = "needs node, npm, and python3 with its SDK: .ci/run runs it with --ignored"]
fn the_official_sdks_make_read_and_remove_every_object() {
    let serve = Serve::start(Folder::new());
    let made = node(&serve, "make");
    let refusal = |code: &str, status: u16| json!({ "code": code, "status": status });
    assert_eq!(made["absent"], refusal("FunctionNotFound", 404), "{made}");
    assert_eq!(made["twice"], refusal("FunctionAlreadyExists", 409), "{made}");
    assert_eq!(
        (&made["created"]["timeout"], &made["updated"]["timeout"]),
        (&30.into(), &40.into()),
        "{made}"
    );
    assert_eq!(made["created"]["layers"][0]["arn"], made["layer"]["layerVersionArn"], "{made}");
    assert_eq!(made["none"]["functionArn"], "", "{made}");
    assert_eq!(
        (&made["scaling"]["minInstances"], &made["scaling"]["currentInstances"]),
        (&1.into(), &1.into())
    );
    assert_eq!(made["instances"]["instances"][0]["versionId"], "0", "{made}");
    assert_eq!(serve.get("f.localhost", "/file?/opt/word").text(), "in a package");
    assert_eq!(serve.get("sdk.example.com", "/name").text(), "one");

    let seen = without_addresses(node(&serve, "read"));
    assert_eq!(
        seen["function"]["tags"],
        json!([{ "key": "stage", "value": "test" }, { "key": "team", "value": "a" }])
    );
    assert_eq!(seen["trigger"], made["triggerUpdated"], "{seen}");
    assert_eq!(seen["trigger"]["description"], "of the web", "{seen}");
    assert_eq!(seen["functionOfVersion"]["functionArn"], "acs:fc:cn-hangzhou:1234567890123456:functions/f/1");
    assert_eq!(seen["functions"]["functions"][0], seen["function"], "{seen}");
    assert_eq!(seen["aliases"]["aliases"][0], seen["alias"], "{seen}");
    assert_eq!(seen["domains"]["customDomains"][0], seen["domain"], "{seen}");
    assert_eq!(seen["vpcs"], json!({ "vpcIds": ["vpc-1"] }));
    let mut command = python();
    let script = root().join("local/tests/interop/control.py");
    command.arg(script).args([&format!("127.0.0.1:{}", serve.port), &serve.key.id, &serve.key.secret]);
    // It prints the names of the wire, and the one of Node its own.
    let by_python = succeed(&mut command).replace("\"Key\"", "\"key\"").replace("\"Value\"", "\"value\"");
    let by_python = without_addresses(serde_json::from_str(by_python.trim()).unwrap());
    for (name, document) in seen.as_object().unwrap() {
        assert_eq!(&by_python[name], document, "{name}");
    }

    let removed = node(&serve, "remove");
    assert_eq!(removed["statuses"], json!([204, 204, 204, 204, 204, 204, 204, 204, 204, 204]), "{removed}");
    let gone = json!([
        refusal("FunctionNotFound", 404),
        refusal("FunctionNotFound", 404),
        refusal("DomainNameNotFound", 404),
        refusal("LayerNotFound", 404),
    ]);
    assert_eq!(removed["gone"], gone);
    assert_eq!(removed["functions"]["functions"], json!([]));
}
