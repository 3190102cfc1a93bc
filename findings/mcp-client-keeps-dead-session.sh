#!/usr/bin/env bash
# The official MCP clients stay with a session that the server no longer knows.
#
# Packages: npm @modelcontextprotocol/sdk 1.32.2; PyPI mcp 2.3.0.
# One would swear: they do what the protocol demands of clients (specification 2025-06-18, "Session Management"): after 404 to a request with
# `Mcp-Session-Id` a client starts a new session with a new `initialize`.
# Behaviour: both report the 404 to the caller, and send the next request with the same dead id, for ever. Neither initializes again.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What follows for fc-runtime: an instance that is replaced takes its sessions with it, so an MCP server on Function Compute keeps what a session
# knows outside the instance, or needs no session. Affinity alone does not help after a swap. Callers connect anew after a 404.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @modelcontextprotocol/sdk@1.32.2
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check mcp==2.3.0

cat > server.cjs <<'JS'
// Knows each session until it is initialized, and then has forgotten the first one.
const http = require('node:http')
let sessions = 0
const server = http.createServer(async (request, response) => {
  let body = ''
  for await (const piece of request) body += piece
  const message = body ? JSON.parse(body) : {}
  const session = request.headers['mcp-session-id']
  const answer = (status, value, headers) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(value && JSON.stringify({ jsonrpc: '2.0', id: message.id ?? null, ...value }))
  }
  if (request.method === 'POST') console.error(`  ${message.method} ${session ?? '-'}`)
  if (request.method !== 'POST') return answer(request.method === 'GET' ? 405 : 200)
  if (message.method === 'initialize') {
    const result = { protocolVersion: message.params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'demo', version: '1' } }
    return answer(200, { result }, { 'mcp-session-id': `session-${++sessions}` })
  }
  if (message.id === undefined) return answer(202)
  if (session === 'session-1') return answer(404, { error: { code: -32001, message: 'Session not found' } })
  answer(200, { result: { tools: [] } })
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
JS
cat > run.mjs <<'JS'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
const client = new Client({ name: 'demo', version: '1' })
await client.connect(new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${process.argv[2]}/mcp`)))
for (let call = 1; call <= 2; call++) {
  await client.listTools().then(() => console.log(`${call}: tools`), (error) => console.log(`${call}: ${error.code}`))
}
process.exit()
JS
cat > run.py <<'PY'
import asyncio, sys
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
async def main():
    async with streamable_http_client(f'http://127.0.0.1:{sys.argv[1]}/mcp') as (read, write, *_), ClientSession(read, write) as session:
        await session.initialize()
        for call in (1, 2):
            try:
                await session.list_tools()
                print(f'{call}: tools')
            except Exception as error:
                print(f'{call}: {error}')
asyncio.run(main())
PY
one() {
  rm -f port
  node server.cjs > port 2> asked &
  local server=$!
  for _ in $(seq 100); do [ -s port ] && break; sleep 0.1; done
  echo "$1:"
  timeout 60 "${@:2}" "$(cat port)" 2> /dev/null || true
  kill "$server"
  cat asked
}
seen='npm:
1: 404
2: 404
  initialize -
  notifications/initialized session-1
  tools/list session-1
  tools/list session-1
PyPI:
1: Session not found
2: Session not found
  initialize -
  notifications/initialized session-1
  tools/list session-1
  tools/list session-1'
diff <(echo "$seen") <(one npm node run.mjs; one PyPI venv/bin/python run.py)
echo "as described"
