#!/usr/bin/env bash
# `Accept: application/json; charset=utf-8` is answered 406 by Express, and best_match of Werkzeug is None.
#
# Packages: npm express 5.3.0, negotiator 1.1.0; PyPI Werkzeug 3.1.9.
# One would swear: JSON is JSON. JSON has no charset parameter at all, clients write it out of habit, and Express itself answers
# `Content-Type: application/json; charset=utf-8`, which is exactly what is asked for.
# Behaviour: a media range with a parameter matches only an offer that has the same parameter. `reply.format` compares with
# "application/json" without it, and finds nothing that the client accepts.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: fc-runtime does not refuse a request for its Accept: a handler that returns `Json` answers JSON. A handler that
# chooses by Accept compares the type before the first `;`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts express@5.3.0 negotiator@1.1.0
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check Werkzeug==3.1.9

cat > run.mjs <<'JS'
import express from 'express'

const app = express()
app.get('/', (request, reply) => reply.format({ 'application/json': () => reply.json({}), default: () => reply.sendStatus(406) }))
const server = app.listen(0, '127.0.0.1', async () => {
  for (const accept of process.argv.slice(2)) {
    const reply = await fetch(`http://127.0.0.1:${server.address().port}/`, { headers: { accept } })
    console.log('express', accept, '->', reply.status, reply.headers.get('content-type'))
  }
  server.close()
})
JS
cat > run.py <<'PY'
import sys
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

for accept in sys.argv[1:]:
    print("werkzeug", accept, "->", parse_accept_header(accept, MIMEAccept).best_match(["application/json"]))
PY
seen='express application/json -> 200 application/json; charset=utf-8
express application/json; charset=utf-8 -> 406 text/plain; charset=utf-8
werkzeug application/json -> application/json
werkzeug application/json; charset=utf-8 -> None'
got=$(
  timeout 30 node run.mjs application/json 'application/json; charset=utf-8'
  timeout 30 venv/bin/python run.py application/json 'application/json; charset=utf-8'
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
