#!/usr/bin/env bash
# A JSON line with U+2028 or U+0085 in a text is two lines to httpx, to niquests, to requests with `decode_unicode`, and to npm's byline.
#
# Packages: PyPI httpx 0.28.1, requests 2.34.2, niquests 3.21.2, aiohttp 3.14.5, jsonlines 4.0.0; npm byline 5.0.0, split2 4.2.0.
# One would swear: a line ends with a line feed. So say NDJSON and JSON Lines, and JSON allows U+2028, U+2029 and U+0085 in a text as they are: the writers
# of most languages leave them there, JSON.stringify and serde_json among them.
# Behaviour: `iter_lines()` of httpx and niquests (texts; its bytes are whole), of requests with `decode_unicode=True`, and byline split by the rules of
# Unicode or of Python's `str.splitlines()`. Half a line is no JSON, so a client that has read such a stream for months fails at one text that a person
# has pasted from a word processor (U+2028) or an old Windows file (U+0085). aiohttp, jsonlines, split2, Node's readline and requests with bytes give one.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: its JSON lines (the logs, `fc-local dev --json`) end with a line feed and nothing else, as docs/fc-local.md says. A handler
# that streams JSON lines to clients that it does not know writes these three characters as `\u2028`, `\u2029` and `\u0085`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts byline@5.0.0 split2@4.2.0
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check httpx==0.28.1 requests==2.34.2 niquests==3.21.2 aiohttp==3.14.5 jsonlines==4.0.0

cat > server.mjs <<'JS'
import http from 'node:http'

const records = ['plain', 'a\u2028b', 'a\u2029b', 'a\u0085b']
const body = records.map((text) => JSON.stringify({ text }) + '\n').join('')
const server = http.createServer((_, response) => {
  response.writeHead(200, { 'content-type': 'application/x-ndjson; charset=utf-8' }).end(body)
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
JS
cat > run.py <<'PY'
import asyncio, io, json, sys
import aiohttp, httpx, jsonlines, niquests, requests

address = f'http://127.0.0.1:{sys.argv[1]}/'

def say(name, lines):
    def is_json(line):
        try:
            return json.loads(line) is not None
        except ValueError:
            return False
    print(f'{name}: {len(lines)} lines, {sum(map(is_json, lines))} of them JSON')

with httpx.stream('GET', address) as reply:
    say('httpx', list(reply.iter_lines()))
say('niquests, texts', list(niquests.get(address, stream=True).iter_lines(decode_unicode=True)))
say('requests, texts', list(requests.get(address, stream=True).iter_lines(decode_unicode=True)))
say('requests, bytes', list(requests.get(address, stream=True).iter_lines()))
async def lines():
    async with aiohttp.ClientSession() as session, session.get(address) as reply:
        return [line async for line in reply.content]
say('aiohttp', asyncio.run(lines()))
text = requests.get(address).text
say('jsonlines', [json.dumps(line) for line in jsonlines.Reader(io.StringIO(text))])
PY
cat > run.mjs <<'JS'
import { Readable } from 'node:stream'
import readline from 'node:readline'
import byline from 'byline'
import split2 from 'split2'

const body = Buffer.from(await (await fetch(`http://127.0.0.1:${process.argv[2]}/`)).arrayBuffer())
const isJson = (line) => {
  try {
    return Boolean(JSON.parse(line))
  } catch {
    return false
  }
}
const say = async (name, source) => {
  const lines = []
  for await (const line of source) lines.push(line.toString())
  console.log(`${name}: ${lines.length} lines, ${lines.filter(isJson).length} of them JSON`)
}
await say('byline', byline(Readable.from([body])))
await say('split2', Readable.from([body]).pipe(split2()))
await say('readline of Node.js', readline.createInterface({ input: Readable.from([body]) }))
JS
node server.mjs > port &
server=$!
trap 'kill "$server"; rm -rf "$work"' EXIT
for _ in $(seq 100); do [ -s port ] && break; sleep 0.1; done
seen='httpx: 7 lines, 1 of them JSON
niquests, texts: 7 lines, 1 of them JSON
requests, texts: 7 lines, 1 of them JSON
requests, bytes: 4 lines, 4 of them JSON
aiohttp: 4 lines, 4 of them JSON
jsonlines: 4 lines, 4 of them JSON
byline: 7 lines, 1 of them JSON
split2: 4 lines, 4 of them JSON
readline of Node.js: 4 lines, 4 of them JSON'
got=$(
  timeout 60 venv/bin/python run.py "$(cat port)"
  timeout 30 node run.mjs "$(cat port)"
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
