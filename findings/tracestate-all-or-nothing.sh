#!/usr/bin/env bash
# One key that begins with a digit, or a 33rd member, costs OpenTelemetry's Python SDK the whole `tracestate`; the JavaScript SDK keeps the others, and leaves out what goes beyond 512 bytes.
#
# Packages: PyPI opentelemetry-api 1.45.2; npm @opentelemetry/core 2.12.1, @opentelemetry/api 1.9.1.
# One would swear: `tracestate` passes through a service as it came, each vendor's member of its own; a service that knows none of them changes none.
# Behaviour: Python reads by the first edition of Trace Context: a key such as `1a`, which the second edition allows, loses all members of all vendors, and so do a key that is there twice and 33 members. JavaScript
# leaves out the one with the digit, takes the last of two and the first 32 of 33. Of 516 bytes in three members it sends two on, Python all.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: fc-runtime hands `tracestate` on as it is, up to 2048 bytes. A trace that passes through a service in Python may have lost its vendor's member, whatever is behind.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @opentelemetry/core@2.12.1 @opentelemetry/api@1.9.1
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check opentelemetry-api==1.45.2

cat > cases.py <<'PY'
import json

members = [f'k{number}=1' for number in range(33)]
cases = {
    'two': 'a=1,b=2',
    'a digit first': 'a=1,1b=2,c=3',
    'twice': 'a=1,b=2,a=3',
    '33 members': ','.join(members),
    '516 bytes': ','.join(['a=' + 'x' * 250, 'b=' + 'y' * 250, 'c=zzzzzzzz']),
}
json.dump(cases, open('cases.json', 'w'))
PY
cat > run.py <<'PY'
import json
import logging

from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

logging.disable()
parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
for name, state in json.load(open('cases.json')).items():
    propagator, sent = TraceContextTextMapPropagator(), {}
    propagator.inject(sent, propagator.extract({'traceparent': parent, 'tracestate': state}, Context()))
    state = sent.get('tracestate', 'nothing')
    print(f'{name}, Python: {state if len(state) < 40 else f"{len(state.split(chr(44)))} members, {len(state)} bytes"}')
PY
cat > run.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { defaultTextMapGetter, defaultTextMapSetter, ROOT_CONTEXT } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'

const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
for (const [name, state] of Object.entries(JSON.parse(readFileSync('cases.json')))) {
  const propagator = new W3CTraceContextPropagator()
  const sent = {}
  propagator.inject(propagator.extract(ROOT_CONTEXT, { traceparent: parent, tracestate: state }, defaultTextMapGetter), sent, defaultTextMapSetter)
  const { tracestate = 'nothing' } = sent
  console.log(`${name}, JavaScript: ${tracestate.length < 40 ? tracestate : `${tracestate.split(',').length} members, ${tracestate.length} bytes`}`)
}
JS
python3 cases.py
seen='two, Python: a=1,b=2
a digit first, Python: nothing
twice, Python: nothing
33 members, Python: nothing
516 bytes, Python: 3 members, 516 bytes
two, JavaScript: a=1,b=2
a digit first, JavaScript: a=1,c=3
twice, JavaScript: a=3,b=2
33 members, JavaScript: 32 members, 181 bytes
516 bytes, JavaScript: 2 members, 505 bytes'
got=$(timeout 30 python/bin/python run.py; timeout 30 node run.mjs)
diff <(echo "$seen") <(echo "$got")
echo "as described"
