//! Real WebSocket clients and servers: Python's `websockets` and Node's `ws`, with the contract example and with each other.

use std::process::Command;

use serde_json::json;
use testkit::Launch;
use testkit::events::kind;
use testkit::manifest::Function;
use testkit::proxy::{Config, Proxy};

use super::{example, packages, python, succeed};
use crate::harness::{Local, f, write_manifest};

/// Says `ok` at its end. Its arguments are the URL, and whether compression is agreed on.
const PYTHON: &str = r#"
import asyncio, sys
import websockets

url, compressed = sys.argv[1], sys.argv[2] == "true"

async def main():
    largest = "y" * (6 * 1024 * 1024)
    async with websockets.connect(url, subprotocols=["other", "echo"], max_size=None) as socket:
        assert socket.subprotocol == "echo"
        names = [extension.name for extension in socket.protocol.extensions]
        assert names == (["permessage-deflate"] if compressed else []), names
        for message in ["", "tea", "é" * 1000, b"", b"\0\1", b"x" * 65_536, largest]:
            await socket.send(message)
            assert await socket.recv() == message, len(message)
        await socket.send(["in ", "three ", "fragments"])
        assert await socket.recv() == "in three fragments"
        await (await socket.ping(b"are you there?"))
        # A batch that is read only later.
        await asyncio.gather(*(socket.send(f"message {at}") for at in range(1000)))
        for at in range(1000):
            assert await socket.recv() == f"message {at}"
        await socket.close(4001, "bye")
        assert (socket.close_code, socket.close_reason) == (4001, "bye")
    # Without compression a byte more is too much.
    # Not by `async with`: its end fails within asyncio 3.11 when the server closed while the client still had bytes to send.
    socket = await websockets.connect(url, compression=None, max_size=None)
    try:
        await socket.send(largest + "y")
        await socket.recv()
        raise AssertionError("a message that is too large passed")
    except websockets.ConnectionClosed as closed:
        assert closed.rcvd is not None and closed.rcvd.code == 1009, closed
    many = await asyncio.gather(*(websockets.connect(url) for _ in range(50)))
    await asyncio.gather(*(socket.send("all together") for socket in many))
    assert [await socket.recv() for socket in many] == ["all together"] * 50
    await asyncio.gather(*(socket.close() for socket in many))
    try:
        await websockets.connect(url.replace("/ws", "/none"))
        raise AssertionError("a socket that is not there")
    except websockets.InvalidStatus as refused:
        assert refused.response.status_code == 404, refused
    print("ok")

asyncio.run(main())
"#;

/// The same by Node.
const NODE: &str = r"
const { WebSocket } = require('ws');
const { once } = require('events');
const assert = require('assert');
const [url, compressed] = process.argv.slice(2);
const connect = async (protocols, options) => {
  const socket = new WebSocket(url, protocols, options);
  await once(socket, 'open');
  return socket;
};
(async () => {
  const socket = await connect(['other', 'echo']);
  assert.equal(socket.protocol, 'echo');
  assert.equal(socket.extensions.startsWith('permessage-deflate'), compressed === 'true');
  for (const message of ['', 'tea', 'é'.repeat(1000), Buffer.from([0, 1]), Buffer.alloc(65536, 'x'), Buffer.alloc(6 * 1024 * 1024, 'y')]) {
    socket.send(message);
    const [data, isBinary] = await once(socket, 'message');
    assert.equal(isBinary, Buffer.isBuffer(message));
    assert.ok(data.equals(Buffer.from(message)));
  }
  socket.send('in ', { fin: false });
  socket.send('fragments', { fin: true });
  assert.equal(String((await once(socket, 'message'))[0]), 'in fragments');
  socket.ping('are you there?');
  assert.equal(String((await once(socket, 'pong'))[0]), 'are you there?');
  socket.close(4001, 'bye');
  const [code, reason] = await once(socket, 'close');
  assert.deepEqual([code, String(reason)], [4001, 'bye']);
  const large = await connect([], { perMessageDeflate: false });
  large.on('error', () => {});
  large.send(Buffer.alloc(6 * 1024 * 1024 + 1));
  assert.equal((await once(large, 'close'))[0], 1009);
  console.log('ok');
})();
";

/// Waits until the socket is closed, and says with which code.
const WAITING: &str = r#"
import sys
import websockets.sync.client as client
import websockets

socket = client.connect(sys.argv[1])
socket.send("here")
assert socket.recv() == "here"
print("connected", flush=True)
try:
    socket.recv()
except websockets.ConnectionClosed as closed:
    print(closed.rcvd.code if closed.rcvd else 1006)
"#;

/// An echo as a custom runtime, with compression.
const PYTHON_SERVER: &str = r#"
import asyncio, os
import websockets

async def echo(socket):
    try:
        async for message in socket:
            await socket.send(message)
    except websockets.ConnectionClosedError:
        # A code of the client's own is no error here.
        pass

def echo_or_none(connection, offered):
    return "echo" if "echo" in offered else None

def only(connection, request):
    if request.path != "/ws":
        return connection.respond(404, "not here")

async def main():
    port = int(os.environ["FC_CUSTOM_LISTEN_PORT"])
    async with websockets.serve(
        echo, "0.0.0.0", port, select_subprotocol=echo_or_none, max_size=None, process_request=only
    ):
        await asyncio.get_running_loop().create_future()

asyncio.run(main())
"#;

pub(super) const NODE_SERVER: &str = r"
const { WebSocketServer } = require('ws');
const port = Number(process.env.FC_CUSTOM_LISTEN_PORT);
const server = new WebSocketServer({ host: '0.0.0.0', port, path: '/ws', perMessageDeflate: true,
  handleProtocols: (offered) => offered.has('echo') && 'echo' });
server.on('connection', (socket) => socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })));
";

fn function() -> Function {
    f().timeout(60).concurrency(100).memory(1024)
}

/// The contract example behind fc-local.
fn contract(function: Function) -> Local {
    let folder = testkit::Folder::new();
    folder.link("code/bootstrap", example("contract").to_str().unwrap());
    write_manifest(&folder, function);
    Local::start(folder, &["--drain", "600"])
}

/// Node with a script, which is written beside the packages.
pub(super) fn node(name: &str, script: &str) -> Command {
    let script_file = packages().join(name);
    std::fs::write(&script_file, script).unwrap();
    let mut node = Command::new("node");
    node.arg(script_file).current_dir(packages());
    node
}

#[track_caller]
fn by_python(port: u16, is_compressed: bool) {
    let url = format!("ws://127.0.0.1:{port}/ws");
    assert_eq!(succeed(python().args(["-c", PYTHON, &url, &is_compressed.to_string()])).trim(), "ok");
}

#[track_caller]
fn by_node(port: u16, is_compressed: bool) {
    let url = format!("ws://127.0.0.1:{port}/ws");
    let mut node = node("websocket.js", NODE);
    assert_eq!(succeed(node.args([&url, &is_compressed.to_string()])).trim(), "ok");
}

#[track_caller]
fn check_records(local: &Local, sockets: usize, too_large: usize) {
    let of_sockets = kind("request").field("path", "/ws").status(101);
    local.wait_for_nth(sockets, &of_sockets);
    assert_eq!(local.count(kind("call_failed").field("failure", "entity_too_large")), too_large);
    assert_eq!(local.count(kind("call_failed")), too_large);
    assert_eq!(local.count(kind("call_cancelled")), 0, "all said goodbye");
}

#[test]
#[ignore = "needs Python's websockets: .ci/run runs it with --ignored"]
fn a_client_of_python_speaks_to_a_function() {
    let local = contract(function());
    by_python(local.function_port("f"), false);
    check_records(&local, 52, 1);
}

#[test]
#[ignore = "needs node and npm: .ci/run runs it with --ignored"]
fn a_client_of_node_speaks_to_a_function() {
    let local = contract(function());
    by_node(local.function_port("f"), false);
    check_records(&local, 2, 1);
}

/// What only the ends have agreed on, which is compression, passes between them.
#[test]
#[ignore = "needs Python's websockets, node and npm: .ci/run runs it with --ignored"]
fn servers_that_compress_are_functions_too() {
    let folder = testkit::Folder::new();
    folder.write("code/server.py", PYTHON_SERVER);
    let command = json!([python().get_program().to_str().unwrap(), "server.py"]);
    write_manifest(&folder, function().runtime("command", command));
    let local = Local::start(folder, &[]);
    by_python(local.function_port("f"), true);
    check_records(&local, 52, 1);

    let script = node("websocket_server.js", NODE_SERVER);
    let script = script.get_args().next().unwrap().to_str().unwrap();
    let folder = testkit::Folder::new();
    folder.write("code/empty", "");
    write_manifest(&folder, function().runtime("command", json!(["node", script])));
    let local = Local::start(folder, &[]);
    by_node(local.function_port("f"), true);
    check_records(&local, 2, 1);
}

#[test]
#[ignore = "needs Python's websockets: .ci/run runs it with --ignored"]
fn a_client_is_told_of_a_stop() {
    let mut local = contract(function());
    let url = format!("ws://127.0.0.1:{}/ws", local.function_port("f"));
    let mut client = Launch::new(python().get_program()).args(["-c", WAITING, &url]).start();
    client.out().wait_for("connected");
    assert_eq!(local.interrupt(), Some(0));
    assert_eq!(client.ended().1, ["connected", "1001"]);
    local.wait_for(kind("request").field("path", "/ws").status(101));
}

#[test]
#[ignore = "needs Python's websockets: .ci/run runs it with --ignored"]
fn a_client_of_a_function_whose_time_is_over_sees_1006() {
    let folder = testkit::Folder::new();
    folder.write("code/server.py", PYTHON_SERVER);
    let command = json!([python().get_program().to_str().unwrap(), "server.py"]);
    write_manifest(&folder, f().timeout(2).runtime("command", command));
    let local = Local::start(folder, &[]);
    let url = format!("ws://127.0.0.1:{}/ws", local.function_port("f"));
    let mut client = Launch::new(python().get_program()).args(["-c", WAITING, &url]).start();
    assert_eq!(client.ended().1, ["connected", "1006"]);
    local.wait_for(kind("call_failed").field("failure", "timed_out"));
}

/// As its documents say that an upgrade is passed on.
const UPGRADES: Config<'_> = Config {
    http: "map $http_upgrade $connection_upgrade { default upgrade; '' close; }",
    listen: "",
    location: "proxy_pass http://function;\nproxy_http_version 1.1;\n\
               proxy_set_header Upgrade $http_upgrade;\nproxy_set_header Connection $connection_upgrade;\n\
               proxy_set_header Host $http_host;\nproxy_read_timeout 15s;",
};

#[test]
#[ignore = "needs Python's websockets and nginx: .ci/run runs it with --ignored"]
fn nginx_in_front_changes_nothing_for_a_socket() {
    let local = contract(function());
    let proxy = Proxy::start(local.function_port("f"), &UPGRADES);
    by_python(proxy.port, false);
}
