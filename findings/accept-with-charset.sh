#!/usr/bin/env bash
# A client that sends `Accept: application/json; charset=utf-8` gets 406 from Express.
#
# Packages: npm express 5.3.0, negotiator 1.1.0; PyPI python-mimeparse 2.0.0, Werkzeug 3.1.9.
# One would swear: what clients add out of habit does not change what they may get.
# Behaviour: negotiator, under Express's `res.format` and `req.accepts`, takes a parameter of the client's media range as a condition that the
# server's type must meet word for word. JSON without `charset` does not. python-mimeparse leaves parameters out of account; Werkzeug says no too.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `ex.accepts([..])` compares type and subtype, and parameters only where the offer itself has some.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts express@5.3.0 negotiator@1.1.0
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check python-mimeparse==2.0.0 Werkzeug==3.1.9

cat > run.cjs <<'JS'
const express = require('express')
const Negotiator = require('negotiator')
const ranges = ['application/json', 'application/json; charset=utf-8', 'application/json;q=0.9']
const app = express()
app.get('/', (request, response) => response.format({ json: () => response.json({}) }))
app.use((error, request, response, next) => response.sendStatus(error.status))
const server = app.listen(0, '127.0.0.1', async () => {
  for (const accept of ranges) {
    const answer = await fetch(`http://127.0.0.1:${server.address().port}/`, { headers: { accept } })
    console.log(`negotiator ${accept}: ${new Negotiator({ headers: { accept } }).mediaType(['application/json'])}`)
    console.log(`express ${accept}: ${answer.status}`)
  }
  server.closeAllConnections()
  server.close()
})
JS
cat > run.py <<'PY'
import mimeparse
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header
for accept in ['application/json', 'application/json; charset=utf-8', 'application/json;q=0.9']:
    print(f"mimeparse {accept}: {mimeparse.best_match(['application/json'], accept)}")
    print(f"werkzeug {accept}: {parse_accept_header(accept, MIMEAccept).best_match(['application/json'])}")
PY
seen='negotiator application/json: application/json
express application/json: 200
negotiator application/json; charset=utf-8: undefined
express application/json; charset=utf-8: 406
negotiator application/json;q=0.9: application/json
express application/json;q=0.9: 200
mimeparse application/json: application/json
werkzeug application/json: application/json
mimeparse application/json; charset=utf-8: application/json
werkzeug application/json; charset=utf-8: None
mimeparse application/json;q=0.9: application/json
werkzeug application/json;q=0.9: application/json'
diff <(echo "$seen") <(timeout 30 node run.cjs; timeout 30 venv/bin/python run.py)
echo "as described"
