#!/usr/bin/env bash
# A server that says goodbye and goes on answering loses grpclib's calls: at a GOAWAY grpclib closes the connection.
#
# Packages: PyPI grpclib 0.4.9, grpcio 1.85.3; npm @grpc/grpc-js 1.14.7.
# One would swear: GOAWAY names the last stream that will be answered, and a client waits for the streams up to it (RFC 9113, section 6.8). So it is with
# grpcio and grpc-js: this is how servers stop without losing a call.
# Behaviour: grpclib closes the connection as soon as it reads GOAWAY, whatever stream that names. Calls in flight fail with StreamTerminatedError, "Connection
# lost", although their answers are under way. It does not retry them.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: fc-runtime sends GOAWAY when it drains, and answers what is in flight. From grpclib these calls are recorded as 499. Behind a
# gateway, which is the client of a function, nothing of it is seen; who calls directly by grpclib retries StreamTerminatedError.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @grpc/grpc-js@1.14.7
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check grpclib==0.4.9 grpcio==1.85.3

cat > run.mjs <<'JS'
import { execFile } from 'node:child_process'
import http2 from 'node:http2'
import { promisify } from 'node:util'
import grpc from '@grpc/grpc-js'

// Says goodbye to each connection at its first call, and answers that call half a second later.
const server = http2.createServer()
server.on('stream', (stream) => {
  stream.on('error', () => {})
  stream.session.goaway(0, stream.id)
  setTimeout(() => {
    if (stream.destroyed) return
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.end(Buffer.from([0, 0, 0, 0, 2, 0x68, 0x69]))
  }, 500)
})
server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address()
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure())
  const same = (bytes) => bytes
  await new Promise((done) => {
    client.makeUnaryRequest('/t.T/Ask', same, same, Buffer.from('x'), (error, reply) => {
      console.log('grpc-js:', error ? error.details : String(reply))
      done()
    })
  })
  client.close()
  const { stdout } = await promisify(execFile)('venv/bin/python', ['run.py', String(port)], { timeout: 30000 })
  process.stdout.write(stdout)
  process.exit(0)
})
JS
cat > run.py <<'PY'
import asyncio
import sys

import grpc
from grpclib.client import Channel, UnaryUnaryMethod
from grpclib.encoding.base import CodecBase
from grpclib.exceptions import StreamTerminatedError

port = int(sys.argv[1])


class Bytes(CodecBase):
    __content_subtype__ = "proto"

    def encode(self, message, message_type):
        return message

    def decode(self, data, message_type):
        return data


async def ask():
    async with Channel("127.0.0.1", port, codec=Bytes()) as channel:
        try:
            return (await UnaryUnaryMethod(channel, "/t.T/Ask", bytes, bytes)(b"x", timeout=10)).decode()
        except StreamTerminatedError as error:
            return f"StreamTerminatedError: {error}"


with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
    print("grpcio:", channel.unary_unary("/t.T/Ask")(b"x", timeout=10).decode())
print("grpclib:", asyncio.run(ask()))
PY
seen="grpc-js: hi
grpcio: hi
grpclib: StreamTerminatedError: Connection lost"
got=$(timeout 60 node run.mjs)
diff <(echo "$seen") <(echo "$got")
echo "as described"
