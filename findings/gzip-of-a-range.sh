#!/usr/bin/env bash
# npm's compression gzips the piece of a file that a range asked for, so what two ranges give does not join to the file.
#
# Packages: npm express 5.3.0, compression 1.8.2, @fastify/compress 9.2.0, @fastify/static 10.1.11, fastify 5.12.8.
# One would swear: `Content-Range` counts bytes of the reply as it is coded (RFC 9110, 14), so a 206 is either a piece of the coded whole, or not coded.
# Behaviour: behind npm's compression, `express.static` answers 206 with the piece's offsets in the plain file, and gzips the piece by itself. Two such
# pieces in a row are no gzip file of the whole, and a `Content-Range` of 4000 bytes stands over fewer. The validator is the plain file's too, so
# `If-Range` finds nothing wrong. @fastify/compress leaves a 206 as it is.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: the feature `compression` leaves a 206 and a reply with `Content-Range` alone, and weakens a strong validator of what it codes.
# fc-local passes such a reply of a function on as it came.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts express@5.3.0 compression@1.8.2 fastify@5.12.8 @fastify/compress@9.2.0 @fastify/static@10.1.11

cat > run.mjs <<'JS'
import fs from 'node:fs'
import http from 'node:http'
import zlib from 'node:zlib'
import fastifyCompress from '@fastify/compress'
import fastifyStatic from '@fastify/static'
import compression from 'compression'
import express from 'express'
import Fastify from 'fastify'

fs.mkdirSync('public')
const file = Array.from({ length: 1000 }, (_, number) => String(number).padStart(7, '0') + '\n').join('')
fs.writeFileSync('public/lines.txt', file)

async function ask(port, range) {
  const headers = { 'accept-encoding': 'gzip', ...(range && { range }) }
  const options = { port, host: '127.0.0.1', path: '/lines.txt', headers, agent: false }
  const answer = await new Promise((resolve) => http.get(options, resolve))
  const pieces = []
  for await (const piece of answer) pieces.push(piece)
  return { answer, body: Buffer.concat(pieces) }
}

async function show(name, port) {
  const whole = await ask(port)
  const first = await ask(port, 'bytes=0-3999')
  const second = await ask(port, 'bytes=4000-7999')
  for (const [part, { answer, body }] of [['first', first], ['second', second]]) {
    const { 'content-range': range, 'content-encoding': coding, etag } = answer.headers
    const length = body.length === 4000 ? 'as many bytes' : 'fewer bytes'
    const same = etag === whole.answer.headers.etag
    console.log(`${name} ${part}: ${answer.statusCode} ${range} coding ${coding}, ${length}, validator of the whole: ${same}`)
  }
  const joined = Buffer.concat([first.body, second.body])
  console.log(`${name} joined: is the coded whole ${joined.equals(whole.body)}, is the file ${joined.toString() === file}`)
}

const app = express()
app.use(compression())
app.use(express.static('public'))
const server = app.listen(0, '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))
await show('express', server.address().port)
server.close()

const fastify = Fastify()
await fastify.register(fastifyCompress)
await fastify.register(fastifyStatic, { root: process.cwd() + '/public' })
await fastify.listen({ port: 0, host: '127.0.0.1' })
await show('fastify', fastify.server.address().port)
await fastify.close()
JS
seen="express first: 206 bytes 0-3999/8000 coding gzip, fewer bytes, validator of the whole: true
express second: 206 bytes 4000-7999/8000 coding gzip, fewer bytes, validator of the whole: true
express joined: is the coded whole false, is the file false
fastify first: 206 bytes 0-3999/8000 coding undefined, as many bytes, validator of the whole: true
fastify second: 206 bytes 4000-7999/8000 coding undefined, as many bytes, validator of the whole: true
fastify joined: is the coded whole false, is the file true"
got=$(timeout 30 node run.mjs)
diff <(echo "$seen") <(echo "$got")
echo "as described"
