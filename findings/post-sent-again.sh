#!/usr/bin/env bash
# Four retry libraries send a POST again as soon as its connection breaks or its reply is 5xx, without being told that this is safe.
#
# Packages: npm axios 1.21.1, axios-retry 4.5.0, superagent 10.4.2, fetch-retry 6.0.0, got 14.6.6, ky 1.14.3, make-fetch-happen 15.0.6;
# PyPI aiohttp 3.14.5, aiohttp-retry 2.9.1, httpx 0.28.1, httpx-retries 0.6.0.
# One would swear: a POST is not idempotent (RFC 9110, 9.2.2), so a retry library leaves it alone unless the caller says otherwise.
# Behaviour, with defaults: on a connection that breaks before a reply, axios-retry and fetch-retry send a POST four times, superagent three times; on 503
# superagent and aiohttp-retry three times. got, ky, make-fetch-happen and httpx-retries repeat GET alone. On a broken connection
# the function has had the body each time.
# Output seen: `seen` below, the number of requests that the server got. The script ends with status 1 when the output differs.
#
# What our product does about it: fc-local answers 502 when an instance dies under a call and never just closes the client's connection, which would set off
# three of the four. A handler that has effects keeps them to one run by the client's key: `ex.once(key, ..)`.
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts axios@1.21.1 axios-retry@4.5.0 superagent@10.4.2 fetch-retry@6.0.0 got@14.6.6 \
  ky@1.14.3 make-fetch-happen@15.0.6
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check aiohttp==3.14.5 aiohttp-retry==2.9.1 httpx==0.28.1 httpx-retries==0.6.0

cat > server.py <<'PY'
import collections
import http.server

COUNTS = collections.Counter()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        _, client, status = self.path.split("/")
        if client == "counts":
            status, body = 200, "".join(f"{key}: {COUNTS[key]}\n" for key in sorted(COUNTS)).encode()
        else:
            COUNTS[f"{client} {self.command} {status}"] += 1
            body = b"x"
        if status == "broken":
            self.close_connection = True
            return
        self.send_response(int(status))
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
PY
cat > run.py <<'PY'
import asyncio
import contextlib
import sys

import httpx
from aiohttp_retry import RetryClient
from httpx_retries import Retry, RetryTransport

base = f"http://127.0.0.1:{sys.argv[1]}"


async def main():
    for method in ["GET", "POST"]:
        for status in ["503", "broken"]:
            async with RetryClient() as client:
                with contextlib.suppress(Exception):
                    async with client.request(method, f"{base}/aiohttp-retry/{status}", data=b"x") as reply:
                        await reply.read()
            with httpx.Client(transport=RetryTransport(retry=Retry(total=2, backoff_factor=0.1))) as client:
                with contextlib.suppress(Exception):
                    client.request(method, f"{base}/httpx-retries/{status}", content=b"x")


asyncio.run(main())
PY
cat > run.mjs <<'JS'
import axios from 'axios'
import axiosRetry from 'axios-retry'
import fetchRetry from 'fetch-retry'
import got from 'got'
import ky from 'ky'
import makeFetchHappen from 'make-fetch-happen'
import superagent from 'superagent'

const base = `http://127.0.0.1:${process.argv[2]}`
const plain = axios.create()
axiosRetry(plain)
const fetchAgain = fetchRetry(fetch)
// `retry` tells how many times where a library retries nothing, or for long, by default; none is told to repeat a POST.
const clients = {
  'axios-retry': (url, method, body) => plain.request({ url, method, data: body }),
  'fetch-retry': (url, method, body) => fetchAgain(url, { method, body }),
  got: (url, method, body) => got(url, { method, ...(body && { body }) }),
  ky: (url, method, body) => ky(url, { method, body }),
  'make-fetch-happen': (url, method, body) => makeFetchHappen(url, { method, body, retry: 2 }),
  superagent: (url, method, body) => superagent(method, url).retry(2).send(body),
}
for (const method of ['GET', 'POST']) {
  for (const status of ['503', 'broken']) {
    const body = method === 'POST' ? 'x' : undefined
    const calls = Object.entries(clients).map(([name, call]) => call(`${base}/${name}/${status}`, method, body).then(() => {}, () => {}))
    await Promise.all(calls)
  }
}
JS
seen="aiohttp-retry GET 503: 3
aiohttp-retry GET broken: 2
aiohttp-retry POST 503: 3
aiohttp-retry POST broken: 1
axios-retry GET 503: 4
axios-retry GET broken: 4
axios-retry POST 503: 1
axios-retry POST broken: 4
fetch-retry GET 503: 1
fetch-retry GET broken: 4
fetch-retry POST 503: 1
fetch-retry POST broken: 4
got GET 503: 3
got GET broken: 3
got POST 503: 1
got POST broken: 1
httpx-retries GET 503: 3
httpx-retries GET broken: 3
httpx-retries POST 503: 1
httpx-retries POST broken: 1
ky GET 503: 3
ky GET broken: 3
ky POST 503: 1
ky POST broken: 1
make-fetch-happen GET 503: 3
make-fetch-happen GET broken: 3
make-fetch-happen POST 503: 1
make-fetch-happen POST broken: 1
superagent GET 503: 3
superagent GET broken: 3
superagent POST 503: 3
superagent POST broken: 3"
venv/bin/python server.py > port 2> server.log &
until [[ -s port ]]; do sleep 0.1; done
timeout 60 venv/bin/python run.py "$(cat port)"
timeout 60 node run.mjs "$(cat port)"
got=$(curl --silent "http://127.0.0.1:$(cat port)/counts/200")
diff <(echo "$seen") <(echo "$got")
echo "as described"
