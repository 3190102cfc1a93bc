#!/usr/bin/env bash
# lighttpd tells the server behind that an HTTP/2 client has cancelled, and does not look whether an HTTP/1 client has gone.
#
# Packages: Debian 12 lighttpd 1.4.69-1. Needs curl.
# One would swear: whether the server behind is told that nobody waits any more does not depend on the version of HTTP in front.
# Behaviour: an HTTP/1 client that closes its connection while the server works is taken for one that has finished sending. The connection to the server stays
# until there is a reply to write. A reset stream of HTTP/2 closes it at once. Most browsers speak HTTP/2 and most scripts HTTP/1.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: its 499 is as good as what the proxy passes on; docs/proxies.md has a table of who leaves how behind which proxy.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get -qq download lighttpd=1.4.69-1 libpcre2-8-0 libxxhash0 libnettle8 2>/dev/null
for package in *.deb; do dpkg -x "$package" root; done

cat > run.py <<'PY'
import os
import pathlib
import socket
import subprocess
import time

listener = socket.create_server(("127.0.0.1", 0))
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
pathlib.Path("lighttpd.conf").write_text(f"""
server.bind = "127.0.0.1"
server.port = {port}
server.document-root = "{pathlib.Path.cwd()}"
server.modules = ( "mod_proxy" )
server.feature-flags = ( "server.h2proto" => "enable", "server.h2c" => "enable" )
server.stream-response-body = 2
server.stream-request-body = 2
proxy.server = ( "" => (( "host" => "127.0.0.1", "port" => {listener.getsockname()[1]} )) )
""")
lib = next(pathlib.Path("root/usr/lib").glob("*-linux-gnu"))
program = subprocess.Popen(["root/usr/sbin/lighttpd", "-D", "-m", "root/usr/lib/lighttpd", "-f", "lighttpd.conf"],
                           env={**os.environ, "LD_LIBRARY_PATH": f"{lib}:{str(lib).replace('/usr', '', 1)}"},
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except ConnectionError:
            time.sleep(0.05)
    for version in ("--http1.1", "--http2-prior-knowledge"):
        client = subprocess.Popen(["curl", "--silent", version, "--max-time", "1", f"http://127.0.0.1:{port}/"], stdout=subprocess.DEVNULL)
        conn, _ = listener.accept()
        conn.recv(65536)
        client.wait()
        conn.settimeout(3)
        try:
            told = conn.recv(1) == b""
        except TimeoutError:
            told = False
        print(version, "closed" if told else "still waits")
        conn.close()
finally:
    program.terminate()
    program.wait()
PY
seen='--http1.1 still waits
--http2-prior-knowledge closed'
got=$(timeout 60 python3 run.py)
diff <(echo "$seen") <(echo "$got")
echo "as described"
