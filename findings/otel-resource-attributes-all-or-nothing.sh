#!/usr/bin/env bash
# One member that JavaScript's OpenTelemetry cannot read costs it all of OTEL_RESOURCE_ATTRIBUTES; Python keeps the others.
#
# Packages: npm @opentelemetry/resources 2.12.1, @opentelemetry/api 1.9.1; PyPI opentelemetry-sdk 1.45.2.
# One would swear: the same variable in the environment of two functions gives their telemetry the same attributes.
# Behaviour: a value with `=` in it, or a member without `=`, makes the JavaScript SDK drop every attribute, `service.name` among them, with nothing
# but a message of its diagnostics logger, which is off by default. Python leaves out the one member.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What follows for fc-runtime: `App::otel` leaves out a member that it cannot read, and keeps the others. fc-local hands variables on as the manifest has
# them. Values with signs in this variable are written percent-encoded.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @opentelemetry/resources@2.12.1 @opentelemetry/api@1.9.1
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check opentelemetry-sdk==1.45.2

cat > run.mjs <<'JS'
import { detectResources, envDetector } from '@opentelemetry/resources'
console.log(`js ${process.env.OTEL_RESOURCE_ATTRIBUTES} -> ${JSON.stringify(detectResources({ detectors: [envDetector] }).attributes)}`)
JS
cat > run.py <<'PY'
import json, os
from opentelemetry.sdk.resources import OTELResourceDetector
attributes = json.dumps(dict(OTELResourceDetector().detect().attributes), separators=(',', ':'))
print(f"py {os.environ['OTEL_RESOURCE_ATTRIBUTES']} -> {attributes}")
PY
seen='js service.name=shop,team=a -> {"service.name":"shop","team":"a"}
py service.name=shop,team=a -> {"service.name":"shop","team":"a"}
js service.name=shop,query=a=b -> {}
py service.name=shop,query=a=b -> {"service.name":"shop","query":"a=b"}
js service.name=shop,team -> {}
py service.name=shop,team -> {"service.name":"shop"}
js service.name=shop,query=a%3Db -> {"service.name":"shop","query":"a=b"}
py service.name=shop,query=a%3Db -> {"service.name":"shop","query":"a=b"}'
got=$(
  for attributes in service.name=shop,team=a service.name=shop,query=a=b service.name=shop,team service.name=shop,query=a%3Db; do
    export OTEL_RESOURCE_ATTRIBUTES=$attributes
    timeout 30 node run.mjs
    timeout 30 venv/bin/python run.py 2>/dev/null
  done
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
