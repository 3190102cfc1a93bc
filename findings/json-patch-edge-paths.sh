#!/usr/bin/env bash
# Three JSON Patch libraries of npm part at the edges of a path: one says it replaced what it did not, one takes `01` for an index.
#
# Packages: npm rfc6902 5.4.0, fast-json-patch 3.1.1; PyPI jsonpatch 1.48.
# One would swear: a patch is applied, or refused, the same everywhere, for RFC 6902 and RFC 6901 name these cases.
# Behaviour: rfc6902 reports success for `replace` at `/list/-` and leaves the list as it was, passes a `test` of a character inside a text, and
# cannot replace a whole document. fast-json-patch takes the index `01`, which RFC 6901 excludes, even when it is asked to validate.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What follows for fc-runtime: it patches nothing. A handler that offers PATCH says which library reads the patch, and answers with the document
# as it now is, so that a client sees what became of its operations.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts rfc6902@5.4.0 fast-json-patch@3.1.1
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check jsonpatch==1.48

cat > cases.json <<'JSON'
[["replace the end", {"a": [1, 2]}, [{"op": "replace", "path": "/a/-", "value": 3}]],
 ["index 01", {"a": [1, 2]}, [{"op": "add", "path": "/a/01", "value": 3}]],
 ["inside a text", {"a": "abc"}, [{"op": "test", "path": "/a/0", "value": "a"}]],
 ["whole document", {"a": 1}, [{"op": "add", "path": "", "value": [1]}]]]
JSON
cat > run.mjs <<'JS'
import fs from 'node:fs'
import { applyPatch } from 'rfc6902'
import fast from 'fast-json-patch'
for (const [name, document, patch] of JSON.parse(fs.readFileSync('cases.json'))) {
  const own = structuredClone(document)
  const error = applyPatch(own, structuredClone(patch)).find(Boolean)
  console.log(`${name}, rfc6902: ${error ? 'refused' : JSON.stringify(own)}`)
  let result
  try { result = JSON.stringify(fast.applyPatch(document, patch, true).newDocument) } catch { result = 'refused' }
  console.log(`${name}, fast-json-patch: ${result}`)
}
JS
cat > run.py <<'PY'
import json, jsonpatch, jsonpointer
for name, document, patch in json.load(open('cases.json')):
    try:
        result = json.dumps(jsonpatch.apply_patch(document, patch), separators=(',', ':'))
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException):
        result = 'refused'
    print(f'{name}, jsonpatch: {result}')
PY
seen='replace the end, rfc6902: {"a":[1,2]}
replace the end, fast-json-patch: refused
index 01, rfc6902: refused
index 01, fast-json-patch: {"a":[1,3,2]}
inside a text, rfc6902: {"a":"abc"}
inside a text, fast-json-patch: refused
whole document, rfc6902: refused
whole document, fast-json-patch: [1]
replace the end, jsonpatch: refused
index 01, jsonpatch: refused
inside a text, jsonpatch: refused
whole document, jsonpatch: [1]'
diff <(echo "$seen") <(timeout 30 node run.mjs; timeout 30 venv/bin/python run.py)
echo "as described"
