#!/usr/bin/env bash
# A `ws` server that says nothing about subprotocols accepts the first that the client offers, whatever it is.
#
# Packages: npm ws 8.23.0; PyPI websockets 17.4.
# One would swear: a server that knows no subprotocol chooses none, as RFC 6455 has it and Python's websockets does. A client that offers
# `graphql-transport-ws` and is answered so has found a server that speaks it.
# Behaviour: `new WebSocketServer({ port })` echoes the first offer. The handshake succeeds, `socket.protocol` is set on both sides, and the
# first message is misread. Tokens smuggled into the list (`['token.abc', 'v1']`) come back in the reply's header.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: fc-runtime answers a subprotocol only if the handler named it, and the handler's order decides among those; without
# a common one there is no such header. A client tested against a mock of `ws` alone may find its subprotocol missing here, and rightly so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts ws@8.23.0
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check websockets==17.4

cat > run.py <<'PY'
import asyncio
from websockets.asyncio.server import serve

async def main():
    async with serve(lambda socket: socket.wait_closed(), "127.0.0.1", 0) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.sleep(20)

asyncio.run(main())
PY
cat > run.mjs <<'JS'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { WebSocket, WebSocketServer } from 'ws'

const offer = async (name, port, protocols) => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, protocols)
  socket.on('error', (error) => console.log(name, protocols.join(), '->', error.message))
  socket.on('open', () => { console.log(name, protocols.join(), '->', socket.protocol || 'none'); socket.close() })
  await once(socket, 'close').catch(() => {})
}
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
await once(server, 'listening')
const { port } = server.address()
await offer('ws', port, ['graphql-transport-ws', 'v1'])
await offer('ws', port, ['v1', 'graphql-transport-ws'])
server.close()
const python = spawn('venv/bin/python', ['run.py'])
const [line] = await once(python.stdout, 'data')
await offer('websockets', Number(line), ['graphql-transport-ws', 'v1'])
python.kill()
JS
seen='ws graphql-transport-ws,v1 -> graphql-transport-ws
ws v1,graphql-transport-ws -> v1
websockets graphql-transport-ws,v1 -> Server sent no subprotocol'
got=$(timeout 40 node run.mjs)
diff <(echo "$seen") <(echo "$got")
echo "as described"
