#!/usr/bin/env bash
# In a .env file, `A:` without a value takes the next line for its value, and a `$` at the end of one value cuts another that refers to it.
#
# Packages: npm dotenv 16.6.1, dotenv-expand 10.0.0 (those of Serverless Devs); PyPI python-dotenv 1.2.4.
# One would swear: a line of .env is one variable, and a dollar sign in a password in single quotes is a dollar sign.
# Behaviour: dotenv reads `A:` as a beginning and goes on to the next line, so that variable is lost. dotenv-expand replaces in single quotes as well:
# `pa$$word` becomes `pa$`, and what `${PREFIX}` brings is replaced once more together with what
# stands behind the reference: `${PREFIX}name`, with a prefix `cost$`, is `cost`.
# python-dotenv keeps single quotes as they are.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `fc-local` reads .env as the deployment tool does, these cases included; `interop::manifests` compares both. A dollar sign
# in a password is written `\$`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts dotenv@16.6.1 dotenv-expand@10.0.0
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check python-dotenv==1.2.4

cat > a.env <<'ENV'
A:
B=2
C=3
ENV
cat > b.env <<'ENV'
DOUBLE='pa$$word'
PREFIX='cost$'
KEY=${PREFIX}name
ENV
cat > run.cjs <<'JS'
const { parse } = require('dotenv')
const { expand } = require('dotenv-expand')
const fs = require('fs')
for (const file of ['a.env', 'b.env']) {
  console.log(`js ${JSON.stringify(expand({ ignoreProcessEnv: true, parsed: parse(fs.readFileSync(file)) }).parsed)}`)
}
JS
cat > run.py <<'PY'
import json
from dotenv import dotenv_values
for file in ['a.env', 'b.env']:
    print('py', json.dumps(dotenv_values(file), separators=(',', ':')))
PY
seen='js {"A":"B=2","C":"3"}
js {"DOUBLE":"pa$","PREFIX":"cost$","KEY":"cost"}
py {"A:":null,"B":"2","C":"3"}
py {"DOUBLE":"pa$$word","PREFIX":"cost$","KEY":"cost$name"}'
diff <(echo "$seen") <(timeout 30 node run.cjs; timeout 30 venv/bin/python run.py 2>/dev/null)
echo "as described"
