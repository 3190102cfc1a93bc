#!/usr/bin/env bash
# A stream of huggingface_hub's client cannot be read once the client itself is no longer referenced.
#
# Packages: PyPI huggingface_hub 2.4.0, openai 3.57.0, groq 1.7.0, httpx 0.28.1.
# One would swear: a stream of completions that a function returns can be read by its caller. The stream is an object, and what it needs lives as long as it does.
# Behaviour: with huggingface_hub the loop over the stream raises `StreamClosed` before its first piece: the client that made the stream closes its connections when it is collected. The same
# function with the clients of openai and groq, to which huggingface_hub's is a drop-in, gives every piece.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: a reply of `fc-client` owns its connection; its client may be dropped while the body is read (test `a_reply_outlives_its_client` of `client/`).
set -euo pipefail
work=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check huggingface_hub==2.4.0 openai==3.57.0 groq==1.7.0 httpx==0.28.1

cat > server.py <<'PY'
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def chunk(delta, reason):
    choice = {'index': 0, 'delta': delta, 'finish_reason': reason}
    return {'id': 'one', 'object': 'chat.completion.chunk', 'created': 1, 'model': 'small', 'choices': [choice]}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers['content-length']))
        self.send_response(200)
        self.send_header('content-type', 'text/event-stream')
        self.send_header('connection', 'close')
        self.end_headers()
        for delta, reason in [({'role': 'assistant', 'content': 'two '}, None), ({'content': 'pieces'}, None), ({}, 'stop')]:
            self.wfile.write(f'data: {json.dumps(chunk(delta, reason))}\n\n'.encode())
        self.wfile.write(b'data: [DONE]\n\n')

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
PY
cat > ask.py <<'PY'
import sys

from groq import Groq
from huggingface_hub import InferenceClient
from openai import OpenAI

URL = sys.argv[1]
ASK = {'model': 'small', 'messages': [{'role': 'user', 'content': 'hello'}], 'stream': True}


def by_openai():
    return OpenAI(base_url=f'{URL}/v1', api_key='none').chat.completions.create(**ASK)


def by_groq():
    return Groq(base_url=URL, api_key='none').chat.completions.create(**ASK)


def by_hub():
    return InferenceClient(base_url=f'{URL}/v1', api_key='none').chat.completions.create(**ASK)


def by_hub_kept():
    client = InferenceClient(base_url=f'{URL}/v1', api_key='none')
    yield from client.chat.completions.create(**ASK)


for name, stream in [('openai', by_openai), ('groq', by_groq), ('huggingface_hub', by_hub), ('huggingface_hub, client kept', by_hub_kept)]:
    text = ''
    try:
        for piece in stream():
            text += piece.choices[0].delta.content or ''
    except Exception as error:
        text += type(error).__name__
    print(f'{name}: {text}')
PY
seen='openai: two pieces
groq: two pieces
huggingface_hub: StreamClosed
huggingface_hub, client kept: two pieces'
python3 server.py > port &
server=$!
until [ -s port ]; do kill -0 "$server"; sleep 0.05; done
got=$(timeout 60 python/bin/python ask.py "http://127.0.0.1:$(cat port)")
diff <(echo "$seen") <(echo "$got")
echo "as described"
