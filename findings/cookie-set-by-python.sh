#!/usr/bin/env bash
# A cookie that Flask or Starlette sets is another value to npm's cookie, and yet another to its versions 0.7 and 1.1.
#
# Packages: PyPI Werkzeug 3.1.9, starlette 1.10.0; npm cookie 1.1.1 and 0.7.2.
# One would swear: a comma is a comma, in a cookie too: RFC 6265 has no escapes, and quotes around a value belong to it.
# Behaviour: both frameworks quote a value with a comma and write `"a\054b"`, octal as Python's standard library has it; é is two octal escapes
# in Werkzeug. They read it back right, so it shows only where another runtime shares the domain. npm's cookie 0.7 drops the quotes and
# leaves the escapes, 1.1 leaves both.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `ex.cookie(name)` is the value as it was sent, quotes and backslashes too, so such a cookie reads `"a\054b"` here. Services
# that share cookies with fc-runtime encode them first, in base64url or percent signs, before Python's quoting sees them.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts cookie0@npm:cookie@0.7.2 cookie1@npm:cookie@1.1.1
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check Werkzeug==3.1.9 starlette==1.10.0

cat > run.py <<'PY'
from starlette.responses import Response
from werkzeug.http import dump_cookie, parse_cookie

for value in ["a b", "a,b", "\u00e9"]:
    werkzeug = dump_cookie("v", value).split("; ")[0]
    print("werkzeug", werkzeug)
    assert parse_cookie(werkzeug)["v"] == value
for value in ["a b", "a,b"]:
    reply = Response()
    reply.set_cookie("v", value)
    print("starlette", reply.headers["set-cookie"].split("; ")[0])
PY
cat > run.mjs <<'JS'
import { createInterface } from 'node:readline'
import cookie0 from 'cookie0'
import { parseCookie } from 'cookie1'

for await (const line of createInterface({ input: process.stdin })) {
  const header = line.slice(line.indexOf(' ') + 1)
  console.log(line, '| cookie 0.7:', cookie0.parse(header).v, '| cookie 1.1:', parseCookie(header).v)
}
JS
seen='werkzeug v="a b" | cookie 0.7: a b | cookie 1.1: "a b"
werkzeug v="a\054b" | cookie 0.7: a\054b | cookie 1.1: "a\054b"
werkzeug v="\303\251" | cookie 0.7: \303\251 | cookie 1.1: "\303\251"
starlette v="a b" | cookie 0.7: a b | cookie 1.1: "a b"
starlette v="a\054b" | cookie 0.7: a\054b | cookie 1.1: "a\054b"'
got=$(timeout 30 venv/bin/python run.py | timeout 30 node run.mjs)
diff <(echo "$seen") <(echo "$got")
echo "as described"
