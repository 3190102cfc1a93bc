#!/usr/bin/env bash
# uvicorn, Sanic and Flask's own server send chunks to an HTTP/1.0 client, which takes their lengths for text; aiohttp and Tornado leave a kept one waiting for the end.
#
# Packages: PyPI uvicorn 0.54.0 with httptools 0.9.0 and h11 0.16.0, hypercorn 0.18.0, granian 2.8.9, gunicorn 27.0.1, waitress 3.0.2, cheroot 11.1.2, Werkzeug 3.1.9,
# aiohttp 3.14.5, tornado 6.6.1, sanic 25.12.1; npm express 5.3.0, koa 3.3.0, fastify 5.12.8, hono 4.13.19, @hono/node-server 2.1.9.
# One would swear: a server sends no chunks to HTTP/1.0 (RFC 9112, 6.1: "MUST NOT"), and ends a body of unknown length by closing; nginx still asks its
# servers by 1.0 unless told otherwise, and so do health checks, ApacheBench and old devices.
# Behaviour: `seen` below is what a client of 1.0 has of a reply in three pieces, "one;two;three;". uvicorn with httptools, which it prefers where it is installed, Sanic
# and Werkzeug send chunks all the same. To a client that asks for `Connection: keep-alive` aiohttp and Tornado send the pieces without a length and without
# closing, so the client waits until their time-out.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: fc-runtime ends a stream to HTTP/1.0 with the connection (`bulk::streams_without_chunks`, `direct::http_1_0_gets_the_events_alone`). `fc-local` asks
# functions by 1.1 as the platform does. A proxy of one's own in front of such a server is told to speak 1.1 (nginx: `proxy_http_version 1.1`).
set -euo pipefail
work=$(mktemp -d)
servers=()
trap 'kill "${servers[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts express@5.3.0 koa@3.3.0 fastify@5.12.8 hono@4.13.19 @hono/node-server@2.1.9
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check uvicorn==0.54.0 httptools==0.9.0 h11==0.16.0 hypercorn==0.18.0 granian==2.8.9 gunicorn==27.0.1 waitress==3.0.2 \
  cheroot==11.1.2 Werkzeug==3.1.9 aiohttp==3.14.5 tornado==6.6.1 sanic==25.12.1

cat > apps.py <<'PY'
PIECES = [b'one;', b'two;', b'three;']


async def asgi(scope, receive, send):
    if scope['type'] == 'lifespan':
        while True:
            kind = (await receive())['type']
            await send({'type': f'{kind}.complete'})
            if kind == 'lifespan.shutdown':
                return
    await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-type', b'text/plain')]})
    for piece in PIECES:
        await send({'type': 'http.response.body', 'body': piece, 'more_body': True})
    await send({'type': 'http.response.body', 'body': b''})


def wsgi(environ, start):
    start('200 OK', [('Content-Type', 'text/plain')])
    return iter(PIECES)
PY
cat > serve.py <<'PY'
import sys

from apps import PIECES, wsgi

name, port = sys.argv[1], int(sys.argv[2])
if name == 'waitress':
    import waitress

    waitress.serve(wsgi, host='127.0.0.1', port=port)
elif name == 'cheroot':
    from cheroot.wsgi import Server

    Server(('127.0.0.1', port), wsgi).start()
elif name == 'Werkzeug':
    from werkzeug.serving import run_simple

    run_simple('127.0.0.1', port, wsgi, threaded=True)
elif name == 'aiohttp':
    from aiohttp import web

    async def handle(request):
        reply = web.StreamResponse()
        await reply.prepare(request)
        for piece in PIECES:
            await reply.write(piece)
        return reply

    app = web.Application()
    app.router.add_get('/', handle)
    web.run_app(app, host='127.0.0.1', port=port)
elif name == 'Tornado':
    from tornado.ioloop import IOLoop
    from tornado.web import Application, RequestHandler

    class Handler(RequestHandler):
        async def get(self):
            for piece in PIECES:
                self.write(piece)
                await self.flush()

    Application([('/', Handler)]).listen(port, '127.0.0.1')
    IOLoop.current().start()
elif name == 'Sanic':
    from sanic import Sanic

    app = Sanic('app')

    @app.get('/')
    async def handle(request):
        reply = await request.respond(content_type='text/plain')
        for piece in PIECES:
            await reply.send(piece.decode())

    app.run(host='127.0.0.1', port=port, single_process=True)
PY
cat > serve.mjs <<'JS'
import { Readable } from 'node:stream'
import { serve } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { stream } from 'hono/streaming'
import Koa from 'koa'

const [, , name, port] = process.argv
const pieces = ['one;', 'two;', 'three;'].map((piece) => Buffer.from(piece))
const host = '127.0.0.1'
const servers = {
  Express: () => express().get('/', (_, res) => Readable.from(pieces).pipe(res)).listen(port, host),
  Koa: () => new Koa().use((ctx) => (ctx.body = Readable.from(pieces))).listen(port, host),
  Fastify: () => fastify().get('/', (_, reply) => reply.send(Readable.from(pieces))).listen({ port, host }),
  Hono: () => {
    const app = new Hono().get('/', (c) => stream(c, async (out) => { for (const piece of pieces) await out.write(piece) }))
    serve({ fetch: app.fetch, port: Number(port), hostname: host })
  },
}
servers[name]()
JS
cat > ask.py <<'PY'
import socket
import sys


def ask(head):
    """The body as a client of HTTP/1.0 reads it: by its length, or to the end of the connection."""
    with socket.create_connection(('127.0.0.1', int(sys.argv[1])), timeout=5) as connection:
        connection.settimeout(2)
        connection.sendall(head)
        reply, end = b'', ''
        try:
            while piece := connection.recv(65536):
                reply += piece
        except TimeoutError:
            end = ' and waits'
    return reply.partition(b'\r\n\r\n')[2].decode().replace('\r\n', '|') + end


closed = ask(b'GET / HTTP/1.0\r\nHost: app.example\r\n\r\n')
kept = ask(b'GET / HTTP/1.0\r\nHost: app.example\r\nConnection: keep-alive\r\n\r\n')
print(closed if closed == kept else f'{closed}, kept: {kept}')
PY
free() { python3 -c "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1])"; }
# The name of a server, and what starts it at the port that stands behind.
serve() {
  local port
  port=$(free)
  "${@:2}" "${prefix-}$port" > log 2>&1 &
  servers=($!)
  for _ in $(seq 200); do python3 -c "import socket; socket.create_connection(('127.0.0.1', $port))" 2>/dev/null && break; kill -0 "${servers[0]}" || { cat log; exit 1; }; sleep 0.1; done
  echo "$1: $(python3 ask.py "$port")"
  kill "${servers[0]}"
  wait "${servers[0]}" 2>/dev/null || true
}
seen='uvicorn, httptools: 4|one;|4|two;|6|three;|0||
uvicorn, h11: one;two;three;
Hypercorn: one;two;three;
Granian: one;two;three;
gunicorn: one;two;three;
waitress: one;two;three;
cheroot: one;two;three;
Werkzeug: 4|one;|4|two;|6|three;|0||
aiohttp: one;two;three;, kept: one;two;three; and waits
Tornado: one;two;three;, kept: one;two;three; and waits
Sanic: 4|one;|4|two;|6|three;|0||, kept: 4|one;|4|two;|6|three;|0|| and waits
Express: one;two;three;
Koa: one;two;three;
Fastify: one;two;three;
Hono: one;two;three;'
got=$(
  serve 'uvicorn, httptools' python/bin/uvicorn apps:asgi --http httptools --port
  serve 'uvicorn, h11' python/bin/uvicorn apps:asgi --http h11 --port
  prefix=127.0.0.1: serve Hypercorn python/bin/hypercorn apps:asgi --bind
  serve Granian python/bin/granian --interface asgi apps:asgi --port
  prefix=127.0.0.1: serve gunicorn python/bin/gunicorn apps:wsgi --bind
  for name in waitress cheroot Werkzeug aiohttp Tornado Sanic; do serve $name python/bin/python serve.py $name; done
  for name in Express Koa Fastify Hono; do serve $name node serve.mjs $name; done
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
