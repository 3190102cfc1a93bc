#!/usr/bin/env bash
# In the Python CloudEvents SDK the type of binary data depends on the bytes: `str` if they happen to be UTF-8, else `bytes`.
#
# Packages: PyPI cloudevents 2.2.0.
# One would swear: application/octet-stream is `bytes`, text/plain is `str`, whatever is in them.
# Behaviour: the current API (`cloudevents.core`) gives `str` for an octet stream that is valid UTF-8. The API of version 1, which 2.2.0 still
# has (`cloudevents.v1.http`), reads every body as JSON first: text/plain `7` is the number 7, `true` is a bool, `007` stays bytes. Tests
# with real pictures pass, and one small file in production is an AttributeError or a number.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: readers of fc-runtime are named by the handler (`ex.bytes()`, `ex.text()`, `ex.json()`); what the bytes are never chooses
# a type. For functions in Python beside it: `data if isinstance(data, bytes) else data.encode()`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check cloudevents==2.2.0

cat > run.py <<'PY'
import warnings
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from cloudevents.v1.http import from_http

for content_type, body in [
    ("application/octet-stream", b"\x89PNG"),
    ("application/octet-stream", b"BM6 small"),
    ("application/octet-stream", b"12"),
    ("text/plain", b"note"),
    ("text/plain", b"7"),
    ("text/plain", b"007"),
    ("text/plain", b"true"),
]:
    headers = {"ce-id": "1", "ce-source": "/s", "ce-type": "t", "ce-specversion": "1.0", "content-type": content_type}
    core = from_http_event(HTTPMessage(headers, body)).get_data()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first = from_http(headers, body).get_data()
    print(f"{content_type} {body}: core {core!r}, v1 {first!r}")
PY
seen="application/octet-stream b'\\x89PNG': core b'\\x89PNG', v1 b'\\x89PNG'
application/octet-stream b'BM6 small': core 'BM6 small', v1 b'BM6 small'
application/octet-stream b'12': core '12', v1 12
text/plain b'note': core 'note', v1 b'note'
text/plain b'7': core '7', v1 7
text/plain b'007': core '007', v1 b'007'
text/plain b'true': core 'true', v1 True"
got=$(timeout 60 venv/bin/python -W ignore run.py)
diff <(echo "$seen") <(echo "$got")
echo "as described"
