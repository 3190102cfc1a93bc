#!/usr/bin/env bash
# Once an event had an id, httpx-sse makes an empty event of every blank line, those after comments too.
#
# Packages: PyPI httpx-sse 0.4.3, httpx 0.28.1.
# One would swear: a comment is no event. The standard dispatches nothing while the data is empty, whatever the last id is.
# Behaviour: the decoder keeps the last id, as the standard says, and takes it for a reason to dispatch. Before the first id a comment
# is silent; from then on each comment that a blank line ends is a `message` event with empty data, so that `event.json()` raises
# JSONDecodeError in the quiet minutes of a stream only. A comment without the blank line stays silent.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `Sse` breaks a silence with the line `:` and a blank line, and ends a stream with `: going away` and
# a blank line. Python clients skip events whose data is empty: `if event.data:`. A comment of one line, without the blank line, keeps
# a connection open just as well and is silent for this client too.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check httpx-sse==0.4.3 httpx==0.28.1

cat > run.py <<'PY'
import httpx
from httpx_sse import EventSource

def events(name, body):
    reply = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=body)
    print(name, [(event.event, event.data, event.id) for event in EventSource(reply).iter_sse()])
    return reply

events("comments alone:", b":\n\n:\n\n")
events("without an id:", b"data: 1\n\n:\n\n:\n\n")
events("with an id:", b"id: 7\ndata: 1\n\n:\n\n:\n\n")
events("without the blank line:", b"id: 7\ndata: 1\n\n:\n:\n")
reply = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=b'id: 7\ndata: {"n":1}\n\n:\n\n')
try:
    for event in EventSource(reply).iter_sse():
        print("json:", event.json())
except ValueError as error:
    print("json:", type(error).__name__)
PY
seen="comments alone: []
without an id: [('message', '1', '')]
with an id: [('message', '1', '7'), ('message', '', '7'), ('message', '', '7')]
without the blank line: [('message', '1', '7')]
json: {'n': 1}
json: JSONDecodeError"
got=$(timeout 60 venv/bin/python run.py)
diff <(echo "$seen") <(echo "$got")
echo "as described"
