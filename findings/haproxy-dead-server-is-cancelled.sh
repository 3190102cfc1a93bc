#!/usr/bin/env bash
# Behind HAProxy a gRPC client whose server dies is told CANCELLED, as if it had given up itself.
#
# Packages: Debian 12 haproxy 2.6.12-1+deb12u4; PyPI grpcio 1.85.3.
# One would swear: a server that dies is UNAVAILABLE, as it is without a proxy; clients and service meshes repeat calls of that status. CANCELLED is what
# a caller gets for a call that it cancelled.
# Behaviour: HAProxy ends the client's stream with RST_STREAM and the code CANCEL, and gRPC's table makes CANCELLED of that. Handlers that
# swallow "cancelled" as the caller's own wish swallow the loss of a server.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: a function that stops in good order sends UNAVAILABLE in trailers, which passes HAProxy unchanged; one that is killed looks
# like this. docs/proxies.md has the status behind each proxy.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get -qq download haproxy=2.6.12-1+deb12u4 liblua5.3-0 libopentracing-c-wrapper0 libopentracing1 2>/dev/null
for package in *.deb; do dpkg -x "$package" root; done
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check grpcio==1.85.3

cat > server.py <<'PY'
import concurrent.futures
import time

import grpc


def talk(requests, _):
    for message in requests:
        yield message


class Handler(grpc.GenericRpcHandler):
    def service(self, _):
        return grpc.stream_stream_rpc_method_handler(talk)


server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
server.add_generic_rpc_handlers([Handler()])
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
time.sleep(60)
PY
cat > run.py <<'PY'
import os
import pathlib
import socket
import subprocess
import sys
import threading
import time

import grpc


def status(port, server):
    """What a client of a stream is told when its server is killed."""
    over = threading.Event()

    def requests():
        yield b"tea"
        over.wait(30)

    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.stream_stream("/a.A/Talk")(requests(), timeout=30, wait_for_ready=True)
        assert next(call) == b"tea"
        server.kill()
        try:
            next(call)
        except grpc.RpcError as error:
            return error.code().name
        finally:
            over.set()


def serve():
    server = subprocess.Popen([sys.executable, "server.py"], stdout=subprocess.PIPE)
    return server, int(server.stdout.readline())


server, function = serve()
print("direct:", status(function, server))
server, function = serve()
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
pathlib.Path("haproxy.cfg").write_text(f"""
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen front
  bind 127.0.0.1:{port}
  server function 127.0.0.1:{function} proto h2
""")
lib = next(pathlib.Path("root/usr/lib").glob("*-linux-gnu"))
program = subprocess.Popen(["root/usr/sbin/haproxy", "-db", "-f", "haproxy.cfg"], env={**os.environ, "LD_LIBRARY_PATH": str(lib)},
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except ConnectionError:
            time.sleep(0.05)
    print("haproxy:", status(port, server))
finally:
    program.terminate()
    program.wait()
PY
seen='direct: UNAVAILABLE
haproxy: CANCELLED'
got=$(timeout 60 venv/bin/python run.py)
diff <(echo "$seen") <(echo "$got")
echo "as described"
