#!/usr/bin/env bash
# The health check that a load balancer sends by default, HEAD, is a 405 to seven of fifteen frameworks when the route is written for GET.
#
# Packages: PyPI fastapi 0.165.0, starlette 1.10.0, litestar 2.25.0, falcon 4.4.0, quart 0.22.0, Flask 3.1.3, bottle 0.13.4, Django 5.2.19, tornado 6.6.1,
# sanic 25.12.1, aiohttp 3.14.5, a2wsgi 1.10.10; npm express 5.3.0, fastify 5.12.8, hono 4.13.19, restify 11.1.0.
# One would swear: a route for GET answers HEAD with the same head. RFC 9110, 9.1, asks every server for both, and FastAPI does what Starlette, on which
# it is built, does.
# Behaviour: FastAPI, Litestar, Falcon, Tornado, Sanic, restify and Django's `require_GET` answer 405; the other eight answer 200. Alibaba Cloud's
# load balancer asks `HEAD /` for a function by default, so a backend with a health route of its own, and curl's GET of it fine, stays unhealthy.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: a route for GET answers HEAD in fc-runtime. `fc-local` sends health checks with the method of the manifest, HEAD by
# default, so that such a function fails here as it does there; `health_check_method = "GET"` is the way out.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts express@5.3.0 fastify@5.12.8 hono@4.13.19 restify@11.1.0
python3 -m venv python
python/bin/pip install --quiet fastapi==0.165.0 starlette==1.10.0 litestar==2.25.0 falcon==4.4.0 quart==0.22.0 Flask==3.1.3 bottle==0.13.4 Django==5.2.19 \
  tornado==6.6.1 sanic==25.12.1 aiohttp==3.14.5 a2wsgi==1.10.10

cat > ask.py <<'PY'
import asyncio
import socket
import urllib.error
import urllib.request

import bottle
import django
import falcon.asgi
import flask
import tornado.web
from a2wsgi import WSGIMiddleware
from aiohttp import web
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.http import require_GET
from fastapi import FastAPI
from litestar import Litestar, get
from quart import Quart
from sanic import Sanic, text
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

fastapi = FastAPI()
fastapi.get('/')(lambda: 'ok')
starlette = Starlette(routes=[Route('/', lambda request: PlainTextResponse('ok'), methods=['GET'])])


@get('/')
async def of_litestar() -> str:
    return 'ok'


class OfFalcon:
    async def on_get(self, request, reply):
        reply.text = 'ok'


class OfTornado(tornado.web.RequestHandler):
    def get(self):
        self.write('ok')


async def of_quart():
    return 'ok'


async def of_sanic(request):
    return text('ok')


async def of_aiohttp(request):
    return web.Response(text='ok')


falcon_app = falcon.asgi.App()
falcon_app.add_route('/', OfFalcon())
quart = Quart('app')
quart.get('/')(of_quart)
flask_app = flask.Flask('app')
flask_app.get('/')(lambda: 'ok')
bottle_app = bottle.Bottle()
bottle_app.get('/', callback=lambda: 'ok')
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=['*'], SECRET_KEY='of no use')
django.setup()
urlpatterns = [path('', require_GET(lambda request: HttpResponse('ok')))]
sanic = Sanic('app', configure_logging=False)
sanic.get('/')(of_sanic)
asgi = {
    'fastapi': fastapi, 'starlette': starlette, 'litestar': Litestar([of_litestar]), 'falcon': falcon_app, 'quart': quart,
    'flask': WSGIMiddleware(flask_app), 'bottle': WSGIMiddleware(bottle_app), 'django': get_asgi_application(),
}


async def by_asgi(app, method):
    """One request, as an ASGI server hands it over."""
    scope = {
        'type': 'http', 'asgi': {'version': '3.0', 'spec_version': '2.3'}, 'http_version': '1.1', 'method': method, 'scheme': 'http', 'path': '/',
        'raw_path': b'/', 'root_path': '', 'query_string': b'', 'headers': [(b'host', b'localhost')], 'client': ('127.0.0.1', 1), 'server': ('127.0.0.1', 80),
    }
    statuses = []
    asked = False

    async def receive():
        nonlocal asked
        if asked:
            await asyncio.sleep(60)
        asked = True
        return {'type': 'http.request', 'body': b'', 'more_body': False}

    async def send(message):
        if message['type'] == 'http.response.start':
            statuses.append(message['status'])

    await asyncio.wait_for(app(scope, receive, send), 10)
    return statuses[0]


def over_a_socket(port, method):
    try:
        return urllib.request.urlopen(urllib.request.Request(f'http://127.0.0.1:{port}/', method=method), timeout=10).status
    except urllib.error.HTTPError as error:
        return error.code


async def main():
    for name, app in asgi.items():
        print(f'{name}:', *[await by_asgi(app, method) for method in ('GET', 'HEAD')])
    sockets = {}
    for name in ('tornado', 'aiohttp', 'sanic'):
        sockets[name] = socket.create_server(('127.0.0.1', 0))
        sockets[name].setblocking(False)
    tornado.httpserver.HTTPServer(tornado.web.Application([('/', OfTornado)])).add_socket(sockets['tornado'])
    aiohttp_app = web.Application()
    aiohttp_app.router.add_get('/', of_aiohttp)
    runner = web.AppRunner(aiohttp_app)
    await runner.setup()
    await web.SockSite(runner, sockets['aiohttp']).start()
    server = await sanic.create_server(sock=sockets['sanic'], return_asyncio_server=True, access_log=False)
    await server.startup()
    for name, listener in sockets.items():
        port = listener.getsockname()[1]
        print(f'{name}:', *[await asyncio.to_thread(over_a_socket, port, method) for method in ('GET', 'HEAD')])


asyncio.run(main())
PY
cat > ask.mjs <<'JS'
import { createServer } from 'node:http'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import restify from 'restify'

const ask = async (port) => {
  const statuses = []
  for (const method of ['GET', 'HEAD']) statuses.push((await fetch(`http://127.0.0.1:${port}/`, { method })).status)
  return statuses
}
const listen = (server) => new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)))
const ofExpress = express().get('/', (request, reply) => reply.send('ok'))
console.log('express:', ...(await ask(await listen(createServer(ofExpress)))))
const ofFastify = fastify()
ofFastify.get('/', async () => 'ok')
await ofFastify.listen({ port: 0, host: '127.0.0.1' })
console.log('fastify:', ...(await ask(ofFastify.server.address().port)))
const ofHono = new Hono().get('/', (context) => context.text('ok'))
console.log('hono:', (await ofHono.request('/')).status, (await ofHono.request('/', { method: 'HEAD' })).status)
const ofRestify = restify.createServer()
ofRestify.get('/', (request, reply, next) => {
  reply.send('ok')
  next()
})
console.log('restify:', ...(await ask(await listen(ofRestify))))
process.exit()
JS
seen='fastapi: 200 405
starlette: 200 200
litestar: 200 405
falcon: 200 405
quart: 200 200
flask: 200 200
bottle: 200 200
django: 200 405
tornado: 200 405
aiohttp: 200 200
sanic: 200 405
express: 200 200
fastify: 200 200
hono: 200 200
restify: 200 405'
got=$(timeout 60 python/bin/python ask.py 2> errors; timeout 60 node --no-deprecation ask.mjs 2>> errors)
diff <(echo "$seen") <(echo "$got") || { cat errors; exit 1; }
echo "as described"
