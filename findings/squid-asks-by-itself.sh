#!/usr/bin/env bash
# Squid as an accelerator sends requests of its own to the server behind, and opens a connection for each POST.
#
# Packages: Debian 12 squid 5.7-2+deb12u6.
# One would swear: a reverse proxy with `cache deny all` sends what its clients send, and uses a kept connection for any method. `originserver` says
# that the peer is a web server and no cache.
# Behaviour: it asks every peer for a digest of its cache, `GET /squid-internal-periodic/store_digest`, at its start and again and again. `no-digest` on
# `cache_peer` ends that. A kept connection is not used for a POST, which could not be sent again if the server had closed it.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: such a request is an invocation that somebody pays; the function answers 404. The settings of docs/proxies.md say `no-digest`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
chmod 777 .
apt-get -qq download squid=5.7-2+deb12u6 squid-common=5.7-2+deb12u6 squid-langpack libecap3 libltdl7 libtdb1 libnetfilter-conntrack3 libnfnetlink0 2>/dev/null
for package in *.deb; do dpkg -x "$package" root; done

cat > run.py <<'PY'
import os
import pathlib
import socket
import subprocess
import threading
import time

REQUESTS = 5
seen = []


def serve(conn, number):
    while head := conn.recv(65536):
        method, path = head.split()[:2]
        seen.append((number, method.decode(), path.decode()))
        conn.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")


def accept():
    number = 0
    while True:
        conn, _ = listener.accept()
        number += 1
        threading.Thread(target=serve, args=(conn, number), daemon=True).start()


listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=accept, daemon=True).start()
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
here = pathlib.Path.cwd()
share = here / "root/usr/share/squid"
pathlib.Path("squid.conf").write_text(f"""
http_port 127.0.0.1:{port} accel vhost
cache_peer 127.0.0.1 parent {listener.getsockname()[1]} 0 no-query originserver
never_direct allow all
http_access allow all
cache deny all
access_log none
cache_log {here}/cache.log
pid_filename {here}/pid
coredump_dir {here}
netdb_filename none
pinger_enable off
shutdown_lifetime 0 seconds
mime_table {share}/mime.conf
icon_directory {share}/icons
error_directory {here}/root/usr/share/squid-langpack/en
""")
lib = next(pathlib.Path("root/usr/lib").glob("*-linux-gnu"))
# Squid refuses to be root.
user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
program = subprocess.Popen([*user, "root/usr/sbin/squid", "-N", "-f", "squid.conf"],
                           env={**os.environ, "LD_LIBRARY_PATH": f"{lib}:{str(lib).replace('/usr', '', 1)}"},
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    for _ in range(200):
        try:
            conn = socket.create_connection(("127.0.0.1", port))
            break
        except ConnectionError:
            time.sleep(0.05)
    conn.settimeout(5)
    for method, more in [("GET", ""), ("POST", "content-length: 0\r\n")]:
        for _ in range(REQUESTS):
            conn.sendall(f"{method} /own HTTP/1.1\r\nhost: a\r\n{more}\r\n".encode())
            reply = b""
            while not reply.endswith(b"ok"):
                reply += conn.recv(65536)
    for _ in range(100):
        if any(path != "/own" for _, _, path in seen):
            break
        time.sleep(0.05)
    print("not asked for:", sorted({f"{method} {path}" for _, method, path in seen if path != "/own"}))
    for method in ("GET", "POST"):
        numbers = {number for number, own, path in seen if own == method and path == "/own"}
        print(f"{REQUESTS} {method}:", "a connection each" if len(numbers) == REQUESTS else "connections are used again")
finally:
    program.terminate()
    program.wait()
PY
seen="not asked for: ['GET /squid-internal-periodic/store_digest']
5 GET: connections are used again
5 POST: a connection each"
got=$(timeout 60 python3 run.py)
diff <(echo "$seen") <(echo "$got")
echo "as described"
