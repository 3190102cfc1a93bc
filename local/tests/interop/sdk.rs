//! The official SDK for Node.

use std::process::Command;

use base64::Engine;
use serde_json::{Value, json};

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

/// Begins, looks at, changes, lists and ends a session, and prints each answer.
const SESSIONS: &str = r"
const sdk = require('@alicloud/fc20230330');
const { $OpenApiUtil: { Config } } = require('@alicloud/openapi-core');
const [endpoint, accessKeyId, accessKeySecret] = process.argv.slice(2);
(async () => {
  const client = new sdk.default(new Config({ endpoint, protocol: 'http', accessKeyId, accessKeySecret }));
  const id = 'by-the-sdk';
  const input = new sdk.CreateSessionInput({ sessionId: id, sessionTTLInSeconds: 600 });
  const created = await client.createSession('f', new sdk.CreateSessionRequest({ body: input }));
  const got = await client.getSession('f', id, new sdk.GetSessionRequest({ qualifier: 'LATEST' }));
  const change = new sdk.UpdateSessionInput({ sessionIdleTimeoutInSeconds: 30 });
  const updated = await client.updateSession('f', id, new sdk.UpdateSessionRequest({ body: change }));
  const listed = await client.listSessions('f', new sdk.ListSessionsRequest({ sessionStatus: 'Active' }));
  const deleted = await client.deleteSession('f', id, new sdk.DeleteSessionRequest({}));
  const gone = await client.getSession('f', id, new sdk.GetSessionRequest({})).catch((error) => error);
  console.log(JSON.stringify({
    created: created.body, got: got.body, updated: updated.body, listed: listed.body,
    deleted: deleted.statusCode, code: gone.code, status: gone.statusCode,
  }));
})();
";

#[test]
#[ignore = "needs node and npm: .ci/run runs it with --ignored"]
fn the_official_sdk_manages_sessions() {
    let config = json!({"affinityHeaderFieldName": "my-session"});
    let affinity = f().prop("sessionAffinity", "HEADER_FIELD").prop("sessionAffinityConfig", config);
    let local = Local::scripted(affinity);
    let script = packages().join("sessions.js");
    std::fs::write(&script, SESSIONS).unwrap();
    let endpoint = format!("127.0.0.1:{}", local.main_port());
    let key = key(&local.folder, &[]);
    let mut node = Command::new("node");
    node.arg(&script).args([&endpoint, &key.id, &key.secret]).current_dir(packages());
    let seen: Value = serde_json::from_str(succeed(&mut node).trim()).unwrap();
    let session = &seen["created"];
    assert_eq!(
        (&session["sessionId"], &session["sessionTTLInSeconds"]),
        (&"by-the-sdk".into(), &600.into()),
        "{seen}"
    );
    assert_eq!(
        (&session["sessionStatus"], &session["sessionAffinityType"]),
        (&"Active".into(), &"HEADER_FIELD".into())
    );
    assert_eq!(seen["got"]["containerId"], session["containerId"], "{seen}");
    assert_eq!(seen["updated"]["sessionIdleTimeoutInSeconds"], 30, "{seen}");
    assert_eq!(seen["listed"]["sessions"][0]["sessionId"], "by-the-sdk", "{seen}");
    assert_eq!(
        (&seen["deleted"], &seen["code"], &seen["status"]),
        (&204.into(), &"SessionNotFound".into(), &404.into())
    );
}

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
