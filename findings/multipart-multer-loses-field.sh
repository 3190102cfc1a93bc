#!/usr/bin/env bash
# multer loses a form field whose content type is application/octet-stream: it is neither in `body` nor in `files`.
#
# Packages: npm multer 2.5.0, express 5.3.0, busboy 1.6.0.
# One would swear: a part without a file name is a field, whatever its content type is. Python's Starlette and Werkzeug say so, too.
# Behaviour: busboy calls each part of this content type a file. multer passes over files that have no name. The field is read,
# dropped, and nothing says so: the request is a success. A field of application/json or application/cbor arrives.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: to `ex.multipart()` every part without a file name is a field. Clients of functions
# that move between Node.js and fc-runtime name binary parts (`filename="a.bin"`) or send them as the whole body.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts multer@2.5.0 express@5.3.0 busboy@1.6.0

cat > run.mjs <<'JS'
import express from 'express'
import multer from 'multer'

const app = express()
app.post('/', multer({ storage: multer.memoryStorage() }).any(), (request, reply) => {
  const files = request.files.map((file) => [file.fieldname, file.originalname, file.buffer.toString()])
  reply.json({ body: request.body, files })
})
const server = app.listen(0, '127.0.0.1', async () => {
  for (const [disposition, type] of [
    ['name="key"', 'text/plain'],
    ['name="key"', 'application/cbor'],
    ['name="key"', 'application/octet-stream'],
    ['name="key"; filename="key.bin"', 'application/octet-stream'],
  ]) {
    const body = `--B\r\nContent-Disposition: form-data; ${disposition}\r\nContent-Type: ${type}\r\n\r\nvalue\r\n--B--\r\n`
    const reply = await fetch(`http://127.0.0.1:${server.address().port}/`, {
      method: 'POST', body, headers: { 'content-type': 'multipart/form-data; boundary=B' },
    })
    console.log(type, disposition, reply.status, await reply.text())
  }
  server.close()
})
JS
seen='text/plain name="key" 200 {"body":{"key":"value"},"files":[]}
application/cbor name="key" 200 {"body":{"key":"value"},"files":[]}
application/octet-stream name="key" 200 {"body":{},"files":[]}
application/octet-stream name="key"; filename="key.bin" 200 {"body":{},"files":[["key","key.bin","value"]]}'
got=$(timeout 30 node run.mjs)
diff <(echo "$seen") <(echo "$got")
echo "as described"
