#!/usr/bin/env bash
# The JavaScript CloudEvents SDK decodes `data_base64` into a Uint32Array: one byte per four bytes.
#
# Packages: npm cloudevents 10.0.0.
# One would swear: binary data is a Buffer or a Uint8Array, so that it can be written to a file or decoded as text.
# Behaviour: "hello" is a Uint32Array of 5 elements in 20 bytes. `Buffer.from(data)` and `data.length` look right; `fs.writeFileSync(path, data)` and
# `new TextDecoder().decode(data)` have three zero bytes behind each byte, and `response.end(data)` throws. An event that the SDK reads in
# binary mode carries a Buffer, so handlers that were tested with one mode fail with the other. Larger elements of a typed array are cut to bytes.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `ex.bytes()` in fc-runtime's event handlers is the body as it came, and `data_base64` is the handler's to decode. Functions
# in Node.js that share events with it wrap what the SDK gives: `Buffer.from(event.data)`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts cloudevents@10.0.0

cat > run.mjs <<'JS'
import { readFileSync, writeFileSync } from 'node:fs'
import { CloudEvent, HTTP } from 'cloudevents'

const attributes = { id: '1', source: '/s', type: 't', specversion: '1.0', datacontenttype: 'application/octet-stream' }
const structured = { ...attributes, data_base64: Buffer.from('hello').toString('base64') }
const { data } = HTTP.toEvent({ headers: { 'content-type': 'application/cloudevents+json' }, body: JSON.stringify(structured) })
writeFileSync('data', data)
console.log(data.constructor.name, data.length, Buffer.from(data).toString())
console.log('file:', readFileSync('data').length, 'bytes', readFileSync('data').subarray(0, 8).toString('hex'))
console.log('text:', JSON.stringify(new TextDecoder().decode(data).slice(0, 5)))
const headers = { 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't', 'ce-specversion': '1.0', 'content-type': 'application/octet-stream' }
const binary = HTTP.toEvent({ headers, body: Buffer.from('hello') }).data
console.log('binary mode:', binary.constructor.name)
const sent = HTTP.structured(new CloudEvent({ ...attributes, data: new Uint16Array([1, 300]) }))
console.log('Uint16Array of 1 and 300:', Buffer.from(JSON.parse(sent.body).data_base64, 'base64').toString('hex'))
JS
seen='Uint32Array 5 hello
file: 20 bytes 6800000065000000
text: "h\u0000\u0000\u0000e"
binary mode: Buffer
Uint16Array of 1 and 300: 012c'
got=$(timeout 30 node run.mjs)
diff <(echo "$seen") <(echo "$got")
echo "as described"
