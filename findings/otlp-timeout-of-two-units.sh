#!/usr/bin/env bash
# OTEL_EXPORTER_OTLP_TIMEOUT=2000 is two seconds to OpenTelemetry's JavaScript SDK, and more than half an hour to the one for Python.
#
# Packages: PyPI opentelemetry-exporter-otlp-proto-http 1.45.2; npm @opentelemetry/exporter-trace-otlp-proto 0.223.1, @opentelemetry/sdk-trace-base 2.12.1.
# One would swear: a variable of OpenTelemetry's specification, in milliseconds there, is the same to all of its SDKs.
# Behaviour: towards a collector that takes the connection and never answers, the exporter for JavaScript gives up after the milliseconds. The one for
# Python takes the number for seconds, so a process that flushes at its end hangs a thousand times as long.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: the feature `otel` reads milliseconds, up to a minute, and a wrong value is told at the start. The documentation
# warns those who set one variable for functions in several languages.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @opentelemetry/exporter-trace-otlp-proto@0.223.1 @opentelemetry/sdk-trace-base@2.12.1
python3 -m venv python
python/bin/pip install --quiet opentelemetry-exporter-otlp-proto-http==1.45.2

cat > run.mjs <<'JS'
import net from 'node:net'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'

const silent = net.createServer(() => {}).listen(0, '127.0.0.1')
await new Promise((resolve) => silent.once('listening', resolve))
const memory = new InMemorySpanExporter()
new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(memory)] }).getTracer('a').startSpan('b').end()
const exporter = new OTLPTraceExporter({ url: `http://127.0.0.1:${silent.address().port}/v1/traces` })
const start = performance.now()
await new Promise((resolve) => exporter.export(memory.getFinishedSpans(), resolve))
const seconds = (performance.now() - start) / 1000
console.log(`JavaScript gave up: ${seconds > 1 && seconds < 10 ? 'after the two seconds' : seconds}`)
process.exit()
JS
cat > run.py <<'PY'
import socket
import threading

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

silent = socket.create_server(('127.0.0.1', 0))
memory = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(memory))
provider.get_tracer('a').start_span('b').end()
exporter = OTLPSpanExporter(endpoint=f'http://127.0.0.1:{silent.getsockname()[1]}/v1/traces')
export = threading.Thread(target=exporter.export, args=[memory.get_finished_spans()], daemon=True)
export.start()
export.join(10)
print('Python gave up:', 'not within ten seconds' if export.is_alive() else 'within ten seconds')
PY
seen='JavaScript gave up: after the two seconds
Python gave up: not within ten seconds'
export OTEL_EXPORTER_OTLP_TIMEOUT=2000
got=$(timeout 60 node run.mjs; timeout 60 python/bin/python run.py)
diff <(echo "$seen") <(echo "$got")
echo "as described"
