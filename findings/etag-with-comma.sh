#!/usr/bin/env bash
# An ETag with a comma in it never makes a 304 with Express, Koa and Django: they cut the list of If-None-Match there.
#
# Packages: npm express 5.3.0, koa 3.3.0 (both by fresh), hono 4.13.19; PyPI Django 5.2.19, Werkzeug 3.1.9.
# One would swear: an ETag is opaque, and the one that a server has just sent, sent back alone, is the same. RFC 9110, 8.8.3, allows commas in it.
# Behaviour: Express and Koa cut at every comma, quoted or not; Django drops a tag that has one. So `"rev3,de"` is sent with each reply, comes back with
# each request, and the whole body goes out each time: the cache of browsers is of no use, and nothing says so. Hono and Werkzeug answer 304.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: fc-runtime reads quoted tags to their closing quote (`src/precondition.rs`). A tag that is made of several parts joins
# them by a dot or a hyphen, as the caches and libraries between may cut as well.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts express@5.3.0 koa@3.3.0 hono@4.13.19
python3 -m venv python
python/bin/pip install --quiet Django==5.2.19 Werkzeug==3.1.9

cat > run.mjs <<'JS'
import { createServer, get } from 'node:http'
import express from 'express'
import { Hono } from 'hono'
import { etag } from 'hono/etag'
import Koa from 'koa'

const tags = ['"rev3.de"', '"rev3,de"']
const overSocket = async (listener) => {
  const server = createServer(listener)
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const ask = (tag) => new Promise((resolve, reject) => {
    const headers = { 'if-none-match': tag, 'x-tag': tag }
    get({ port: server.address().port, headers }, (reply) => resolve(reply.resume().statusCode)).on('error', reject)
  })
  return [await ask(tags[0]), await ask(tags[1])]
}
const ofExpress = express().get('/', (request, reply) => reply.set('ETag', request.get('x-tag')).send('hello'))
console.log('express:', ...(await overSocket(ofExpress)))
const ofKoa = new Koa().use((context) => {
  context.status = 200
  context.set('ETag', context.get('x-tag'))
  context.body = 'hello'
  if (context.fresh) context.status = 304
})
console.log('koa:', ...(await overSocket(ofKoa.callback())))
const ofHono = new Hono().use(etag()).get('/', (context) => context.text('hello', 200, { ETag: context.req.header('x-tag') }))
const byHono = async (tag) => (await ofHono.request('/', { headers: { 'if-none-match': tag, 'x-tag': tag } })).status
console.log('hono:', await byHono(tags[0]), await byHono(tags[1]))
process.exit()
JS
cat > run.py <<'PY'
from django.conf import settings
from django.http import HttpResponse
from django.middleware.http import ConditionalGetMiddleware
from django.test import RequestFactory
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response

settings.configure()


def by_django(tag):
    answer = ConditionalGetMiddleware(lambda request: HttpResponse('hello', headers={'ETag': tag}))
    return answer(RequestFactory().get('/', headers={'if-none-match': tag})).status_code


def by_werkzeug(tag):
    reply = Response('hello', headers={'ETag': tag})
    return reply.make_conditional(EnvironBuilder(headers={'If-None-Match': tag}).get_environ()).status_code


for name, answer in (('django', by_django), ('werkzeug', by_werkzeug)):
    print(f'{name}:', *[answer(tag) for tag in ('"rev3.de"', '"rev3,de"')])
PY
seen='express: 304 200
koa: 304 200
hono: 304 304
django: 304 200
werkzeug: 304 304'
got=$(timeout 30 node run.mjs; timeout 30 python/bin/python run.py)
diff <(echo "$seen") <(echo "$got")
echo "as described"
