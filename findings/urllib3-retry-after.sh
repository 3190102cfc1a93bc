#!/usr/bin/env bash
# A Retry-After header makes urllib3 send a GET, PUT or DELETE again by itself, after a sleep that no time-out bounds.
#
# Packages: PyPI urllib3 2.8.0, requests 2.34.2.
# One would swear: a reply is a reply. `status_forcelist` is empty by default, so no status is retried; and requests says of `max_retries`
# that it "applies only to failed DNS lookups, socket connections and connection timeouts".
# Behaviour: with the default `Retry`, a 413, 429 or 503 that has Retry-After is retried up to three times for methods that are idempotent; the
# same reply without the header is returned at once. The sleep is the server's number, up to 6 hours, whatever `timeout` is. In requests the same
# happens from `max_retries=1` on.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: above `App::max_in_flight` fc-runtime answers 503 with `Retry-After: 1`. Such clients
# come back by themselves, so one call can be four in the log, under four request ids. `Error::with_header` lets a handler send
# Retry-After, too: on a DELETE that began its work it belongs only where the work may be repeated.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check urllib3==2.8.0 requests==2.34.2

cat > run.py <<'PY'
import http.server, threading, time
import requests, urllib3

calls = []

class Busy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        calls.append(time.monotonic())
        self.send_response(200 if len(calls) > 2 else 503)
        if self.path == "/later":
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = do_DELETE = answer

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Busy)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"

def show(name, call):
    calls.clear()
    reply = call()
    status = getattr(reply, "status_code", None) or reply.status
    slept = all(later - sooner >= 0.9 for sooner, later in zip(calls, calls[1:]))
    print(f"{name}: {status} after {len(calls)} call(s)" + (", a sleep before each" if len(calls) > 1 and slept else ""))

pool, session = urllib3.PoolManager(), requests.Session()
session.mount("http://", requests.adapters.HTTPAdapter(max_retries=2))
show("urllib3 GET without Retry-After", lambda: pool.request("GET", f"{url}/now"))
show("urllib3 GET, timeout 0.5", lambda: pool.request("GET", f"{url}/later", timeout=0.5))
show("urllib3 DELETE", lambda: pool.request("DELETE", f"{url}/later"))
show("urllib3 POST", lambda: pool.request("POST", f"{url}/later"))
show("requests GET", lambda: requests.get(f"{url}/later"))
show("requests GET, max_retries=2", lambda: session.get(f"{url}/later", timeout=0.5))
PY
seen='urllib3 GET without Retry-After: 503 after 1 call(s)
urllib3 GET, timeout 0.5: 200 after 3 call(s), a sleep before each
urllib3 DELETE: 200 after 3 call(s), a sleep before each
urllib3 POST: 503 after 1 call(s)
requests GET: 503 after 1 call(s)
requests GET, max_retries=2: 200 after 3 call(s), a sleep before each'
got=$(timeout 60 venv/bin/python run.py)
diff <(echo "$seen") <(echo "$got")
echo "as described"
