#!/usr/bin/env bash
# `NO_PROXY=127.0.0.1:9000` and `127.0.0.0/8` keep four clients of ten from the proxy, not the same four; with `localhost` httpx and axios send app.localhost there.
#
# Packages: PyPI requests 2.34.2, niquests 3.21.2, httpx 0.28.1, aiohttp 3.14.5; npm axios 1.21.1, undici 7.30.2, make-fetch-happen 16.0.1 (npm's client); Python 3.11
# (urllib); Debian 12 curl 7.88 and wget 1.21.
# One would swear: clients that read HTTP_PROXY and NO_PROXY read them alike, so a line that works with one, such as that of a company's set-up guide, works with all.
# Behaviour: `seen` below says who sends a request to the proxy in spite of a line that names the server. No form but the bare name or address, with commas between two, is one to all.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: docs/fc-local.md says which line lets all of them reach `fc-local`: `NO_PROXY=localhost,.localhost,127.0.0.1`. `fc-client` and `fc-local` read no such
# variable, and a function gets the platform's environment, without those of this machine.
set -euo pipefail
work=$(mktemp -d)
servers=()
trap 'kill "${servers[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts axios@1.21.1 undici@7.30.2 make-fetch-happen@16.0.1
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check requests==2.34.2 niquests==3.21.2 httpx==0.28.1 aiohttp==3.14.5

cat > server.py <<'PY'
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(BaseHTTPRequestHandler):
    """Says who it is, whatever is asked of it, through a tunnel too."""

    def do_GET(self):
        self.send_response(200)
        self.send_header('content-length', str(len(sys.argv[1])))
        self.end_headers()
        self.wfile.write(sys.argv[1].encode())

    def do_CONNECT(self):
        self.send_response(200)
        self.end_headers()
        while self.rfile.readline().strip():
            pass
        self.do_GET()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(('127.0.0.1', 0), Server)
print(server.server_port, flush=True)
server.serve_forever()
PY
cat > ask.py <<'PY'
import asyncio
import sys
import urllib.request

import aiohttp
import httpx
import niquests
import requests


async def ask_aiohttp(url):
    async with aiohttp.ClientSession(trust_env=True) as session, session.get(url) as reply:
        return await reply.text()


clients = {
    'requests': lambda url: requests.get(url).text,
    'niquests': lambda url: niquests.get(url).text,
    'httpx': lambda url: httpx.get(url).text,
    'aiohttp': lambda url: asyncio.run(ask_aiohttp(url)),
    'urllib': lambda url: urllib.request.urlopen(url).read().decode(),
}
for name, ask in clients.items():
    try:
        print(name, ask(sys.argv[1]))
    except Exception:
        print(name, 'not sent')
PY
cat > ask.mjs <<'JS'
import axios from 'axios'
import fetcher from 'make-fetch-happen'
import { EnvHttpProxyAgent, request } from 'undici'

const clients = {
  axios: async (url) => (await axios.get(url)).data,
  undici: async (url) => (await request(url, { dispatcher: new EnvHttpProxyAgent() })).body.text(),
  'make-fetch-happen': async (url) => (await fetcher(url, { retry: false })).text(),
}
for (const [name, ask] of Object.entries(clients)) console.log(name, await ask(process.argv[2]).catch(() => 'not sent'))
process.exit()
JS
for word in proxy direct; do
  python3 server.py $word > $word &
  servers+=($!)
done
until [ -s proxy ] && [ -s direct ]; do kill -0 "${servers[@]}"; sleep 0.05; done
proxy=http://127.0.0.1:$(cat proxy)
export HTTP_PROXY=$proxy http_proxy=$proxy
unset ALL_PROXY all_proxy
# `NO_PROXY` and the host of an address: who asks the proxy. A name that is not found was not sent there.
asked() {
  local url=http://$2:$(cat direct)/
  export NO_PROXY=$1 no_proxy=$1
  {
    timeout 30 python/bin/python ask.py "$url"
    timeout 30 node ask.mjs "$url"
    echo "curl $(curl --silent --max-time 5 "$url")"
    echo "wget $(wget --quiet --tries=1 --timeout=5 --output-document=- "$url")"
  } | sed -n 's/ proxy$//p' | paste -sd ' ' | sed 's/^$/none/'
}
seen='nothing, 127.0.0.1: requests niquests httpx aiohttp urllib axios undici make-fetch-happen curl wget
127.0.0.1, 127.0.0.1: none
127.0.0.1:PORT, 127.0.0.1: requests niquests aiohttp make-fetch-happen curl wget
127.0.0.0/8, 127.0.0.1: httpx aiohttp urllib undici make-fetch-happen wget
*, 127.0.0.1: make-fetch-happen wget
.localhost, localhost: httpx axios wget
localhost, app.localhost: httpx axios
*.localhost, app.localhost: requests niquests httpx aiohttp urllib make-fetch-happen curl wget
app.example localhost, localhost: requests niquests httpx aiohttp urllib make-fetch-happen wget
localhost,.localhost,127.0.0.1, localhost: none
localhost,.localhost,127.0.0.1, app.localhost: none'
got=$(
  echo "nothing, 127.0.0.1: $(asked '' 127.0.0.1)"
  echo "127.0.0.1, 127.0.0.1: $(asked 127.0.0.1 127.0.0.1)"
  echo "127.0.0.1:PORT, 127.0.0.1: $(asked "127.0.0.1:$(cat direct)" 127.0.0.1)"
  echo "127.0.0.0/8, 127.0.0.1: $(asked 127.0.0.0/8 127.0.0.1)"
  echo "*, 127.0.0.1: $(asked '*' 127.0.0.1)"
  echo ".localhost, localhost: $(asked .localhost localhost)"
  echo "localhost, app.localhost: $(asked localhost app.localhost)"
  echo "*.localhost, app.localhost: $(asked '*.localhost' app.localhost)"
  echo "app.example localhost, localhost: $(asked 'app.example localhost' localhost)"
  echo "localhost,.localhost,127.0.0.1, localhost: $(asked 'localhost,.localhost,127.0.0.1' localhost)"
  echo "localhost,.localhost,127.0.0.1, app.localhost: $(asked 'localhost,.localhost,127.0.0.1' app.localhost)"
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
