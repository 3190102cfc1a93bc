//! Tasks by the official SDKs of Node and Python, which are used as they are.

use std::process::Command;

use serde_json::{Value, json};

use super::{packages, python, succeed};
use crate::harness::{Local, f};
use crate::signer::key;

/// Configures, submits, looks at, lists and stops tasks, and prints what the caller learns.
const NODE: &str = r"
const sdk = require('@alicloud/fc20230330');
const { $OpenApiUtil: { Config } } = require('@alicloud/openapi-core');
const { RuntimeOptions } = require('@darabonba/typescript');
const { Readable } = require('stream');
const [endpoint, accessKeyId, accessKeySecret] = process.argv.slice(2);
(async () => {
  const client = new sdk.default(new Config({ endpoint, protocol: 'http', accessKeyId, accessKeySecret }));
  const refused = (promise) => promise.then(() => null, (error) => ({ code: error.code, status: error.statusCode }));
  const absent = await refused(client.getAsyncInvokeConfig('f', new sdk.GetAsyncInvokeConfigRequest({})));
  const input = new sdk.PutAsyncInvokeConfigInput({
    asyncTask: true, maxAsyncRetryAttempts: 1, maxAsyncEventAgeInSeconds: 600,
    destinationConfig: new sdk.DestinationConfig({
      onFailure: new sdk.Destination({ destination: 'acs:mns:::/queues/failed/messages' }),
    }),
  });
  const put = await client.putAsyncInvokeConfig('f', new sdk.PutAsyncInvokeConfigRequest({ body: input }));
  const got = await client.getAsyncInvokeConfig('f', new sdk.GetAsyncInvokeConfigRequest({}));
  const configs = await client.listAsyncInvokeConfigs(new sdk.ListAsyncInvokeConfigsRequest({ functionName: 'f' }));
  const submit = (id, delay) => {
    const commonHeaders = delay ? { 'x-fc-async-delay': delay } : {};
    const headers = new sdk.InvokeFunctionHeaders({ xFcInvocationType: 'Async', xFcAsyncTaskId: id, commonHeaders });
    const request = new sdk.InvokeFunctionRequest({ body: Readable.from([Buffer.from('hello ' + id)]) });
    return client.invokeFunctionWithOptions('f', request, headers, new RuntimeOptions({}));
  };
  const accepted = await submit('one');
  const twice = await refused(submit('one'));
  await submit('later', '3600');
  let task;
  do {
    task = (await client.getAsyncTask('f', 'one', new sdk.GetAsyncTaskRequest({}))).body;
  } while (task.endTime === 0);
  const list = async (query) =>
    (await client.listAsyncTasks('f', new sdk.ListAsyncTasksRequest(query))).body;
  const first = await list({ limit: 1, sortOrderByTime: 'asc', includePayload: true });
  const second = await list({ limit: 1, sortOrderByTime: 'asc', nextToken: first.nextToken });
  const waiting = await list({ status: 'Enqueued', prefix: 'l' });
  const stopped = await client.stopAsyncTask('f', 'later', new sdk.StopAsyncTaskRequest({}));
  const again = await refused(client.stopAsyncTask('f', 'later', new sdk.StopAsyncTaskRequest({})));
  const unknown = await refused(client.getAsyncTask('f', 'nobody', new sdk.GetAsyncTaskRequest({})));
  const deleted = await client.deleteAsyncInvokeConfig('f', new sdk.DeleteAsyncInvokeConfigRequest({}));
  console.log(JSON.stringify({
    absent, put: put.body, got: got.body, configs: configs.body,
    accepted: { status: accepted.statusCode, headers: accepted.headers }, twice, task, first, second, waiting,
    stopped: stopped.statusCode, again, unknown, deleted: deleted.statusCode,
  }));
})();
";

/// The same matters, by the SDK of Python.
const PYTHON: &str = r"
import json, sys
from alibabacloud_fc20230330 import models
from alibabacloud_fc20230330.client import Client
from alibabacloud_tea_openapi.models import Config
from alibabacloud_tea_util.models import RuntimeOptions

endpoint, key, secret = sys.argv[1:]
client = Client(Config(endpoint=endpoint, protocol='http', access_key_id=key, access_key_secret=secret))

def refused(call):
    try:
        call()
    except Exception as error:
        return {'code': error.code, 'status': getattr(error, 'status_code', None) or getattr(error, 'statusCode', None)}

client.put_async_invoke_config('f', models.PutAsyncInvokeConfigRequest(
    body=models.PutAsyncInvokeConfigInput(async_task=True, max_async_retry_attempts=0)))

def submit(task):
    headers = models.InvokeFunctionHeaders(x_fc_invocation_type='Async', x_fc_async_task_id=task)
    request = models.InvokeFunctionRequest(body=b'hello')
    return client.invoke_function_with_options('f', request, headers, RuntimeOptions())

accepted = submit('one')
while True:
    task = client.get_async_task('f', 'one', models.GetAsyncTaskRequest()).body
    if task.end_time:
        break
tasks = client.list_async_tasks('f', models.ListAsyncTasksRequest(include_payload=True, limit=5)).body
print(json.dumps({
    'accepted': accepted.status_code,
    'twice': refused(lambda: submit('one')),
    'task': task.to_map(),
    'tasks': tasks.to_map(),
    'stop': refused(lambda: client.stop_async_task('f', 'one', models.StopAsyncTaskRequest())),
}))
";

#[test]
#[ignore = "needs node and npm: .ci/run runs it with --ignored"]
fn the_official_sdk_of_node_handles_tasks() {
    let local = Local::scripted(f());
    let script = packages().join("tasks.js");
    std::fs::write(&script, NODE).unwrap();
    let key = key(&local.folder, &[]);
    let mut node = Command::new("node");
    node.arg(&script).args([&format!("127.0.0.1:{}", local.main_port()), &key.id, &key.secret]);
    let seen: Value = serde_json::from_str(succeed(node.current_dir(packages())).trim()).unwrap();
    let refusal = |code: &str, status: u16| json!({ "code": code, "status": status });
    assert_eq!(seen["absent"], refusal("AsyncConfigNotExists", 404), "{seen}");
    for answer in [&seen["put"], &seen["got"], &seen["configs"]["configs"][0]] {
        assert_eq!(
            (&answer["asyncTask"], &answer["maxAsyncRetryAttempts"], &answer["maxAsyncEventAgeInSeconds"]),
            (&json!(true), &json!(1), &json!(600)),
            "{seen}"
        );
        let arn = &answer["destinationConfig"]["onFailure"]["destination"];
        assert_eq!(arn, "acs:mns:::/queues/failed/messages", "{seen}");
    }
    assert_eq!(seen["accepted"]["status"], 202, "{seen}");
    assert_eq!(seen["accepted"]["headers"]["x-fc-async-task-id"], "one", "{seen}");
    assert_eq!(seen["twice"], refusal("StatefulAsyncInvocationAlreadyExists", 409), "{seen}");
    assert_eq!(
        (&seen["task"]["status"], &seen["task"]["returnPayload"]),
        (&"Succeeded".into(), &"HELLO ONE".into())
    );
    assert_eq!(seen["task"]["events"].as_array().unwrap().len(), 4, "{seen}");
    assert_eq!(seen["first"]["tasks"][0]["taskPayload"], "hello one", "{seen}");
    assert_eq!(seen["second"]["tasks"][0]["taskId"], "later", "{seen}");
    assert_eq!(seen["waiting"]["tasks"].as_array().unwrap().len(), 1, "{seen}");
    assert_eq!((&seen["stopped"], &seen["deleted"]), (&json!(200), &json!(204)), "{seen}");
    assert_eq!(seen["again"], refusal("StatefulAsyncInvocationAlreadyCompleted", 412), "{seen}");
    assert_eq!(seen["unknown"], refusal("StatefulAsyncInvocationNotFound", 404), "{seen}");
}

#[test]
#[ignore = "needs python3 with its SDK: .ci/run runs it with --ignored"]
fn the_official_sdk_of_python_handles_tasks() {
    let local = Local::scripted(f());
    let key = key(&local.folder, &[]);
    let mut command = python();
    command.args(["-c", PYTHON, &format!("127.0.0.1:{}", local.main_port()), &key.id, &key.secret]);
    let seen: Value = serde_json::from_str(succeed(&mut command).trim()).unwrap();
    assert_eq!((&seen["accepted"], &seen["task"]["status"]), (&json!(202), &"Succeeded".into()), "{seen}");
    assert_eq!(seen["tasks"]["tasks"][0]["taskPayload"], "hello", "{seen}");
    assert_eq!(seen["twice"]["code"], "StatefulAsyncInvocationAlreadyExists", "{seen}");
    assert_eq!(seen["stop"]["code"], "StatefulAsyncInvocationAlreadyCompleted", "{seen}");
}
