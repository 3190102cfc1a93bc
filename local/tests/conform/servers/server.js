// The routes of docs/conform.md on Node.js' own server, with `ws`. Its settings are the defaults.
const http = require('node:http')
const { execFile } = require('node:child_process')
const { WebSocketServer } = require('ws')

let busy = 0

const body = async request => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

// Waits, unless the client leaves before.
const pause = (response, ms) => new Promise(resolve => {
  const timer = setTimeout(() => { response.off('close', left); resolve(true) }, ms)
  const left = () => { clearTimeout(timer); resolve(false) }
  response.once('close', left)
})

const atWork = async work => {
  busy += 1
  try { await work() } finally { busy -= 1 }
}

const ticks = (kind, before, after) => (query, response) => atWork(async () => {
  response.writeHead(200, { 'content-type': kind })
  response.flushHeaders()
  let ms = Number(query.get('first') ?? 0)
  for (let at = 0; at < Number(query.get('n')); at += 1) {
    if (response.destroyed || (ms > 0 && !await pause(response, ms))) return
    ms = Number(query.get('ms'))
    if (!response.write(`${before}tick ${at}${after}`)) await new Promise(resolve => response.once('drain', resolve).once('close', resolve))
  }
  response.end()
})
const stream = ticks('text/plain', '', '\n')
const sse = ticks('text/event-stream', 'data: ', '\n\n')

const routes = {
  '/conform/echo': async (query, response, request) => {
    const headers = { 'content-type': request.headers['content-type'] ?? 'application/octet-stream', 'x-conform-method': request.method }
    response.writeHead(200, headers).end(await body(request))
  },
  '/conform/upload': async (query, response, request) => response.end(String((await body(request)).length)),
  '/conform/status': (query, response) => response.writeHead(Number(query.get('code'))).end('status'),
  '/conform/headers': (query, response, request) => response.end(JSON.stringify(request.headers)),
  '/conform/sleep': (query, response) => atWork(async () => {
    if (await pause(response, Number(query.get('ms')))) response.end('slept')
  }),
  '/conform/block': (query, response) => {
    const end = Date.now() + Number(query.get('ms'))
    while (Date.now() < end);
    response.end('blocked')
  },
  '/conform/busy': (query, response) => response.end(String(busy)),
  '/conform/health': (query, response) => response.end('well'),
  '/conform/stream': stream,
  '/conform/sse': sse,
  '/conform/fail': () => { throw new Error('as asked') },
  '/conform/log': (query, response) => { console.log(query.get('text')); response.end('logged') },
  '/conform/child': (query, response) => execFile('true', () => response.end('done')),
  '/invoke': async (query, response, request) => {
    const event = await body(request)
    if (event.toString() !== 'fail') return response.writeHead(200, { 'x-fc-status': '200' }).end(event)
    console.error('the event fails')
    response.writeHead(404, { 'x-fc-status': '404' }).end(JSON.stringify({ errorMessage: 'as asked', errorType: 'Asked' }))
  },
  '/initialize': (query, response) => response.end('done'),
  '/pre-stop': (query, response) => response.end('done'),
}

const server = http.createServer(async (request, response) => {
  const url = new URL(request.url, 'http://localhost')
  const route = routes[url.pathname]
  if (!route) return response.writeHead(404).end('no such route')
  try {
    await route(url.searchParams, response, request)
  } catch (error) {
    console.error(error)
    if (!response.headersSent) response.writeHead(500).end('failed')
  }
})

const sockets = new WebSocketServer({ server, path: '/conform/ws' })
sockets.on('connection', socket => {
  socket.on('error', error => console.error(error))
  socket.on('message', (data, isBinary) => {
    const [word, code] = isBinary ? [] : data.toString().split(' ')
    if (word === 'close') socket.close(Number(code))
    else socket.send(data, { binary: isBinary })
  })
})

server.listen(Number(process.env.FC_SERVER_PORT), '0.0.0.0')
process.on('SIGTERM', () => server.close(() => process.exit(0)))
