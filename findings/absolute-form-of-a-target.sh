#!/usr/bin/env bash
# The path of `GET http://app.example/orders` is the whole address to Hypercorn, Daphne and uvicorn with h11; Tornado has no such route, and cheroot refuses it.
#
# Packages: PyPI uvicorn 0.54.0 with httptools 0.9.0 and h11 0.16.0, hypercorn 0.18.0, daphne 4.2.3, granian 2.8.9, gunicorn 27.0.1, waitress 3.0.2, cheroot 11.1.2,
# Werkzeug 3.1.9, aiohttp 3.14.5, tornado 6.6.1, sanic 25.12.1; npm express 5.3.0, koa 3.3.0, fastify 5.12.8, hono 4.13.19, @hono/node-server 2.1.9.
# One would swear: every server takes the absolute form, which RFC 9112, 3.2.2, has as a MUST, and gives the app the path, so that a client that takes the
# server for a proxy (HTTP_PROXY, a device, a proxy that hands lines on as they came) is answered.
# Behaviour: `seen` below is the path that the app has. uvicorn changes with the parser that happens to be installed. Fastify finds the route, and its `request.url` is
# the whole address.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: fc-runtime takes the form, and refuses one whose host is not that of `Host` (`shapes::the_host_is_named_once_and_truly`); a handler has the path alone.
set -euo pipefail
work=$(mktemp -d)
servers=()
trap 'kill "${servers[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts express@5.3.0 koa@3.3.0 fastify@5.12.8 hono@4.13.19 @hono/node-server@2.1.9
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check uvicorn==0.54.0 httptools==0.9.0 h11==0.16.0 hypercorn==0.18.0 daphne==4.2.3 granian==2.8.9 gunicorn==27.0.1 waitress==3.0.2 \
  cheroot==11.1.2 Werkzeug==3.1.9 aiohttp==3.14.5 tornado==6.6.1 sanic==25.12.1

cat > apps.py <<'PY'
async def asgi(scope, receive, send):
    if scope['type'] == 'lifespan':
        while True:
            kind = (await receive())['type']
            await send({'type': f'{kind}.complete'})
            if kind == 'lifespan.shutdown':
                return
    await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-type', b'text/plain')]})
    await send({'type': 'http.response.body', 'body': scope['path'].encode()})


def wsgi(environ, start):
    start('200 OK', [('Content-Type', 'text/plain')])
    return [environ['PATH_INFO'].encode()]
PY
cat > serve.py <<'PY'
import sys

from apps import wsgi

name, port = sys.argv[1], int(sys.argv[2])
if name == 'waitress':
    import waitress

    waitress.serve(wsgi, host='127.0.0.1', port=port)
elif name == 'cheroot':
    from cheroot.wsgi import Server

    Server(('127.0.0.1', port), wsgi).start()
elif name == 'Werkzeug':
    from werkzeug.serving import run_simple

    run_simple('127.0.0.1', port, wsgi)
elif name == 'aiohttp':
    from aiohttp import web

    async def handle(request):
        return web.Response(text=request.path)

    app = web.Application()
    app.router.add_get('/orders', handle)
    web.run_app(app, host='127.0.0.1', port=port)
elif name == 'Tornado':
    from tornado.ioloop import IOLoop
    from tornado.web import Application, RequestHandler

    class Handler(RequestHandler):
        def get(self):
            self.write(self.request.path)

    Application([('/orders', Handler)]).listen(port, '127.0.0.1')
    IOLoop.current().start()
elif name == 'Sanic':
    from sanic import Sanic, text

    app = Sanic('app')

    @app.get('/orders')
    async def handle(request):
        return text(request.path)

    app.run(host='127.0.0.1', port=port, single_process=True)
PY
cat > serve.mjs <<'JS'
import { serve } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'

const [, , name, port] = process.argv
const host = '127.0.0.1'
const servers = {
  Express: () => express().get('/orders', (req, res) => res.send(req.path)).listen(port, host),
  Koa: () => new Koa().use((ctx) => (ctx.body = ctx.path)).listen(port, host),
  Fastify: () => fastify().get('/orders', (req, reply) => reply.send(req.url)).listen({ port, host }),
  Hono: () => serve({ fetch: new Hono().get('/orders', (c) => c.text(c.req.path)).fetch, port: Number(port), hostname: host }),
}
servers[name]()
JS
cat > ask.py <<'PY'
import http.client
import sys

connection = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]), timeout=10)
connection.request('GET', 'http://app.example/orders', headers={'Host': 'app.example', 'Connection': 'close'})
reply = connection.getresponse()
body = reply.read().decode()
print(body if reply.status == 200 else reply.status)
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
seen='uvicorn, httptools: /orders
uvicorn, h11: http://app.example/orders
Hypercorn: http://app.example/orders
Daphne: http://app.example/orders
Granian: /orders
gunicorn: /orders
waitress: /orders
cheroot: 400
Werkzeug: /orders
aiohttp: /orders
Tornado: 404
Sanic: /orders
Express: /orders
Koa: /orders
Fastify: http://app.example/orders
Hono: /orders'
got=$(
  serve 'uvicorn, httptools' python/bin/uvicorn apps:asgi --http httptools --port
  serve 'uvicorn, h11' python/bin/uvicorn apps:asgi --http h11 --port
  prefix=127.0.0.1: serve Hypercorn python/bin/hypercorn apps:asgi --bind
  serve Daphne python/bin/daphne apps:asgi --port
  serve Granian python/bin/granian --interface asgi apps:asgi --port
  prefix=127.0.0.1: serve gunicorn python/bin/gunicorn apps:wsgi --bind
  for name in waitress cheroot Werkzeug aiohttp Tornado Sanic; do serve $name python/bin/python serve.py $name; done
  for name in Express Koa Fastify Hono; do serve $name node serve.mjs $name; done
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
