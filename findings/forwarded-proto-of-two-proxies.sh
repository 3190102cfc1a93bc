#!/usr/bin/env bash
# Behind two proxies Fastify takes the client's address from one and scheme and host from the other; uvicorn has no scheme at all.
#
# Packages: npm express 5.3.0, fastify 5.12.8, koa 3.3.0; PyPI uvicorn 0.54.0, Hypercorn 0.18.0, Werkzeug 3.1.9, Django 5.2.19.
# One would swear: of `X-Forwarded-For: client, proxy`, `X-Forwarded-Proto: https, http` and `X-Forwarded-Host: shop.example, inner.example` a framework that trusts
# both proxies reads one column: the client's.
# Behaviour: Fastify with `trustProxy: true` gives the first address, and the last scheme and host: `http://inner.example`, for a client that came by https.
# Redirects and links lead to a host that the client cannot reach, and a redirect to https never ends. Express and Koa read the first column, Hypercorn and
# Werkzeug with one hop the last. uvicorn takes the first address, and compares the whole list with `https`: the scheme stays http. Django reads the first
# scheme, and refuses the list of hosts with 400.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `fc-local` writes one scheme, never a list. `Exchange::scheme` and `host` take the last value, which the nearest proxy wrote,
# while `client_addr` counts `trusted_hops`; their docs say so. A proxy in front of another one replaces the header, as ALB does.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts express@5.3.0 fastify@5.12.8 koa@3.3.0
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check uvicorn==0.54.0 Hypercorn==0.18.0 Werkzeug==3.1.9 Django==5.2.19

cat > run.mjs <<'JS'
import { once } from 'node:events'
import express from 'express'
import Fastify from 'fastify'
import Koa from 'koa'

const headers = {
  'x-forwarded-for': '192.0.2.1, 198.51.100.2',
  'x-forwarded-proto': 'https, http',
  'x-forwarded-host': 'shop.example, inner.example',
}
const show = ({ ip, protocol, host }) => `${ip} ${protocol}://${host}`
const app = express().set('trust proxy', true).get('/', (request, response) => response.send(show(request)))
const fastify = Fastify({ trustProxy: true }).get('/', async (request) => show(request))
const koa = new Koa({ proxy: true }).use((context) => (context.body = show(context)))
await fastify.ready()
const listeners = { Express: app, Fastify: fastify.routing, Koa: koa.callback() }
const { createServer } = await import('node:http')
for (const [name, listener] of Object.entries(listeners)) {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  console.log(`${name}: ${await (await fetch(`http://127.0.0.1:${server.address().port}/`, { headers })).text()}`)
  server.close()
}
process.exit()
JS
cat > run.py <<'PY'
import asyncio, logging
from hypercorn.middleware import ProxyFixMiddleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

headers = {
    'x-forwarded-for': '192.0.2.1, 198.51.100.2',
    'x-forwarded-proto': 'https, http',
    'x-forwarded-host': 'shop.example, inner.example',
}

async def asgi(scope, receive, send):
    host = next(value for name, value in scope['headers'] if name == b'host').decode()
    print(f'{name}: {scope["client"][0]} {scope["scheme"]}://{host}')

for name, app in [('uvicorn', ProxyHeadersMiddleware(asgi, '*')), ('Hypercorn', ProxyFixMiddleware(asgi, 'legacy', 1))]:
    lines = [(b'host', b'127.0.0.1'), *((key.encode(), value.encode()) for key, value in headers.items())]
    asyncio.run(app({'type': 'http', 'scheme': 'http', 'client': ('127.0.0.1', 1), 'headers': lines}, None, None))

environ = {'wsgi.url_scheme': 'http', 'REMOTE_ADDR': '127.0.0.1', 'HTTP_HOST': '127.0.0.1', 'SERVER_NAME': '127.0.0.1', 'SERVER_PORT': '80'}
environ |= {'HTTP_' + key.upper().replace('-', '_'): value for key, value in headers.items()}

def wsgi(environ, start_response):
    print(f'Werkzeug: {environ["REMOTE_ADDR"]} {environ["wsgi.url_scheme"]}://{environ["HTTP_HOST"]}')
ProxyFix(wsgi, x_for=1, x_proto=1, x_host=1)(dict(environ), None)

from django.conf import settings
settings.configure(SECURE_PROXY_SSL_HEADER=('HTTP_X_FORWARDED_PROTO', 'https'), USE_X_FORWARDED_HOST=True, ALLOWED_HOSTS=['*'])
import django
django.setup()
from django.core.exceptions import DisallowedHost
from django.test import RequestFactory
request = RequestFactory().get('/', **{key: value for key, value in environ.items() if key.startswith('HTTP_X')})
try:
    host = request.get_host()
except DisallowedHost as error:
    host = type(error).__name__
print(f'Django: {request.scheme}, {host}')
PY
seen='Express: 192.0.2.1 https://shop.example
Fastify: 192.0.2.1 http://inner.example
Koa: 192.0.2.1 https://shop.example
uvicorn: 192.0.2.1 http://127.0.0.1
Hypercorn: 198.51.100.2 http://inner.example
Werkzeug: 198.51.100.2 http://inner.example
Django: https, DisallowedHost'
got=$(
  timeout 30 node run.mjs
  timeout 60 venv/bin/python run.py 2> /dev/null
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
