#!/usr/bin/env bash
# The code that httpsnippet makes of a recorded request sends another one: of two headers with one name the last, and other numbers in the JSON.
#
# Packages: npm httpsnippet 3.0.10.
# One would swear: HAR has lists of names and values in order that all may be sent again, and the text of a body is a text.
# Behaviour: headers become a map, so `X-Tag: a` before `X-Tag: b` is gone for every target, curl too. A JSON body is parsed for Node.js, Python and fetch and
# written again: 9007199254740993, an id of 64 bits, becomes 9007199254740992, and 1.0 becomes 1. curl and HTTP keep the text.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `fc-local` writes a recorded request as a curl command itself, with each header line and the body byte by byte, and sends it
# again by `fc-local replay`; its HAR is for reading. Who makes code of it compares headers and ids.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts httpsnippet@3.0.10

cat > run.mjs <<'JS'
import { HTTPSnippet } from 'httpsnippet'

const snippet = new HTTPSnippet({
  method: 'POST',
  url: 'http://localhost/orders',
  httpVersion: 'HTTP/1.1',
  cookies: [],
  headers: [
    { name: 'X-Tag', value: 'a' },
    { name: 'X-Tag', value: 'b' },
    { name: 'Content-Type', value: 'application/json' },
  ],
  queryString: [],
  postData: { mimeType: 'application/json', text: '{"id":9007199254740993,"price":1.0}' },
  headersSize: -1,
  bodySize: -1,
})
for (const [target, client] of [['http', 'http1.1'], ['shell', 'curl'], ['node', 'native'], ['javascript', 'fetch'], ['python', 'requests']]) {
  const code = snippet.convert(target, client)
  const tags = [...code.matchAll(/X-Tag['"]?: ['"]?(\w)/g)].map((found) => found[1])
  console.log(`${target}: tags ${tags}, id ${/90071992547409\d+/.exec(code)}, price ${/price"?: ?([\d.]+)/.exec(code)?.[1]}`)
}
JS
seen='http: tags b, id 9007199254740993, price 1.0
shell: tags b, id 9007199254740993, price 1.0
node: tags b, id 9007199254740992, price 1
javascript: tags b, id 9007199254740992, price 1
python: tags b, id 9007199254740992, price 1'
got=$(timeout 30 node run.mjs)
diff <(echo "$seen") <(echo "$got")
echo "as described"
