#!/usr/bin/env bash
# npm's ali-oss stores an object under another key than the one it was given and reports.
#
# Packages: npm ali-oss 6.23.0; PyPI oss2 2.19.1.
# One would swear: an object's key is a text, and `put` sends that text; the two SDKs of one storage reach the same object by the same key.
# Behaviour: ali-oss puts the key into an address and has it made a path: a `.` segment is gone on the wire, and a slash at the front too. What
# `put` returns as `name` still has the dot. oss2 sends every octet of the key, slashes encoded.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What follows for fc-runtime: keys in events and in examples are taken as they are, never joined or cleaned as paths; those that an upload makes
# have neither dot segments nor a slash at the front.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts ali-oss@6.23.0
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check oss2==2.19.1

cat > server.cjs <<'JS'
const http = require('node:http')
const server = http.createServer(async (request, response) => {
  for await (const _ of request);
  console.error(`  asks for ${request.url}`)
  response.writeHead(200, { etag: '"1"' }).end()
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
JS
cat > run.cjs <<'JS'
const OSS = require('ali-oss')
const endpoint = `http://127.0.0.1:${process.argv[2]}`
const client = new OSS({ accessKeyId: 'id', accessKeySecret: 'secret', endpoint, bucket: 'bucket', cname: true })
;(async () => {
  for (const key of ['a/./b', '/a', 'a//b']) {
    const { name } = await client.put(key, Buffer.from('x'))
    console.error(`ali-oss ${key}: stored ${name}`)
  }
})()
JS
cat > run.py <<'PY'
import sys
import oss2
bucket = oss2.Bucket(oss2.Auth('id', 'secret'), f'http://127.0.0.1:{sys.argv[1]}', 'bucket', is_cname=True)
for key in ['a/./b', '/a', 'a//b']:
    bucket.put_object(key, b'x')
    print(f'oss2 {key}', file=sys.stderr)
PY
node server.cjs > port 2>> out &
server=$!
trap 'kill "$server"; rm -rf "$work"' EXIT
for _ in $(seq 100); do [ -s port ] && break; sleep 0.1; done
timeout 60 node run.cjs "$(cat port)" 2>> out
timeout 60 venv/bin/python run.py "$(cat port)" 2>> out
seen='  asks for /a/b
ali-oss a/./b: stored a/./b
  asks for /a
ali-oss /a: stored a
  asks for /a//b
ali-oss a//b: stored a//b
  asks for /bucket/a%2F.%2Fb
oss2 a/./b
  asks for /bucket/%2Fa
oss2 /a
  asks for /bucket/a%2F%2Fb
oss2 a//b'
diff <(echo "$seen") out
echo "as described"
