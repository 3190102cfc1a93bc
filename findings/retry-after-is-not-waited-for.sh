#!/usr/bin/env bash
# `Retry-After: 2` makes axios-retry, got, ky, undici and httpx-retries wait; ofetch, superagent, typed-rest-client and aiohttp-retry ask again at once.
#
# Packages: npm axios 1.21.1, axios-retry 4.5.0, got 14.6.6, ky 1.14.3, undici 7.30.2, ofetch 1.5.1, superagent 10.4.2, typed-rest-client 3.1.2; PyPI httpx 0.28.1,
# httpx-retries 0.6.0, aiohttp 3.14.5, aiohttp-retry 2.9.1.
# One would swear: a library that sends a GET again after a 503 reads the header that was made for it (RFC 9110, 10.2.3), all the more when it knows 503 as a
# status to retry without being told.
# Behaviour: the first five begin the second attempt two seconds later. The others begin it within half a second, and with their usual two or three attempts
# have given up before the two seconds are over: who sheds load is called as often again, and the client has an error that waiting would have spared it.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: fc-runtime's 503 at its bounds has `Retry-After`, and costs next to nothing, since no handler runs: it stands a client that does not
# read it. Callers set the pause of such a library themselves (`retryDelay` of ofetch, `ExponentialRetry(start_timeout=...)` of aiohttp-retry).
set -euo pipefail
work=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts axios@1.21.1 axios-retry@4.5.0 got@14.6.6 ky@1.14.3 undici@7.30.2 ofetch@1.5.1 superagent@10.4.2 \
  typed-rest-client@3.1.2
python3 -m venv python
python/bin/pip install --quiet httpx==0.28.1 httpx-retries==0.6.0 aiohttp==3.14.5 aiohttp-retry==2.9.1

cat > server.mjs <<'JS'
import http from 'node:http'

const times = {}
http.createServer((request, reply) => {
  if (request.url === '/told') {
    const tell = ([name, [first, second]]) => `${name.slice(1)}: ${second === undefined ? 'not again' : second - first > 1500 ? 'waited' : 'at once'}`
    reply.end(Object.entries(times).map(tell).join('\n'))
    return
  }
  ;(times[request.url] ??= []).push(performance.now())
  reply.writeHead(503, { 'retry-after': '2' }).end('busy')
}).listen(0, '127.0.0.1', function () {
  console.log(this.address().port)
})
JS
cat > ask.mjs <<'JS'
import axios from 'axios'
import axiosRetry from 'axios-retry'
import got from 'got'
import ky from 'ky'
import { ofetch } from 'ofetch'
import superagent from 'superagent'
import { HttpClient } from 'typed-rest-client/HttpClient.js'
import { Agent, request, RetryAgent } from 'undici'

axiosRetry(axios, { retries: 1 })
const dispatcher = new RetryAgent(new Agent(), { maxRetries: 1 })
const clients = {
  'axios-retry': (url) => axios.get(url),
  got: (url) => got(url, { retry: { limit: 1 } }),
  ky: (url) => ky(url, { retry: 1 }),
  undici: (url) => request(url, { dispatcher }),
  ofetch: (url) => ofetch(url),
  superagent: (url) => superagent.get(url).retry(1),
  'typed-rest-client': (url) => new HttpClient('test', [], { allowRetries: true, maxRetries: 1 }).get(url),
}
for (const [name, ask] of Object.entries(clients)) await ask(`http://127.0.0.1:${process.argv[2]}/${name}`).catch(() => {})
process.exit()
JS
cat > ask.py <<'PY'
import asyncio
import sys

import httpx
from aiohttp_retry import ExponentialRetry, RetryClient
from httpx_retries import Retry, RetryTransport

at = f'http://127.0.0.1:{sys.argv[1]}/'
httpx.Client(transport=RetryTransport(retry=Retry(total=1))).get(at + 'httpx-retries')


async def main():
    async with RetryClient(retry_options=ExponentialRetry(attempts=2)) as client, client.get(at + 'aiohttp-retry'):
        pass


asyncio.run(main())
PY
seen='axios-retry: waited
got: waited
ky: waited
undici: waited
ofetch: at once
superagent: at once
typed-rest-client: at once
httpx-retries: waited
aiohttp-retry: at once'
node server.mjs > port &
server=$!
until [ -s port ]; do kill -0 "$server"; sleep 0.05; done
timeout 60 node ask.mjs "$(cat port)"
timeout 60 python/bin/python ask.py "$(cat port)"
got=$(timeout 10 python/bin/python -c 'import sys, httpx; print(httpx.get(sys.argv[1]).text)' "http://127.0.0.1:$(cat port)/told")
diff <(echo "$seen") <(echo "$got")
echo "as described"
