#!/usr/bin/env bash
# When a browser closes a stream that came through npm's http-proxy, the server behind the proxy is never told.
#
# Packages: npm http-proxy 1.18.1, http-proxy-3 1.23.3, http-proxy-middleware 3.0.11, express 5.3.0; Node.js 20.
# One would swear: the proxy that most development servers are built on closes its request when the client has gone, as nginx does.
# Behaviour: http-proxy waits for the event `aborted` of the client's request, which current Node.js sends only while the request's body is under way.
# A GET has no body, so each closed tab leaves its stream running behind the proxy, whether the stream speaks or is silent. The successors
# http-proxy-3 and http-proxy-middleware 3 close it.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What follows for fc-runtime: behind such a development proxy a departure is not seen, no 499 is recorded, and a stream ends only at its own
# end or at the time limit. Streams of functions need a time limit of their own; for trying departures use fc-local's port directly.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts \
  http-proxy@1.18.1 http-proxy-3@1.23.3 http-proxy-middleware@3.0.11 express@5.3.0 2>/dev/null

cat > run.cjs <<'JS'
const http = require('http')
const { once } = require('events')

let told
const server = http.createServer((request, response) => {
  told = new Promise(resolve => response.on('close', () => resolve('told')))
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write('data: 0\n\n')
  if (request.url === '/silent') return
  const timer = setInterval(() => response.write('data: n\n\n'), 50)
  response.on('close', () => clearInterval(timer))
})

const plain = (name, target) => {
  const proxy = require(name).createProxyServer({ target })
  proxy.on('error', () => {})
  return http.createServer((request, response) => proxy.web(request, response))
}
const middleware = target => {
  const app = require('express')()
  app.use(require('http-proxy-middleware').createProxyMiddleware({ target }))
  return http.createServer(app)
}

;(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const target = `http://127.0.0.1:${server.address().port}`
  const proxies = {
    'http-proxy': plain('http-proxy', target),
    'http-proxy-3': plain('http-proxy-3', target),
    'http-proxy-middleware': middleware(target),
  }
  for (const [name, proxy] of Object.entries(proxies)) {
    await once(proxy.listen(0, '127.0.0.1'), 'listening')
    for (const path of ['/speaking', '/silent']) {
      const request = http.get({ host: '127.0.0.1', port: proxy.address().port, path, agent: false })
      request.on('error', () => {})
      const [response] = await once(request, 'response')
      await once(response, 'data')
      request.destroy()
      const waited = new Promise(resolve => setTimeout(() => resolve('not told within 3 s'), 3000))
      console.log(`${name} ${path}: server ${await Promise.race([told, waited])}`)
    }
  }
  process.exit()
})()
JS
seen="http-proxy /speaking: server not told within 3 s
http-proxy /silent: server not told within 3 s
http-proxy-3 /speaking: server told
http-proxy-3 /silent: server told
http-proxy-middleware /speaking: server told
http-proxy-middleware /silent: server told"
diff <(echo "$seen") <(timeout 60 node --no-deprecation run.cjs)
echo "as described"
