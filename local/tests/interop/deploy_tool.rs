//! `s invoke`, by the real command line of Serverless Devs.
//!
//! The component that carries it out is not on npm, so another one stands in for it here: it takes the endpoint
//! from the variable that the component honours and calls the same SDK with the same settings and headers. What is
//! shown is that the command line, the manifest and the SDK reach a function; not the component's own code.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use testkit::events::kind;
use testkit::manifest::Manifest;

use super::template::{Cli, PUBLISH};
use super::{packages, run};

use crate::harness::{Local, f, scripted, write_manifest};

const COMPONENT: &str = r"
const { createRequire } = require('module');
const fs = require('fs');
const { Readable } = require('stream');
const packages = createRequire(process.env.FC_LOCAL_TEST_PACKAGES + '/');
const { default: Client, InvokeFunctionRequest, InvokeFunctionHeaders } = packages('@alicloud/fc20230330');
const { $OpenApiUtil: { Config } } = packages('@alicloud/openapi-core');
const { RuntimeOptions } = packages('@darabonba/typescript');
const option = (args, names) => { const at = args.findIndex((arg) => names.includes(arg)); return at < 0 ? undefined : args[at + 1]; };
module.exports = class {
  constructor({ logger }) {
    this.logger = logger;
    this.commands = { invoke: { help: { description: 'i', summary: 'i', option: [
      ['-e, --event <event>', 'e'], ['-f, --event-file <file>', 'f'], ['--invocation-type <type>', 't'], ['--qualifier <qualifier>', 'q'],
    ] } } };
  }
  async invoke(inputs) {
    const { AccessKeyID, AccessKeySecret } = await inputs.getCredential();
    const [protocol, endpoint] = process.env.FC_CLIENT_CUSTOM_ENDPOINT.split('://');
    const client = new Client(new Config({ accessKeyId: AccessKeyID, accessKeySecret: AccessKeySecret, protocol, endpoint,
      readTimeout: (inputs.props.timeout + 5) * 1000, connectTimeout: (inputs.props.timeout + 5) * 1000, userAgent: 'Component:fc3' }));
    const file = option(inputs.args, ['-f', '--event-file']);
    const event = file ? fs.readFileSync(file, 'utf8') : option(inputs.args, ['-e', '--event']);
    const kind = option(inputs.args, ['--invocation-type']) || 'Sync';
    const request = new InvokeFunctionRequest({ qualifier: option(inputs.args, ['--qualifier']) || 'LATEST',
      body: event ? Readable.from(Buffer.from(event)) : undefined });
    const headers = new InvokeFunctionHeaders({ xFcLogType: kind === 'Sync' ? 'Tail' : 'None', xFcInvocationType: kind });
    const reply = await client.invokeFunctionWithOptions(inputs.props.functionName, request, headers, new RuntimeOptions({}));
    const chunks = [];
    for await (const chunk of reply.body) chunks.push(chunk);
    const log = reply.headers['x-fc-log-result'];
    this.logger.write(JSON.stringify({ status: reply.statusCode, body: Buffer.concat(chunks).toString(), instance: reply.headers['x-fc-instance-id'],
      error: reply.headers['x-fc-error-type'], request: reply.headers['x-fc-request-id'], log: log && Buffer.from(log, 'base64').toString() }));
  }
};
";

/// Runs `s invoke` in the manifest's folder. Gives its success and everything it printed.
fn invoke(cli: &Cli, folder: &Path, port: u16, arguments: &[&str]) -> (bool, String) {
    let mut command = cli.command(folder, &[&["invoke"], arguments].concat());
    command
        .env("FC_CLIENT_CUSTOM_ENDPOINT", format!("http://127.0.0.1:{port}"))
        .env("FC_LOCAL_TEST_PACKAGES", packages());
    let output = run(&mut command);
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// The stand-in's report among the tool's own lines.
#[track_caller]
fn report(text: &str) -> serde_json::Value {
    let line = text.lines().find_map(|line| line.find("{\"status\"").map(|at| &line[at..]));
    let line = line.unwrap_or_else(|| panic!("no report: {text}"));
    serde_json::from_str(line).unwrap_or_else(|_| panic!("no report: {text}"))
}

#[test]
#[ignore = "needs node and npm: .ci/run runs it with --ignored"]
fn s_invoke_reaches_a_function() {
    let cli = Cli::new();
    let folder = scripted();
    write_manifest(&folder, Manifest::from(f().timeout(20).memory(256)).with("access", "default"));
    // A folder of the component's name is taken for the component.
    folder.write("fc3/index.js", COMPONENT);
    folder.write("fc3/publish.yaml", PUBLISH);
    let event = folder.write("event.json", "{\"from\": \"a file\"}");
    // The tool signs with the key of its own settings, so the project is given the same one.
    let key = r#"{"accessKeyId": "aaaaaaaaaaaaaaaa", "accessKeySecret": "bbbbbbbbbbbbbbbb"}"#;
    let file = folder.write(".fc-local/keys.json", key);
    std::fs::set_permissions(file, PermissionsExt::from_mode(0o600)).unwrap();
    let local = Local::start(folder, &[]);
    let call = |arguments: &[&str]| invoke(&cli, local.folder.path(), local.main_port(), arguments);

    let (is_ok, text) = call(&["-e", "hello"]);
    assert!(is_ok, "{text}");
    let answer = report(&text);
    assert_eq!((&answer["status"], &answer["body"]), (&200.into(), &"HELLO".into()), "{answer}");
    assert!(answer["instance"].as_str().unwrap().starts_with("c-"), "{answer}");
    let log = answer["log"].as_str().unwrap();
    let end = format!("FC Invoke End RequestId: {}", answer["request"].as_str().unwrap());
    assert!(
        log.contains("event of 5 bytes") && log.contains(&end) && log.contains("Memory Size: 256 MB"),
        "{log}"
    );
    local.wait_for(kind("request").request(answer["request"].as_str().unwrap()).status(200));

    let (_, text) = call(&["--event-file", event.to_str().unwrap()]);
    assert_eq!(report(&text)["body"], "{\"FROM\": \"A FILE\"}");
    let (_, text) = call(&[]);
    assert_eq!(report(&text)["body"], "", "without an event");
    let (_, text) = call(&["-e", "fail"]);
    let answer = report(&text);
    assert_eq!(answer["error"], "UnhandledInvocationError", "{answer}");
    assert_eq!(answer["body"], r#"{"errorMessage":"as asked"}"#);
    let (_, text) = call(&["-e", "x", "--invocation-type", "Async"]);
    assert_eq!(report(&text)["status"], 202, "{text}");
    local.wait_for(kind("async_call").field("state", "Succeeded"));
    let (is_ok, text) = call(&["-e", "x", "--qualifier", "3"]);
    assert!(!is_ok && text.contains("version '3' does not exist"), "{text}");
}
