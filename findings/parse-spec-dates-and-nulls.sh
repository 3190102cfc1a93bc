#!/usr/bin/env bash
# The reader of s.yaml hands a date to the component as an empty map, and drops nulls from maps and from the ends of lists.
#
# Packages: npm @serverless-devs/parse-spec 0.0.29.
# One would swear: an environment variable `RELEASED: 2026-11-29` reaches the function as its text, and `KEY: null` or `KEY:` as nothing to be sure, but
# as a key.
# Behaviour: YAML makes a date of the text, and the reader's copy of the tree makes `{}` of the date. Keys with null are left out of maps, and nulls
# at the end of a list are cut off, while one in the middle stays.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `fc-local` reads the same values; `interop::manifests` compares both readers. Dates in s.yaml are written in quotes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @serverless-devs/parse-spec@0.0.29

cat > s.yaml <<'YAML'
edition: 3.0.0
name: app
access: default
resources:
  f:
    component: fc3
    props:
      environmentVariables:
        RELEASED: 2026-11-29
        QUOTED: '2026-11-29'
        EMPTY:
        NOTHING: null
        TEXT: ''
      layers: [a, null]
      tags: [a, null, b]
YAML
cat > run.cjs <<'JS'
const { default: ParseSpec } = require('@serverless-devs/parse-spec')
const logger = new Proxy({}, { get: () => () => {} })
new ParseSpec('s.yaml', { argv: ['deploy'], logger }).start().then(({ steps }) => console.log(JSON.stringify(steps[0].props)))
JS
seen='{"environmentVariables":{"RELEASED":{},"QUOTED":"2026-11-29","TEXT":""},"layers":["a"],"tags":["a",null,"b"]}'
diff <(echo "$seen") <(timeout 30 node run.cjs)
echo "as described"
