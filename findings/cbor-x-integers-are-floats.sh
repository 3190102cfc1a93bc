#!/usr/bin/env bash
# cbor-x writes whole numbers from 2^32 up as floats, and plain byte arrays under a tag, so other languages read other types.
#
# Packages: npm cbor-x 1.6.9; PyPI cbor2 6.3.0 to compare.
# One would swear: a whole number is a CBOR integer (that is what CBOR has over JSON), and a Uint8Array is a byte string.
# Behaviour: 4294967295 is an integer, 4294967296 is a float, and so is every `Date.now()`. Python reads 1.7e12 as a float; a reader of integers in
# Rust, Go or Java refuses it. A Uint8Array is tag 64 (RFC 8746), which cbor2 gives as a CBORTag, not bytes; a Buffer of the same bytes is bytes.
# A BigInt is an integer, and `tagUint8Array: false` writes bytes.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: events reach a handler as bytes (`event.bytes()`), so the handler's CBOR library decides. A handler that reads
# CBOR of clients in JavaScript takes whole floats for integers, or asks for `BigInt(Date.now())` and a Buffer.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts cbor-x@1.6.9
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check cbor2==6.3.0

cat > run.mjs <<'JS'
import { Encoder, encode } from 'cbor-x'

const say = (name, bytes) => console.log(name, Buffer.from(bytes).toString('hex'))
say('2^32-1', encode(2 ** 32 - 1))
say('2^32', encode(2 ** 32))
say('milliseconds', encode(1767225600000))
say('BigInt', encode(1767225600000n))
say('Buffer', encode(Buffer.from('hi')))
say('Uint8Array', encode(new TextEncoder().encode('hi')))
say('tagUint8Array:false', new Encoder({ tagUint8Array: false }).encode(new TextEncoder().encode('hi')))
JS
cat > run.py <<'PY'
import sys
import cbor2

for line in sys.stdin:
    name, wire = line.split()
    print(name, wire, repr(cbor2.loads(bytes.fromhex(wire))))
PY
seen="2^32-1 1affffffff 4294967295
2^32 fb41f0000000000000 4294967296.0
milliseconds fb4279b76daa800000 1767225600000.0
BigInt 1b0000019b76daa800 1767225600000
Buffer 426869 b'hi'
Uint8Array d840426869 CBORTag(64, b'hi')
tagUint8Array:false 426869 b'hi'"
got=$(timeout 30 node run.mjs | timeout 30 venv/bin/python run.py)
diff <(echo "$seen") <(echo "$got")
echo "as described"
