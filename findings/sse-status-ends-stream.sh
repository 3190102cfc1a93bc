#!/usr/bin/env bash
# One 503 when they connect again ends four readers of event streams for good; two others ask on behind a page of HTML, and one behind a 204, which means the end.
#
# Packages: npm eventsource 4.1.1, launchdarkly-eventsource 2.2.0, eventsource-client 1.2.0, @microsoft/fetch-event-source 2.0.1; PyPI requests-sse 0.5.3,
# aiohttp-sse-client2 0.3.0, sseclient 0.0.27; Node.js 20.
# One would swear: a reader of event streams "connects again by itself", so it outlives a server that is started anew and answers 503 for a second, and it stops when the
# server says so by 204.
# Behaviour: a stream that ends or breaks is asked for again, but a reply that is no 200, or no event stream, ends the source: so the standard has it, and with it browsers, npm's
# eventsource, requests-sse and aiohttp-sse-client2. launchdarkly-eventsource and eventsource-client ask on after a 503, and after a page, such as that of a login;
# the latter after a 404 too. sseclient ends by an error at 503 and 404, and asks on for ever after a page and after a 204. Microsoft's ends with the first orderly end, whatever
# would come next.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: an instance that stops ends its streams in order, and the platform leads the next connection to another one. The documentation of `Sse` says what ends
# an `EventSource`, and that its page opens a new one after a 429 or 503 of the platform.
set -euo pipefail
work=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts eventsource@4.1.1 launchdarkly-eventsource@2.2.0 eventsource-client@1.2.0 @microsoft/fetch-event-source@2.0.1
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check requests-sse==0.5.3 aiohttp-sse-client2==0.3.0 sseclient==0.0.27

cat > server.py <<'PY'
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

asked = {}


class Server(BaseHTTPRequestHandler):
    """One event, then the reply that the path names, then events again, in a reply that ends."""

    def do_GET(self):
        self.close_connection = True
        name = self.path[1:]
        if name == 'asked':
            return self.answer(200, 'application/json', json.dumps(asked))
        asked[name] = asked.get(name, 0) + 1
        word = name.split('-')[0]
        if asked[name] != 2 or word == 'events':
            self.answer(200, 'text/event-stream', f'retry: 50\nid: {asked[name]}\ndata: x\n\n')
        elif word == 'page':
            self.answer(200, 'text/html', '<p>later')
        else:
            self.answer(int(word), 'text/plain', '')

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header('content-type', kind)
        self.send_header('access-control-allow-origin', '*')
        self.send_header('connection', 'close')
        if status != 204:
            self.send_header('content-length', str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(('127.0.0.1', 0), Server)
print(server.server_port, flush=True)
server.serve_forever()
PY
cat > listen.mjs <<'JS'
import { EventSource } from 'eventsource'
import { createEventSource } from 'eventsource-client'
import launchDarkly from 'launchdarkly-eventsource'
import microsoft from '@microsoft/fetch-event-source'

const base = `http://127.0.0.1:${process.argv[2]}`
// What a browser has, and Microsoft's client asks for.
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} }
globalThis.window = globalThis
const clients = {
  eventsource: (url) => (new EventSource(url).onerror = () => {}),
  'launchdarkly-eventsource': (url) => (new launchDarkly.EventSource(url, { initialRetryDelayMillis: 50 }).onerror = () => {}),
  'eventsource-client': (url) => createEventSource({ url }),
  '@microsoft/fetch-event-source': (url) => microsoft.fetchEventSource(url, { openWhenHidden: true }).catch(() => {}),
}
for (const word of ['events', '503', '404', 'page', '204']) for (const [name, listen] of Object.entries(clients)) listen(`${base}/${word}-${name}`)
setTimeout(() => process.exit(), 6000)
JS
cat > listen.py <<'PY'
import asyncio
import logging
import os
import sys
import threading
import time

import requests_sse
import sseclient
from aiohttp_sse_client2 import client as aiohttp_sse

logging.disable()
threading.excepthook = lambda _: None


def of_requests(url):
    with requests_sse.EventSource(url) as source:
        for _ in source:
            pass


def of_aiohttp(url):
    async def listen():
        async with aiohttp_sse.EventSource(url) as source:
            async for _ in source:
                pass

    asyncio.run(listen())


def of_sseclient(url):
    for _ in sseclient.SSEClient(url, retry=50):
        pass


clients = {'requests-sse': of_requests, 'aiohttp-sse-client2': of_aiohttp, 'sseclient': of_sseclient}
for word in ['events', '503', '404', 'page', '204']:
    for name, listen in clients.items():
        threading.Thread(target=listen, args=[f'http://127.0.0.1:{sys.argv[1]}/{word}-{name}'], daemon=True).start()
time.sleep(int(sys.argv[2]))
os._exit(0)
PY
python3 server.py > port &
server=$!
until [ -s port ]; do kill -0 "$server"; sleep 0.05; done
seen='events, asks again: aiohttp-sse-client2 eventsource eventsource-client launchdarkly-eventsource requests-sse sseclient
503, asks again: eventsource-client launchdarkly-eventsource
404, asks again: eventsource-client
page, asks again: eventsource-client launchdarkly-eventsource sseclient
204, asks again: sseclient'
timeout 60 node listen.mjs "$(cat port)" > log 2>&1 || { cat log; exit 1; }
timeout 60 python/bin/python listen.py "$(cat port)" 12 > log 2>&1 || { cat log; exit 1; }
got=$(python3 - "$(cat port)" <<'PY'
import json, sys, urllib.request
asked = json.load(urllib.request.urlopen(f'http://127.0.0.1:{sys.argv[1]}/asked'))
for word in ('events', '503', '404', 'page', '204'):
    names = sorted(key.split('-', 1)[1] for key, count in asked.items() if key.startswith(word) and count > 2)
    print(f'{word}, asks again: {" ".join(names) or "none"}')
PY
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
