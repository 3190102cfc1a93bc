#!/usr/bin/env bash
# `Forwarded: host="app.example:8443"` makes Hypercorn's ProxyFix hand on a host in quotes, and `For=`, with a capital, is not there to it.
#
# Packages: PyPI Hypercorn 0.18.0, aiohttp 3.14.5, sanic 25.12.1; npm forwarded-parse 2.2.0.
# One would swear: a middleware that reads `Forwarded` (RFC 7239) takes quotes off, without which neither a host with a port nor an IPv6 address can stand there, and names of parameters have no case.
# Behaviour: with `mode='modern'` the app behind Hypercorn has the host `"app.example:8443"` and the client `"[2001:db8::17]:4711"`, quotes and port with it, so that links are broken and no address can be read.
# `For=` and `Proto=` leave the proxy's own address and scheme. sanic, aiohttp's `request.forwarded` and npm's forwarded-parse read all of these.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: with `trusted_hops` fc-runtime reads `X-Forwarded-For`, `-Proto` and `-Host`, with or without a port, and no `Forwarded`. A proxy in front of a Hypercorn that moves
# here sends the former.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts forwarded-parse@2.2.0
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check Hypercorn==0.18.0 aiohttp==3.14.5 sanic==25.12.1

cat > headers <<'TEXT'
for=192.0.2.60;proto=https;host=app.example
for="[2001:db8::17]:4711"
For=192.0.2.60;Proto=https
for=192.0.2.60;host="app.example:8443"
TEXT
cat > read.py <<'PY'
import asyncio
from types import SimpleNamespace

from aiohttp.test_utils import make_mocked_request
from hypercorn.middleware import ProxyFixMiddleware
from sanic.compat import Header
from sanic.headers import parse_forwarded


def of_hypercorn(text):
    seen = {}

    async def app(scope, receive, send):
        seen.update({'for': scope['client'][0], 'proto': scope['scheme'], 'host': dict(scope['headers'])[b'host'].decode()})

    scope = {'type': 'http', 'scheme': 'http', 'client': ('127.0.0.1', 9), 'headers': [(b'host', b'inner'), (b'forwarded', text.encode())]}
    asyncio.run(ProxyFixMiddleware(app, mode='modern', trusted_hops=1)(scope, None, None))
    return seen


def of_sanic(text):
    # sanic reads the part that has the secret of its proxy.
    read = parse_forwarded(Header({'forwarded': text + ';secret=s'}), SimpleNamespace(FORWARDED_SECRET='s'))
    return {name: value for name, value in read.items() if name != 'secret'}


readers = {
    'Hypercorn': of_hypercorn,
    'sanic': of_sanic,
    'aiohttp': lambda text: dict(make_mocked_request('GET', '/', headers={'forwarded': text}).forwarded[0]),
}
for text in open('headers').read().splitlines():
    for name, read in readers.items():
        print(f'{text}, {name}:', ', '.join(f'{key} {value}' for key, value in read(text).items()))
PY
cat > read.cjs <<'JS'
const parse = require('forwarded-parse')

for (const text of require('node:fs').readFileSync('headers', 'utf8').trim().split('\n')) {
  const words = Object.entries(parse(text)[0]).map((pair) => pair.join(' '))
  console.log(`${text}, forwarded-parse: ${words.join(', ')}`)
}
JS
seen='for=192.0.2.60;proto=https;host=app.example, Hypercorn: for 192.0.2.60, proto https, host app.example
for=192.0.2.60;proto=https;host=app.example, sanic: for 192.0.2.60, proto https, host app.example
for=192.0.2.60;proto=https;host=app.example, aiohttp: for 192.0.2.60, proto https, host app.example
for="[2001:db8::17]:4711", Hypercorn: for "[2001:db8::17]:4711", proto http, host inner
for="[2001:db8::17]:4711", sanic: for [2001:db8::17]:4711
for="[2001:db8::17]:4711", aiohttp: for [2001:db8::17]:4711
For=192.0.2.60;Proto=https, Hypercorn: for 127.0.0.1, proto http, host inner
For=192.0.2.60;Proto=https, sanic: for 192.0.2.60, proto https
For=192.0.2.60;Proto=https, aiohttp: for 192.0.2.60, proto https
for=192.0.2.60;host="app.example:8443", Hypercorn: for 192.0.2.60, proto http, host "app.example:8443"
for=192.0.2.60;host="app.example:8443", sanic: for 192.0.2.60, host app.example:8443
for=192.0.2.60;host="app.example:8443", aiohttp: for 192.0.2.60, host app.example:8443
for=192.0.2.60;proto=https;host=app.example, forwarded-parse: for 192.0.2.60, proto https, host app.example
for="[2001:db8::17]:4711", forwarded-parse: for [2001:db8::17]:4711
For=192.0.2.60;Proto=https, forwarded-parse: for 192.0.2.60, proto https
for=192.0.2.60;host="app.example:8443", forwarded-parse: for 192.0.2.60, host app.example:8443'
got=$(timeout 60 python/bin/python -W ignore read.py; timeout 30 node read.cjs)
diff <(echo "$seen") <(echo "$got")
echo "as described"
