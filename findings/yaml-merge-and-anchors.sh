#!/usr/bin/env bash
# `<<: *defaults` is a key called `<<` to js-yaml 5 and npm's yaml, without a word; js-yaml 4, which reads s.yaml, and Python's readers merge.
#
# Packages: npm js-yaml 5.5.0, 4.3.2 and 3.14.2, yaml 2.9.1; PyPI PyYAML 6.0.3, ruamel.yaml 0.18.16.
# One would swear: a manifest with anchors, as thousands have it, is the same map to each reader, or an error; and `js-yaml` reads it as it always did.
# Behaviour: with js-yaml 5 and yaml the settings of `<<` are a map below that key, so a script that reads `memorySize` has nothing. Of two `<<` in one map
# js-yaml 3 and 4 keep the first's value, PyYAML the last's, and three readers refuse them. An anchor that is set anew, as the standard allows, is an error to PyYAML alone. A
# tab between a colon and a map in braces is one to both of Python and to js-yaml 5. `010` is 8 to js-yaml 3 and PyYAML, and 10 to the others.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `fc-local` reads s.yaml as the deployment tool does, which merges; `interop::manifests` compares both readers. A script in Node.js that reads s.yaml
# by itself asks for merging: `{ merge: true }` with yaml, `{ schema: YAML11_SCHEMA }` with js-yaml 5.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts js-yaml@5.5.0 js-yaml-4@npm:js-yaml@4.3.2 js-yaml-3@npm:js-yaml@3.14.2 yaml@2.9.1
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check PyYAML==6.0.3 ruamel.yaml==0.18.16

cat > texts.json <<'JSON'
{
  "merge": "d: &d {memory: 512}\np:\n  <<: *d\n  cpu: 1\n",
  "merge of a list": "d: &d {memory: 512}\ne: &e {memory: 256, disk: 512}\np:\n  <<: [*d, *e]\n",
  "two merges": "d: &d {memory: 512}\ne: &e {memory: 256}\np:\n  <<: *d\n  <<: *e\n",
  "anchor set anew": "d: &d {memory: 512}\ne: &d {memory: 256}\np: *d\n",
  "tab": "p:\t{memory: 512}\n",
  "leading zero": "p: 010\n"
}
JSON
cat > read.mjs <<'JS'
import { readFileSync } from 'node:fs'
import * as yaml5 from 'js-yaml'
import * as yaml3 from 'js-yaml-3'
import * as yaml4 from 'js-yaml-4'
import * as yaml from 'yaml'

const readers = {
  'js-yaml 3': (text) => yaml3.default.load(text),
  'js-yaml 4': (text) => yaml4.load(text),
  'js-yaml 5': (text) => yaml5.load(text),
  yaml: (text) => yaml.parse(text),
}
for (const [name, text] of Object.entries(JSON.parse(readFileSync('texts.json'))))
  for (const [reader, read] of Object.entries(readers)) {
    let value
    try {
      value = JSON.stringify(read(text).p)
    } catch {
      value = 'an error'
    }
    console.log(`${name}, ${reader}: ${value}`)
  }
JS
cat > read.py <<'PY'
import json

import yaml
from ruamel.yaml import YAML

readers = {'PyYAML': yaml.safe_load, 'ruamel.yaml': YAML(typ='safe', pure=True).load}
for name, text in json.load(open('texts.json')).items():
    for reader, read in readers.items():
        try:
            value = json.dumps(read(text)['p'], separators=(',', ':'))
        except Exception:
            value = 'an error'
        print(f'{name}, {reader}: {value}')
PY
seen='merge, js-yaml 3: {"memory":512,"cpu":1}
merge, js-yaml 4: {"memory":512,"cpu":1}
merge, js-yaml 5: {"<<":{"memory":512},"cpu":1}
merge, yaml: {"<<":{"memory":512},"cpu":1}
merge of a list, js-yaml 3: {"memory":512,"disk":512}
merge of a list, js-yaml 4: {"memory":512,"disk":512}
merge of a list, js-yaml 5: {"<<":[{"memory":512},{"memory":256,"disk":512}]}
merge of a list, yaml: {"<<":[{"memory":512},{"memory":256,"disk":512}]}
two merges, js-yaml 3: {"memory":512}
two merges, js-yaml 4: {"memory":512}
two merges, js-yaml 5: an error
two merges, yaml: an error
anchor set anew, js-yaml 3: {"memory":256}
anchor set anew, js-yaml 4: {"memory":256}
anchor set anew, js-yaml 5: {"memory":256}
anchor set anew, yaml: {"memory":256}
tab, js-yaml 3: {"memory":512}
tab, js-yaml 4: {"memory":512}
tab, js-yaml 5: an error
tab, yaml: {"memory":512}
leading zero, js-yaml 3: 8
leading zero, js-yaml 4: 10
leading zero, js-yaml 5: 10
leading zero, yaml: 10
merge, PyYAML: {"memory":512,"cpu":1}
merge, ruamel.yaml: {"memory":512,"cpu":1}
merge of a list, PyYAML: {"memory":512,"disk":512}
merge of a list, ruamel.yaml: {"memory":512,"disk":512}
two merges, PyYAML: {"memory":256}
two merges, ruamel.yaml: an error
anchor set anew, PyYAML: an error
anchor set anew, ruamel.yaml: {"memory":256}
tab, PyYAML: an error
tab, ruamel.yaml: an error
leading zero, PyYAML: 8
leading zero, ruamel.yaml: 10'
got=$(timeout 30 node read.mjs; timeout 30 python/bin/python -W ignore read.py)
diff <(echo "$seen") <(echo "$got")
echo "as described"
