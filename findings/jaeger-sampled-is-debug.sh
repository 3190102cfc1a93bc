#!/usr/bin/env bash
# OpenTelemetry's Jaeger propagator for Python marks each sampled trace as one for debugging, and does not read the header that it gets from a client that escapes colons.
#
# Packages: PyPI opentelemetry-propagator-jaeger 1.45.1; npm @opentelemetry/propagator-jaeger 2.12.0, @opentelemetry/core 2.12.1, @opentelemetry/api 1.9.1.
# One would swear: `uber-trace-id` has one form in two languages of one project: flags 1 for "sampled", 2 more for "debug", which a backend keeps whatever its own sampling says; and what it hands to the
# W3C propagator is a valid traceparent.
# Behaviour: Python sends `03` where `1` came in, JavaScript `01`, which keeps no debug flag either. Python writes the parent as sixteen digits, JavaScript as `0`. `%3A` for colons, as some of Jaeger's clients
# write them, is a trace to JavaScript and none to Python. An id in capitals goes on in capitals from JavaScript, as a traceparent too, where Trace Context has small letters only and a receiver begins
# a trace of its own.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: fc-runtime reads and sends traceparent and B3. A proxy that translates from `uber-trace-id` by a collector of JavaScript's writes small letters first.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @opentelemetry/propagator-jaeger@2.12.0 @opentelemetry/core@2.12.1 @opentelemetry/api@1.9.1
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check opentelemetry-propagator-jaeger==1.45.1

cat > headers.json <<'JSON'
{
  "sampled": "0af7651916cd43dd8448eb211c80319c:b7ad6b7169203331:0:1",
  "debug": "0af7651916cd43dd8448eb211c80319c:b7ad6b7169203331:0:3",
  "not sampled": "0af7651916cd43dd8448eb211c80319c:b7ad6b7169203331:0:0",
  "escaped": "0af7651916cd43dd8448eb211c80319c%3Ab7ad6b7169203331%3A0%3A1",
  "capitals": "0AF7651916CD43DD8448EB211C80319C:B7AD6B7169203331:0:1"
}
JSON
cat > run.py <<'PY'
import json

from opentelemetry.context import Context
from opentelemetry.propagators.jaeger import JaegerPropagator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

for name, header in json.load(open('headers.json')).items():
    context, sent = JaegerPropagator().extract({'uber-trace-id': header}, Context()), {}
    for propagator in (JaegerPropagator(), TraceContextTextMapPropagator()):
        propagator.inject(sent, context)
    print(f'{name}, Python:', sent.get('uber-trace-id', 'no trace'), sent.get('traceparent', ''))
PY
cat > run.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { defaultTextMapGetter, defaultTextMapSetter, ROOT_CONTEXT } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { JaegerPropagator } from '@opentelemetry/propagator-jaeger'

for (const [name, header] of Object.entries(JSON.parse(readFileSync('headers.json')))) {
  const context = new JaegerPropagator().extract(ROOT_CONTEXT, { 'uber-trace-id': header }, defaultTextMapGetter)
  const sent = {}
  for (const propagator of [new JaegerPropagator(), new W3CTraceContextPropagator()]) propagator.inject(context, sent, defaultTextMapSetter)
  const { traceparent = '' } = sent
  console.log(`${name}, JavaScript:`, sent['uber-trace-id'] ?? 'no trace', traceparent)
  if (name === 'capitals') {
    const again = new W3CTraceContextPropagator().extract(ROOT_CONTEXT, { traceparent }, defaultTextMapGetter)
    console.log('read again by itself:', again === ROOT_CONTEXT ? 'no trace' : 'a trace')
  }
}
JS
seen='sampled, Python: 0af7651916cd43dd8448eb211c80319c:b7ad6b7169203331:0000000000000000:03 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
debug, Python: 0af7651916cd43dd8448eb211c80319c:b7ad6b7169203331:0000000000000000:03 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
not sampled, Python: 0af7651916cd43dd8448eb211c80319c:b7ad6b7169203331:0000000000000000:00 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00
escaped, Python: no trace 
capitals, Python: 0af7651916cd43dd8448eb211c80319c:b7ad6b7169203331:0000000000000000:03 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
sampled, JavaScript: 0af7651916cd43dd8448eb211c80319c:b7ad6b7169203331:0:01 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
debug, JavaScript: 0af7651916cd43dd8448eb211c80319c:b7ad6b7169203331:0:01 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
not sampled, JavaScript: 0af7651916cd43dd8448eb211c80319c:b7ad6b7169203331:0:00 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00
escaped, JavaScript: 0af7651916cd43dd8448eb211c80319c:b7ad6b7169203331:0:01 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
capitals, JavaScript: 0AF7651916CD43DD8448EB211C80319C:B7AD6B7169203331:0:01 00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01
read again by itself: no trace'
got=$(timeout 30 python/bin/python run.py; timeout 30 node run.mjs)
diff <(echo "$seen") <(echo "$got")
echo "as described"
