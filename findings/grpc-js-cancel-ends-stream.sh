#!/usr/bin/env bash
# A client stream that grpc-js cancels has ended well for its server: grpc-js sends END_STREAM before it resets the stream.
#
# Packages: npm @grpc/grpc-js 1.14.7; PyPI grpcio 1.85.3.
# One would swear: a call that its client cancels is reset, and a server that reads the client's messages sees them break off. So it is with grpcio.
# Behaviour: `call.cancel()` of grpc-js ends the request's stream first, as `call.end()` does, and resets it then. A server that reads on has an orderly end
# before the reset: it takes the messages so far for all of them, and acts on half a request.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: fc-runtime cannot tell the two, so the handler of a client stream gets the end of the messages, and the call is recorded as
# 200 and OK if its reply is made before the reset is read, else as 499. A handler that must not act on half a stream asks for a last message that says so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @grpc/grpc-js@1.14.7
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check grpcio==1.85.3

cat > run.mjs <<'JS'
import { execFile } from 'node:child_process'
import http2 from 'node:http2'
import { promisify } from 'node:util'
import grpc from '@grpc/grpc-js'

let came, gone
const server = http2.createServer()
server.on('stream', (stream) => {
  const seen = []
  stream.on('error', () => {})
  stream.on('data', (data) => (seen.push(`${data.length} bytes`), came()))
  stream.on('end', () => stream.aborted || seen.push('end'))
  stream.on('close', () => (seen.push(`code ${stream.rstCode}`), gone(seen.join(', '))))
})
const watch = () => [new Promise((done) => (came = done)), new Promise((done) => (gone = done))]
server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address()
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure())
  const same = (bytes) => bytes
  let [first, last] = watch()
  const call = client.makeClientStreamRequest('/t.T/Collect', same, same, () => {})
  call.write(Buffer.from('half'))
  await first
  call.cancel()
  console.log('grpc-js:', await last)
  client.close()
  ;[first, last] = watch()
  await promisify(execFile)('venv/bin/python', ['run.py', String(port)], { timeout: 30000 })
  console.log('grpcio:', await last)
  process.exit(0)
})
JS
cat > run.py <<'PY'
import sys
import threading
import grpc

with grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}") as channel:
    over = threading.Event()

    def messages():
        yield b"half"
        over.wait(10)

    call = channel.stream_unary("/t.T/Collect").future(messages(), timeout=10)
    over.wait(0.5)
    call.cancel()
    over.set()
PY
seen="grpc-js: 9 bytes, end, code 8
grpcio: 9 bytes, code 8"
got=$(timeout 60 node run.mjs)
diff <(echo "$seen") <(echo "$got")
echo "as described"
