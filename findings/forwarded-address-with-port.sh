#!/usr/bin/env bash
# In X-Forwarded-For an address with its port is no address to Express, Fastify and Werkzeug: the client's "address" is another at each connection.
#
# Packages: npm express 5.3.0 (proxy-addr 2.0.8), @fastify/proxy-addr 5.1.3, koa 3.3.0, request-ip 3.3.0; PyPI Werkzeug 3.1.9, uvicorn 0.54.0, python-ipware 4.1.1.
# One would swear: the libraries that make a client's address of X-Forwarded-For give an address. Some load balancers and gateways write `address:port` there,
# and `[address]:port` for IPv6 (RFC 7239 has that form for its `Forwarded`).
# Behaviour: uvicorn, python-ipware and, for IPv4, request-ip take the port off. Express, Fastify, Koa and Werkzeug give the text with the port. A proxy with a port is none of
# the trusted networks for Express and Fastify, so the proxy is taken for the client; uvicorn goes on to the client. For IPv6 with a port request-ip gives the peer.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `Exchange::client_addr` takes ports and brackets off (`exchange/forwarded.rs`); `fc-local` writes addresses without ports.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true,"type":"module"}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts express@5.3.0 proxy-addr@2.0.8 @fastify/proxy-addr@5.1.3 koa@3.3.0 request-ip@3.3.0
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check Werkzeug==3.1.9 uvicorn==0.54.0 python-ipware==4.1.1

cat > ask.mjs <<'JS'
import http from 'node:http'
import express from 'express'
import fastify from '@fastify/proxy-addr'
import Koa from 'koa'
import requestIp from 'request-ip'

const TRUSTED = ['127.0.0.1', '10.0.0.0/8']
const app = express()
app.set('trust proxy', TRUSTED)
app.use((request, reply) => reply.send(request.ip))
const koa = new Koa({ proxy: true })
koa.use((context) => { context.body = context.ip })
const libraries = {
  express: app,
  koa: koa.callback(),
  fastify: (request, reply) => reply.end(fastify(request, TRUSTED)),
  'request-ip': (request, reply) => reply.end(requestIp.getClientIp(request)),
}
for (const [name, handler] of Object.entries(libraries)) {
  const server = http.createServer(handler)
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  const seen = []
  for (const value of process.argv.slice(2)) {
    const reply = await fetch(`http://127.0.0.1:${server.address().port}/`, { headers: { 'x-forwarded-for': value } })
    seen.push(await reply.text())
  }
  console.log(`${name}:`, seen.join(' | '))
  server.closeAllConnections()
  server.close()
}
JS
cat > ask.py <<'PY'
import asyncio
import sys

from python_ipware import IpWare
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix


def by_werkzeug(value):
    environ = {'REMOTE_ADDR': '127.0.0.1', 'HTTP_X_FORWARDED_FOR': value, 'wsgi.url_scheme': 'http'}
    return ProxyFix(lambda environ, start: environ['REMOTE_ADDR'])(environ, None)


def by_uvicorn(value):
    seen = []

    async def app(scope, receive, send):
        seen.append(scope['client'][0])

    scope = {'type': 'http', 'scheme': 'http', 'client': ('127.0.0.1', 1), 'headers': [(b'x-forwarded-for', value.encode())]}
    asyncio.run(ProxyHeadersMiddleware(app, trusted_hosts=['127.0.0.1', '10.0.0.0/8'])(scope, None, None))
    return seen[0]


def by_ipware(value):
    return str(IpWare().get_client_ip({'HTTP_X_FORWARDED_FOR': value, 'REMOTE_ADDR': '127.0.0.1'})[0])


for name, ask in [('Werkzeug', by_werkzeug), ('uvicorn', by_uvicorn), ('python-ipware', by_ipware)]:
    print(f'{name}:', ' | '.join(map(ask, sys.argv[1:])))
PY
seen='express: 8.8.4.4:5678 | [2606:4700::1]:5678 | 10.0.0.1:80
koa: 8.8.4.4:5678 | [2606:4700::1]:5678 | 8.8.4.4
fastify: 8.8.4.4:5678 | [2606:4700::1]:5678 | 10.0.0.1:80
request-ip: 8.8.4.4 | 127.0.0.1 | 8.8.4.4
Werkzeug: 8.8.4.4:5678 | [2606:4700::1]:5678 | 10.0.0.1:80
uvicorn: 8.8.4.4 | 2606:4700::1 | 8.8.4.4
python-ipware: 8.8.4.4 | 2606:4700::1 | 8.8.4.4'
values=('8.8.4.4:5678' '[2606:4700::1]:5678' '8.8.4.4, 10.0.0.1:80')
got=$(timeout 30 node ask.mjs "${values[@]}"; timeout 30 python/bin/python ask.py "${values[@]}")
diff <(echo "$seen") <(echo "$got")
echo "as described"
