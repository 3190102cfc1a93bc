#!/usr/bin/env bash
# httpx drops what follows the first member of a gzip body, and says nothing; curl gives up in the middle of it.
#
# Packages: PyPI httpx 0.28.1, requests 2.34.2, aiohttp 3.14.5; npm got 14.6.6, Node.js 20's fetch; Debian 12 curl 7.88.
# One would swear: a gzip file may have several members, which are read as one (RFC 1952, 2.2): that is what `cat a.gz b.gz` makes, and log files and what
# parallel compressors write often are. So a reply with `Content-Encoding: gzip` is the text of all members.
# Behaviour: httpx gives the text of the first member, with status 200 and no error, though `Content-Length` counts all. curl prints the first and
# exits with 23. requests, aiohttp, got and fetch give the whole.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: what the features `compression` and `grpc` write has one member; gRPC messages of several members are read whole. A
# function that serves stored `.gz` files sends those of several members without the coding, as `application/gzip`.
set -euo pipefail
work=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts got@14.6.6
python3 -m venv python
python/bin/pip install --quiet httpx==0.28.1 requests==2.34.2 aiohttp==3.14.5

cat > server.py <<'PY'
import gzip
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BODY = gzip.compress(b'first') + gzip.compress(b' second')


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header('content-encoding', 'gzip')
        self.send_header('content-length', str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
PY
cat > ask.mjs <<'JS'
import got from 'got'

const url = process.argv[2]
console.log('got:', await got(url).text())
console.log('fetch:', await (await fetch(url)).text())
JS
cat > ask.py <<'PY'
import asyncio
import sys

import aiohttp
import httpx
import requests

URL = sys.argv[1]


async def by_aiohttp():
    async with aiohttp.ClientSession() as session, session.get(URL) as reply:
        return await reply.text()


reply = httpx.get(URL)
print('httpx:', reply.text, reply.status_code)
print('requests:', requests.get(URL, timeout=5).text)
print('aiohttp:', asyncio.run(by_aiohttp()))
PY
seen='httpx: first 200
requests: first second
aiohttp: first second
got: first second
fetch: first second
curl: first, status 23'
python/bin/python server.py > port &
server=$!
until [ -s port ]; do kill -0 "$server"; sleep 0.05; done
url="http://127.0.0.1:$(cat port)/"
got=$(timeout 30 python/bin/python ask.py "$url"; timeout 30 node ask.mjs "$url"
  status=0; text=$(curl --silent --compressed --max-time 10 "$url") || status=$?; echo "curl: $text, status $status")
diff <(echo "$seen") <(echo "$got")
echo "as described"
