#!/usr/bin/env bash
# At SIGTERM waitress, cheroot and Tornado drop the requests under way; gunicorn, uvicorn, Hypercorn, Granian and aiohttp answer them first.
#
# Packages: PyPI waitress 3.0.2, cheroot 11.1.2, tornado 6.6.1, gunicorn 27.0.1, uvicorn 0.54.0, hypercorn 0.18.0, granian 2.8.9, aiohttp 3.14.5.
# One would swear: a server for production that is told to stop takes no more requests and answers those that it has, as its neighbours do, since every
# deployment ends old processes so.
# Behaviour: the three have no handler for the signal, so the kernel ends them at once. Their clients see the connection close without a byte, for a
# request of which nobody knows whether it was done. At SIGINT, Ctrl-C on a terminal, waitress and cheroot stop in order, so a try by hand looks right.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: fc-runtime answers what is in flight at SIGTERM, within its drain time. `fc-local conform` checks any runtime for it
# (`stop-drains`). With the three, the program has a handler of its own that turns SIGTERM into the order that SIGINT is.
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(cat "$work"/*.pid) 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet uvicorn==0.54.0 granian==2.8.9 hypercorn==0.18.0 gunicorn==27.0.1 waitress==3.0.2 cheroot==11.1.2 aiohttp==3.14.5 tornado==6.6.1

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
import time


def app(environment, start):
    time.sleep(1)
    start('200 OK', [('Content-Length', '4')])
    return [b'done']
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
else:
    import tornado.web

    class Slow(tornado.web.RequestHandler):
        async def get(self):
            await asyncio.sleep(1)
            self.write('done')

    async def main():
        tornado.web.Application([('/', Slow)]).listen(port, '127.0.0.1')
        await asyncio.Event().wait()

    asyncio.run(main())
PY
cat > ask.py <<'PY'
import os
import signal
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
    client = socket.create_connection(('127.0.0.1', int(port)), timeout=10)
    client.sendall(b'GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')
    time.sleep(0.3)
    os.kill(int(open(f'{name}.pid').read()), signal.SIGTERM)
    reply = b''
    try:
        while piece := client.recv(4096):
            reply += piece
    except ConnectionResetError:
        pass
    print(f'{name}:', 'answered' if reply.endswith(b'done') else f'{len(reply)} bytes')
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
start waitress "$bin/waitress-serve" --host 127.0.0.1 --port PORT wsgi:app
start cheroot env PYTHONPATH=. "$bin/cheroot" wsgi:app --bind 127.0.0.1:PORT
start tornado "$bin/python" own.py tornado PORT
start gunicorn "$bin/gunicorn" wsgi:app -b 127.0.0.1:PORT
start uvicorn "$bin/uvicorn" asgi:app --port PORT
start hypercorn "$bin/hypercorn" asgi:app -b 127.0.0.1:PORT
start granian "$bin/granian" --interface asgi asgi:app --port PORT
start aiohttp "$bin/python" own.py aiohttp PORT
seen='waitress: 0 bytes
cheroot: 0 bytes
tornado: 0 bytes
gunicorn: answered
uvicorn: answered
hypercorn: answered
granian: answered
aiohttp: answered'
got=$(timeout 180 python3 ask.py "${servers[@]}")
diff <(echo "$seen") <(echo "$got")
echo "as described"
