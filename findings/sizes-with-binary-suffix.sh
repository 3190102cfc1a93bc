#!/usr/bin/env bash
# `1MiB` is one byte to npm's bytes, and with it to every size limit of Express; `512Ki` is 512 000 bytes to Python's humanfriendly.
#
# Packages: npm bytes 3.1.2, express 5.3.0; PyPI humanfriendly 10.0.
# One would swear: a size is read or refused.
# Behaviour: bytes knows kb, mb, gb (binary all of them). Of any other text it takes the digits in front, as bytes. So
# `express.json({ limit: '1MiB' })` answers 413 to a body of two bytes, and `1M`, which nginx takes, is one byte too. humanfriendly takes
# `1MiB` as 2^20, but `512Ki`, the Kubernetes way, as decimal.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What follows for fc-runtime: sizes are numbers in its API, and where fc-local reads a size as text it refuses an unknown suffix.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts bytes@3.1.2 express@5.3.0
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check humanfriendly==10.0

cat > run.cjs <<'JS'
const bytes = require('bytes')
const express = require('express')
for (const text of ['1MB', '1MiB', '1M', '512Ki', '1,5MB']) console.log(`bytes ${text}: ${bytes.parse(text)}`)
const app = express()
app.use(express.json({ limit: '1MiB' }))
app.post('/', (request, response) => response.send('read'))
app.use((error, request, response, next) => response.status(error.status).send(error.type))
const server = app.listen(0, '127.0.0.1', async () => {
  const answer = await fetch(`http://127.0.0.1:${server.address().port}/`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })
  console.log(`express with a limit of 1MiB, two bytes: ${answer.status} ${await answer.text()}`)
  server.closeAllConnections()
  server.close()
})
JS
cat > run.py <<'PY'
import humanfriendly
for text in ['1MB', '1MiB', '1M', '512Ki']:
    print(f'humanfriendly {text}: {humanfriendly.parse_size(text)}')
PY
seen="bytes 1MB: 1048576
bytes 1MiB: 1
bytes 1M: 1
bytes 512Ki: 512
bytes 1,5MB: 1
express with a limit of 1MiB, two bytes: 413 entity.too.large
humanfriendly 1MB: 1000000
humanfriendly 1MiB: 1048576
humanfriendly 1M: 1000000
humanfriendly 512Ki: 512000"
diff <(echo "$seen") <(timeout 30 node run.cjs; timeout 30 venv/bin/python run.py)
echo "as described"
