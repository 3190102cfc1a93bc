#!/usr/bin/env bash
# Alibaba Cloud's SDK for Node.js gives an invocation up after three seconds, the one for Python after ten.
#
# Packages: npm @alicloud/fc20230330 4.7.6, @alicloud/openapi-client 0.4.15, @alicloud/fc2 2.6.6; PyPI alibabacloud_fc20230330 4.8.3, aliyun-fc2 2.5.2.
# One would swear: a client made for functions that may run for hours waits for their result as long as the older client does.
# Behaviour: without settings of the caller's own, `invokeFunction` of npm's current SDK fails with ReadTimeout(3000), that of PyPI with a read
# time-out of 10 s. The call is sent once, and the function has run for nothing. The older SDKs of both languages wait a minute.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What follows for fc-runtime: the client leaves, so a handler sees 499 where its author sees an error of the network. docs/proxies.md lists these
# times beside the time-outs of other clients. Callers set `readTimeout` to the function's own time-out, or call asynchronously.
set -euo pipefail
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts \
  @alicloud/fc20230330@4.7.6 @alicloud/openapi-client@0.4.15 @alicloud/fc2@2.6.6
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check alibabacloud_fc20230330==4.8.3 aliyun-fc2==2.5.2

cat > server.py <<'PY'
import http.server, time
class Function(http.server.BaseHTTPRequestHandler):
    """Takes 13 seconds for each call, and says on the standard output who called."""
    def log_message(self, *_):
        pass
    def do_POST(self):
        self.rfile.read(int(self.headers.get('content-length', 0)))
        print('called', flush=True)
        time.sleep(13)
        try:
            self.send_response(200)
            self.send_header('content-length', '2')
            self.end_headers()
            self.wfile.write(b'ok')
        except OSError:
            pass
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Function)
open('port', 'w').write(str(server.server_port))
server.serve_forever()
PY
cat > current.cjs <<'JS'
const { default: Client, InvokeFunctionRequest } = require('@alicloud/fc20230330')
const { Config } = require('@alicloud/openapi-client')
const { Readable } = require('node:stream')
const endpoint = `127.0.0.1:${process.argv[2]}`
const client = new Client(new Config({ accessKeyId: 'id', accessKeySecret: 'secret', endpoint, protocol: 'http', regionId: 'cn-hangzhou' }))
client.invokeFunction('name', new InvokeFunctionRequest({ body: Readable.from([Buffer.from('x')]) })).then(
  (answer) => console.log(`npm fc20230330: ${answer.statusCode}`),
  (error) => console.log(`npm fc20230330: ${/ReadTimeout\(\d+\)/.exec(error.message)}`),
)
JS
cat > former.cjs <<'JS'
const FC = require('@alicloud/fc2')
const client = new FC('1', { region: 'cn-hangzhou', accessKeyID: 'id', accessKeySecret: 'secret', endpoint: `http://127.0.0.1:${process.argv[2]}` })
client.invokeFunction('service', 'name', 'x').then(
  (answer) => console.log(`npm fc2: ${answer.data}`),
  (error) => console.log(`npm fc2: ${error.message}`),
)
JS
cat > current.py <<'PY'
import re, sys
from alibabacloud_fc20230330.client import Client
from alibabacloud_fc20230330.models import InvokeFunctionRequest
from alibabacloud_tea_openapi.models import Config
endpoint = f'127.0.0.1:{sys.argv[1]}'
client = Client(Config(access_key_id='id', access_key_secret='secret', endpoint=endpoint, protocol='http', region_id='cn-hangzhou'))
try:
    print('PyPI fc20230330:', client.invoke_function('name', InvokeFunctionRequest(body=b'x')).status_code)
except Exception as error:
    print('PyPI fc20230330:', re.search(r'read timeout=[\d.]+', str(error)).group())
PY
cat > former.py <<'PY'
import sys, fc2
client = fc2.Client(endpoint=f'http://127.0.0.1:{sys.argv[1]}', accessKeyID='id', accessKeySecret='secret')
print('PyPI fc2:', client.invoke_function('service', 'name', payload=b'x').data.decode())
PY
python3 server.py > calls &
server=$!
for _ in $(seq 100); do [ -s port ] && break; sleep 0.1; done
port=$(cat port)
seen='npm fc20230330: ReadTimeout(3000)
npm fc2: ok
PyPI fc20230330: read timeout=10.0
PyPI fc2: ok
calls: 4'
diff <(echo "$seen") <(
  timeout 60 node current.cjs "$port"
  timeout 60 node former.cjs "$port"
  timeout 60 venv/bin/python current.py "$port"
  timeout 60 venv/bin/python former.py "$port"
  echo "calls: $(wc -l < calls)"
)
echo "as described"
