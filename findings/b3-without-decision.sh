#!/usr/bin/env bash
# A B3 header that leaves sampling to the receiver is "record" to OpenTelemetry's Python SDK and "do not record" to its JavaScript SDK;
# `b3: 0`, the decision not to record, is no decision to either.
#
# Packages: PyPI opentelemetry-sdk 1.45.2, opentelemetry-propagator-b3 1.45.1; npm @opentelemetry/propagator-b3 2.12.0,
# @opentelemetry/sdk-trace-base 2.12.1, @opentelemetry/api 1.9.1.
# One would swear: `b3: {trace}-{span}` means "you decide", so the local sampler does, and `b3: 0` means "not this one".
# Behaviour: Python sets the sampled flag. JavaScript does not, so its default parent-based sampler never records, and it tells the services
# behind it `-0`, which is now a decision. On `b3: 0` both start a new trace and record it, against the caller's wish.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: fc-runtime reads `b3: 0` as the decision not to record and hands it on with ids (`{trace}-{span}-0`). An open
# decision is handed on as open, in B3 alone, unless an exporter of ours decides. The tests: `trace::context`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts \
  @opentelemetry/propagator-b3@2.12.0 @opentelemetry/sdk-trace-base@2.12.1 @opentelemetry/api@1.9.1
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check opentelemetry-sdk==1.45.2 opentelemetry-propagator-b3==1.45.1

cat > run.mjs <<'JS'
import { ROOT_CONTEXT, defaultTextMapGetter, defaultTextMapSetter, trace } from '@opentelemetry/api'
import { B3Propagator } from '@opentelemetry/propagator-b3'
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'

const tracer = new BasicTracerProvider().getTracer('t')
const b3header = new B3Propagator()
for (const b3 of process.argv.slice(2)) {
  const parent = b3header.extract(ROOT_CONTEXT, { b3 }, defaultTextMapGetter)
  const span = tracer.startSpan('work', {}, parent)
  const out = {}
  b3header.inject(trace.setSpan(parent, span), out, defaultTextMapSetter)
  const same = b3.startsWith(span.spanContext().traceId)
  console.log(`js ${b3}: ${same ? 'same trace' : 'new trace'}, ${span.isRecording() ? 'recorded' : 'not recorded'}, tells the next ${out.b3.slice(-2)}`)
}
JS
cat > run.py <<'PY'
import sys
from opentelemetry import trace
from opentelemetry.propagators.b3 import B3SingleFormat
from opentelemetry.sdk.trace import TracerProvider

tracer, b3header = TracerProvider().get_tracer("t"), B3SingleFormat()
for b3 in sys.argv[1:]:
    parent, out = b3header.extract({"b3": b3}), {}
    span = tracer.start_span("work", context=parent)
    b3header.inject(out, trace.set_span_in_context(span, parent))
    same = b3.startswith(trace.format_trace_id(span.get_span_context().trace_id))
    print(f"py {b3}: {'same trace' if same else 'new trace'}, {'recorded' if span.is_recording() else 'not recorded'}, tells the next {out['b3'][-2:]}")
PY
ids=80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1
seen="py $ids-1: same trace, recorded, tells the next -1
py $ids-0: same trace, not recorded, tells the next -0
py $ids: same trace, recorded, tells the next -1
py 0: new trace, recorded, tells the next -1
js $ids-1: same trace, recorded, tells the next -1
js $ids-0: same trace, not recorded, tells the next -0
js $ids: same trace, not recorded, tells the next -0
js 0: new trace, recorded, tells the next -1"
got=$(
  timeout 30 venv/bin/python run.py $ids-1 $ids-0 $ids 0
  timeout 30 node run.mjs $ids-1 $ids-0 $ids 0
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
