#!/usr/bin/env bash
# Of two cookies with one name Starlette and aiohttp's parser take the last, Werkzeug and npm's cookie the first.
#
# Packages: PyPI starlette 1.10.0, aiohttp 3.14.5, Werkzeug 3.1.9; npm cookie 1.1.1, tough-cookie 6.1.0.
# One would swear: a cookie of `/admin` hides one of `/` with the same name. Clients do their part: RFC 6265 sends the longer path first, as
# tough-cookie does here.
# Behaviour: a dictionary that is filled from left to right keeps the last, which is the cookie of `/`. A log-out that deletes one of the two works in
# one framework and not in the other; a function moved from one to the other sees the other session.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `ex.cookie(name)` is the first, so the one of the longest path, over all lines of the header. `ex.headers()` has all.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts cookie@1.1.1 tough-cookie@6.1.0
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check starlette==1.10.0 aiohttp==3.14.5 Werkzeug==3.1.9

cat > run.mjs <<'JS'
import { parseCookie } from 'cookie'
import { CookieJar } from 'tough-cookie'

const jar = new CookieJar()
await jar.setCookie('session=of-root; Path=/', 'http://a.example.com/')
await jar.setCookie('session=of-admin; Path=/admin', 'http://a.example.com/admin/x')
const header = await jar.getCookieString('http://a.example.com/admin/x')
console.log(header)
console.error('cookie:', parseCookie(header).session)
JS
cat > run.py <<'PY'
import asyncio, sys
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from starlette.requests import Request
from werkzeug.wrappers import Request as Environ

header = sys.argv[1]
print("starlette:", Request({"type": "http", "headers": [(b"cookie", header.encode())]}).cookies["session"])
print("werkzeug:", Environ({"HTTP_COOKIE": header}).cookies["session"])

async def main():
    async def handle(request):
        return web.Response(text=request.cookies["session"])
    app = web.Application()
    app.router.add_get("/", handle)
    async with TestServer(app, host="127.0.0.1") as server, ClientSession() as client:
        print("aiohttp:", await (await client.get(server.make_url("/"), headers={"cookie": header})).text())

asyncio.run(main())
PY
seen='tough-cookie sends session=of-admin; session=of-root
cookie: of-admin
starlette: of-root
werkzeug: of-admin
aiohttp: of-root'
header=$(timeout 30 node run.mjs 2>npm)
got=$(
  echo "tough-cookie sends $header"
  cat npm
  timeout 30 venv/bin/python run.py "$header"
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
