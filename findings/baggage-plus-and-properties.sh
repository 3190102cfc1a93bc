#!/usr/bin/env bash
# OpenTelemetry's Python SDK reads and writes W3C baggage as a form: `+` is a space, and a member's properties become its value.
#
# Packages: PyPI opentelemetry-api 1.45.2; npm @opentelemetry/core 2.12.1, @opentelemetry/api 1.9.1.
# One would swear: one SDK family agrees on one small header. A `+` is a plain octet in W3C baggage, and `;` begins a member's properties.
# Behaviour: Python writes a space as `+`, which JavaScript reads as a plus. Python reads a plus that another system sent raw, as in
# a phone number or base64, as a space (and strips it at an end). It reads `tier=gold;ttl=5` as the value "gold;ttl=5" and hands on `tier=gold%3Bttl%3D5`, so that
# the next service compares "gold;ttl=5" with "gold". No service logs anything.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: fc-runtime reads no baggage and changes none; `ex.header("baggage")` is the header as it was sent. A handler
# that calls others copies it byte by byte in place of decoding and encoding it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @opentelemetry/core@2.12.1 @opentelemetry/api@1.9.1
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check opentelemetry-api==1.45.2

cat > run.mjs <<'JS'
import { ROOT_CONTEXT, defaultTextMapGetter, defaultTextMapSetter, propagation } from '@opentelemetry/api'
import { W3CBaggagePropagator } from '@opentelemetry/core'

const w3c = new W3CBaggagePropagator()
for (const baggage of process.argv.slice(2)) {
  const context = w3c.extract(ROOT_CONTEXT, { baggage }, defaultTextMapGetter)
  const out = {}
  w3c.inject(context, out, defaultTextMapSetter)
  const values = propagation.getBaggage(context).getAllEntries().map(([name, { value }]) => `${name} is "${value}"`)
  console.log(`js reads ${baggage}: ${values}; hands on ${out.baggage}`)
}
JS
cat > run.py <<'PY'
import sys
from opentelemetry import baggage
from opentelemetry.baggage.propagation import W3CBaggagePropagator

w3c = W3CBaggagePropagator()
for header in sys.argv[1:]:
    context, out = w3c.extract({"baggage": header}), {}
    w3c.inject(out, context)
    values = ",".join(f'{name} is "{value}"' for name, value in baggage.get_all(context).items())
    print(f"py reads {header}: {values}; hands on {out['baggage']}")
PY
seen='py reads city=New%20York: city is "New York"; hands on city=New+York
js reads city=New+York: city is "New+York"; hands on city=New%2BYork
py reads phone=+8613800000000: phone is "8613800000000"; hands on phone=8613800000000
py reads tier=gold;ttl=5: tier is "gold;ttl=5"; hands on tier=gold%3Bttl%3D5
js reads tier=gold;ttl=5: tier is "gold"; hands on tier=gold;ttl=5
js reads tier=gold%3Bttl%3D5: tier is "gold;ttl=5"; hands on tier=gold%3Bttl%3D5'
got=$(
  timeout 30 venv/bin/python run.py city=New%20York
  timeout 30 node run.mjs city=New+York
  timeout 30 venv/bin/python run.py phone=+8613800000000 'tier=gold;ttl=5'
  timeout 30 node run.mjs 'tier=gold;ttl=5' tier=gold%3Bttl%3D5
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
