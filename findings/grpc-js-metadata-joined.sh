#!/usr/bin/env bash
# In grpc-js two values of one metadata key arrive as one text with a comma, unless the key ends in -bin.
#
# Packages: npm @grpc/grpc-js 1.14.7; PyPI grpcio 1.85.3.
# One would swear: `metadata.get(key)` is "a list of all values", as its documentation says and as Go, Python, Java and tonic have it.
# Behaviour: Node's HTTP/2 joins repeated headers with ", " before grpc-js sees them. grpc-js takes -bin keys apart again, and no others: after
# `add('tag', 'a')` and `add('tag', 'b')` the peer's `get('tag')` is `['a, b']`, in requests, in initial metadata and in trailers. A value
# that holds a comma of its own cannot be told from two.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: fc-runtime's gRPC reads and sends each value as a header of its own (`ex.headers().get_all("tag")`). A peer in Node.js
# sees one value, so what repeats and is read by Node.js goes into a -bin key or into the message.
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
import { promisify } from 'node:util'
import grpc from '@grpc/grpc-js'

const bytes = { requestSerialize: (x) => x, requestDeserialize: (x) => x, responseSerialize: (x) => x, responseDeserialize: (x) => x }
const service = { Echo: { path: '/t.T/Echo', requestStream: false, responseStream: false, ...bytes } }
const two = () => {
  const metadata = new grpc.Metadata()
  for (const value of ['a', 'b']) {
    metadata.add('tag', value)
    metadata.add('tag-bin', Buffer.from(value))
  }
  return metadata
}
const show = (metadata) => JSON.stringify([metadata.get('tag'), metadata.get('tag-bin').map(String)])
const server = new grpc.Server()
server.addService(service, {
  Echo(call, reply) {
    console.log('js server:', show(call.metadata))
    call.sendMetadata(two())
    reply(null, call.request, two())
  },
})
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), async (_, port) => {
  const Client = grpc.makeGenericClientConstructor(service, 'T')
  const client = new Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure())
  await new Promise((done) => {
    const call = client.Echo(Buffer.from('x'), two(), () => {})
    call.on('metadata', (metadata) => console.log('js client, initial:', show(metadata)))
    call.on('status', (status) => done(console.log('js client, trailers:', show(status.metadata))))
  })
  const { stdout } = await promisify(execFile)('venv/bin/python', ['run.py', String(port)], { timeout: 30000 })
  process.stdout.write(stdout)
  client.close()
  server.forceShutdown()
})
JS
cat > run.py <<'PY'
import sys
import grpc

with grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}") as channel:
    echo = channel.unary_unary("/t.T/Echo")
    _, call = echo.with_call(b"x", metadata=[("tag", "a"), ("tag", "b")], timeout=10)
    print("py client, trailers:", [value for key, value in call.trailing_metadata() if key == "tag"])
PY
seen="js server: [[\"a, b\"],[\"a\",\"b\"]]
js client, initial: [[\"a, b\"],[\"a\",\"b\"]]
js client, trailers: [[\"a, b\"],[\"a\",\"b\"]]
js server: [[\"a, b\"],[]]
py client, trailers: ['a', 'b']"
got=$(timeout 60 node run.mjs)
diff <(echo "$seen") <(echo "$got")
echo "as described"
