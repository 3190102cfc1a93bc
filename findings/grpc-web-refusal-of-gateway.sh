#!/usr/bin/env bash
# A 503 or 429 of a gateway is UNKNOWN to npm's grpc-web, so what calls again at UNAVAILABLE does not; protobuf-ts shows a status' text with its percent signs.
#
# Packages: npm grpc-web 2.1.1, @protobuf-ts/grpcweb-transport 2.11.1, @improbable-eng/grpc-web 0.15.0, @connectrpc/connect-web 2.3.0, with xhr2 0.2.1 as XMLHttpRequest; Node.js 20.
# One would swear: a reply that is no gRPC has the status that gRPC gives its HTTP status, the same with each client: 503 and 429 are UNAVAILABLE, 404 is UNIMPLEMENTED. The text of a status comes to the
# program as the server wrote it, and of two trailers with one name both are there.
# Behaviour: grpc-web calls back with UNKNOWN ("Unknown Content-type received."), whatever the HTTP status. protobuf-ts and improbable make RESOURCE_EXHAUSTED of 429 and NOT_FOUND of 404, Connect
# goes by gRPC's table. protobuf-ts does not decode `grpc-message`: `caf%C3%A9 is 50%25 full` is what its error says. Of two trailers grpc-web hands the last on.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What follows for fc-runtime: a function that is throttled, or whose instance does not start, answers a page by Function Compute's own 429, 502 or 503 in JSON. A page with grpc-web takes UNKNOWN for
# those; what the program itself refuses has its status in the body with each client.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts grpc-web@2.1.1 @protobuf-ts/grpcweb-transport@2.11.1 @protobuf-ts/runtime@2.11.1 @protobuf-ts/runtime-rpc@2.11.1 \
  @improbable-eng/grpc-web@0.15.0 google-protobuf@3.21.4 @connectrpc/connect-web@2.3.0 @connectrpc/connect@2.3.0 @bufbuild/protobuf@2.17.0 xhr2@0.2.1

cat > run.cjs <<'JS'
const http = require('node:http')
globalThis.self = globalThis
globalThis.XMLHttpRequest = require('xhr2')
const improbable = require('@improbable-eng/grpc-web').grpc
const { GrpcWebFetchTransport } = require('@protobuf-ts/grpcweb-transport')
const { MessageType } = require('@protobuf-ts/runtime')
const { ServiceType, stackIntercept } = require('@protobuf-ts/runtime-rpc')
const web = require('grpc-web')

const frame = (kind, text) => {
  const head = Buffer.alloc(5)
  head[0] = kind
  head.writeUInt32BE(text.length, 1)
  return Buffer.concat([head, Buffer.from(text)])
}
const grpc = { 'content-type': 'application/grpc-web+proto' }
const replies = {
  Busy429: [429, { 'content-type': 'application/json' }, '{}'],
  Down503: [503, { 'content-type': 'application/json' }, '{}'],
  Gone404: [404, { 'content-type': 'text/html' }, '<p>'],
  Refused: [200, grpc, frame(0x80, 'grpc-status: 5\r\ngrpc-message: caf%C3%A9 is 50%25 full\r\n')],
  Trailers: [200, grpc, Buffer.concat([frame(0, ''), frame(0x80, 'grpc-status: 0\r\ntag: a\r\ntag: b\r\n')])],
}
const server = http.createServer((request, response) => {
  request.resume()
  const [status, headers, body] = replies[request.url.split('/').pop()]
  response.writeHead(status, headers).end(body)
})

function byGrpcWeb(base, name) {
  const method = new web.MethodDescriptor(`/demo.S/${name}`, 'unary', Object, Object, () => new Uint8Array(0), () => ({}))
  const client = new web.GrpcWebClientBase({ format: 'binary' })
  return new Promise((resolve) => {
    let tag
    const call = client.rpcCall(base + method.name, {}, {}, method, (error) => setTimeout(() => resolve(error ? `${error.code} ${error.message}` : `tag ${tag}`)))
    call.on('status', (status) => (tag = status.metadata.tag))
  })
}
async function byProtobufTs(base, name) {
  const Empty = new MessageType('demo.Empty', [])
  const service = new ServiceType('demo.S', [{ name, I: Empty, O: Empty, options: {} }])
  const transport = new GrpcWebFetchTransport({ baseUrl: base, format: 'binary' })
  try {
    return `tag ${(await stackIntercept('unary', transport, service.methods[0], transport.mergeOptions({}), {})).trailers.tag}`
  } catch (error) {
    return `${error.code} ${error.message}`
  }
}
function byImprobable(base, name) {
  const method = { methodName: name, service: { serviceName: 'demo.S' }, responseType: { deserializeBinary: () => ({ toObject: () => ({}) }) } }
  return new Promise((resolve) =>
    improbable.invoke(method, {
      host: base,
      request: { serializeBinary: () => new Uint8Array(0) },
      transport: improbable.FetchReadableStreamTransport({}),
      onEnd: (code, text, trailers) => resolve(code ? `${code} ${text}` : `tag ${trailers.get('tag')}`),
    }),
  )
}
async function byConnect(base, name) {
  const { createGrpcWebTransport } = await import('@connectrpc/connect-web')
  const { create } = await import('@bufbuild/protobuf')
  const { EmptySchema } = await import('@bufbuild/protobuf/wkt')
  const method = { kind: 'rpc', name, localName: name, methodKind: 'unary', input: EmptySchema, output: EmptySchema, parent: { typeName: 'demo.S' } }
  try {
    return `tag ${(await createGrpcWebTransport({ baseUrl: base }).unary(method, undefined, 5000, undefined, create(EmptySchema))).trailer.get('tag')}`
  } catch (error) {
    return `${error.code} ${error.rawMessage}`
  }
}

server.listen(0, '127.0.0.1', async () => {
  const base = `http://127.0.0.1:${server.address().port}`
  for (const name of Object.keys(replies))
    for (const [client, ask] of Object.entries({ 'grpc-web': byGrpcWeb, 'protobuf-ts': byProtobufTs, improbable: byImprobable, Connect: byConnect }))
      console.log(`${name}, ${client}: ${(await ask(base, name)).trimEnd()}`)
  process.exit()
})
JS
seen='Busy429, grpc-web: 2 Unknown Content-type received.
Busy429, protobuf-ts: RESOURCE_EXHAUSTED Too Many Requests
Busy429, improbable: 8
Busy429, Connect: 14 HTTP 429
Down503, grpc-web: 2 Unknown Content-type received.
Down503, protobuf-ts: UNAVAILABLE Service Unavailable
Down503, improbable: 14
Down503, Connect: 14 HTTP 503
Gone404, grpc-web: 2 Unknown Content-type received.
Gone404, protobuf-ts: NOT_FOUND Not Found
Gone404, improbable: 5
Gone404, Connect: 12 HTTP 404
Refused, grpc-web: 5 café is 50% full
Refused, protobuf-ts: NOT_FOUND caf%C3%A9 is 50%25 full
Refused, improbable: 5 café is 50% full
Refused, Connect: 5 café is 50% full
Trailers, grpc-web: tag b
Trailers, protobuf-ts: tag a,b
Trailers, improbable: tag a,b
Trailers, Connect: tag a, b'
diff <(echo "$seen") <(timeout 60 node run.cjs)
echo "as described"
