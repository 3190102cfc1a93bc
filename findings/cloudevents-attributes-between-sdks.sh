#!/usr/bin/env bash
# A CloudEvents attribute changes on its way from the Python SDK to the JavaScript SDK: percent signs appear, the time is moved and cut.
#
# Packages: PyPI cloudevents 2.2.0; npm cloudevents 10.0.0.
# One would swear: attributes are opaque to those who hand an event on, and both SDKs speak the same HTTP binding.
# Behaviour: Python percent-encodes header values as the binding asks, spaces too. JavaScript neither encodes nor decodes: the subject
# "new order" arrives as "new%20order", and a JavaScript subject "100%25" arrives in Python as "100%". JavaScript rewrites `time` in UTC with
# milliseconds, so what was signed, compared or sorted by microseconds no longer is. An event without `time` is given the current one by either.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: fc-runtime reads no CloudEvents; `ex.header("ce-subject")` is the header as it was sent. A handler compares attributes
# decoded, hands events on byte by byte, and recognizes a repeated event by source and id, never by time.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts cloudevents@10.0.0
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check cloudevents==2.2.0

cat > run.py <<'PY'
import json, sys
from datetime import datetime, timedelta, timezone
from cloudevents.core.bindings.http import HTTPMessage, from_http_event, to_binary_event
from cloudevents.core.v1.event import CloudEvent

if len(sys.argv) > 1:
    print("py got", repr(from_http_event(HTTPMessage(json.loads(sys.argv[1]), b"")).get_subject()))
else:
    at = datetime(2026, 1, 1, 8, 0, 0, 123456, tzinfo=timezone(timedelta(hours=8)))
    event = CloudEvent({"id": "1", "source": "/s", "type": "t", "specversion": "1.0", "subject": "new order", "time": at}, None)
    print(json.dumps(to_binary_event(event).headers))
PY
cat > run.mjs <<'JS'
import { CloudEvent, HTTP } from 'cloudevents'

const [, , headers] = process.argv
if (headers) {
  const { subject, time } = HTTP.toEvent({ headers: JSON.parse(headers), body: '' })
  console.log('js got', JSON.stringify(subject), time)
} else {
  const event = new CloudEvent({ id: '1', source: '/s', type: 't', subject: '100%25' })
  console.log(JSON.stringify(HTTP.binary(event).headers))
}
JS
by_py=$(timeout 30 venv/bin/python run.py)
by_js=$(timeout 30 node run.mjs)
seen='py sent "new%20order" "2026-01-01T08:00:00.123456+08:00"
js got "new%20order" 2026-01-01T00:00:00.123Z
js sent "100%25"
py got '"'100%'"
got=$(
  echo "py sent $(node -p 'const h = JSON.parse(process.argv[1]); JSON.stringify(h["ce-subject"]) + " " + JSON.stringify(h["ce-time"])' "$by_py")"
  timeout 30 node run.mjs "$by_py"
  echo "js sent $(node -p 'JSON.stringify(JSON.parse(process.argv[1])["ce-subject"])' "$by_js")"
  timeout 30 venv/bin/python run.py "$by_js"
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
