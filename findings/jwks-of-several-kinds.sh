#!/usr/bin/env bash
# A key set with an Ed25519 key beside the RSA key that is meant verifies nothing with python-jose; one with a kind of tomorrow is an error to Authlib, one with a curve that it does not know to joserfc.
#
# Packages: PyPI python-jose 3.5.0, Authlib 1.9.10, joserfc 1.8.0, PyJWT 2.15.1, jwcrypto 1.6.1; npm jose 6.2.18, jwks-rsa 4.1.0, jsonwebtoken 9.0.3.
# One would swear: `kid` says which key is meant, and a verifier ignores the keys of a set that it does not understand (RFC 7517, section 5), or that are for encryption; a key without `alg`
# serves each algorithm of its kind that the verifier allows.
# Behaviour: python-jose tries all keys in their order, whatever `kid` says, and fails at the first of another kind. Authlib fails at a `kty` that it does not know, joserfc at an unknown
# curve, at `"alg": null` and at an operation of its issuer's own. To PyJWT an RSA key without `alg` is one of RS256, so that a token of RS512 or PS256 is refused although the call allows it;
# python-jose has this for PS256. jwcrypto and both of JavaScript verify each of them.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `fc-local` finds a key by its `kid`, and a key without `alg` is one of RS256. Of a set behind `jwks.url` it leaves out what it does not know or what is for
# encryption; such a key in the manifest's own `jwks.keys` is a problem, with its place in the list.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts jose@6.2.18 jwks-rsa@4.1.0 jsonwebtoken@9.0.3
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check 'python-jose[cryptography]==3.5.0' Authlib==1.9.10 joserfc==1.8.0 'PyJWT[crypto]==2.15.1' jwcrypto==1.6.1

cat > make.mjs <<'JS'
import { writeFileSync } from 'node:fs'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

const pair = await generateKeyPair('RS256', { extractable: true })
const { d, ...key } = await exportJWK(pair.privateKey)
const rsa = { kty: key.kty, n: key.n, e: key.e, kid: 'meant' }
const ed = { ...(await exportJWK((await generateKeyPair('EdDSA', { extractable: true })).publicKey)), kid: 'other' }
const sign = async (alg) => {
  const { subtle } = globalThis.crypto
  const [name, hash] = [alg.startsWith('PS') ? 'RSA-PSS' : 'RSASSA-PKCS1-v1_5', `SHA-${alg.slice(2)}`]
  const own = await subtle.importKey('jwk', await exportJWK(pair.privateKey), { name, hash }, false, ['sign'])
  return new SignJWT({ sub: 'u' }).setProtectedHeader({ alg, kid: 'meant' }).sign(own)
}
const alone = [rsa]
const cases = {
  'RS256, alone': ['RS256', alone],
  'RS512, alone': ['RS512', alone],
  'PS256, alone': ['PS256', alone],
  'RS256, behind Ed25519': ['RS256', [ed, rsa]],
  'RS256, behind a kind of tomorrow': ['RS256', [{ kty: 'AKP', alg: 'ML-DSA-44', kid: 'other', pub: 'AAAA' }, rsa]],
  'RS256, behind an unknown curve': ['RS256', [{ kty: 'EC', crv: 'brainpoolP256r1', kid: 'other', x: ed.x, y: ed.x }, rsa]],
  'RS256, behind alg null': ['RS256', [{ ...rsa, kid: 'other', alg: null }, rsa]],
  'RS256, behind an own operation': ['RS256', [{ ...rsa, kid: 'other', key_ops: ['verify', 'audit'] }, rsa]],
  'RS256, behind one for encryption': ['RS256', [{ ...rsa, kid: 'other', use: 'enc', alg: 'RSA-OAEP' }, rsa]],
}
const list = []
for (const [name, [alg, keys]] of Object.entries(cases)) list.push({ name, token: await sign(alg), set: { keys } })
writeFileSync('cases.json', JSON.stringify(list))
JS
cat > verify.py <<'PY'
import json
import warnings

warnings.simplefilter('ignore')
import jwt
from authlib.jose import JsonWebKey
from authlib.jose import jwt as authlib_jwt
from joserfc import jwk
from joserfc import jwt as joserfc_jwt
from jose import jwt as jose_jwt
from jwcrypto.jwk import JWKSet
from jwcrypto.jwt import JWT

ALLOWED = ['RS256', 'RS512', 'PS256']


def of_pyjwt(token, keys):
    return jwt.decode(token, jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(token)['kid']], algorithms=ALLOWED)


def of_jwcrypto(token, keys):
    return JWT(jwt=token, key=JWKSet.from_json(json.dumps(keys)), algs=ALLOWED, expected_type='JWS').claims


verifiers = {
    'python-jose': lambda token, keys: jose_jwt.decode(token, keys, algorithms=ALLOWED),
    'Authlib': lambda token, keys: authlib_jwt.decode(token, JsonWebKey.import_key_set(keys)),
    'joserfc': lambda token, keys: joserfc_jwt.decode(token, jwk.KeySet.import_key_set(keys), algorithms=ALLOWED),
    'PyJWT': of_pyjwt,
    'jwcrypto': of_jwcrypto,
}
for case in json.load(open('cases.json')):
    words = []
    for name, verify in verifiers.items():
        try:
            verify(case['token'], case['set'])
            words.append(f'{name} ok')
        except Exception as error:
            words.append(f'{name} {type(error).__name__}')
    print(f'{case["name"]}: {", ".join(words)}')
PY
cat > verify.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import jsonwebtoken from 'jsonwebtoken'
import jwksClient from 'jwks-rsa'

const verifiers = {
  jose: (token, set) => jwtVerify(token, createLocalJWKSet(set)),
  'jwks-rsa': async (token, set) => {
    const key = await jwksClient({ jwksUri: 'http://keys/', fetcher: async () => set }).getSigningKey(decodeProtectedHeader(token).kid)
    return jsonwebtoken.verify(token, key.getPublicKey())
  },
}
for (const { name, token, set } of JSON.parse(readFileSync('cases.json'))) {
  const words = []
  for (const [verifier, verify] of Object.entries(verifiers)) words.push(`${verifier} ${await verify(token, set).then(() => 'ok', (error) => error.name)}`)
  console.log(`${name}: ${words.join(', ')}`)
}
JS
timeout 30 node make.mjs
seen='RS256, alone: python-jose ok, Authlib ok, joserfc ok, PyJWT ok, jwcrypto ok
RS512, alone: python-jose ok, Authlib ok, joserfc ok, PyJWT InvalidAlgorithmError, jwcrypto ok
PS256, alone: python-jose JWKError, Authlib ok, joserfc ok, PyJWT InvalidAlgorithmError, jwcrypto ok
RS256, behind Ed25519: python-jose JWKError, Authlib ok, joserfc ok, PyJWT ok, jwcrypto ok
RS256, behind a kind of tomorrow: python-jose JWKError, Authlib KeyError, joserfc ok, PyJWT ok, jwcrypto ok
RS256, behind an unknown curve: python-jose JWKError, Authlib ok, joserfc KeyError, PyJWT ok, jwcrypto ok
RS256, behind alg null: python-jose ok, Authlib ok, joserfc KeyParameterError, PyJWT ok, jwcrypto ok
RS256, behind an own operation: python-jose ok, Authlib ok, joserfc KeyParameterError, PyJWT ok, jwcrypto ok
RS256, behind one for encryption: python-jose ok, Authlib ok, joserfc ok, PyJWT ok, jwcrypto ok
RS256, alone: jose ok, jwks-rsa ok
RS512, alone: jose ok, jwks-rsa ok
PS256, alone: jose ok, jwks-rsa ok
RS256, behind Ed25519: jose ok, jwks-rsa ok
RS256, behind a kind of tomorrow: jose ok, jwks-rsa ok
RS256, behind an unknown curve: jose ok, jwks-rsa ok
RS256, behind alg null: jose ok, jwks-rsa ok
RS256, behind an own operation: jose ok, jwks-rsa ok
RS256, behind one for encryption: jose ok, jwks-rsa ok'
got=$(timeout 60 python/bin/python -W ignore verify.py 2> /dev/null; timeout 30 node verify.mjs)
diff <(echo "$seen") <(echo "$got")
echo "as described"
