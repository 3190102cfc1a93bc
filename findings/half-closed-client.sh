#!/usr/bin/env bash
# A client that closes its sending side behind a whole request gets no reply from Node.js, uvicorn, Granian, aiohttp, Tornado and Sanic.
#
# Packages: PyPI uvicorn 0.54.0, granian 2.8.9, hypercorn 0.18.0, gunicorn 27.0.1, waitress 3.0.2, cheroot 11.1.2, aiohttp 3.14.5, tornado 6.6.1, sanic 25.12.1; npm
# express 5.3.0, fastify 5.12.8.
# One would swear: TCP closes each direction by itself, and a request that is complete is answered: `printf 'GET ...' | nc -N host port`, as `shutdown(SHUT_WR)` in
# programs, worked for decades. Node.js even has `allowHalfOpen` on for its HTTP server.
# Behaviour: when the reply takes a second, the seven asynchronous servers named above take the FIN for a client that has left: the connection is closed
# without a byte. Hypercorn, gunicorn, waitress and cheroot answer.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: fc-runtime takes a FIN for a client that has left, as most of these do, and a request so dropped is a 499 in its log
# (docs/decisions.md, "hyper does not look for the end of a connection"). A probe by netcat keeps its side open until the reply has come.
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(cat "$work"/*.pid) 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts express@5.3.0 fastify@5.12.8
python3 -m venv python
python/bin/pip install --quiet uvicorn==0.54.0 granian==2.8.9 hypercorn==0.18.0 gunicorn==27.0.1 waitress==3.0.2 cheroot==11.1.2 aiohttp==3.14.5 tornado==6.6.1 sanic==25.12.1

cat > asgi.py <<'PY'
import asyncio


async def app(scope, receive, send):
    if scope['type'] == 'lifespan':
        while True:
            message = await receive()
            await send({'type': message['type'] + '.complete'})
            if message['type'] == 'lifespan.shutdown':
                return
    await asyncio.sleep(1)
    await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'4')]})
    await send({'type': 'http.response.body', 'body': b'done'})
PY
cat > wsgi.py <<'PY'
import sys
import time


def app(environment, start):
    time.sleep(1)
    start('200 OK', [('Content-Length', '4')])
    return [b'done']


if __name__ == '__main__':
    from cheroot.wsgi import Server
    Server(('127.0.0.1', int(sys.argv[1])), app).start()
PY
cat > own.py <<'PY'
"""The servers that bring their own framework."""
import asyncio
import sys

kind, port = sys.argv[1], int(sys.argv[2])
if kind == 'aiohttp':
    from aiohttp import web

    async def slow(request):
        await asyncio.sleep(1)
        return web.Response(text='done')

    app = web.Application()
    app.router.add_get('/', slow)
    web.run_app(app, host='127.0.0.1', port=port, print=None)
elif kind == 'tornado':
    import tornado.web

    class Slow(tornado.web.RequestHandler):
        async def get(self):
            await asyncio.sleep(1)
            self.write('done')

    async def main():
        tornado.web.Application([('/', Slow)]).listen(port, '127.0.0.1')
        await asyncio.Event().wait()

    asyncio.run(main())
else:
    from sanic import Sanic, text

    app = Sanic('app', configure_logging=False)

    @app.get('/')
    async def slow(request):
        await asyncio.sleep(1)
        return text('done')

    app.run(host='127.0.0.1', port=port, single_process=True, access_log=False)
PY
cat > own.mjs <<'JS'
import express from 'express'
import fastify from 'fastify'

const second = () => new Promise((resolve) => setTimeout(resolve, 1000))
const [, , kind, port] = process.argv
if (kind === 'express') {
  express().get('/', async (request, reply) => {
    await second()
    reply.send('done')
  }).listen(Number(port), '127.0.0.1')
} else {
  const app = fastify()
  app.get('/', async () => {
    await second()
    return 'done'
  })
  await app.listen({ port: Number(port), host: '127.0.0.1' })
}
JS
cat > ask.py <<'PY'
import socket
import sys
import time

for argument in sys.argv[1:]:
    name, port = argument.split('=')
    for _ in range(600):  # until the server is up
        try:
            socket.create_connection(('127.0.0.1', int(port))).close()
            break
        except ConnectionRefusedError:
            time.sleep(0.1)
    outcomes = []
    for half_closed in (False, True):
        client = socket.create_connection(('127.0.0.1', int(port)), timeout=10)
        client.sendall(b'GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')
        if half_closed:
            client.shutdown(socket.SHUT_WR)
        reply = b''
        try:
            while piece := client.recv(4096):
                reply += piece
        except ConnectionResetError:
            pass
        outcomes.append('answered' if reply.endswith(b'done') else f'{len(reply)} bytes')
    print(f'{name}: {outcomes[0]}, half-closed {outcomes[1]}')
PY
free_port() { python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])'; }
servers=()
start() { # NAME COMMAND..., with PORT for the port
  local name=$1 port
  shift
  port=$(free_port)
  "${@//PORT/$port}" > "$name.log" 2>&1 &
  echo $! > "$name.pid"
  servers+=("$name=$port")
}
bin=$work/python/bin
start uvicorn-h11 "$bin/uvicorn" asgi:app --port PORT --http h11
start granian "$bin/granian" --interface asgi asgi:app --port PORT
start aiohttp "$bin/python" own.py aiohttp PORT
start tornado "$bin/python" own.py tornado PORT
start sanic "$bin/python" own.py sanic PORT
start express node own.mjs express PORT
start fastify node own.mjs fastify PORT
start hypercorn "$bin/hypercorn" asgi:app -b 127.0.0.1:PORT
start gunicorn "$bin/gunicorn" wsgi:app -b 127.0.0.1:PORT
start waitress "$bin/waitress-serve" --host 127.0.0.1 --port PORT wsgi:app
start cheroot "$bin/python" wsgi.py PORT
seen='uvicorn-h11: answered, half-closed 0 bytes
granian: answered, half-closed 0 bytes
aiohttp: answered, half-closed 0 bytes
tornado: answered, half-closed 0 bytes
sanic: answered, half-closed 0 bytes
express: answered, half-closed 0 bytes
fastify: answered, half-closed 0 bytes
hypercorn: answered, half-closed answered
gunicorn: answered, half-closed answered
waitress: answered, half-closed answered
cheroot: answered, half-closed answered'
got=$(timeout 180 python3 ask.py "${servers[@]}")
diff <(echo "$seen") <(echo "$got")
echo "as described"
