#!/usr/bin/env bash
# `${env('SUFFIX')}` in s.yaml is an error when SUFFIX is set and empty, and `${env('SUFFIX', '-dev')}` takes the fallback.
#
# Packages: npm @serverless-devs/parse-spec 0.0.29.
# One would swear: a variable that is exported as the empty text is set, and its value is that text, as in a shell's `${SUFFIX-…}` and in other readers of
# such expressions; a fallback is for one that is not set. `SUFFIX= s deploy` in production names the function without a suffix.
# Behaviour: the reader says "env('SUFFIX') not found", and with a fallback deploys `orders-dev`. Only a fallback that is itself empty gives the empty text. A variable of the manifest
# (`vars`) that is empty, 0 or false is what it is.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `fc-local` reads the same values, and its error names both causes ("not set or empty"); `interop::manifests` compares both readers. Who
# means the empty text writes `${env('SUFFIX', '')}`, and gives other stages their suffix from outside.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @serverless-devs/parse-spec@0.0.29

cat > read.cjs <<'JS'
const { writeFileSync } = require('node:fs')
const { default: ParseSpec } = require('@serverless-devs/parse-spec')
const logger = Object.fromEntries(['debug', 'info', 'warn', 'error'].map((level) => [level, () => {}]))
const { log } = console
console.log = () => {}
async function main() {
  for (const value of [undefined, '', '-eu']) {
    delete process.env.SUFFIX
    if (value !== undefined) process.env.SUFFIX = value
    const expressions = { 'no fallback': "env('SUFFIX')", 'fallback -dev': "env('SUFFIX', '-dev')", 'empty fallback': "env('SUFFIX', '')", vars: 'vars.empty' }
    for (const [word, expression] of Object.entries(expressions)) {
      writeFileSync(
        's.yaml',
        `edition: 3.0.0
name: shop
access: default
vars: {empty: ""}
resources:
  orders: {component: fc3, props: {functionName: "orders\${${expression}}"}}
`,
      )
      const name = await new ParseSpec('s.yaml', { argv: ['deploy'], logger }).start().then(
        ({ steps }) => steps[0].props.functionName,
        (error) => error.message.trim().split('\n').pop().replaceAll("'", ''),
      )
      log(`${value === undefined ? 'not set' : `set to "${value}"`}, ${word}: ${name}`)
    }
  }
}
main()
JS
seen='not set, no fallback: RuntimeError: env(SUFFIX) not found
not set, fallback -dev: orders-dev
not set, empty fallback: orders
not set, vars: orders
set to "", no fallback: RuntimeError: env(SUFFIX) not found
set to "", fallback -dev: orders-dev
set to "", empty fallback: orders
set to "", vars: orders
set to "-eu", no fallback: orders-eu
set to "-eu", fallback -dev: orders-eu
set to "-eu", empty fallback: orders-eu
set to "-eu", vars: orders'
got=$(timeout 60 node read.cjs)
diff <(echo "$seen") <(echo "$got")
echo "as described"
