#!/usr/bin/env bash
# A DELETE that is redirected by 301 or 302 is a GET to superagent, by 302 one to requests, httpx and niquests: it succeeds, and nothing is deleted.
#
# Packages: npm superagent 10.4.2, axios 1.21.1, got 14.6.6, node-fetch 3.3.2; PyPI requests 2.34.2, httpx 0.28.1, niquests 3.21.2, aiohttp 3.14.5, urllib3 2.8.0.
# One would swear: only a POST becomes a GET behind 301 and 302, out of old habit (RFC 9110, 15.4.2 and 15.4.3); PUT and DELETE stay what they are, as in
# browsers. 303 is there for the change.
# Behaviour: superagent makes a GET of all three methods for 301 as for 302, the other three named do for 302. The client has a 200 with the page behind the
# redirect, and the body of a PUT is gone. got and urllib3 go the other way: with them a POST stays a POST behind 301 and 302. 307 and 308 change nothing anywhere.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `Redirect` has 303, 307 and 308 alone, which mean one thing to every client, and a folder without its slash is answered
# by 308. A load balancer's rule redirects by 301 unless it says otherwise: `httpCode: 308` where more than GET passes (docs/alb.md).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts superagent@10.4.2 axios@1.21.1 got@14.6.6 node-fetch@3.3.2
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check requests==2.34.2 httpx==0.28.1 niquests==3.21.2 aiohttp==3.14.5 urllib3==2.8.0

cat > server.mjs <<'JS'
import http from 'node:http'

// Answers with the method that arrives behind the redirect.
const server = http.createServer(async (request, response) => {
  for await (const _ of request);
  const status = Number(request.url.slice(1))
  if (status) response.writeHead(status, { location: '/' }).end()
  else response.end(request.method)
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
JS
cat > run.py <<'PY'
import asyncio, sys
import aiohttp, httpx, niquests, requests, urllib3

address = f'http://127.0.0.1:{sys.argv[1]}/'

async def by_aiohttp(method, url):
    async with aiohttp.ClientSession() as session, session.request(method, url, data=b'x') as reply:
        return await reply.text()

clients = {
    'requests': lambda method, url: requests.request(method, url, data=b'x').text,
    'httpx': lambda method, url: httpx.request(method, url, content=b'x', follow_redirects=True).text,
    'niquests': lambda method, url: niquests.request(method, url, data=b'x').text,
    'aiohttp': lambda method, url: asyncio.run(by_aiohttp(method, url)),
    'urllib3': lambda method, url: urllib3.request(method, url, body=b'x').data.decode(),
}
for name, send in clients.items():
    print(name, *(f'{status}:{",".join(send(method, address + status) for method in ["POST", "PUT", "DELETE"])}' for status in ['301', '302', '307']))
PY
cat > run.mjs <<'JS'
import axios from 'axios'
import got from 'got'
import nodeFetch from 'node-fetch'
import superagent from 'superagent'

const address = `http://127.0.0.1:${process.argv[2]}/`
const clients = {
  superagent: async (method, url) => (await superagent(method, url).buffer(true).parse(superagent.parse.text).send('x')).text,
  axios: async (method, url) => (await axios.request({ method, url, data: 'x' })).data,
  got: (method, url) => got(url, { method, body: 'x' }).text(),
  'node-fetch': async (method, url) => (await nodeFetch(url, { method, body: 'x' })).text(),
  "Node's fetch": async (method, url) => (await fetch(url, { method, body: 'x' })).text(),
}
for (const [name, send] of Object.entries(clients)) {
  const words = []
  for (const status of ['301', '302', '307']) {
    const methods = []
    for (const method of ['POST', 'PUT', 'DELETE']) methods.push(await send(method, address + status))
    words.push(`${status}:${methods}`)
  }
  console.log(name, ...words)
}
JS
node server.mjs > port &
server=$!
trap 'kill "$server"; rm -rf "$work"' EXIT
for _ in $(seq 100); do [ -s port ] && break; sleep 0.1; done
seen="superagent 301:GET,GET,GET 302:GET,GET,GET 307:POST,PUT,DELETE
axios 301:GET,PUT,DELETE 302:GET,PUT,DELETE 307:POST,PUT,DELETE
got 301:POST,PUT,DELETE 302:POST,PUT,DELETE 307:POST,PUT,DELETE
node-fetch 301:GET,PUT,DELETE 302:GET,PUT,DELETE 307:POST,PUT,DELETE
Node's fetch 301:GET,PUT,DELETE 302:GET,PUT,DELETE 307:POST,PUT,DELETE
requests 301:GET,PUT,DELETE 302:GET,GET,GET 307:POST,PUT,DELETE
httpx 301:GET,PUT,DELETE 302:GET,GET,GET 307:POST,PUT,DELETE
niquests 301:GET,PUT,DELETE 302:GET,GET,GET 307:POST,PUT,DELETE
aiohttp 301:GET,PUT,DELETE 302:GET,PUT,DELETE 307:POST,PUT,DELETE
urllib3 301:POST,PUT,DELETE 302:POST,PUT,DELETE 307:POST,PUT,DELETE"
got=$(
  timeout 60 node run.mjs "$(cat port)"
  timeout 60 venv/bin/python run.py "$(cat port)"
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
