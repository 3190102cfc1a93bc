#!/usr/bin/env bash
# A sample whose label is `http_route="/orders/{id}"` is not there to the crate prometheus-parse; npm's parse-prometheus-text-format makes one histogram of those of all routes.
#
# Packages: crates prometheus-parse 0.2.5; npm parse-prometheus-text-format 1.1.1; PyPI prometheus_client 0.26.0 to compare.
# One would swear: what Prometheus reads is read by these, and a label value is any text between its quotes, with `\\`, `\"` and `\n` for three characters.
# Behaviour: the crate looks for braces, commas and equals signs within the quotes, too. A value with a `}` loses the whole sample, one with a comma is cut there, one with `=` loses the label, and
# escapes stay as they are; none is an error. npm's reader keeps no labels of histograms and summaries, and no sums and counts of them either: of several series with one name the last one's
# buckets are left. Python's reader has all.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `Metrics` writes the route's pattern, as OpenTelemetry has `http.route`, so `{id}` stands in a label, and requests are histograms by route. Prometheus reads them;
# a test in Rust that reads `/metrics` looks at the lines instead of asking this crate.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts parse-prometheus-text-format@1.1.1
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check prometheus_client==0.26.0
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "labels"
version = "0.0.0"
edition = "2021"

[dependencies]
prometheus-parse = "=0.2.5"
TOML
cat > src/main.rs <<'RUST'
fn main() {
    for line in std::fs::read_to_string("samples").expect("samples").lines() {
        let read = prometheus_parse::Scrape::parse([Ok(line.to_owned())].into_iter()).expect("no error");
        let samples: Vec<_> = read.samples.iter().map(|s| format!("{} {}", s.metric, s.labels)).collect();
        println!("prometheus-parse, {line}: {}", samples.first().map_or("nothing", |text| text.trim_end()));
    }
}
RUST
cat > samples <<'TEXT'
a{x="plain"} 1
a{x="/orders/{id}"} 1
a{x="1,2"} 1
a{x="k=v"} 1
a{x="say \"hi\""} 1
a{ x = "spaced" } 1
TEXT
cat > requests <<'TEXT'
# TYPE r histogram
r_bucket{route="/",le="1"} 1
r_bucket{route="/",le="+Inf"} 2
r_sum{route="/"} 3
r_count{route="/"} 2
r_bucket{route="/tea",le="1"} 5
r_bucket{route="/tea",le="+Inf"} 7
r_sum{route="/tea"} 4
r_count{route="/tea"} 7
TEXT
cat > run.mjs <<'JS'
import { readFileSync } from 'node:fs'
import parse from 'parse-prometheus-text-format'

for (const line of readFileSync('samples', 'utf8').trim().split('\n')) console.log(`parse-prometheus-text-format, ${line}: ${JSON.stringify(parse(`${line}\n`)[0].metrics[0].labels)}`)
console.log('parse-prometheus-text-format, histograms:', JSON.stringify(parse(readFileSync('requests', 'utf8'))[0].metrics))
JS
cat > run.py <<'PY'
import json

from prometheus_client.parser import text_string_to_metric_families as parse

for line in open('samples'):
    for family in parse(line):
        print(f'prometheus_client, {line.strip()}: {json.dumps(family.samples[0].labels)}')
print('prometheus_client, histograms:', *(sorted({sample.labels['route'] for family in parse(open('requests').read()) for sample in family.samples})))
PY
CARGO_TARGET_DIR="$work/target" CARGO_BUILD_JOBS=2 timeout 200 cargo build --quiet
seen='prometheus-parse, a{x="plain"} 1: a x="plain"
prometheus-parse, a{x="/orders/{id}"} 1: nothing
prometheus-parse, a{x="1,2"} 1: a x="1"
prometheus-parse, a{x="k=v"} 1: a
prometheus-parse, a{x="say \"hi\""} 1: a x="say \"hi\"
prometheus-parse, a{ x = "spaced" } 1: a  x =" "spaced" "
parse-prometheus-text-format, a{x="plain"} 1: {"x":"plain"}
parse-prometheus-text-format, a{x="/orders/{id}"} 1: {"x":"/orders/{id}"}
parse-prometheus-text-format, a{x="1,2"} 1: {"x":"1,2"}
parse-prometheus-text-format, a{x="k=v"} 1: {"x":"k=v"}
parse-prometheus-text-format, a{x="say \"hi\""} 1: {"x":"say \"hi\""}
parse-prometheus-text-format, a{ x = "spaced" } 1: {"x":"spaced"}
parse-prometheus-text-format, histograms: [{"buckets":{"1":"5","+Inf":"7"}}]
prometheus_client, a{x="plain"} 1: {"x": "plain"}
prometheus_client, a{x="/orders/{id}"} 1: {"x": "/orders/{id}"}
prometheus_client, a{x="1,2"} 1: {"x": "1,2"}
prometheus_client, a{x="k=v"} 1: {"x": "k=v"}
prometheus_client, a{x="say \"hi\""} 1: {"x": "say \"hi\""}
prometheus_client, a{ x = "spaced" } 1: {"x": "spaced"}
prometheus_client, histograms: / /tea'
got=$(
  timeout 10 target/debug/labels
  timeout 30 node run.mjs
  timeout 30 python/bin/python run.py
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
