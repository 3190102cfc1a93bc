#!/usr/bin/env bash
# A date without a zone in `If-Modified-Since`, which HTTP reads as GMT, is local time to Express, Koa and Fastify: in New York a changed file is a 304.
#
# Packages: npm express 5.3.0, koa 3.3.0, koa-send 5.0.1, fastify 5.12.8, @fastify/static 10.1.11; PyPI starlette 1.10.0, uvicorn 0.54.0, aiohttp 3.14.5, Werkzeug 3.1.9, tornado 6.6.1; Node.js 20.
# One would swear: of the three forms of a date a server reads all (RFC 9110, 5.6.7), each as GMT, and where it runs does not matter; two digits of a year are not more than fifty years ahead.
# Behaviour: Node.js' servers leave dates to `Date.parse`. `Sun Mar  1 10:00:00 2026`, the form of C's asctime, has no zone, and is taken in that of the process: west of Greenwich a file that
# changed up to five hours later is still a 304, and east of it the file is sent again though it is the same. `-60` is 1960 to them and 2060 to Python's. Starlette, aiohttp, Werkzeug
# and Tornado are right in each zone.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `files` and `ex.conditional()` read the three forms as GMT (`httpdate`). Instances of Function Compute run in UTC unless `TZ` says otherwise, and then a function
# in Node.js has this, too.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts express@5.3.0 koa@3.3.0 koa-send@5.0.1 fastify@5.12.8 @fastify/static@10.1.11
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check starlette==1.10.0 uvicorn==0.54.0 aiohttp==3.14.5 Werkzeug==3.1.9 tornado==6.6.1

# The file is of noon, in GMT.
mkdir www
echo x > www/f.txt
touch --date 2026-03-01T12:00:00Z www/f.txt
cat > server.mjs <<'JS'
import fastifyStatic from '@fastify/static'
import express from 'express'
import Fastify from 'fastify'
import Koa from 'koa'
import send from 'koa-send'

const root = `${process.cwd()}/www`
const koa = new Koa()
koa.use(async (context) => {
  await send(context, context.path, { root })
  if (context.fresh) context.status = 304
})
const fastify = Fastify()
fastify.register(fastifyStatic, { root })
await fastify.listen({ host: '127.0.0.1', port: 0 })
const servers = { Express: express().use(express.static(root)).listen(0, '127.0.0.1'), Koa: koa.listen(0, '127.0.0.1'), Fastify: fastify.server }
setTimeout(() => Object.entries(servers).forEach(([name, server]) => console.log(name, server.address().port)), 300)
JS
cat > server.py <<'PY'
import asyncio
import socket
import threading

import tornado.httpserver
import tornado.web
import uvicorn
from aiohttp import web
from starlette.staticfiles import StaticFiles
from werkzeug.middleware.shared_data import SharedDataMiddleware
from werkzeug.serving import make_server


async def main():
    sockets = {name: socket.create_server(('127.0.0.1', 0)) for name in ('Starlette', 'aiohttp', 'Tornado')}
    ports = {name: listener.getsockname()[1] for name, listener in sockets.items()}
    werkzeug = make_server('127.0.0.1', 0, SharedDataMiddleware(lambda *_: None, {'/': 'www'}))
    ports['Werkzeug'] = werkzeug.server_port
    threading.Thread(target=werkzeug.serve_forever, daemon=True).start()
    app = web.Application()
    app.router.add_static('/', 'www')
    runner = web.AppRunner(app)
    await runner.setup()
    await web.SockSite(runner, sockets['aiohttp']).start()
    sockets['Tornado'].setblocking(False)
    handlers = [('/(.*)', tornado.web.StaticFileHandler, {'path': 'www'})]
    tornado.httpserver.HTTPServer(tornado.web.Application(handlers)).add_socket(sockets['Tornado'])
    for name, port in ports.items():
        print(name, port, flush=True)
    await uvicorn.Server(uvicorn.Config(StaticFiles(directory='www'), log_level='critical')).serve([sockets['Starlette']])


asyncio.run(main())
PY

# ask COUNT COMMAND..: the statuses in two zones, of so many servers.
ask() {
  local count=$1 zone server name port date line
  shift
  for zone in Asia/Shanghai America/New_York; do
    : > ports
    TZ=$zone timeout 60 "$@" > ports 2> /dev/null &
    server=$!
    until [ "$(wc -l < ports)" = "$count" ]; do kill -0 "$server"; sleep 0.1; done
    while read -r name port; do
      line="$name in $zone:"
      for date in 'Sun, 01 Mar 2026 12:00:00 GMT' 'Sun Mar  1 12:00:00 2026' 'Sun Mar  1 10:00:00 2026' 'Sunday, 01-Mar-26 12:00:00 GMT' 'Sunday, 01-Mar-60 12:00:00 GMT'; do
        line+=" $(curl --silent --output /dev/null --retry 20 --retry-connrefused --max-time 10 --write-out '%{http_code}' --header "If-Modified-Since: $date" "http://127.0.0.1:$port/f.txt")"
      done
      echo "$line"
    done < ports
    kill "$server"
    wait "$server" 2> /dev/null || true
  done
}
seen='Express in Asia/Shanghai: 304 200 200 304 200
Koa in Asia/Shanghai: 304 200 200 304 200
Fastify in Asia/Shanghai: 304 200 200 304 200
Express in America/New_York: 304 304 304 304 200
Koa in America/New_York: 304 304 304 304 200
Fastify in America/New_York: 304 304 304 304 200
Starlette in Asia/Shanghai: 304 304 200 304 304
aiohttp in Asia/Shanghai: 304 304 200 304 304
Tornado in Asia/Shanghai: 304 304 200 304 304
Werkzeug in Asia/Shanghai: 304 304 200 304 304
Starlette in America/New_York: 304 304 200 304 304
aiohttp in America/New_York: 304 304 200 304 304
Tornado in America/New_York: 304 304 200 304 304
Werkzeug in America/New_York: 304 304 200 304 304'
got=$(ask 3 node server.mjs; ask 4 python/bin/python server.py)
diff <(echo "$seen") <(echo "$got")
echo "as described"
