#!/usr/bin/env bash
# A redirect is a success to Alibaba Cloud's SDK for Node.js: `deleteFunction` returns, and nothing is deleted; and a 502 of a proxy has no status in both SDKs.
#
# Packages: npm @alicloud/fc20230330 4.7.6, @alicloud/openapi-client 0.4.15; PyPI alibabacloud_fc20230330 4.8.3.
# One would swear: an SDK follows a redirect or fails by it; and a failure with a page of HTML, as a proxy or a load balancer on the way answers, is an error that
# has its status, by which a caller tries again.
# Behaviour: a 307 in the SDK for Node.js is the result of `deleteFunction` and of `invokeFunction`, without an error, with the body of the redirect;
# `getFunction` fails as its body is no JSON. The one for Python follows the redirect, and sends the signature made for the path it came from. A 502 or 503 without JSON is a
# SyntaxError in Node.js and "Failed to parse the value as json format" in Python, neither of which has the status. With JSON both have it.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `fc-client` refuses each reply of the API that is no success, with its status, whatever its body is, and follows no redirect
# (`a_redirect_is_no_success_of_the_api` in client/tests). A failure of `fc-local`'s control plane is JSON. Behind a proxy a caller of the SDKs looks at `statusCode` of a result.
set -euo pipefail
work=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @alicloud/fc20230330@4.7.6 @alicloud/openapi-client@0.4.15
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check alibabacloud_fc20230330==4.8.3

cat > server.py <<'PY'
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

replies = {
    '307': (307, 'text/html', b'<p>moved'),
    '502-html': (502, 'text/html', b'<h1>Bad Gateway'),
    '503-empty': (503, None, b''),
    '503-json': (503, 'application/json', b'{"Code":"ServiceUnavailable","Message":"later"}'),
}


class Proxy(BaseHTTPRequestHandler):
    """The name of the function says what is answered."""

    def answer(self):
        self.rfile.read(int(self.headers.get('content-length', 0)))
        name = self.path.split('/')[3]
        status, kind, body = (200, 'application/json', b'{}') if name == 'target' else replies[name]
        self.send_response(status)
        if status == 307:
            self.send_header('location', self.path.replace(name, 'target'))
        if kind:
            self.send_header('content-type', kind)
        self.send_header('content-length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = answer

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(('127.0.0.1', 0), Proxy)
print(server.server_port, flush=True)
server.serve_forever()
PY
cat > ask.cjs <<'JS'
const { default: Client, GetFunctionRequest, InvokeFunctionRequest } = require('@alicloud/fc20230330')
const { Config } = require('@alicloud/openapi-client')
const endpoint = `127.0.0.1:${process.argv[2]}`
const client = new Client(new Config({ accessKeyId: 'id', accessKeySecret: 'secret', endpoint, protocol: 'http', regionId: 'cn-hangzhou' }))
const calls = {
  get: (name) => client.getFunction(name, new GetFunctionRequest({})),
  delete: (name) => client.deleteFunction(name),
  invoke: (name) => client.invokeFunction(name, new InvokeFunctionRequest({})),
}
async function main() {
  for (const name of ['307', '502-html', '503-empty', '503-json'])
    for (const [word, call] of Object.entries(calls)) {
      const outcome = await call(name).then(
        (reply) => `returns ${reply.statusCode}`,
        (error) => `${error.name}, status ${error.statusCode}`,
      )
      console.log(`Node.js, ${name}, ${word}: ${outcome}`)
    }
}
main()
JS
cat > ask.py <<'PY'
import sys

from alibabacloud_fc20230330.client import Client
from alibabacloud_fc20230330.models import GetFunctionRequest, InvokeFunctionRequest
from alibabacloud_tea_openapi.models import Config

endpoint = f'127.0.0.1:{sys.argv[1]}'
client = Client(Config(access_key_id='id', access_key_secret='secret', endpoint=endpoint, protocol='http', region_id='cn-hangzhou'))
calls = {
    'get': lambda name: client.get_function(name, GetFunctionRequest()),
    'delete': client.delete_function,
    'invoke': lambda name: client.invoke_function(name, InvokeFunctionRequest()),
}
for name in ['307', '502-html', '503-empty', '503-json']:
    for word, call in calls.items():
        try:
            outcome = f'returns {call(name).status_code}'
        except Exception as error:
            outcome = f'{type(error).__name__}, status {getattr(error, "status_code", None)}'
        print(f'Python, {name}, {word}: {outcome}')
PY
seen='Node.js, 307, get: SyntaxError, status undefined
Node.js, 307, delete: returns 307
Node.js, 307, invoke: returns 307
Node.js, 502-html, get: SyntaxError, status undefined
Node.js, 502-html, delete: SyntaxError, status undefined
Node.js, 502-html, invoke: SyntaxError, status undefined
Node.js, 503-empty, get: SyntaxError, status undefined
Node.js, 503-empty, delete: SyntaxError, status undefined
Node.js, 503-empty, invoke: SyntaxError, status undefined
Node.js, 503-json, get: ServerError, status 503
Node.js, 503-json, delete: ServerError, status 503
Node.js, 503-json, invoke: ServerError, status 503
Python, 307, get: returns 200
Python, 307, delete: returns 200
Python, 307, invoke: returns 200
Python, 502-html, get: UnretryableException, status None
Python, 502-html, delete: UnretryableException, status None
Python, 502-html, invoke: UnretryableException, status None
Python, 503-empty, get: UnretryableException, status None
Python, 503-empty, delete: UnretryableException, status None
Python, 503-empty, invoke: UnretryableException, status None
Python, 503-json, get: ServerException, status 503
Python, 503-json, delete: ServerException, status 503
Python, 503-json, invoke: ServerException, status 503'
python3 server.py > port &
server=$!
until [ -s port ]; do kill -0 "$server"; sleep 0.05; done
got=$(timeout 60 node ask.cjs "$(cat port)"; timeout 60 python/bin/python ask.py "$(cat port)")
diff <(echo "$seen") <(echo "$got")
echo "as described"
