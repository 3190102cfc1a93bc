#!/usr/bin/env bash
# To npm's grpc-web a reply whose trailers never came is a success.
#
# Packages: npm grpc-web 2.1.1, xhr2 0.2.1 (XMLHttpRequest for Node.js), @protobuf-ts/grpcweb-transport 2.11.1, @protobuf-ts/runtime 2.11.1,
# @protobuf-ts/runtime-rpc 2.11.1.
# One would swear: the status of a gRPC-Web call is in the last frame of its body, so a body without that frame has no status and is an error.
# Behaviour: when the body ends in an orderly way after the message, or in the middle of a second one, grpc-web resolves a unary call without an
# error, and a stream gets `end` and neither `status` nor `error`. protobuf-ts reports data loss in all four cases.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What follows for fc-runtime: a gRPC-Web reply that cannot be completed must never end in an orderly way. It is reset, in chunks without the last
# one over HTTP/1, so that a proxy and a browser see a failure of the network. A browser's stream that has seen no `status` was cut.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts grpc-web@2.1.1 xhr2@0.2.1 \
  @protobuf-ts/grpcweb-transport@2.11.1 @protobuf-ts/runtime@2.11.1 @protobuf-ts/runtime-rpc@2.11.1

cat > run.cjs <<'JS'
const http = require('node:http')
globalThis.XMLHttpRequest = require('xhr2')
const web = require('grpc-web')
const { GrpcWebFetchTransport } = require('@protobuf-ts/grpcweb-transport')
const { MessageType } = require('@protobuf-ts/runtime')
const { ServiceType, stackIntercept } = require('@protobuf-ts/runtime-rpc')

// One empty message; then nothing, or half of another message.
const message = Buffer.from([0, 0, 0, 0, 0])
const half = Buffer.from([0, 0, 0, 0, 9, 1])
const server = http.createServer((request, response) => {
  request.resume()
  response.writeHead(200, { 'content-type': 'application/grpc-web+proto' })
  response.end(Buffer.concat(request.url.includes('Half') ? [message, half] : [message]))
})

const Empty = new MessageType('demo.Empty', [])
const kinds = ['Unary', 'UnaryHalf', 'Stream', 'StreamHalf']
const service = new ServiceType('demo.S', kinds.map((name) => ({ name, I: Empty, O: Empty, options: {}, serverStreaming: name.startsWith('Stream') })))

async function protobufTs(base) {
  const transport = new GrpcWebFetchTransport({ baseUrl: base, format: 'binary' })
  for (const method of service.methods) {
    const kind = method.serverStreaming ? 'serverStreaming' : 'unary'
    try {
      await stackIntercept(kind, transport, method, transport.mergeOptions({}), {})
      console.log(`protobuf-ts ${method.name}: ok`)
    } catch (error) {
      console.log(`protobuf-ts ${method.name}: ${error.code}`)
    }
  }
}

async function grpcWeb(base) {
  const client = new web.GrpcWebClientBase({ format: 'binary' })
  for (const name of kinds) {
    const type = name.startsWith('Stream') ? 'server_streaming' : 'unary'
    const method = new web.MethodDescriptor(`/demo.S/${name}`, type, Object, Object, () => new Uint8Array(0), () => ({}))
    const seen = await new Promise((resolve) => {
      if (type === 'unary') {
        return client.rpcCall(base + method.name, {}, {}, method, (error, reply) => resolve(error ? `error ${error.code}` : `reply ${JSON.stringify(reply)}`))
      }
      const events = []
      const stream = client.serverStreaming(base + method.name, {}, {}, method)
      for (const event of ['data', 'status', 'error']) stream.on(event, () => events.push(event))
      stream.on('end', () => resolve([...events, 'end'].join(', ')))
    })
    console.log(`grpc-web ${name}: ${seen}`)
  }
}

server.listen(0, '127.0.0.1', async () => {
  const base = `http://127.0.0.1:${server.address().port}`
  await grpcWeb(base)
  await protobufTs(base)
  process.exit()
})
JS
seen='grpc-web Unary: reply {}
grpc-web UnaryHalf: reply {}
grpc-web Stream: data, end
grpc-web StreamHalf: data, end
protobuf-ts Unary: DATA_LOSS
protobuf-ts UnaryHalf: DATA_LOSS
protobuf-ts Stream: DATA_LOSS
protobuf-ts StreamHalf: DATA_LOSS'
diff <(echo "$seen") <(timeout 60 node run.cjs)
echo "as described"
