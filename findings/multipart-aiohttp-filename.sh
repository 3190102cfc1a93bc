#!/usr/bin/env bash
# aiohttp's client percent-encodes file names in forms, spaces too, and most servers do not decode them.
#
# Packages: PyPI aiohttp 3.14.5, httpx 0.28.1, python-multipart 0.0.34, starlette 1.10.0, Werkzeug 3.1.9.
# One would swear: `filename="my file.txt"` is on the wire as it is, as requests, httpx, curl and browsers send it.
# Behaviour: aiohttp sends `filename="my%20file.txt"`. Starlette and Werkzeug keep `my%20file.txt` (Werkzeug decodes `%22` alone), so the
# upload has another name than the file. `FormData(quote_fields=False)` sends it as it is.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `Part::file_name` decodes no percent signs but `%22`: to other clients
# `100%25.txt` is a name. Python clients pass `quote_fields=False`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check \
  aiohttp==3.14.5 httpx==0.28.1 python-multipart==0.0.34 starlette==1.10.0 Werkzeug==3.1.9

cat > run.py <<'PY'
import asyncio, io
import aiohttp, httpx
from starlette.requests import Request
from werkzeug.wrappers import Request as Environ

class Sink(bytearray):
    async def write(self, data):
        self.extend(data)

async def by_aiohttp(name, **options):
    form = aiohttp.FormData(**options)
    form.add_field("file", io.BytesIO(b"x"), filename=name)
    payload, sink = form(), Sink()
    await payload.write(sink)
    return payload.headers["content-type"], bytes(sink)

async def by_httpx(name):
    request = httpx.Request("POST", "http://localhost/", files={"file": (name, b"x")})
    return request.headers["content-type"], request.read()

async def read(content_type, body):
    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}
    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", content_type.encode())]}
    starlette = (await Request(scope, receive).form())["file"].filename
    environ = {"REQUEST_METHOD": "POST", "CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}
    return starlette, Environ(environ).files["file"].filename

async def main():
    for name in ["my file.txt", "r\u00e9sum\u00e9.txt", "100%.txt"]:
        for client, sent in [
            ("httpx", by_httpx(name)),
            ("aiohttp", by_aiohttp(name)),
            ("aiohttp unquoted", by_aiohttp(name, quote_fields=False)),
        ]:
            print(name, client, *(await read(*(await sent))), sep=" | ")

asyncio.run(main())
PY
seen='my file.txt | httpx | my file.txt | my file.txt
my file.txt | aiohttp | my%20file.txt | my%20file.txt
my file.txt | aiohttp unquoted | my file.txt | my file.txt
résumé.txt | httpx | résumé.txt | résumé.txt
résumé.txt | aiohttp | r%C3%A9sum%C3%A9.txt | r%C3%A9sum%C3%A9.txt
résumé.txt | aiohttp unquoted | résumé.txt | résumé.txt
100%.txt | httpx | 100%.txt | 100%.txt
100%.txt | aiohttp | 100%25.txt | 100%25.txt
100%.txt | aiohttp unquoted | 100%.txt | 100%.txt'
got=$(PYTHONUTF8=1 timeout 60 venv/bin/python run.py)
diff <(echo "$seen") <(echo "$got")
echo "as described"
