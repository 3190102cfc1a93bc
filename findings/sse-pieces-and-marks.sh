#!/usr/bin/env bash
# `event: ping` without data, which a reader of event streams has to pass over, ends a stream of OpenAI's SDKs by an error; an event that is cut between CR and LF is two to requests-sse and parse-sse.
#
# Packages: npm eventsource-parser 3.1.1, fetch-event-stream 0.1.6, @microsoft/fetch-event-source 2.0.1, parse-sse 0.1.0, openai 6.49.0; PyPI requests-sse 0.5.3, httpx-sse 0.4.3,
# sseclient-py 1.9.0, openai 3.57.0, httpx 0.28.1, requests 2.34.2; Node.js 20.
# One would swear: an event without data is none, a line ends by LF, CR or both, wherever the network cuts it, and one byte order mark in front is passed over: so the standard has it, for every
# reader.
# Behaviour: a name alone is an event of nothing to both of OpenAI's SDKs, which read it as JSON and give the chat up, and to httpx-sse, fetch-event-stream (data `null`) and fetch-event-source, to which
# a comment is one, too. requests-sse and parse-sse take the LF that comes a piece after its CR for an empty line, so that one event of two lines is two, or one and a half. eventsource-parser leaves out the last event of a stream
# whose lines end by CR. The readers for Python take the mark for a part of the first field's name: the first event is gone, OpenAI's first words too.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: an `SseEvent` that is not a comment has data, lines end by LF, and the keep-alive is a comment without an empty line behind it, of which no reader makes an event. A
# handler that keeps a stream busy by itself sends `SseEvent::comment`, not a name; a page with fetch-event-source passes over events without data.
set -euo pipefail
work=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts eventsource-parser@3.1.1 fetch-event-stream@0.1.6 @microsoft/fetch-event-source@2.0.1 parse-sse@0.1.0 openai@6.49.0
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check requests-sse==0.5.3 httpx-sse==0.4.3 sseclient-py==1.9.0 openai==3.57.0 httpx==0.28.1 requests==2.34.2

cat > server.mjs <<'JS'
import http from 'node:http'

// Each body is sent in these pieces, a moment apart. What stands for a text is a part of a chat when a chat is asked for.
const bodies = {
  plain: ['data: 1\n\ndata: 2\n\n'],
  name: ['data: 1\n\nevent: ping\n\ndata: 2\n\n'],
  comment: ['data: 1\n\n: ping\n\ndata: 2\n\n'],
  pieces: ['data: 1\r', '\ndata:\r\n\r\ndata: 2\r\n\r\n'],
  cr: ['data: 1\r\rdata: 2\r\r'],
  mark: ['\ufeffdata: 1\n\ndata: 2\n\n'],
}
const chunk = (content) => JSON.stringify({ id: '1', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta: { content }, finish_reason: null }] })
const server = http.createServer((request, response) => {
  request.resume()
  const [, name, ...rest] = request.url.split('/')
  const pieces = bodies[name].map((text) => (rest.length ? text.replace(/\d/g, chunk) : text))
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const next = () => (pieces.length ? (response.write(pieces.shift()), setTimeout(next, 100)) : response.end())
  next()
})
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
JS
cat > run.mjs <<'JS'
import { fetchEventSource } from '@microsoft/fetch-event-source'
import { createParser } from 'eventsource-parser'
import { events } from 'fetch-event-stream'
import OpenAI from 'openai'
import { parseServerSentEvents } from 'parse-sse'

globalThis.window = globalThis
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} }
const readers = {
  'eventsource-parser': async (url, add) => {
    const parser = createParser({ onEvent: (event) => add(event.data) })
    for await (const piece of (await fetch(url)).body.pipeThrough(new TextDecoderStream())) parser.feed(piece)
  },
  'fetch-event-stream': async (url, add) => {
    for await (const event of events(await fetch(url))) add(event.data)
  },
  'fetch-event-source': (url, add) => fetchEventSource(url, { fetch, openWhenHidden: true, onopen: async () => {}, onmessage: (event) => add(event.data) }),
  'parse-sse': async (url, add) => {
    for await (const event of parseServerSentEvents(await fetch(url))) add(event.data)
  },
  'openai, Node.js': async (url, add) => {
    const client = new OpenAI({ baseURL: url, apiKey: 'x' })
    console.error = () => {}
    for await (const chunk of await client.chat.completions.create({ model: 'm', messages: [], stream: true })) add(chunk.choices[0].delta.content)
  },
}
for (const path of ['plain', 'name', 'comment', 'pieces', 'cr', 'mark'])
  for (const [name, read] of Object.entries(readers)) {
    const list = []
    await read(`${process.argv[2]}/${path}`, (data) => list.push(data)).catch((error) => list.push(error.name))
    console.log(`${path}, ${name}: ${JSON.stringify(list)}`)
  }
process.exit()
JS
cat > run.py <<'PY'
import json
import os
import sys
import threading

import httpx
import httpx_sse
import openai
import requests
import requests_sse
import sseclient


def of_httpx(url):
    with httpx.Client() as client, httpx_sse.connect_sse(client, 'GET', url) as source:
        yield from (event.data for event in source.iter_sse())


def of_requests(url):
    with requests_sse.EventSource(url, timeout=5) as source:
        yield from (event.data for event in source)


def of_openai(url):
    client = openai.OpenAI(base_url=url, api_key='x')
    yield from (chunk.choices[0].delta.content for chunk in client.chat.completions.create(model='m', messages=[], stream=True))


readers = {
    'httpx-sse': of_httpx,
    'requests-sse': of_requests,
    'sseclient-py': lambda url: (event.data for event in sseclient.SSEClient(requests.get(url, stream=True)).events()),
    'openai, Python': of_openai,
}
for path in ('plain', 'name', 'comment', 'pieces', 'cr', 'mark'):
    for name, read in readers.items():
        found = []

        def listen():
            try:
                for text in read(f'{sys.argv[1]}/{path}'):
                    found.append(text)
                    # requests-sse asks again when a stream ends.
                    if text == '2':
                        break
            except Exception as error:
                found.append(type(error).__name__)

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        thread.join(3)
        print(f'{path}, {name}: {json.dumps(found, separators=(",", ":"))}', flush=True)
os._exit(0)
PY
node server.mjs > url &
server=$!
until [ -s url ]; do kill -0 "$server"; sleep 0.05; done
seen='plain, eventsource-parser: ["1","2"]
plain, fetch-event-stream: ["1","2"]
plain, fetch-event-source: ["1","2"]
plain, parse-sse: ["1","2"]
plain, openai, Node.js: ["1","2"]
name, eventsource-parser: ["1","2"]
name, fetch-event-stream: ["1",null,"2"]
name, fetch-event-source: ["1","","2"]
name, parse-sse: ["1","2"]
name, openai, Node.js: ["1","SyntaxError"]
comment, eventsource-parser: ["1","2"]
comment, fetch-event-stream: ["1","2"]
comment, fetch-event-source: ["1","","2"]
comment, parse-sse: ["1","2"]
comment, openai, Node.js: ["1","2"]
pieces, eventsource-parser: ["1\n","2"]
pieces, fetch-event-stream: ["1\n","2"]
pieces, fetch-event-source: ["1\n","2"]
pieces, parse-sse: ["1","2"]
pieces, openai, Node.js: ["1","2"]
cr, eventsource-parser: ["1"]
cr, fetch-event-stream: ["1","2"]
cr, fetch-event-source: ["1","2"]
cr, parse-sse: ["1","2"]
cr, openai, Node.js: ["1","2"]
mark, eventsource-parser: ["1","2"]
mark, fetch-event-stream: ["1","2"]
mark, fetch-event-source: ["1","2"]
mark, parse-sse: ["1","2"]
mark, openai, Node.js: ["1","2"]
plain, httpx-sse: ["1","2"]
plain, requests-sse: ["1","2"]
plain, sseclient-py: ["1","2"]
plain, openai, Python: ["1","2"]
name, httpx-sse: ["1","","2"]
name, requests-sse: ["1","2"]
name, sseclient-py: ["1","2"]
name, openai, Python: ["1","JSONDecodeError"]
comment, httpx-sse: ["1","2"]
comment, requests-sse: ["1","2"]
comment, sseclient-py: ["1","2"]
comment, openai, Python: ["1","2"]
pieces, httpx-sse: ["1\n","2"]
pieces, requests-sse: ["1","","2"]
pieces, sseclient-py: ["1\n","2"]
pieces, openai, Python: ["1","2"]
cr, httpx-sse: ["1","2"]
cr, requests-sse: ["1","2"]
cr, sseclient-py: ["1","2"]
cr, openai, Python: ["1","2"]
mark, httpx-sse: ["2"]
mark, requests-sse: ["2"]
mark, sseclient-py: ["2"]
mark, openai, Python: ["2"]'
got=$(
  timeout 60 node run.mjs "$(cat url)"
  timeout 100 python/bin/python -W ignore run.py "$(cat url)"
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
