//! `s deploy`, `info`, `invoke` and `remove` against `fc-local serve`, by the real command line of Serverless Devs.
//!
//! The component that makes the calls is not on npm. `FC3_COMPONENT` names a folder with it, built (docs/deploy.md);
//! otherwise one of ours stands in for it, with the same clients and the same calls in their order.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use testkit::Folder;
use testkit::zips::{Entry, zip};

use super::template::{Cli, PUBLISH};
use super::{packages, run};
use crate::control::Serve;
use crate::harness::SCRIPTED;

const COMPONENT: &str = include_str!("deploy_component.js");

/// What stands in for the component of domains, which calls no address of this machine.
const DOMAINS: &str = "module.exports = class { async info() { throw new Error('DomainNameNotFound'); } async plan() {} \
                       async deploy() {} async remove() {} };";

fn project(folder: &Folder) {
    if let Some(component) = std::env::var_os("FC3_COMPONENT") {
        folder.link("fc3", PathBuf::from(component));
    } else {
        folder.write("fc3/index.js", COMPONENT);
        folder.write("fc3/publish.yaml", PUBLISH);
    }
    folder.write("fc3-domain/index.js", DOMAINS);
    folder.write("fc3-domain/publish.yaml", &PUBLISH.replace("Name: fc3", "Name: fc3-domain"));
    let code = zip(&[Entry::file("bootstrap", "#!/bin/sh\n").with_mode(0o100_755)]);
    std::fs::write(folder.file("code.zip"), code).unwrap();
    let manifest = format!(
        "edition: 3.0.0\nname: app\naccess: default\nresources:\n  web:\n    component: fc3\n    props:\n      region: cn-hangzhou\n      \
         functionName: web\n      runtime: custom.debian12\n      code: ./code.zip\n      memorySize: 256\n      timeout: 30\n      \
         environmentVariables: {{ SCRIPT_NAME: deployed }}\n      customRuntimeConfig: {{ command: ['{SCRIPTED}'], port: 9000 }}\n      \
         asyncInvokeConfig: {{ maxAsyncRetryAttempts: 1, maxAsyncEventAgeInSeconds: 3600 }}\n      concurrencyConfig: {{ reservedConcurrency: 3 }}\n      \
         triggers:\n        - triggerName: http\n          triggerType: http\n          triggerConfig:\n            authType: anonymous\n            \
         disableURLInternet: false\n            methods: [GET, POST]\n"
    );
    folder.write("s.yaml", &manifest);
}

#[test]
#[ignore = "needs node and npm: .ci/run runs it with --ignored"]
fn s_deploys_shows_calls_and_removes() {
    let (cli, serve, own) = (Cli::new(), Serve::start(Folder::new()), Folder::new());
    project(&own);
    let address = format!("http://127.0.0.1:{}", serve.port);
    let surround = |command: &mut Command| {
        command
            .env("FC_CLIENT_CUSTOM_ENDPOINT", &address)
            .env("FC_CODE_TEMP_OSS_ENDPOINT", &address)
            .env("FC_LOCAL_TEST_PACKAGES", packages())
            .env("AccountID", "1234567890123456")
            .env("AccessKeyID", &serve.key.id)
            .env("AccessKeySecret", &serve.key.secret);
    };
    let tool = |arguments: &[&str]| {
        let mut command = cli.command(own.path(), arguments);
        surround(&mut command);
        let output = run(&mut command);
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{arguments:?}: {text}");
        text
    };
    // Once to create, once to change.
    for _ in 0..2 {
        tool(&["deploy", "-y"]);
        let made = serve.done("GET", "/functions/web", &Value::Null);
        assert_eq!((&made["memorySize"], &made["timeout"]), (&256.into(), &30.into()), "{made}");
        assert_eq!(serve.get("web.localhost", "/name").text(), "deployed");
    }
    let config = serve.done("GET", "/functions/web/async-invoke-config", &Value::Null);
    assert_eq!(config["maxAsyncRetryAttempts"], 1, "{config}");
    let concurrency = serve.done("GET", "/functions/web/concurrency", &Value::Null);
    assert_eq!(concurrency["reservedConcurrency"], 3, "{concurrency}");
    let text = tool(&["info"]);
    assert!(text.contains("web") && text.contains(&serve.port.to_string()), "{text}");
    assert!(tool(&["invoke", "-e", "hello"]).contains("HELLO"));
    tool(&["remove", "-y"]);
    serve.call("GET", "/functions/web", &Value::Null).assert_platform_error(
        404,
        "FcCommonError",
        "FunctionNotFound",
        "'web'",
    );
}
