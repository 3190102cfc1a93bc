#!/usr/bin/env bash
# Behind koa-compress and Django's GZipMiddleware the events of an event stream arrive together, at its end.
#
# Packages: npm koa 3.3.0, koa-compress 5.2.2, hono 4.13.19, @hono/node-server 2.1.9, fastify 5.12.8, @fastify/compress 9.2.0; PyPI Django 5.2.19, starlette 1.10.0.
# One would swear: a middleware that compresses streamed replies leaves `text/event-stream` alone, or flushes what it was given, as it has no other reason to
# handle streams piece by piece.
# Behaviour: koa-compress and Django compress the events and keep them until their buffer is full: with a second between events a browser sees none for
# long. Hono, @fastify/compress and Starlette leave event streams alone. The first two hold back a streamed `application/json` in the same way (JSON that
# a page reads as it comes); Starlette flushes.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: fc-runtime's `compression` compresses whole replies alone; a stream, of events or of anything else, goes out as it is made.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts koa@3.3.0 koa-compress@5.2.2 hono@4.13.19 @hono/node-server@2.1.9 fastify@5.12.8 @fastify/compress@9.2.0
python3 -m venv python
python/bin/pip install --quiet Django==5.2.19 starlette==1.10.0

cat > run.mjs <<'JS'
import http from 'node:http'
import { Readable } from 'node:stream'
import zlib from 'node:zlib'
import ofFastify from '@fastify/compress'
import { serve } from '@hono/node-server'
import fastify from 'fastify'
import { Hono } from 'hono'
import { compress } from 'hono/compress'
import { stream } from 'hono/streaming'
import Koa from 'koa'
import ofKoa from 'koa-compress'

const pieces = async function* () {
  for (let number = 0; number < 3; number++) {
    yield Buffer.from(`data: ${number}\n\n`)
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}
const servers = {
  koa: (type) => new Promise((resolve) => {
    const app = new Koa().use(ofKoa({ threshold: 0 })).use((context) => {
      context.type = type
      context.body = Readable.from(pieces())
    })
    const server = app.listen(0, '127.0.0.1', () => resolve(server.address().port))
  }),
  hono: (type) => new Promise((resolve) => {
    const app = new Hono().use(compress()).get('/', (context) => {
      context.header('content-type', type)
      return stream(context, async (reply) => {
        for await (const piece of pieces()) await reply.write(piece)
      })
    })
    serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => resolve(port))
  }),
  fastify: async (type) => {
    const app = fastify()
    await app.register(ofFastify, { threshold: 0 })
    app.get('/', (request, reply) => reply.type(type).send(Readable.from(pieces())))
    await app.listen({ port: 0, host: '127.0.0.1' })
    return app.server.address().port
  },
}
for (const [name, listen] of Object.entries(servers)) {
  for (const type of ['text/event-stream', 'application/json']) {
    const port = await listen(type)
    const [coding, count] = await new Promise((resolve, reject) => {
      http.get({ host: '127.0.0.1', port, headers: { 'accept-encoding': 'gzip' } }, (reply) => {
        const coding = reply.headers['content-encoding'] ?? 'plain'
        const plain = coding === 'gzip' ? reply.pipe(zlib.createGunzip()) : reply
        let count = 0
        plain.on('data', () => count++).on('end', () => resolve([coding, count])).on('error', reject)
      }).on('error', reject)
    })
    console.log(`${name}, ${type}: ${coding}, ${count === 1 ? 'all at the end' : `${count} pieces`}`)
  }
}
process.exit()
JS
cat > run.py <<'PY'
import asyncio
import zlib

from django.conf import settings
from django.http import StreamingHttpResponse
from django.middleware.gzip import GZipMiddleware
from django.test import RequestFactory
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware as OfStarlette
from starlette.responses import StreamingResponse
from starlette.routing import Route

settings.configure()
given = [b'data: %d\n\n' % number for number in range(3)]


def tell(name, kind, coding, pieces):
    gunzip = zlib.decompressobj(31)
    plain = [gunzip.decompress(piece) if coding == 'gzip' else piece for piece in pieces]
    count = sum(1 for piece in plain if piece)
    print(f'{name}, {kind}: {coding or "plain"}, {"all at the end" if count == 1 else f"{count} pieces"}')


def by_django(kind):
    answer = GZipMiddleware(lambda request: StreamingHttpResponse(iter(given), content_type=kind))
    reply = answer(RequestFactory().get('/', headers={'accept-encoding': 'gzip'}))
    tell('django', kind, reply.headers.get('content-encoding'), list(reply.streaming_content))


async def by_starlette(kind):
    async def made():
        for piece in given:
            yield piece

    app = OfStarlette(Starlette(routes=[Route('/', lambda request: StreamingResponse(made(), media_type=kind))]))
    scope = {
        'type': 'http', 'asgi': {'version': '3.0', 'spec_version': '2.3'}, 'http_version': '1.1', 'method': 'GET', 'scheme': 'http', 'path': '/',
        'raw_path': b'/', 'root_path': '', 'query_string': b'', 'headers': [(b'host', b'localhost'), (b'accept-encoding', b'gzip')],
    }
    pieces, headers = [], {}

    async def receive():
        await asyncio.sleep(60)

    async def send(message):
        if message['type'] == 'http.response.start':
            headers.update(message['headers'])
        else:
            pieces.append(message.get('body', b''))

    await asyncio.wait_for(app(scope, receive, send), 10)
    tell('starlette', kind, headers.get(b'content-encoding', b'').decode(), pieces)


for kind in ('text/event-stream', 'application/json'):
    by_django(kind)
    asyncio.run(by_starlette(kind))
PY
seen='koa, text/event-stream: gzip, all at the end
koa, application/json: gzip, all at the end
hono, text/event-stream: plain, 3 pieces
hono, application/json: gzip, all at the end
fastify, text/event-stream: plain, 3 pieces
fastify, application/json: gzip, all at the end
django, text/event-stream: gzip, all at the end
starlette, text/event-stream: plain, 3 pieces
django, application/json: gzip, all at the end
starlette, application/json: gzip, 3 pieces'
got=$(timeout 60 node run.mjs; timeout 60 python/bin/python run.py)
diff <(echo "$seen") <(echo "$got")
echo "as described"
