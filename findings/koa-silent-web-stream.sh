#!/usr/bin/env bash
# Koa never cancels a web stream that is silent when its client leaves.
#
# Packages: npm koa 3.3.0, fastify 5.12.8; Node.js 20.
# One would swear: what is given as a reply's body is cancelled when nobody is there to read it; Koa destroys a Node.js stream so.
# Behaviour: a ReadableStream given to Koa is cancelled only if it has something to write after the client has gone. An event stream that waits
# for its next event waits for ever, with what it holds. Fastify cancels it at once.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What follows for fc-runtime: a departure drops a stream whether it speaks or not, and a test holds it. Users who port a handler from Koa need no timer
# of their own to notice that a client has gone.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts koa@3.3.0 fastify@5.12.8

cat > run.cjs <<'JS'
const http = require('http')
const { once } = require('events')
const { Readable } = require('stream')

let cancelled
const web = speaks => {
  let timer
  const text = new TextEncoder().encode('data: 0\n\n')
  let done
  cancelled = new Promise(resolve => { done = resolve })
  return new ReadableStream({
    start(controller) {
      controller.enqueue(text)
      if (speaks) timer = setInterval(() => controller.enqueue(text), 50)
    },
    cancel() { clearInterval(timer); done('cancelled') },
  })
}
const node = () => {
  const stream = new Readable({ read() {} })
  cancelled = new Promise(resolve => stream.on('close', () => resolve('destroyed')))
  stream.push('data: 0\n\n')
  return stream
}
const bodies = { '/speaking': () => web(true), '/silent': () => web(false), '/node': node }

;(async () => {
  const koa = new (require('koa'))()
  koa.on('error', () => {})
  koa.use(context => { context.type = 'text/event-stream'; context.body = bodies[context.path]() })
  const fastify = require('fastify')()
  fastify.get('/*', (request, reply) => reply.type('text/event-stream').send(bodies[request.url]()))
  await fastify.ready()
  for (const [name, server] of [['koa', http.createServer(koa.callback())], ['fastify', fastify.server]]) {
    await once(server.listen(0, '127.0.0.1'), 'listening')
    for (const path of Object.keys(bodies)) {
      const request = http.get({ host: '127.0.0.1', port: server.address().port, path, agent: false })
      request.on('error', () => {})
      const [response] = await once(request, 'response')
      await once(response, 'data')
      request.destroy()
      const waited = new Promise(resolve => setTimeout(() => resolve('still there after 3 s'), 3000))
      console.log(`${name} ${path}: ${await Promise.race([cancelled, waited])}`)
    }
  }
  process.exit()
})()
JS
seen='koa /speaking: cancelled
koa /silent: still there after 3 s
koa /node: destroyed
fastify /speaking: cancelled
fastify /silent: cancelled
fastify /node: destroyed'
diff <(echo "$seen") <(timeout 60 node run.cjs)
echo "as described"
