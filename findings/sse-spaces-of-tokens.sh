#!/usr/bin/env bash
# Three readers of event streams lose the spaces in front of a text: `Hello` and ` world` of a language model join to `Helloworld`.
#
# Packages: npm fetch-event-stream 0.1.6, eventsource-parser 3.1.1, @microsoft/fetch-event-source 2.0.1; PyPI requests-sse 0.5.3, aiohttp-sse-client2 0.3.0,
# httpx-sse 0.4.3, sseclient-py 1.9.0.
# One would swear: one space behind the colon belongs to the form, and the rest is the text, as the standard says. Words of a model and lines of code begin
# with spaces.
# Behaviour: requests-sse, aiohttp-sse-client2 and fetch-event-stream take away every space in front, and with them the indentation of code. The other four
# take one.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `Sse` writes one space and then the text, whatever it begins with. A handler whose clients are not known sends texts as JSON,
# `SseEvent::json`, which has its quotes in front; the docs of `SseEvent::data` say so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts fetch-event-stream@0.1.6 eventsource-parser@3.1.1 @microsoft/fetch-event-source@2.0.1
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check requests-sse==0.5.3 aiohttp-sse-client2==0.3.0 httpx-sse==0.4.3 sseclient-py==1.9.0 requests==2.34.2 httpx==0.28.1

cat > server.mjs <<'JS'
import http from 'node:http'

const body = 'data: Hello\n\ndata:  world\n\ndata:     return 1\n\ndata: " world"\n\n'
const server = http.createServer((_, response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end(body))
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
JS
cat > run.mjs <<'JS'
import { fetchEventSource } from '@microsoft/fetch-event-source'
import { createParser } from 'eventsource-parser'
import { events } from 'fetch-event-stream'

const address = `http://127.0.0.1:${process.argv[2]}/`
const say = (name, list) => console.log(name, JSON.stringify(list.map(({ data }) => data)))

const streamed = []
for await (const event of events(await fetch(address))) streamed.push(event)
say('fetch-event-stream', streamed)

const parsed = []
createParser({ onEvent: (event) => parsed.push(event) }).feed(await (await fetch(address)).text())
say('eventsource-parser', parsed)

const fetched = []
globalThis.window = globalThis
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} }
const onmessage = (event) => fetched.push(event)
await fetchEventSource(address, { fetch, openWhenHidden: true, onopen: async () => {}, onmessage })
say('fetch-event-source', fetched)
process.exit()
JS
cat > run.py <<'PY'
import asyncio, json, sys
import httpx, httpx_sse, requests, requests_sse, sseclient
from aiohttp_sse_client2 import client as aiohttp_sse

address = f'http://127.0.0.1:{sys.argv[1]}/'

def say(name, texts):
    print(name, json.dumps(texts, separators=(',', ':')))

# Two of the clients connect again when the stream ends.
def first_four(events):
    return [event.data for _, event in zip(range(4), events)]

with requests_sse.EventSource(address, timeout=5) as source:
    say('requests-sse', first_four(source))

async def by_aiohttp():
    texts = []
    async with aiohttp_sse.EventSource(address, timeout=5) as source:
        async for event in source:
            texts.append(event.data)
            if len(texts) == 4:
                return texts
say('aiohttp-sse-client2', asyncio.run(by_aiohttp()))

with httpx.Client() as client, httpx_sse.connect_sse(client, 'GET', address) as source:
    say('httpx-sse', first_four(source.iter_sse()))
say('sseclient-py', first_four(sseclient.SSEClient(requests.get(address, stream=True)).events()))
PY
node server.mjs > port &
server=$!
trap 'kill "$server"; rm -rf "$work"' EXIT
for _ in $(seq 100); do [ -s port ] && break; sleep 0.1; done
lost='["Hello","world","return 1","\" world\""]'
kept='["Hello"," world","    return 1","\" world\""]'
seen="fetch-event-stream $lost
eventsource-parser $kept
fetch-event-source $kept
requests-sse $lost
aiohttp-sse-client2 $lost
httpx-sse $kept
sseclient-py $kept"
got=$(
  timeout 30 node run.mjs "$(cat port)"
  timeout 60 venv/bin/python -W ignore run.py "$(cat port)"
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
