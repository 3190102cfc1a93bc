#!/usr/bin/env bash
# The JavaScript MCP SDK answers a client that accepts everything (`Accept: */*`) with 406; the Python SDK serves it.
#
# Packages: npm @modelcontextprotocol/sdk 1.32.2; PyPI mcp 2.3.0, uvicorn 0.54.0.
# One would swear: a server of MCP's Streamable HTTP reads `Accept` as HTTP does (RFC 9110, 12.5.1): `*/*` and `application/*, text/*` accept JSON and a stream of events,
# and names of media types have no case. curl and fetch send `*/*` when nobody says otherwise.
# Behaviour: the JavaScript SDK looks for the two names as they are written: `*/*`, the ranges and names in other letters get 406 (`Not Acceptable`). The Python SDK answers all of them.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: the library reads `Accept` by RFC 9110 (`negotiate`). Clients of `fc-local`, of its tests and of the MCP examples name both types.
set -euo pipefail
work=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true,"type":"module"}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @modelcontextprotocol/sdk@1.32.2
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check mcp==2.3.0 uvicorn==0.54.0

cat > server.mjs <<'JS'
import http from 'node:http'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'

const server = http.createServer(async (request, reply) => {
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined })
  await new McpServer({ name: 'empty', version: '1' }).connect(transport)
  await transport.handleRequest(request, reply)
})
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/mcp`))
JS
cat > server.py <<'PY'
import socket

import uvicorn
from mcp.server.mcpserver import MCPServer

listener = socket.create_server(('127.0.0.1', 0))
app = MCPServer('empty').streamable_http_app(stateless_http=True)
print(f'http://127.0.0.1:{listener.getsockname()[1]}/mcp', flush=True)
uvicorn.Server(uvicorn.Config(app, log_level='critical')).run(sockets=[listener])
PY
cat > initialize.json <<'JSON'
{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"curl","version":"1"}}}
JSON

# ask NAME COMMAND..
ask() {
  local name=$1 accept
  shift
  rm -f url
  "$@" > url 2> log &
  server=$!
  until [ -s url ]; do kill -0 "$server" || { cat log; exit 1; }; sleep 0.05; done
  for accept in 'application/json, text/event-stream' '*/*' 'application/*, text/*' 'Application/JSON, Text/Event-Stream'; do
    echo "$name: $accept: $(curl --silent --output /dev/null --retry 20 --retry-connrefused --max-time 10 --write-out '%{http_code}' \
      --header "accept: $accept" --header 'content-type: application/json' --data @initialize.json "$(cat url)")"
  done
  kill "$server"
}
seen='JavaScript: application/json, text/event-stream: 200
JavaScript: */*: 406
JavaScript: application/*, text/*: 406
JavaScript: Application/JSON, Text/Event-Stream: 406
Python: application/json, text/event-stream: 200
Python: */*: 200
Python: application/*, text/*: 200
Python: Application/JSON, Text/Event-Stream: 200'
got=$(ask JavaScript node server.mjs; ask Python python/bin/python server.py)
diff <(echo "$seen") <(echo "$got")
echo "as described"
