#!/usr/bin/env bash
# A token issued a few seconds ahead of the server's clock is fine for JavaScript's libraries and refused by Python's.
#
# Packages: npm jose 6.2.18, jsonwebtoken 9.0.3; PyPI PyJWT 2.15.1, joserfc 1.8.0.
# One would swear: only `exp` and `nbf` bound a token in time, as RFC 7519 has it; `iat` tells its age.
# Behaviour: PyJWT and joserfc refuse an `iat` that lies ahead, by default without any leeway, so two clocks that differ by a second make logins
# fail now and then. The JavaScript libraries do not look. The libraries part on types too: PyJWT takes an `exp` that is a text of digits and
# refuses a numeric `sub`, jose and jsonwebtoken the other way round.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What follows for fc-runtime: it checks no tokens. Where a local gateway does, the platform's documents say what counts: `exp` and `nbf`, with leeway.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts jose@6.2.18 jsonwebtoken@9.0.3
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check PyJWT==2.15.1 joserfc==1.8.0

cat > run.mjs <<'JS'
import crypto from 'node:crypto'
import fs from 'node:fs'
import jsonwebtoken from 'jsonwebtoken'
import { jwtVerify } from 'jose'
const key = 'an example of a key that is long enough'
const now = Math.floor(Date.now() / 1000)
const part = value => Buffer.from(JSON.stringify(value)).toString('base64url')
const claims = { 'iat ahead': { iat: now + 60 }, 'exp as text': { exp: String(now + 600) }, 'sub as number': { sub: 7 } }
const tokens = Object.entries(claims).map(([name, claim]) => {
  const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claim)}`
  return [name, `${text}.${crypto.createHmac('sha256', key).update(text).digest('base64url')}`]
})
fs.writeFileSync('tokens.json', JSON.stringify(tokens))
for (const [name, token] of tokens) {
  let result = 'taken'
  try { jsonwebtoken.verify(token, key) } catch { result = 'refused' }
  console.log(`jsonwebtoken, ${name}: ${result}`)
  result = await jwtVerify(token, new TextEncoder().encode(key)).then(() => 'taken', () => 'refused')
  console.log(`jose, ${name}: ${result}`)
}
JS
cat > run.py <<'PY'
import json, jwt
from joserfc import jwt as jose
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
key = 'an example of a key that is long enough'
for name, token in json.load(open('tokens.json')):
    try:
        jwt.decode(token, key, algorithms=['HS256'])
        result = 'taken'
    except jwt.PyJWTError:
        result = 'refused'
    print(f'PyJWT, {name}: {result}')
    try:
        jose.JWTClaimsRegistry().validate(jose.decode(token, OctKey.import_key(key)).claims)
        result = 'taken'
    except JoseError:
        result = 'refused'
    print(f'joserfc, {name}: {result}')
PY
seen='jsonwebtoken, iat ahead: taken
jose, iat ahead: taken
jsonwebtoken, exp as text: refused
jose, exp as text: refused
jsonwebtoken, sub as number: taken
jose, sub as number: taken
PyJWT, iat ahead: refused
joserfc, iat ahead: refused
PyJWT, exp as text: taken
joserfc, exp as text: refused
PyJWT, sub as number: refused
joserfc, sub as number: refused'
diff <(echo "$seen") <(timeout 30 node run.mjs; timeout 30 venv/bin/python -W ignore run.py)
echo "as described"
