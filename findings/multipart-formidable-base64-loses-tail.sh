#!/usr/bin/env bash
# formidable neither decodes a base64 field nor leaves it alone: it drops the last characters.
#
# Packages: npm formidable 3.5.4.
# One would swear: `Content-Transfer-Encoding: base64` on a field is decoded, or (as RFC 7578 deprecates it) ignored.
# Behaviour: a file of this encoding is decoded. A field stays base64, but only whole groups of four characters without padding: the last
# group with `=` is gone, silently. "hi" (`aGk=`) arrives as the empty text. Texts of 3, 6, 9 ... bytes look right in tests.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `ex.multipart()` gives the bytes of a part as they came, whatever this header says. Function Compute moves
# bodies unchanged, so no client has a reason for this header: bytes are sent as bytes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts formidable@3.5.4

cat > run.mjs <<'JS'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import formidable from 'formidable'

const server = http.createServer(async (request, reply) => {
  const [fields, files] = await formidable({ uploadDir: process.cwd() }).parse(request)
  const file = files.a && readFileSync(files.a[0].filepath, 'utf8')
  reply.end(JSON.stringify(file === undefined ? { field: fields.a[0] } : { file }))
})
server.listen(0, '127.0.0.1', async () => {
  for (const text of ['hey', 'hi', 'hello world']) {
    for (const head of ['name="a"', 'name="a"; filename="a"\r\nContent-Type: text/plain']) {
      const base64 = Buffer.from(text).toString('base64')
      const reply = await fetch(`http://127.0.0.1:${server.address().port}/`, {
        method: 'POST', headers: { 'content-type': 'multipart/form-data; boundary=B' },
        body: `--B\r\nContent-Disposition: form-data; ${head}\r\nContent-Transfer-Encoding: base64\r\n\r\n${base64}\r\n--B--\r\n`,
      })
      console.log(text, base64, await reply.text())
    }
  }
  server.close()
})
JS
seen='hey aGV5 {"field":"aGV5"}
hey aGV5 {"file":"hey"}
hi aGk= {"field":""}
hi aGk= {"file":"hi"}
hello world aGVsbG8gd29ybGQ= {"field":"aGVsbG8gd29y"}
hello world aGVsbG8gd29ybGQ= {"file":"hello world"}'
got=$(timeout 30 node run.mjs)
diff <(echo "$seen") <(echo "$got")
echo "as described"
