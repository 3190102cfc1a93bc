#!/usr/bin/env bash
# sseclient-py dispatches the half of an event that a cut connection left.
#
# Packages: PyPI sseclient-py 1.9.0.
# One would swear: an event ends with a blank line, and what has none when the stream ends is dropped, as the standard says.
# Behaviour: what is in the buffer at the end of the stream is dispatched as an event of its own, and its id counts. A client that
# resumes by this id asks for what follows an event that it has only half of. An id is no field of the parser's state either:
# an event without one has `None`, not the last id of the stream.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `Sse` writes an event into the body whole, and the comment `: going away` is the last that an orderly
# end sends, so that only a connection that is cut can end within an event. `Last-Event-ID` is what the client claims: where a
# half event hurts, the id belongs at the event's end. `SseEvent` writes `data:` before `id:`, so a half event has no id here.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check sseclient-py==1.9.0

cat > run.py <<'PY'
from sseclient import SSEClient

def events(name, *chunks):
    print(name, [(event.data, event.id) for event in SSEClient(iter(chunks)).events()])

events("whole:", b"id: 1\ndata: {\"n\": 1}\n\n", b"id: 2\ndata: {\"n\": 2}\n\n")
events("cut in the data:", b"id: 1\ndata: {\"n\": 1}\n\n", b"id: 2\ndata: {\"n\":")
events("cut after a line:", b"id: 1\ndata: {\"n\": 1}\n\n", b"id: 2\ndata: line one\n")
events("data before the id:", b"data: {\"n\": 1}\nid: 1\n\n", b"data: {\"n\":")
events("no id:", b"id: 1\ndata: a\n\n", b"data: b\n\n")
PY
seen="whole: [('{\"n\": 1}', '1'), ('{\"n\": 2}', '2')]
cut in the data: [('{\"n\": 1}', '1'), ('{\"n\":', '2')]
cut after a line: [('{\"n\": 1}', '1'), ('line one', '2')]
data before the id: [('{\"n\": 1}', '1'), ('{\"n\":', None)]
no id: [('a', '1'), ('b', None)]"
got=$(timeout 60 venv/bin/python run.py)
diff <(echo "$seen") <(echo "$got")
echo "as described"
