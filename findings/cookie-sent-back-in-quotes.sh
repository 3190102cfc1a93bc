#!/usr/bin/env bash
# aiohttp's client sends a cookie back in quotes that it got without: `t=YQ==` returns as `t="YQ=="`, a comma as `\054`.
#
# Packages: PyPI aiohttp 3.14.5, httpx 0.28.1, requests 2.34.2; npm tough-cookie 6.1.0, got 14.6.6.
# One would swear: a client keeps a cookie's value as it came and sends that (RFC 6265, 5.2 and 5.4): for the server it is a token, and each octet counts.
# Behaviour: aiohttp writes `Cookie` by the rules of Python's `http.cookies`. A value with any of `=/,"{}@()[]?<>` or a space is put in quotes, commas, semicolons and
# letters beyond ASCII become octal escapes, quotes get backslashes, and an empty value is `""`. Base64, JSON and lists are such values. A server that has
# quotes for a part of the value, as npm's cookie 1 and RFC 6265 have, finds a token that it never gave. `CookieJar(quote_cookie=False)` does without.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: signed and private cookies are read with quotes around them as well. `ex.cookie` gives the value as it was sent: plain
# cookies for such clients are base64url without `=`, or percent-encoded.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts tough-cookie@6.1.0 got@14.6.6
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check aiohttp==3.14.5 httpx==0.28.1 requests==2.34.2

cat > server.mjs <<'JS'
import http from 'node:http'

const values = ['YQ==', 'a,b', '{"a":1}', 'a/b', '', 'a%2Cb', 'plain']
const server = http.createServer((request, response) => {
  const number = Number(request.url.slice(1))
  if (number < values.length) response.setHeader('set-cookie', `t=${values[number]}; Path=/`)
  response.end(request.headers.cookie ?? '')
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
JS
cat > run.py <<'PY'
import asyncio, sys
import aiohttp, httpx, requests

address = f'http://localhost:{sys.argv[1]}/'

async def by_aiohttp(number, **settings):
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(**settings)) as session:
        async with session.get(f'{address}{number}'):
            pass
        async with session.get(f'{address}99') as reply:
            return await reply.text()

def by(session, number):
    session.get(f'{address}{number}')
    return session.get(f'{address}99').text

clients = {
    'aiohttp': lambda number: asyncio.run(by_aiohttp(number)),
    'aiohttp, quote_cookie=False': lambda number: asyncio.run(by_aiohttp(number, quote_cookie=False)),
    'httpx': lambda number: by(httpx.Client(), number),
    'requests': lambda number: by(requests.Session(), number),
}
for name, get in clients.items():
    print(f'{name}:', *map(get, range(7)))
PY
cat > run.mjs <<'JS'
import got from 'got'
import { CookieJar } from 'tough-cookie'

const address = `http://localhost:${process.argv[2]}/`
const sent = []
for (let number = 0; number < 7; number += 1) {
  const client = got.extend({ cookieJar: new CookieJar() })
  await client(`${address}${number}`)
  sent.push(await client(`${address}99`).text())
}
console.log('tough-cookie:', ...sent)
JS
node server.mjs > port &
server=$!
trap 'kill "$server"; rm -rf "$work"' EXIT
for _ in $(seq 100); do [ -s port ] && break; sleep 0.1; done
kept='t=YQ== t=a,b t={"a":1} t=a/b t= t=a%2Cb t=plain'
seen='aiohttp: t="YQ==" t="a\054b" t="{\"a\":1}" t="a/b" t="" t=a%2Cb t=plain
aiohttp, quote_cookie=False: '"$kept
httpx: $kept
requests: $kept
tough-cookie: $kept"
got=$(
  timeout 60 venv/bin/python run.py "$(cat port)"
  timeout 30 node run.mjs "$(cat port)"
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
