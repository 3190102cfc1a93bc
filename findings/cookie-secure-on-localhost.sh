#!/usr/bin/env bash
# A `Secure` cookie of http://localhost comes back from curl and from tough-cookie, and is lost with requests, httpx, aiohttp and superagent.
#
# Packages: npm tough-cookie 6.1.0, got 14.6.6, superagent 10.4.2; PyPI requests 2.34.2, httpx 0.28.1, aiohttp 3.14.5; Debian 12 curl 7.88.
# One would swear: a login that works in a browser at http://localhost, which takes that host for secure, works with every client there; or else with none that is no
# browser.
# Behaviour: curl and tough-cookie make the browsers' exception for `localhost` and 127.0.0.1; for names below `localhost` tough-cookie alone does. The other
# four keep to RFC 6265: they store the cookie and never send it over plain HTTP. So a test of a login is green in one language and finds nobody logged in in another, with one server.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `SetCookie` is `Secure` unless told otherwise. `fc-local` takes TLS on the same ports, with an authority that clients can be
# given (`--cacert ~/.fc-local/ca/ca.pem`): there each client sends the cookie. In tests in memory cookies go by hand.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts tough-cookie@6.1.0 got@14.6.6 superagent@10.4.2
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check requests==2.34.2 httpx==0.28.1 aiohttp==3.14.5

cat > server.mjs <<'JS'
import http from 'node:http'

const server = http.createServer((request, response) => {
  if (request.url === '/login') response.setHeader('set-cookie', 's=1; Path=/; Secure')
  response.setHeader('content-type', 'text/plain').end(request.headers.cookie ?? 'none')
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
JS
cat > run.mjs <<'JS'
import dns from 'node:dns'
import http from 'node:http'
import got from 'got'
import superagent from 'superagent'
import { CookieJar } from 'tough-cookie'

// Names below localhost lead here, whatever the system's resolver says.
const lookup = (name, options, done) => (options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4))
dns.lookup = lookup
for (const host of ['localhost', 'shop.localhost', '127.0.0.1']) {
  const address = `http://${host}:${process.argv[2]}`
  const client = got.extend({ cookieJar: new CookieJar(), dnsLookup: lookup })
  await client(`${address}/login`)
  console.log(`tough-cookie, ${host}: ${await client(address).text()}`)
}
const agent = superagent.agent()
await agent.get(`http://localhost:${process.argv[2]}/login`)
console.log(`superagent, localhost: ${(await agent.get(`http://localhost:${process.argv[2]}/`)).text}`)
process.exit()
JS
cat > run.py <<'PY'
import asyncio, sys
import aiohttp, httpx, requests

address = f'http://localhost:{sys.argv[1]}'

async def by_aiohttp():
    async with aiohttp.ClientSession() as session:
        async with session.get(f'{address}/login'):
            pass
        async with session.get(f'{address}/') as reply:
            return await reply.text()

for name, session in [('requests', requests.Session()), ('httpx', httpx.Client())]:
    session.get(f'{address}/login')
    print(f'{name}, localhost: {session.get(address).text}')
print(f'aiohttp, localhost: {asyncio.run(by_aiohttp())}')
PY
by_curl() {
  for host in localhost shop.localhost 127.0.0.1; do
    local to="http://$host:$1" resolve="$host:$1:127.0.0.1"
    curl -s --resolve "$resolve" -c jar -o log "$to/login"
    echo "curl, $host: $(curl -s --resolve "$resolve" -b jar "$to/")"
    rm jar
  done
}
node server.mjs > port &
server=$!
trap 'kill "$server"; rm -rf "$work"' EXIT
for _ in $(seq 100); do [ -s port ] && break; sleep 0.1; done
seen='curl, localhost: s=1
curl, shop.localhost: none
curl, 127.0.0.1: s=1
tough-cookie, localhost: s=1
tough-cookie, shop.localhost: s=1
tough-cookie, 127.0.0.1: s=1
superagent, localhost: none
requests, localhost: none
httpx, localhost: none
aiohttp, localhost: none'
got=$(
  by_curl "$(cat port)"
  timeout 60 node run.mjs "$(cat port)"
  timeout 60 venv/bin/python run.py "$(cat port)"
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
