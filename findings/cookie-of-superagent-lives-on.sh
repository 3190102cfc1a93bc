#!/usr/bin/env bash
# superagent, and supertest with it, sends a cookie on whose Max-Age is over, or that the server has deleted by `Max-Age=0`.
#
# Packages: npm superagent 10.4.2 (cookiejar 2.1.4), supertest 7.3.2, tough-cookie 6.1.0, got 14.6.6; PyPI requests 2.34.2.
# One would swear: an agent with cookies knows `Max-Age`, which wins over `Expires` (RFC 6265, 5.3) and is what most servers of today write.
# Behaviour: cookiejar, the jar of superagent's agents, knows `Expires` alone. `Max-Age=0` leaves the cookie with its new, empty value, so the server still sees
# one; a session of a second lives as long as the agent. A test with supertest that logs out, or waits for an end, tests something else.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `SetCookie::removal` writes `Max-Age=0` and an `Expires` of 1970, which superagent takes
# (`readers::cookies::cookies_are_removed`). An end that matters is checked by the server: it stands in the value of a signed cookie.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts superagent@10.4.2 cookiejar@2.1.4 supertest@7.3.2 tough-cookie@6.1.0 got@14.6.6
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check requests==2.34.2

cat > server.mjs <<'JS'
import http from 'node:http'

const lines = {
  '/set': 's=1; Path=/',
  '/second': 's=1; Max-Age=1; Path=/',
  '/max-age': 's=; Max-Age=0; Path=/',
  '/expires': 's=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/',
}
const server = http.createServer((request, response) => {
  const line = lines[request.url]
  if (line) response.setHeader('set-cookie', line)
  response.setHeader('content-type', 'text/plain').end(request.headers.cookie ?? 'none')
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
JS
cat > run.mjs <<'JS'
import { setTimeout as sleep } from 'node:timers/promises'
import got from 'got'
import superagent from 'superagent'
import supertest from 'supertest'
import { CookieJar } from 'tough-cookie'

const address = `http://127.0.0.1:${process.argv[2]}`
const clients = {
  superagent: () => {
    const agent = superagent.agent()
    return async (path) => (await agent.get(address + path)).text
  },
  supertest: () => {
    const agent = supertest.agent(address)
    return async (path) => (await agent.get(path)).text
  },
  'got with tough-cookie': () => {
    const client = got.extend({ cookieJar: new CookieJar() })
    return (path) => client(address + path).text()
  },
}
for (const [name, begin] of Object.entries(clients)) {
  const words = []
  for (const [first, then, pause] of [['/set', '/max-age', 0], ['/set', '/expires', 0], ['/second', '/', 1500]]) {
    const get = begin()
    await get(first)
    await sleep(pause)
    await get(then)
    words.push(await get('/'))
  }
  console.log(`${name}: deleted by Max-Age ${words[0]}, by Expires too ${words[1]}; after its end ${words[2]}`)
}
process.exit()
JS
cat > run.py <<'PY'
import sys, time
import requests

address = f'http://127.0.0.1:{sys.argv[1]}'
words = []
for first, then, pause in [('/set', '/max-age', 0), ('/set', '/expires', 0), ('/second', '/', 1.5)]:
    session = requests.Session()
    session.get(address + first)
    time.sleep(pause)
    session.get(address + then)
    words.append(session.get(address + '/').text)
print('requests: deleted by Max-Age {}, by Expires too {}; after its end {}'.format(*words))
PY
node server.mjs > port &
server=$!
trap 'kill "$server"; rm -rf "$work"' EXIT
for _ in $(seq 100); do [ -s port ] && break; sleep 0.1; done
seen='superagent: deleted by Max-Age s=, by Expires too none; after its end s=1
supertest: deleted by Max-Age s=, by Expires too none; after its end s=1
got with tough-cookie: deleted by Max-Age none, by Expires too none; after its end none
requests: deleted by Max-Age none, by Expires too none; after its end none'
got=$(
  timeout 60 node run.mjs "$(cat port)"
  timeout 60 venv/bin/python run.py "$(cat port)"
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
