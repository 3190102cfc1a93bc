#!/usr/bin/env bash
# A Decimal of a structured header field leaves npm's structured-headers as an Integer when it is whole.
#
# Packages: npm structured-headers 2.1.0; PyPI http-sf 1.5.0.
# One would swear: a field that is read and written again keeps its types, which RFC 9651 tells apart (Integer `1`, Decimal `1.0`).
# Behaviour: structured-headers gives a JavaScript number for both and writes `1`. A field whose definition wants a Decimal, `q=1.0` of a
# parameter say, has another type after one hop. Python's http-sf keeps the type.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What follows for fc-runtime: header values pass as the octets that came; nothing here reads and rewrites a structured field.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts structured-headers@2.1.0
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check http-sf==1.5.0

cat > run.mjs <<'JS'
import { parseItem, serializeItem, parseDictionary, serializeDictionary } from 'structured-headers'
for (const text of ['1.0', '1.5', 'a;q=1.0']) console.log(`structured-headers ${text} -> ${serializeItem(parseItem(text))}`)
console.log(`structured-headers weight=2.0 -> ${serializeDictionary(parseDictionary('weight=2.0'))}`)
JS
cat > run.py <<'PY'
import http_sf
for text in ['1.0', '1.5', 'a;q=1.0']:
    print(f"http-sf {text} -> {http_sf.ser(http_sf.parse(text.encode(), tltype='item'))}")
print(f"http-sf weight=2.0 -> {http_sf.ser(http_sf.parse(b'weight=2.0', tltype='dictionary'))}")
PY
seen='structured-headers 1.0 -> 1
structured-headers 1.5 -> 1.5
structured-headers a;q=1.0 -> a;q=1
structured-headers weight=2.0 -> weight=2
http-sf 1.0 -> 1.0
http-sf 1.5 -> 1.5
http-sf a;q=1.0 -> a;q=1.0
http-sf weight=2.0 -> weight=2.0'
diff <(echo "$seen") <(timeout 30 node run.mjs; timeout 30 venv/bin/python run.py)
echo "as described"
