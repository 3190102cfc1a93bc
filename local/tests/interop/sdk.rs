//! The official SDK for Node.

use std::process::Command;

use base64::Engine;
use serde_json::Value;

use super::{packages, succeed};
use crate::harness::{Local, f};
use crate::signer::key;

/// Invokes a function and prints what the caller learns.
const SCRIPT: &str = r"
const { default: Client, InvokeFunctionRequest, InvokeFunctionHeaders } = require('@alicloud/fc20230330');
const { $OpenApiUtil: { Config } } = require('@alicloud/openapi-core');
const { RuntimeOptions } = require('@darabonba/typescript');
const { Readable } = require('stream');
const [endpoint, name, event, log, accessKeyId, accessKeySecret] = process.argv.slice(2);
(async () => {
  const client = new Client(new Config({ endpoint, protocol: 'http', accessKeyId, accessKeySecret }));
  const headers = new InvokeFunctionHeaders({ xFcInvocationType: 'Sync', xFcLogType: log });
  const request = new InvokeFunctionRequest({ body: Readable.from([Buffer.from(event)]) });
  try {
    const reply = await client.invokeFunctionWithOptions(name, request, headers, new RuntimeOptions({}));
    const chunks = [];
    for await (const chunk of reply.body) chunks.push(chunk);
    console.log(JSON.stringify({ status: reply.statusCode, headers: reply.headers, body: Buffer.concat(chunks).toString() }));
  } catch (error) {
    console.log(JSON.stringify({ code: error.code, status: error.statusCode, message: error.message }));
  }
})();
";

fn invoke(local: &Local, name: &str, event: &str, log: &str) -> Value {
    let script = packages().join("invoke.js");
    std::fs::write(&script, SCRIPT).unwrap();
    let endpoint = format!("127.0.0.1:{}", local.main_port());
    let key = key(&local.folder, &[]);
    let mut node = Command::new("node");
    node.arg(&script).args([&endpoint, name, event, log, &key.id, &key.secret]).current_dir(packages());
    let text = succeed(&mut node);
    serde_json::from_str(text.trim()).unwrap_or_else(|_| panic!("{text}"))
}

#[test]
#[ignore = "needs node and npm: .ci/run runs it with --ignored"]
fn the_official_sdk_invokes_functions() {
    let local = Local::scripted(f().memory(256));
    let reply = invoke(&local, "f", "hello", "Tail");
    assert_eq!((&reply["status"], &reply["body"]), (&200.into(), &"HELLO".into()), "{reply}");
    let id = reply["headers"]["x-fc-request-id"].as_str().unwrap();
    let log = base64::engine::general_purpose::STANDARD
        .decode(reply["headers"]["x-fc-log-result"].as_str().unwrap())
        .unwrap();
    let log = String::from_utf8(log).unwrap();
    assert!(
        log.contains(&format!("FC Invoke End RequestId: {id}")) && log.contains("Memory Size: 256 MB"),
        "{log}"
    );

    let reply = invoke(&local, "f", "fail", "None");
    assert_eq!(reply["headers"]["x-fc-error-type"], "UnhandledInvocationError", "{reply}");
    assert_eq!((&reply["status"], &reply["body"]), (&200.into(), &r#"{"errorMessage":"as asked"}"#.into()));
    let reply = invoke(&local, "f", "crash", "None");
    assert_eq!(reply["headers"]["x-fc-error-type"], "UnhandledInvocationError", "{reply}");
    assert!(reply["body"].as_str().unwrap().contains("Process exited unexpectedly"), "{reply}");
    let reply = invoke(&local, "none", "x", "None");
    assert_eq!((&reply["code"], &reply["status"]), (&"FunctionNotFound".into(), &404.into()), "{reply}");

    let broken = Local::scripted(f().var("SCRIPT_START", "exit:1"));
    let reply = invoke(&broken, "f", "x", "None");
    assert_eq!((&reply["code"], &reply["status"]), (&"CAExited".into(), &412.into()), "{reply}");
}
