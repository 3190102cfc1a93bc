#!/usr/bin/env bash
# h2o makes a proper end of a chunked reply that broke off: the client takes the half for the whole.
#
# Packages: Debian 12 h2o 2.2.5+dfsg2-7.
# One would swear: a chunked body without its last chunk is incomplete (RFC 9112, section 8), and a proxy that sees one does not write the last chunk itself.
# Behaviour: when the server behind closes in mid-body, as one does that was killed, h2o sends `0` and keeps the client's connection. Over HTTP/2 the stream ends with
# END_STREAM. A length that is not reached is told: h2o closes there.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: a reply that is whole in memory always has a length. Streams end with an event of the application's own if their readers need to know;
# docs/proxies.md marks the cell.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
chmod 755 .
apt-get -qq download h2o=2.2.5+dfsg2-7 libyaml-0-2 2>/dev/null
for package in *.deb; do dpkg -x "$package" root; done

cat > run.py <<'PY'
import os
import pathlib
import socket
import subprocess
import threading
import time

REPLIES = {
    b"/chunks": b"transfer-encoding: chunked\r\n\r\n5\r\nhalf \r\n",
    b"/length": b"content-length: 10\r\n\r\nhalf ",
}


def serve(listener):
    while True:
        conn, _ = listener.accept()
        head = conn.recv(65536)
        conn.sendall(b"HTTP/1.1 200 OK\r\n" + REPLIES[head.split()[1]])
        conn.close()


def ask(port, path):
    with socket.create_connection(("127.0.0.1", port)) as conn:
        conn.settimeout(2)
        conn.sendall(f"GET {path} HTTP/1.1\r\nhost: a\r\n\r\n".encode())
        got = b""
        try:
            while piece := conn.recv(65536):
                got += piece
            then = "closed"
        except TimeoutError:
            then = "open"
    return f"{got.partition(bytes(4 * [13]))[0].partition(b'half ')[2]!r}, {then}"


listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=serve, args=(listener,), daemon=True).start()
function = listener.getsockname()[1]
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
user = "user: nobody\n" if os.geteuid() == 0 else ""
pathlib.Path("h2o.conf").write_text(f"{user}listen: {{ host: 127.0.0.1, port: {port} }}\nnum-threads: 1\nhosts:\n  default:\n    paths:\n      /:\n"
                                    f"        proxy.reverse.url: http://127.0.0.1:{function}/\n")
lib = next(pathlib.Path("root/usr/lib").glob("*-linux-gnu"))
program = subprocess.Popen(["root/usr/bin/h2o", "-m", "worker", "-c", "h2o.conf"], env={**os.environ, "LD_LIBRARY_PATH": str(lib)},
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except ConnectionError:
            time.sleep(0.05)
    for name, at in [("direct", function), ("h2o", port)]:
        for path in ("/chunks", "/length"):
            print(name, path, "after the half:", ask(at, path))
finally:
    program.terminate()
    program.wait()
PY
seen="direct /chunks after the half: b'\\r\\n', closed
direct /length after the half: b'', closed
h2o /chunks after the half: b'\\r\\n0\\r\\n\\r\\n', open
h2o /length after the half: b'', closed"
got=$(timeout 60 python3 run.py)
diff <(echo "$seen") <(echo "$got")
echo "as described"
