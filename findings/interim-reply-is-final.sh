#!/usr/bin/env bash
# A 103 before a reply is the reply to Python's requests and urllib3; a 100 that nobody asked for ends a request of undici, and so Node's fetch.
#
# Packages: PyPI requests 2.34.2, urllib3 2.8.0 (on Python 3.11's http.client), httpx 0.28.1, aiohttp 3.14.5; npm undici 7.30.2 (Node.js 20 has undici 6
# as its fetch), axios 1.21.1, node-fetch 3.3.2.
# One would swear: a client skips 1xx, as RFC 9110, 15.2, asks of all of them ("even if the client does not expect one"), since they may come any time.
# Behaviour: requests and urllib3 give the caller status 102 or 103 with an empty body; the final reply behind it is never read. undici skips those
# two, and drops the connection at a 100: `bad response`, `fetch failed` in Node.js 20. httpx, aiohttp, axios and node-fetch skip all three.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: neither the library nor fc-local sends a 100 to a request without `Expect`, and no 102 or 103 of its own. fc-local passes on
# the 102 and 103 of a function, never its 100; docs/proxies.md warns of the clients.
set -euo pipefail
work=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts undici@7.30.2 axios@1.21.1 node-fetch@3.3.2
python3 -m venv python
python/bin/pip install --quiet requests==2.34.2 urllib3==2.8.0 httpx==0.28.1 aiohttp==3.14.5

cat > server.py <<'PY'
import socket
import sys

listener = socket.create_server(('127.0.0.1', 0))
print(listener.getsockname()[1], flush=True)
while True:
    connection, _ = listener.accept()
    request = b''
    while not request.endswith(b'\r\n\r\n'):
        request += connection.recv(1024)
    status = request.split()[1].decode().strip('/')
    reply = f'HTTP/1.1 {status} Interim\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi'
    connection.sendall(reply.encode())
    connection.close()
PY
cat > ask.mjs <<'JS'
import axios from 'axios'
import nodeFetch from 'node-fetch'
import { request } from 'undici'

const clients = {
  undici: async (url) => (await request(url)).statusCode,
  fetch: async (url) => (await fetch(url)).status,
  axios: async (url) => (await axios.get(url)).status,
  'node-fetch': async (url) => (await nodeFetch(url)).status,
}
for (const [name, ask] of Object.entries(clients)) {
  for (const status of [100, 102, 103]) {
    const seen = await ask(`http://127.0.0.1:${process.argv[2]}/${status}`).catch((error) => error.message)
    console.log(`${name} ${status}: ${seen}`)
  }
}
process.exit()
JS
cat > ask.py <<'PY'
import asyncio
import sys

import aiohttp
import httpx
import requests
import urllib3


async def by_aiohttp(url):
    async with aiohttp.ClientSession() as session, session.get(url) as reply:
        return reply.status


clients = {
    'requests': lambda url: requests.get(url, timeout=5).status_code,
    'urllib3': lambda url: urllib3.request('GET', url, timeout=5).status,
    'httpx': lambda url: httpx.get(url).status_code,
    'aiohttp': lambda url: asyncio.run(by_aiohttp(url)),
}
for name, ask in clients.items():
    print(f'{name}:', *(ask(f'http://127.0.0.1:{sys.argv[1]}/{status}') for status in (100, 102, 103)))
PY
seen='undici 100: bad response
undici 102: 200
undici 103: 200
fetch 100: fetch failed
fetch 102: 200
fetch 103: 200
axios 100: 200
axios 102: 200
axios 103: 200
node-fetch 100: 200
node-fetch 102: 200
node-fetch 103: 200
requests: 200 102 103
urllib3: 200 102 103
httpx: 200 200 200
aiohttp: 200 200 200'
python/bin/python server.py > port &
server=$!
until [ -s port ]; do kill -0 "$server"; sleep 0.05; done
got=$(timeout 30 node ask.mjs "$(cat port)"; timeout 30 python/bin/python ask.py "$(cat port)")
diff <(echo "$seen") <(echo "$got")
echo "as described"
