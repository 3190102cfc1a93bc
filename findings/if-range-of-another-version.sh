#!/usr/bin/env bash
# aiohttp, Tornado and tower-http send the rest of a file that has changed to a client that asked for the rest of the old one, `If-Range` or not.
#
# Packages: PyPI aiohttp 3.14.5, tornado 6.6.1, starlette 1.10.0 to compare (run by uvicorn); crates tower-http 0.7.1.
# One would swear: `If-Range` carries the validator of the part that the client has. When the file is another by now, the reply is the whole new file
# (RFC 9110, 13.1.5), so a download that is resumed never joins two versions.
# Behaviour: aiohttp compares dates only, and takes `If-Range` with its own ETag for no condition: 206 with the rest of the new file. Tornado and
# tower-http's ServeDir do not read `If-Range` at all, dates included. The client appends the piece to what it has, and nothing tells it. Starlette
# sends the whole file.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: the feature `files` compares `If-Range` strongly, ETags and dates, and sends the whole file when they differ. Behind
# the three servers a client that resumes compares the ETag of the 206 itself.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet aiohttp==3.14.5 tornado==6.6.1 starlette==1.10.0 uvicorn httpx==0.28.1
mkdir src public
cat > Cargo.toml <<'TOML'
[package]
name = "resumed"
version = "0.0.0"
edition = "2021"

[dependencies]
http = "1"
http-body-util = "0.1"
tokio = { version = "1", features = ["macros", "rt"] }
tower = { version = "0.5", features = ["util"] }
tower-http = { version = "=0.7.1", features = ["fs"] }
TOML
cat > src/main.rs <<'RUST'
use std::time::{Duration, SystemTime};

use http::Request;
use http_body_util::{BodyExt, Empty};
use tower::ServiceExt;
use tower_http::services::ServeDir;

fn write(text: &str, age: u64) {
    std::fs::write("public/file", text).unwrap();
    let file = std::fs::File::options().append(true).open("public/file").unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 - age)).unwrap();
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let ask = |request: Request<Empty<&'static [u8]>>| ServeDir::new("public").oneshot(request);
    write("old old old", 86_400);
    let whole = ask(Request::get("/file").body(Empty::new()).unwrap()).await.unwrap();
    let validator = whole.headers()["last-modified"].clone();
    write("new new new", 0);
    let resumed = Request::get("/file").header("range", "bytes=4-").header("if-range", validator);
    let reply = ask(resumed.body(Empty::new()).unwrap()).await.unwrap();
    let status = reply.status().as_u16();
    let text = String::from_utf8(reply.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap();
    println!("tower-http last-modified: {status} {text}");
}
RUST
cat > run.py <<'PY'
import asyncio
import os
import pathlib
import socket

import httpx
import tornado.web
import uvicorn
from aiohttp import web
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

FILE = pathlib.Path('public/file')


def write(text, time):
    FILE.write_text(text)
    os.utime(FILE, (time, time))


def free_port():
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return listener.getsockname()[1]


async def show(name, port):
    async with httpx.AsyncClient(base_url=f'http://127.0.0.1:{port}') as client:
        for validator in ('etag', 'last-modified'):
            write('old old old', 1_699_913_600)
            whole = await client.get('/file')
            write('new new new', 1_700_000_000)
            headers = {'range': 'bytes=4-', 'if-range': whole.headers[validator]}
            reply = await client.get('/file', headers=headers)
            print(f'{name} {validator}: {reply.status_code} {reply.text}')


async def main():
    application = web.Application()
    application.router.add_static('/', 'public')
    runner = web.AppRunner(application)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, '127.0.0.1', port).start()
    await show('aiohttp', port)
    await runner.cleanup()

    port = free_port()
    static = (r'/(.*)', tornado.web.StaticFileHandler, {'path': 'public'})
    server = tornado.web.Application([static]).listen(port, '127.0.0.1')
    await show('tornado', port)
    server.stop()

    port = free_port()
    application = Starlette(routes=[Mount('/', StaticFiles(directory='public'))])
    server = uvicorn.Server(uvicorn.Config(application, port=port, log_level='error'))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    await show('starlette', port)
    server.should_exit = True
    await task


asyncio.run(main())
PY
seen='aiohttp etag: 206 new new
aiohttp last-modified: 200 new new new
tornado etag: 206 new new
tornado last-modified: 206 new new
starlette etag: 200 new new new
starlette last-modified: 200 new new new
tower-http last-modified: 206 new new'
CARGO_TARGET_DIR="$work/target" CARGO_BUILD_JOBS=2 timeout 300 cargo build --quiet
got=$(timeout 60 python/bin/python run.py; timeout 10 target/debug/resumed)
diff <(echo "$seen") <(echo "$got")
echo "as described"
