#!/usr/bin/env bash
# The same parameters are another query in two SDKs of Alibaba Cloud: Python sends `True`, JavaScript drops dates and splits bytes.
#
# Packages: PyPI alibabacloud_tea_openapi 0.4.6; npm @alicloud/openapi-util 0.3.3.
# One would swear: the SDKs are generated from one description and sign one canonical form, so a call is the same call in each language.
# Behaviour: Python writes booleans as `True` and `False`, in lists and maps too; JavaScript writes `true`. A Date is no parameter at all in
# JavaScript, without an error, and a local time without a zone in Python. Bytes are one parameter per byte in JavaScript and text in Python. Signatures hold, as each
# signs what it sends. A server that compares with "true" takes Python's True for false.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: fc-local's API reads only `qualifier` from queries, as text. Whoever adds a boolean to it compares without case.
# Handlers behind an API gateway that forwards such queries do the same: `"True"` is no `bool` to `ex.query()`, which answers 400.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @alicloud/openapi-util@0.3.3
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check alibabacloud_tea_openapi==0.4.6

cat > run.py <<'PY'
import json, warnings
warnings.simplefilter("ignore")
from datetime import datetime
from alibabacloud_tea_openapi.utils import Utils

for value in [True, [False, 1], {"on": True}, datetime(2026, 1, 1), b"hi", 1.5]:
    print("py", json.dumps(Utils.query({"p": value})))
PY
cat > run.mjs <<'JS'
import { createRequire } from 'node:module'

const { default: util } = createRequire(import.meta.url)('@alicloud/openapi-util')
for (const value of [true, [false, 1], { on: true }, new Date('2026-01-01'), Buffer.from('hi'), 1.5]) {
  console.log('js', JSON.stringify(util.query({ p: value })).replaceAll(':', ': ').replaceAll(',', ', '))
}
JS
seen='py {"p": "True"}
py {"p.1": "False", "p.2": "1"}
py {"p.on": "True"}
py {"p": "2026-01-01 00:00:00"}
py {"p": "hi"}
py {"p": "1.5"}
js {"p": "true"}
js {"p.1": "false", "p.2": "1"}
js {"p.on": "true"}
js {}
js {"p.0": "104", "p.1": "105"}
js {"p": "1.5"}'
got=$(
  timeout 60 venv/bin/python -W ignore run.py
  timeout 30 node run.mjs
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
