#!/usr/bin/env bash
# Express answers 416 when the last N bytes of a file are asked for and the file is shorter.
#
# Packages: npm express 5.3.0, send 1.2.1, range-parser 1.3.0; PyPI starlette 1.10.0, httpx2 2.16.2 to compare.
# One would swear: `Range: bytes=-65536` on a file of 100 bytes is the whole file with 206; RFC 9110 says so in so many words.
# Behaviour: range-parser calls a suffix that is longer than the file unsatisfiable. A range whose end is beyond the file (`bytes=0-65535`) is
# cut to the file as it should be. Readers of zip, Parquet or video ask for the tail first, so they fail on small files only.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `ex.file`, `app.files` and `ex.conditional` cut the suffix to the length. A client that asks a function in Node.js falls back to the whole file on 416.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts express@5.3.0 send@1.2.1 range-parser@1.3.0
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check starlette==1.10.0 httpx2==2.16.2
head -c 100 /dev/zero > file

cat > run.mjs <<'JS'
import express from 'express'

const app = express()
app.get('/file', (request, reply) => reply.sendFile(`${process.cwd()}/file`, (error) => {
  if (error) reply.sendStatus(error.status)
}))
const server = app.listen(0, '127.0.0.1', async () => {
  for (const range of process.argv.slice(2)) {
    const reply = await fetch(`http://127.0.0.1:${server.address().port}/file`, { headers: { range } })
    await reply.arrayBuffer()
    console.log('express', range, reply.status, reply.headers.get('content-range'))
  }
  server.close()
})
JS
cat > run.py <<'PY'
import sys
from starlette.responses import FileResponse
from starlette.testclient import TestClient

client = TestClient(FileResponse("file"))
for range in sys.argv[1:]:
    reply = client.get("/file", headers={"range": range})
    print("starlette", range, reply.status_code, reply.headers["content-range"])
PY
seen='express bytes=0-65535 206 bytes 0-99/100
express bytes=-100 206 bytes 0-99/100
express bytes=-101 416 bytes */100
starlette bytes=0-65535 206 bytes 0-99/100
starlette bytes=-100 206 bytes 0-99/100
starlette bytes=-101 206 bytes 0-99/100'
got=$(
  timeout 30 node run.mjs bytes=0-65535 bytes=-100 bytes=-101
  timeout 30 venv/bin/python run.py bytes=0-65535 bytes=-100 bytes=-101
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
