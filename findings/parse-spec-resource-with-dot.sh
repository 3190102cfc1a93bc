#!/usr/bin/env bash
# A resource of s.yaml with a dot in its name is a TypeError of the reader, not a message.
#
# Packages: npm @serverless-devs/parse-spec 0.0.29.
# One would swear: a key of a map is a key, and `my.function` is a name like another, or is refused with its line.
# Behaviour: the reader looks the resource up by path, finds `my` with a member `function` nowhere, and ends with "Cannot read properties of undefined".
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `fc-local` refuses such a name with its line and says that the deployment tool cannot read it; a test holds it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @serverless-devs/parse-spec@0.0.29

cat > run.cjs <<'JS'
const fs = require('fs')
const { default: ParseSpec } = require('@serverless-devs/parse-spec')
const logger = new Proxy({}, { get: () => () => {} })
;(async () => {
  for (const name of ['my-function', 'my.function']) {
    fs.writeFileSync('s.yaml', `edition: 3.0.0\nname: app\naccess: default\nresources:\n  ${name}:\n    component: fc3\n    props:\n      timeout: 3\n`)
    const result = await new ParseSpec('s.yaml', { argv: ['deploy'], logger }).start()
      .then(({ steps }) => JSON.stringify(steps[0].props), error => `${error.constructor.name}: ${error.message}`)
    console.log(`${name}: ${result}`)
  }
})()
JS
seen="my-function: {\"timeout\":3}
my.function: TypeError: Cannot read properties of undefined (reading 'props')"
diff <(echo "$seen") <(timeout 30 node run.cjs)
echo "as described"
