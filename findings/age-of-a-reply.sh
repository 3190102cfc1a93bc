#!/usr/bin/env bash
# A reply that is an hour old, with a life of a minute, is fresh to CacheControl, requests-cache and make-fetch-happen, npm's own client: they do not count `Age`.
#
# Packages: PyPI CacheControl 0.14.4 (pip's cache), requests-cache 1.3.3; npm make-fetch-happen 16.0.1 (npm's client), undici 7.30.2, got 14.6.6,
# axios-cache-interceptor 1.12.3 with axios 1.21.1.
# One would swear: the age of a reply is what its `Age` says when it comes (RFC 9111, 4.2.3), so what a CDN kept until its end is asked for again by the
# cache of the client.
# Behaviour: with `Cache-Control: max-age=60` and `Age: 3600` the three give the second request the stored reply, for a minute more on their own count.
# undici, got and axios-cache-interceptor ask again.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: a reply of the library says nothing of freshness unless the handler does, and fc-local passes `Age` on. Behind a CDN a handler writes the
# life for the CDN as `s-maxage`, and a short `max-age`, which such clients may count twice.
set -euo pipefail
work=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts make-fetch-happen@16.0.1 undici@7.30.2 got@14.6.6 axios@1.21.1 axios-cache-interceptor@1.12.3
python3 -m venv python
python/bin/pip install --quiet CacheControl==0.14.4 requests-cache==1.3.3

cat > server.py <<'PY'
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

asked = 0


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        global asked
        asked += 1
        self.send_response(200)
        self.send_header('cache-control', 'max-age=60')
        self.send_header('age', '3600')
        self.end_headers()
        self.wfile.write(str(asked).encode())

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
PY
cat > ask.mjs <<'JS'
import axios from 'axios'
import { setupCache } from 'axios-cache-interceptor'
import got from 'got'
import fetcher from 'make-fetch-happen'
import { Agent, interceptors, request } from 'undici'

const fetch = fetcher.defaults({ cachePath: './cache' })
const dispatcher = new Agent().compose(interceptors.cache())
const cached = setupCache(axios.create())
const cache = new Map()
const clients = {
  'make-fetch-happen': async (url) => (await fetch(url)).text(),
  undici: async (url) => (await request(url, { dispatcher })).body.text(),
  got: (url) => got(url, { cache }).text(),
  'axios-cache-interceptor': async (url) => String((await cached.get(url)).data),
}
for (const [name, ask] of Object.entries(clients)) {
  const url = `http://127.0.0.1:${process.argv[2]}/${name}`
  const first = await ask(url)
  await new Promise((resolve) => setTimeout(resolve, 50))
  console.log(`${name}: ${(await ask(url)) === first ? 'the stored reply' : 'asked again'}`)
}
process.exit()
JS
cat > ask.py <<'PY'
import sys

import cachecontrol
import requests
import requests_cache

clients = {
    'CacheControl': cachecontrol.CacheControl(requests.Session()),
    'requests-cache': requests_cache.CachedSession(backend='memory', cache_control=True),
}
for name, client in clients.items():
    url = f'http://127.0.0.1:{sys.argv[1]}/{name}'
    first = client.get(url).text
    print(f'{name}:', 'the stored reply' if client.get(url).text == first else 'asked again')
PY
seen='CacheControl: the stored reply
requests-cache: the stored reply
make-fetch-happen: the stored reply
undici: asked again
got: asked again
axios-cache-interceptor: asked again'
python/bin/python server.py > port &
server=$!
until [ -s port ]; do kill -0 "$server"; sleep 0.05; done
got=$(timeout 30 python/bin/python ask.py "$(cat port)"; timeout 30 node ask.mjs "$(cat port)")
diff <(echo "$seen") <(echo "$got")
echo "as described"
