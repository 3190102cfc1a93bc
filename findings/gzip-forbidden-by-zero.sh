#!/usr/bin/env bash
# A client that forbids gzip (`Accept-Encoding: gzip;q=0`) gets gzip from Starlette, Django and Flask-Compress.
#
# Packages: PyPI starlette 1.10.0, Flask 3.1.3, Flask-Compress 1.25, Django 5.2.19; npm express 5.3.0, compression 1.8.2.
# One would swear: a weight of zero means "not acceptable" (RFC 9110, 12.4.2), so such a client gets the bytes as they are.
# Behaviour: Starlette's GZipMiddleware and Django's look for the word `gzip` in the header, whatever stands behind the word. Flask-Compress
# takes gzip unless `identity` is named beside it. npm's compression, behind Express, sends the body as it is. `no-transform` holds for npm's compression alone.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: the feature `compression` reads the weights, a coding with weight zero is never used, and a reply with
# `no-transform` stays as it is. A function written in Python does otherwise under fc-local too, which passes both headers on and changes no body.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts express@5.3.0 compression@1.8.2
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check starlette==1.10.0 httpx Flask==3.1.3 Flask-Compress==1.25 Django==5.2.19

cat > run.py <<'PY'
import django
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.urls import path
from flask import Flask, Response as FlaskResponse
from flask_compress import Compress
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

TEXT = "a line of text\n" * 200
KEEP = {"cache-control": "no-transform"}

routes = [
    Route("/", lambda _: PlainTextResponse(TEXT)),
    Route("/keep", lambda _: PlainTextResponse(TEXT, headers=KEEP)),
]
starlette = TestClient(Starlette(routes=routes, middleware=[Middleware(GZipMiddleware)]))

flask_app = Flask("app")
Compress(flask_app)
flask_app.add_url_rule("/", "all", lambda: FlaskResponse(TEXT, mimetype="text/plain"))
flask_app.add_url_rule("/keep", "keep", lambda: FlaskResponse(TEXT, mimetype="text/plain", headers=KEEP))
flask = flask_app.test_client()

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF="__main__", MIDDLEWARE=["django.middleware.gzip.GZipMiddleware"])
django.setup()
urlpatterns = [
    path("", lambda _: HttpResponse(TEXT, content_type="text/plain")),
    path("keep", lambda _: HttpResponse(TEXT, content_type="text/plain", headers=KEEP)),
]

for name, client in [("starlette", starlette), ("flask-compress", flask), ("django", Client())]:
    for target in ["/", "/keep"]:
        for accepted in ["gzip", "gzip;q=0", "gzip;q=0, identity"]:
            answer = client.get(target, headers={"accept-encoding": accepted})
            print(f"{name} {target} {accepted!r}:", answer.headers.get("content-encoding"))
PY
cat > run.mjs <<'JS'
import http from 'node:http'
import compression from 'compression'
import express from 'express'

const text = 'a line of text\n'.repeat(200)
const app = express()
app.use(compression())
app.get('/', (_, reply) => reply.type('text').send(text))
app.get('/keep', (_, reply) => reply.type('text').set('cache-control', 'no-transform').send(text))
const server = app.listen(0, '127.0.0.1', async () => {
  for (const path of ['/', '/keep']) {
    for (const accepted of ['gzip', 'gzip;q=0', 'gzip;q=0, identity']) {
      const options = { port: server.address().port, path, headers: { 'accept-encoding': accepted }, agent: false }
      const answer = await new Promise((resolve) => http.get(options, resolve))
      answer.resume()
      console.log(`express ${path} '${accepted}':`, answer.headers['content-encoding'] ?? 'None')
    }
  }
  server.close()
})
JS
seen="starlette / 'gzip': gzip
starlette / 'gzip;q=0': gzip
starlette / 'gzip;q=0, identity': gzip
starlette /keep 'gzip': gzip
starlette /keep 'gzip;q=0': gzip
starlette /keep 'gzip;q=0, identity': gzip
flask-compress / 'gzip': gzip
flask-compress / 'gzip;q=0': gzip
flask-compress / 'gzip;q=0, identity': None
flask-compress /keep 'gzip': gzip
flask-compress /keep 'gzip;q=0': gzip
flask-compress /keep 'gzip;q=0, identity': None
django / 'gzip': gzip
django / 'gzip;q=0': gzip
django / 'gzip;q=0, identity': gzip
django /keep 'gzip': gzip
django /keep 'gzip;q=0': gzip
django /keep 'gzip;q=0, identity': gzip
express / 'gzip': gzip
express / 'gzip;q=0': None
express / 'gzip;q=0, identity': None
express /keep 'gzip': None
express /keep 'gzip;q=0': None
express /keep 'gzip;q=0, identity': None"
got=$(timeout 30 venv/bin/python -W ignore run.py; timeout 30 node run.mjs)
diff <(echo "$seen") <(echo "$got")
echo "as described"
