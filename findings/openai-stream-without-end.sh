#!/usr/bin/env bash
# A chat completion whose stream ends in the middle is a whole one to OpenAI's SDKs, and to Python's helper even a final one.
#
# Packages: npm openai 6.49.0; PyPI openai 3.57.0.
# One would swear: the protocol marks its end twice, by a `finish_reason` and by `data: [DONE]`; a stream with neither has been cut.
# Behaviour: iterating over a stream ends without an error in both, and half an event at the end is dropped in silence. `stream()` of npm's SDK
# fails in `finalChatCompletion`; Python's `get_final_completion` returns the half with `finish_reason=None`.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What follows for fc-runtime: a stream of events that cannot be completed is cut, not ended: without the last chunk over HTTP/1, with a reset over
# HTTP/2. Then both SDKs raise. A route of this kind must not end its `Sse` with Ok when its source failed; clients check `finish_reason`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts openai@6.49.0
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check openai==3.57.0

cat > server.cjs <<'JS'
const http = require('node:http')
const chunk = (content) => `data: ${JSON.stringify({ id: '1', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`
const server = http.createServer((request, response) => {
  request.resume()
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.end(chunk('Hel') + chunk('lo ') + chunk('world').slice(0, 40))
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
JS
cat > run.mjs <<'JS'
import OpenAI from 'openai'
const client = new OpenAI({ apiKey: 'key', baseURL: `http://127.0.0.1:${process.argv[2]}/v1` })
const question = { model: 'm', messages: [] }
let text = ''
for await (const part of await client.chat.completions.create({ ...question, stream: true })) text += part.choices[0].delta.content
console.log(`npm, iterated: ${JSON.stringify(text)}`)
await client.chat.completions.stream(question).finalChatCompletion().then(
  (whole) => console.log(`npm, final: ${JSON.stringify(whole.choices[0].message.content)}`),
  (error) => console.log(`npm, final: ${error.message}`),
)
JS
cat > run.py <<'PY'
import sys
from openai import OpenAI
chat = OpenAI(api_key='key', base_url=f'http://127.0.0.1:{sys.argv[1]}/v1').chat.completions
text = ''.join(part.choices[0].delta.content for part in chat.create(model='m', messages=[], stream=True))
print(f'PyPI, iterated: {text!r}')
with chat.stream(model='m', messages=[]) as stream:
    choice = stream.get_final_completion().choices[0]
print(f'PyPI, final: {choice.message.content!r}, finish_reason {choice.finish_reason}')
PY
node server.cjs > port &
server=$!
trap 'kill "$server"; rm -rf "$work"' EXIT
for _ in $(seq 100); do [ -s port ] && break; sleep 0.1; done
seen='npm, iterated: "Hello "
npm, final: missing finish_reason for choice 0
PyPI, iterated: '"'Hello '"'
PyPI, final: '"'Hello '"', finish_reason None'
diff <(echo "$seen") <(timeout 60 node run.mjs "$(cat port)"; timeout 60 venv/bin/python run.py "$(cat port)")
echo "as described"
