#!/usr/bin/env bash
# One metric of Node.js and Python is two: buckets are `le="1"` and `le="1.0"`, and Python's parser renames the counters of Node.js.
#
# Packages: npm prom-client 15.1.3; PyPI prometheus_client 0.26.0.
# One would swear: a histogram with the same name, labels and buckets can be summed over services, and who reads an exposition reads its names.
# Behaviour: prom-client writes whole bounds without a fraction, prometheus_client with one. `sum by (le)` keeps both apart, so a quantile over both
# services is wrong, without an error, wherever the scraper does not normalize bounds. prometheus_client's parser gives the sample `jobs`, of
# a counter as prom-client writes it, the name `jobs_total`: a proxy that reads and writes again renames it.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `App::metrics` writes whole bounds with a fraction, as Python and Prometheus 3 itself do, and a counter whose name
# does not end in `_total` is a mistake of the app, reported at the start.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts prom-client@15.1.3
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check prometheus_client==0.26.0

cat > run.mjs <<'JS'
import { Counter, Histogram, Registry } from 'prom-client'

const registry = new Registry()
new Counter({ name: 'jobs', help: 'jobs', registers: [registry] }).inc()
new Histogram({ name: 'seconds', help: 'seconds', buckets: [0.5, 1, 10], registers: [registry] }).observe(0.7)
process.stdout.write(await registry.metrics())
JS
cat > run.py <<'PY'
import sys
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

registry = CollectorRegistry()
Histogram("seconds", "seconds", buckets=[0.5, 1, 10], registry=registry).observe(0.7)
both = {"js": sys.stdin.read(), "py": generate_latest(registry).decode()}
for name, text in both.items():
    for line in text.splitlines():
        if line.startswith(("seconds_bucket", "jobs")):
            print(name, "writes", line)
for family in text_string_to_metric_families(both["js"]):
    for sample in family.samples:
        if sample.name.startswith("jobs"):
            print("py reads", sample.name)
PY
seen='js writes jobs 1
js writes seconds_bucket{le="0.5"} 0
js writes seconds_bucket{le="1"} 1
js writes seconds_bucket{le="10"} 1
js writes seconds_bucket{le="+Inf"} 1
py writes seconds_bucket{le="0.5"} 0.0
py writes seconds_bucket{le="1.0"} 1.0
py writes seconds_bucket{le="10.0"} 1.0
py writes seconds_bucket{le="+Inf"} 1.0
py reads jobs_total'
got=$(timeout 30 node run.mjs | timeout 30 venv/bin/python run.py)
diff <(echo "$seen") <(echo "$got")
echo "as described"
