#!/usr/bin/env bash
# OTLP's JSON is read by protobuf's own JSON reader without an error, and each trace is another one: 24 bytes of id where 16 were.
#
# Packages: npm @opentelemetry/otlp-transformer 0.223.1, @opentelemetry/sdk-trace-base 2.12.1, @opentelemetry/api 1.9.1; PyPI opentelemetry-proto 1.45.2,
# protobuf 7.36.2.
# One would swear: OTLP is a protobuf message, so its JSON is the JSON of protobuf: who has the .proto files and a protobuf library reads and writes both forms.
# Behaviour: ids are hexadecimal in OTLP's JSON and base64 in protobuf's, and 32 hexadecimal digits are valid base64. A relay that parses what JavaScript exports and sends it on as
# protobuf makes ids of 24 and 12 bytes of it, which match no other span. The other way round the ids are base64 and the kind is a name,
# where OTLP has hexadecimal digits and a number.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: the library's feature `otel` sends protobuf alone. A function that takes OTLP from a browser relays the body as it came, or turns the ids by hand.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @opentelemetry/otlp-transformer@0.223.1 @opentelemetry/sdk-trace-base@2.12.1 @opentelemetry/api@1.9.1
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check opentelemetry-proto==1.45.2 protobuf==7.36.2

cat > export.mjs <<'JS'
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'

const exporter = new InMemorySpanExporter()
const idGenerator = { generateTraceId: () => '0af7651916cd43dd8448eb211c80319c', generateSpanId: () => 'b7ad6b7169203331' }
const provider = new BasicTracerProvider({ idGenerator, spanProcessors: [new SimpleSpanProcessor(exporter)] })
provider.getTracer('shop').startSpan('order').end()
process.stdout.write(JsonTraceSerializer.serializeRequest(exporter.getFinishedSpans()))
JS
cat > read.py <<'PY'
import json

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

text = open('exported.json').read()
sent = json.loads(text)['resourceSpans'][0]['scopeSpans'][0]['spans'][0]
print('exported by JavaScript:', sent['traceId'], sent['spanId'], sent['kind'])
span = json_format.Parse(text, ExportTraceServiceRequest()).resource_spans[0].scope_spans[0].spans[0]
print(f'read by protobuf: {span.trace_id.hex()} ({len(span.trace_id)} bytes) {span.span_id.hex()} ({len(span.span_id)} bytes) {span.kind}')
span = Span(trace_id=bytes.fromhex(sent['traceId']), span_id=bytes.fromhex(sent['spanId']), kind=sent['kind'])
written = json.loads(json_format.MessageToJson(span))
print('written by protobuf:', written['traceId'], written['spanId'], written['kind'])
PY
seen='exported by JavaScript: 0af7651916cd43dd8448eb211c80319c b7ad6b7169203331 1
read by protobuf: d1a7fbeb9d7dd7a71de3775df38e3c79bdb5d5cf34df5f5c (24 bytes) 6fb69de9bef5ebddb4df7df5 (12 bytes) 1
written by protobuf: CvdlGRbNQ92ESOshHIAxnA== t61rcWkgMzE= SPAN_KIND_INTERNAL'
timeout 30 node export.mjs > exported.json
got=$(timeout 30 python/bin/python read.py)
diff <(echo "$seen") <(echo "$got")
echo "as described"
