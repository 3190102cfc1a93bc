#!/usr/bin/env bash
# OpenTelemetry's JavaScript propagator writes three digits of flags into traceparent when it hands on flags above 0f.
#
# Packages: npm @opentelemetry/core 2.12.1, @opentelemetry/api 1.9.1; PyPI opentelemetry-api 1.45.2.
# One would swear: a propagator hands on two hexadecimal digits. Other flags than the two lowest are valid input: the standard reserves them.
# Behaviour: the flags are written as "0" and the number in hexadecimal, which is three digits from 10 up. The header is invalid, so the next
# service starts a trace of its own. It happens where a context is handed on without a span of one's own, as in a proxy or with the SDK off.
# Python hands on two digits, and drops what JavaScript wrote.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `TraceContext::inject` writes two digits, and of the flags only those that the standard has defined. A context
# that cannot be read is none: a trace begins. The tests: `trace::context`. fc-local hands a client's traceparent to the function unchanged.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @opentelemetry/core@2.12.1 @opentelemetry/api@1.9.1
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check opentelemetry-api==1.45.2

cat > run.mjs <<'JS'
import { ROOT_CONTEXT, defaultTextMapGetter, defaultTextMapSetter } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'

const w3c = new W3CTraceContextPropagator()
const out = {}
w3c.inject(w3c.extract(ROOT_CONTEXT, { traceparent: process.argv[2] }, defaultTextMapGetter), out, defaultTextMapSetter)
console.log(out.traceparent ?? 'nothing')
JS
cat > run.py <<'PY'
import sys
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

w3c, out = TraceContextTextMapPropagator(), {}
w3c.inject(out, w3c.extract({"traceparent": sys.argv[1]}))
print(out.get("traceparent", "nothing"))
PY
ids=00-80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1
seen="01: js $ids-01, py after js $ids-01
03: js $ids-03, py after js $ids-03
11: js $ids-011, py after js nothing
11: py $ids-11"
got=$(
  for flags in 01 03 11; do
    by_js=$(timeout 30 node run.mjs $ids-$flags)
    echo "$flags: js $by_js, py after js $(timeout 30 venv/bin/python run.py "$by_js")"
  done
  echo "11: py $(timeout 30 venv/bin/python run.py $ids-11)"
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
