#!/usr/bin/env bash
# A reply that broke off is a whole one to Python's urllib when it is read by lines or in pieces, and an error when it is read at once.
#
# Packages: Python 3.11 (urllib.request, http.client); PyPI requests 2.34.2, httpx 0.28.1 to compare.
# One would swear: a reply that ends before its Content-Length, or a chunked one without its last chunk, is an IncompleteRead, however it is read.
# Behaviour: `.read()` raises. `for line in urlopen(...)` ends as at the proper end, with half a line as the last one. So do, if there is a Content-Length,
# `csv` on an `io.TextIOWrapper`, `.read(n)` and `shutil.copyfileobj`: half a file on the disk, and no error. requests and httpx raise for both.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: an error in the middle of a stream cuts the reply, the one thing that HTTP/1 has for it (docs/decisions.md). A function whose
# callers read like this ends a stream of lines with one that says it is the last, and gives files a length and a digest that the caller compares.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet requests==2.34.2 httpx==0.28.1

cat > run.py <<'PY'
import csv
import io
import shutil
import socket
import threading
from urllib.request import urlopen

import httpx
import requests

replies = {
    'length': b'HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\n{"a": 1}\n{"a": 2}\n{"a"',
    'chunked': b'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n16\r\n{"a": 1}\n{"a": 2}\n{"a"\r\n',
}
listener = socket.create_server(('127.0.0.1', 0))


def serve():
    while True:
        connection, _ = listener.accept()
        request = b''
        while not request.endswith(b'\r\n\r\n'):
            request += connection.recv(4096)
        connection.sendall(replies[request.split()[1].decode().strip('/')])
        connection.close()


threading.Thread(target=serve, daemon=True).start()


def copied(url):
    file = io.BytesIO()
    shutil.copyfileobj(urlopen(url), file)
    return f'{file.tell()} bytes'


def in_pieces(url):
    reply = urlopen(url)
    return f'{sum(len(piece) for piece in iter(lambda: reply.read(8), b""))} bytes'


ways = {
    'urllib, at once': lambda url: urlopen(url).read(),
    'urllib, by lines': lambda url: f'{len(list(urlopen(url)))} lines',
    'urllib, csv': lambda url: f'{len(list(csv.reader(io.TextIOWrapper(urlopen(url)))))} rows',
    'urllib, in pieces': in_pieces,
    'urllib, copied': copied,
    'requests, by lines': lambda url: list(requests.get(url, stream=True).iter_lines()),
    'httpx, by lines': lambda url: list(httpx.get(url).iter_lines()),
}
for name, way in ways.items():
    for framing in replies:
        try:
            outcome = way(f'http://127.0.0.1:{listener.getsockname()[1]}/{framing}')
        except Exception as error:
            outcome = type(error).__name__
        print(f'{name}, {framing}: {outcome}')
PY
seen='urllib, at once, length: IncompleteRead
urllib, at once, chunked: IncompleteRead
urllib, by lines, length: 3 lines
urllib, by lines, chunked: 3 lines
urllib, csv, length: 3 rows
urllib, csv, chunked: IncompleteRead
urllib, in pieces, length: 22 bytes
urllib, in pieces, chunked: IncompleteRead
urllib, copied, length: 22 bytes
urllib, copied, chunked: IncompleteRead
requests, by lines, length: ChunkedEncodingError
requests, by lines, chunked: ChunkedEncodingError
httpx, by lines, length: RemoteProtocolError
httpx, by lines, chunked: RemoteProtocolError'
got=$(timeout 60 python/bin/python run.py)
diff <(echo "$seen") <(echo "$got")
echo "as described"
