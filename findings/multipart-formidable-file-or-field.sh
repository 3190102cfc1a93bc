#!/usr/bin/env bash
# formidable tells files from fields by the content type, not by the file name, so both can end up as the other.
#
# Packages: npm formidable 3.5.4; busboy 1.6.0 to compare.
# One would swear: a part with a file name is a file, one without is a field. Content-Type is optional for either in RFC 7578.
# Behaviour: a part without Content-Type is a field although it has a file name, and its bytes become text. A part with Content-Type is a
# file although it has no file name: `curl -F 'order={"n":1};type=application/json'` makes a file on the disk, and `fields.order` is
# undefined. busboy has it the other way round for both.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: to `ex.multipart()` a file is what has a file name. A client that is to work
# with functions in either runtime sends a file with both a name and a content type, and a field with neither.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts formidable@3.5.4 busboy@1.6.0

cat > run.mjs <<'JS'
import http from 'node:http'
import busboy from 'busboy'
import formidable from 'formidable'

const readers = {
  async formidable(request) {
    const [fields, files] = await formidable({ uploadDir: process.cwd() }).parse(request)
    return [...Object.keys(fields).map((name) => `field ${name}`), ...Object.keys(files).map((name) => `file ${name}`)]
  },
  busboy: (request) => new Promise((done) => {
    const parts = []
    const reader = busboy({ headers: request.headers })
    reader.on('field', (name) => parts.push(`field ${name}`))
    reader.on('file', (name, stream) => { stream.resume(); parts.push(`file ${name}`) })
    reader.on('close', () => done(parts))
    request.pipe(reader)
  }),
}
const server = http.createServer(async (request, reply) => {
  reply.end(String(await readers[request.url.slice(1)](request)))
})
server.listen(0, '127.0.0.1', async () => {
  for (const head of [
    'name="a"',
    'name="a"; filename="a.txt"\r\nContent-Type: text/plain',
    'name="a"; filename="a.txt"',
    'name="a"\r\nContent-Type: application/json',
  ]) {
    for (const reader of Object.keys(readers)) {
      const reply = await fetch(`http://127.0.0.1:${server.address().port}/${reader}`, {
        method: 'POST', body: `--B\r\nContent-Disposition: form-data; ${head}\r\n\r\n{"n":1}\r\n--B--\r\n`,
        headers: { 'content-type': 'multipart/form-data; boundary=B' },
      })
      console.log(`${head.replace('\r\n', ' | ')} -> ${reader}: ${await reply.text()}`)
    }
  }
  server.close()
})
JS
seen='name="a" -> formidable: field a
name="a" -> busboy: field a
name="a"; filename="a.txt" | Content-Type: text/plain -> formidable: file a
name="a"; filename="a.txt" | Content-Type: text/plain -> busboy: file a
name="a"; filename="a.txt" -> formidable: field a
name="a"; filename="a.txt" -> busboy: file a
name="a" | Content-Type: application/json -> formidable: file a
name="a" | Content-Type: application/json -> busboy: field a'
got=$(timeout 30 node run.mjs)
diff <(echo "$seen") <(echo "$got")
echo "as described"
