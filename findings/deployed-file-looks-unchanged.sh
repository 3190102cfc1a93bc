#!/usr/bin/env bash
# A file that a deployment changed is a 304 to those who have the old one, if its length is the same: the deployment tool gives all files one date.
#
# Packages: npm @serverless-devs/zip 0.0.3-beta.8 (what the component fc3 packs code with), decompress 4.2.1, express 5.3.0;
# PyPI starlette 1.10.0, aiohttp 3.14.5.
# One would swear: a changed file has another time, so an ETag of time and length, as most servers make it, is another; and archives without times have 1980,
# which a server can tell.
# Behaviour: the packer writes the first of November 2023 as the time of every file, for zips that are the same bytes for the same code. Unpacked with their
# times, as `unzip` and decompress do it, version 2 of a file with the length of version 1 has its ETag and its Last-Modified in Express, Starlette and
# aiohttp: what a browser or a CDN has of version 1 is confirmed by 304, for good. Prices, colours and version numbers keep a file's length.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `files` and `Exchange::file` do not use that date, nor times before 1990: the `ETag` of such a file comes from its content
# (`readers::files::a_time_that_a_packer_gives_to_all_files_…`). `fc-local package` writes 1980.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @serverless-devs/zip@0.0.3-beta.8 decompress@4.2.1 express@5.3.0
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check starlette==1.10.0 httpx==0.28.1 aiohttp==3.14.5

mkdir -p code one two
cat > pack.cjs <<'JS'
const fs = require('node:fs')
const decompress = require('decompress')
const { default: zip } = require('@serverless-devs/zip')

const silent = new Proxy({}, { get: () => () => {} })
;(async () => {
  for (const [folder, text, time] of [['one', 'price: 10\n', '2026-05-01'], ['two', 'price: 12\n', '2026-06-01']]) {
    fs.writeFileSync('code/page.txt', text)
    fs.utimesSync('code/page.txt', new Date(time), new Date(time))
    const { outputFile } = await zip({ codeUri: 'code', outputFilePath: '.', outputFileName: 'code.zip', ignoreFiles: ['.fcignore'], logger: silent })
    await decompress(outputFile, folder)
    console.error(`packed ${time}, unpacked ${fs.statSync(`${folder}/page.txt`).mtime.toISOString()}`)
  }
})()
JS
cat > serve.mjs <<'JS'
import { once } from 'node:events'
import http from 'node:http'
import express from 'express'

const ports = []
for (const folder of ['one', 'two']) {
  const server = express().use(express.static(folder)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  ports.push(server.address().port)
}
const get = async (port, headers) => (await once(http.get({ port, path: '/page.txt', headers }), 'response'))[0].resume()
const first = await get(ports[0], {})
for (const [header, of] of [['if-none-match', 'etag'], ['if-modified-since', 'last-modified']]) {
  const second = await get(ports[1], { [header]: first.headers[of] })
  console.error(`Express, ${header} of version 1 to version 2: ${second.statusCode}`)
}
process.exit()
JS
cat > serve.py <<'PY'
import asyncio, sys
import httpx
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from starlette.staticfiles import StaticFiles

async def by_starlette(folder, headers):
    app = StaticFiles(directory=folder)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url='http://f') as client:
        reply = await client.get('/page.txt', headers=headers)
        return reply.status_code, reply.headers

async def by_aiohttp(folder, headers):
    app = web.Application()
    app.router.add_static('/', folder)
    async with TestClient(TestServer(app)) as client:
        reply = await client.get('/page.txt', headers=headers)
        return reply.status, reply.headers

async def run():
    for name, get in [('Starlette', by_starlette), ('aiohttp', by_aiohttp)]:
        _, first = await get('one', {})
        for header, of in [('if-none-match', 'etag'), ('if-modified-since', 'last-modified')]:
            status, _ = await get('two', {header: first[of]})
            print(f'{name}, {header} of version 1 to version 2: {status}', file=sys.stderr)

asyncio.run(run())
PY
seen='packed 2026-05-01, unpacked 2023-11-01T00:00:00.000Z
packed 2026-06-01, unpacked 2023-11-01T00:00:00.000Z
Express, if-none-match of version 1 to version 2: 304
Express, if-modified-since of version 1 to version 2: 304
Starlette, if-none-match of version 1 to version 2: 304
Starlette, if-modified-since of version 1 to version 2: 304
aiohttp, if-none-match of version 1 to version 2: 304
aiohttp, if-modified-since of version 1 to version 2: 304'
export TZ=UTC
timeout 30 node pack.cjs > log 2> out
timeout 30 node serve.mjs 2>> out
timeout 30 venv/bin/python serve.py 2>> out
diff <(echo "$seen") out
echo "as described"
