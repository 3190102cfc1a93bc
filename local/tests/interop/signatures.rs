//! The official SDKs as callers whose signatures are checked: of the API, and of functions with `authType: function`.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::{Value, json};
use testkit::manifest::Manifest;

use super::{packages, python, succeed};
use crate::harness::{Local, f, scripted, write_manifest};
use crate::signer::{Key, key};

/// Calls by each of Node's SDKs, and prints what became of each: a status, and the code of an error.
const NODE: &str = r"
const http = require('http');
const { default: Client, InvokeFunctionRequest, InvokeFunctionHeaders } = require('@alicloud/fc20230330');
const { $OpenApiUtil: { Config } } = require('@alicloud/openapi-core');
const { RuntimeOptions } = require('@darabonba/typescript');
const { default: Util } = require('@alicloud/openapi-util');
const tea = require('@alicloud/tea-typescript');
const FC = require('@alicloud/fc2');
const { Readable } = require('stream');
const { main, service, port, id, secret, token } = JSON.parse(process.argv[2]);
const send = (method, path, headers, body) => new Promise((done, failed) => {
  const request = http.request({ host: '127.0.0.1', port, method, path, headers }, (reply) => {
    let text = '';
    reply.on('data', (piece) => text += piece);
    reply.on('end', () => {
      let code = null;
      try { code = JSON.parse(text).Code ?? null; } catch {}
      done({ status: reply.statusCode, code });
    });
  });
  request.on('error', failed);
  request.end(body);
});
const api = async () => {
  const config = { endpoint: `127.0.0.1:${main}`, protocol: 'http', accessKeyId: id, accessKeySecret: secret, securityToken: token };
  const client = new Client(new Config(config));
  const request = new InvokeFunctionRequest({ body: Readable.from([Buffer.from('hello')]) });
  const runtime = new RuntimeOptions({ readTimeout: 60000, connectTimeout: 60000 });
  try {
    const reply = await client.invokeFunctionWithOptions('f', request, new InvokeFunctionHeaders({}), runtime);
    const chunks = [];
    for await (const chunk of reply.body) chunks.push(chunk);
    return { status: reply.statusCode, code: null, body: Buffer.concat(chunks).toString() };
  } catch (error) {
    return { status: error.statusCode, code: error.code };
  }
};
const trigger = async () => {
  const request = new tea.Request();
  request.method = 'POST';
  request.pathname = '/length';
  request.query = { x: 'a b+c*~', y: '' };
  request.headers = { 'x-acs-date': new Date().toISOString(), 'x-acs-security-token': token ?? '' };
  const authorization = Util.getAuthorization(request, 'ACS3-HMAC-SHA256', '', id, secret);
  return send('POST', '/length?x=a%20b%2Bc*~&y=', { ...request.headers, authorization }, 'body');
};
const former = async () => {
  const headers = { date: new Date().toUTCString(), 'content-type': 'text/plain', 'x-fc-trace': 't' };
  if (token) headers['x-fc-security-token'] = token;
  const queries = { x: 'a b', y: ['1', '2'] };
  const authorization = FC.getSignature(id, secret, 'POST', '/a b/length', headers, queries);
  return send('POST', '/a%20b/length?x=a+b&y=1&y=2', { ...headers, authorization }, 'body');
};
const formerApi = async () => {
  const options = { accessKeyID: id, accessKeySecret: secret, securityToken: token, region: 'x', endpoint: `http://127.0.0.1:${service}` };
  try {
    const reply = await new FC('1234567890123456', options).invokeFunction('shop', 'f', 'hello');
    return { status: 200, code: null, body: reply.data };
  } catch (error) {
    return { status: Number(/failed with ([0-9]+)/.exec(error.message)?.[1]), code: error.code };
  }
};
(async () => console.log(JSON.stringify({
  api: await api(), trigger: await trigger(), former: await former(), formerApi: await formerApi(),
})))();
";

/// The same calls by Python's SDKs.
const PYTHON: &str = r#"
import datetime, email.utils, json, sys
import fc2
import requests
from Tea.request import TeaRequest
from alibabacloud_fc20230330 import models
from alibabacloud_fc20230330.client import Client
from alibabacloud_openapi_util.client import Client as Util
from alibabacloud_tea_openapi.models import Config
from alibabacloud_tea_util.models import RuntimeOptions
from fc2.auth import Auth

case = json.loads(sys.argv[1])
key, secret, token = case["id"], case["secret"], case["token"]

def send(target, headers):
    reply = requests.post(f"http://127.0.0.1:{case['port']}{target}", headers=headers, data=b"body")
    try:
        code = reply.json().get("Code")
    except Exception:
        code = None
    return {"status": reply.status_code, "code": code}

def api():
    config = Config(access_key_id=key, access_key_secret=secret, security_token=token,
                    endpoint=f"127.0.0.1:{case['main']}", protocol="http")
    request = models.InvokeFunctionRequest(body=b"hello")
    runtime = RuntimeOptions(read_timeout=60000, connect_timeout=60000)
    try:
        reply = Client(config).invoke_function_with_options("f", request, models.InvokeFunctionHeaders(), runtime)
        return {"status": reply.status_code, "code": None, "body": reply.body.read().decode()}
    except Exception as error:
        return {"status": getattr(error, "status_code", None) or error.statusCode, "code": error.code}

def trigger():
    request = TeaRequest()
    request.method, request.pathname, request.query = "POST", "/length", {"x": "a b+c*~", "y": ""}
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    request.headers = {"x-acs-date": date, "x-acs-security-token": token or "", "x-own": "signed too"}
    authorization = Util.get_authorization(request, "ACS3-HMAC-SHA256", "", key, secret)
    return send("/length?x=a+b%2Bc%2A~&y=", {**request.headers, "authorization": authorization})

def former():
    headers = {"date": email.utils.formatdate(usegmt=True), "content-type": "text/plain", "x-fc-trace": "t"}
    if token:
        headers["x-fc-security-token"] = token
    authorization = Auth(key, secret).sign_request("POST", "/a b/length", headers, {"x": "a b", "y": ["1", "2"]})
    return send("/a%20b/length?x=a+b&y=1&y=2", {**headers, "authorization": authorization})

def former_api():
    client = fc2.Client(endpoint=f"http://127.0.0.1:{case['service']}", accessKeyID=key, accessKeySecret=secret,
                        securityToken=token or "")
    try:
        return {"status": 200, "code": None, "body": client.invoke_function("shop", "f", payload=b"hello").data.decode()}
    except fc2.FcError as error:
        return {"status": error.status_code, "code": error.err_code}

print(json.dumps({"api": api(), "trigger": trigger(), "former": former(), "formerApi": former_api()}))
"#;

fn node(case: &Value) -> Value {
    let script = packages().join("signatures.js");
    std::fs::write(&script, NODE).unwrap();
    let text = succeed(Command::new("node").arg(&script).arg(case.to_string()).current_dir(packages()));
    serde_json::from_str(text.trim()).unwrap_or_else(|_| panic!("{text}"))
}

fn by_python(case: &Value) -> Value {
    // The SDK knows no exceptions from a proxy.
    let mut python = python();
    python.env_remove("HTTP_PROXY").env_remove("http_proxy").args(["-c", PYTHON]).arg(case.to_string());
    let text = succeed(&mut python);
    serde_json::from_str(text.trim()).unwrap_or_else(|_| panic!("{text}"))
}

/// Good keys, temporary ones, and wrong ones by every way of a language.
fn check(call: fn(&Value) -> Value) {
    let trigger = json!({"authType": "function", "methods": ["POST"]});
    let local = Local::scripted(f().trigger(&trigger).timeout(60).concurrency(8));
    let (own, temporary) = (key(&local.folder, &[]), key(&local.folder, &["--temporary"]));
    // The former SDKs call services, which edition 2.0 has. Both projects have the same key.
    let folder = scripted();
    write_manifest(&folder, Manifest::from(f()).with("name", "shop"));
    let keys = json!({"accessKeyId": own.id, "accessKeySecret": own.secret});
    let file = folder.write(".fc-local/keys.json", &keys.to_string());
    std::fs::set_permissions(file, PermissionsExt::from_mode(0o600)).unwrap();
    let of_services = Local::start(folder, &["--edition", "fc2"]);
    let outcome = |key: &Key| {
        let (main, port, service) = (local.main_port(), local.function_port("f"), of_services.main_port());
        call(
            &json!({"main": main, "service": service, "port": port, "id": key.id, "secret": key.secret, "token": key.token}),
        )
    };
    for good in [&own, &temporary] {
        let outcome = outcome(good);
        for way in ["api", "formerApi"] {
            assert_eq!(outcome[way], json!({"status": 200, "code": null, "body": "HELLO"}), "{outcome}");
        }
        // The scripted function has no `/a b/length`, and says so itself.
        assert_eq!(outcome["trigger"], json!({"status": 200, "code": null}), "{outcome}");
        assert_eq!(outcome["former"]["code"], Value::Null, "{outcome}");
    }
    let wrong = Key { secret: "wrong".to_owned(), ..own.clone() };
    let stranger = Key { id: "nobody".to_owned(), ..own };
    let borrowed = Key { token: key(&local.folder, &["--temporary"]).token, ..temporary };
    for (bad, code) in
        [(wrong, "SignatureNotMatch"), (stranger, "InvalidAccessKeyID"), (borrowed, "AccessDenied")]
    {
        let outcome = outcome(&bad);
        for way in ["api", "trigger", "former", "formerApi"] {
            assert_eq!(
                (&outcome[way]["status"], &outcome[way]["code"]),
                (&403.into(), &code.into()),
                "{outcome}"
            );
        }
    }
}

#[test]
#[ignore = "needs node and npm: .ci/run runs it with --ignored"]
fn the_sdks_of_node_sign_what_is_let_in() {
    check(node);
}

#[test]
#[ignore = "needs Python with the SDKs: .ci/run runs it with --ignored"]
fn the_sdks_of_python_sign_what_is_let_in() {
    check(by_python);
}
