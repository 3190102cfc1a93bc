#!/usr/bin/env bash
# Two Python clients report an orderly close of a WebSocket as a failure: aiohttp as 1006, websocket-client through `on_error`.
#
# Packages: PyPI aiohttp 3.14.5, websocket-client 1.9.2; npm ws 8.23.0 as the server.
# One would swear: a close frame without a code is 1005 ("no status"), 1006 means that the connection was lost, and `on_error` is not called when
# the server says 1000.
# Behaviour: aiohttp reports 1006 for a close frame without a code, and answers each close frame with 1000 where RFC 6455 suggests the same code,
# so that the server's log has 1000 for its own 4000. websocket-client calls `on_error` with an exception before `on_close`, for 1000 too,
# and `recv()` returns '' for the close frame, which is what an empty message returns.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: fc-runtime always sends a code (1000 from a handler that returns, 1001 before a freeze, a drain or the end of the
# function's time). Clients decide by the code in `on_close`, not by `on_error`, and reconnect on 1001.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts ws@8.23.0
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check aiohttp==3.14.5 websocket-client==1.9.2

cat > run.mjs <<'JS'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { WebSocketServer } from 'ws'

const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
await once(server, 'listening')
let echoed = []
server.on('connection', (socket, request) => {
  const code = request.url.slice(1)
  socket.on('close', (answer) => echoed.push(`${code}->${answer}`))
  if (code === 'none') socket.close()
  else socket.close(Number(code), 'bye')
})
for (const client of ['aiohttp', 'websocket-client']) {
  const { stdout } = await promisify(execFile)('venv/bin/python', ['run.py', client, String(server.address().port)], { timeout: 20000 })
  process.stdout.write(stdout)
  if (client === 'aiohttp') console.log('the server of aiohttp saw', echoed.join(', '))
}
server.close()
JS
cat > run.py <<'PY'
import asyncio, sys
import aiohttp, websocket

async def by_aiohttp(url):
    async with aiohttp.ClientSession() as session:
        for code in ["none", "1000", "4000"]:
            async with session.ws_connect(url + code) as socket:
                async for _ in socket:
                    pass
                print("aiohttp", code, "->", socket.close_code)

def by_websocket_client(url):
    for code in ["1000", "1001"]:
        calls = []
        websocket.WebSocketApp(
            url + code,
            on_error=lambda _, error: calls.append(f"on_error({type(error).__name__})"),
            on_close=lambda _, code, reason: calls.append(f"on_close({code}, {reason})"),
        ).run_forever()
        print("websocket-client", code, "->", ", ".join(calls))
    print("websocket-client recv ->", repr(websocket.create_connection(url + "1000", timeout=5).recv()))

if sys.argv[1] == "aiohttp":
    asyncio.run(by_aiohttp(f"ws://127.0.0.1:{sys.argv[2]}/"))
else:
    by_websocket_client(f"ws://127.0.0.1:{sys.argv[2]}/")
PY
seen="aiohttp none -> 1006
aiohttp 1000 -> 1000
aiohttp 4000 -> 4000
the server of aiohttp saw none->1000, 1000->1000, 4000->1000
websocket-client 1000 -> on_error(WebSocketConnectionClosedException), on_close(1000, bye)
websocket-client 1001 -> on_error(WebSocketConnectionClosedException), on_close(1001, bye)
websocket-client recv -> ''"
got=$(timeout 60 node run.mjs)
diff <(echo "$seen") <(echo "$got")
echo "as described"
