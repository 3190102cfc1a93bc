#!/usr/bin/env bash
# python-hcl2 gives the texts of a Terraform file with their quotes, and npm's hcl2-parser makes a reference of what is escaped not to be one.
#
# Packages: PyPI python-hcl2 8.1.4; npm hcl2-parser 1.0.3.
# One would swear: `name = "web"` is the text `web`, and `"$${x}"` the text `${x}`, told apart from the reference `"${x}"`.
# Behaviour: `hcl2.loads` returns `"web"` with quotes, labels of blocks and whole heredocs with their markers too, and writes numbers such as `1e2`
# as the text `${1e2}`. hcl2-parser returns the same text for the reference and for its escaped form, and rounds whole numbers beyond 2^53.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What follows for fc-runtime: Terraform's files are read with a parser that keeps the parts of a template apart, never through either's JSON.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts hcl2-parser@1.0.3
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check python-hcl2==8.1.4

cat > a.tf <<'TF'
name = "web"
weight = 1e2
account = 9007199254740993
reference = "${x}"
escaped = "$${x}"
text = <<EOT
line
EOT
rule "alb" "first" {
  priority = 1
}
TF
cat > run.mjs <<'JS'
import fs from 'node:fs'
import parser from 'hcl2-parser'
for (const [key, value] of Object.entries(parser.parseToObject(fs.readFileSync('a.tf', 'utf8'))[0])) console.log(`hcl2-parser ${key}: ${JSON.stringify(value)}`)
JS
cat > run.py <<'PY'
import hcl2, json
for key, value in hcl2.load(open('a.tf')).items():
    print(f'python-hcl2 {key}: {json.dumps(value, separators=(",", ":"))}')
PY
seen='hcl2-parser account: 9007199254740992
hcl2-parser escaped: "${x}"
hcl2-parser name: "web"
hcl2-parser reference: "${x}"
hcl2-parser rule: {"alb":{"first":[{"priority":1}]}}
hcl2-parser text: "line\n"
hcl2-parser weight: 100
python-hcl2 name: "\"web\""
python-hcl2 weight: "${1e2}"
python-hcl2 account: 9007199254740993
python-hcl2 reference: "\"${x}\""
python-hcl2 escaped: "\"$${x}\""
python-hcl2 text: "\"<<EOT\nline\nEOT\""
python-hcl2 rule: [{"\"alb\"":{"\"first\"":{"priority":1,"__is_block__":true}}}]'
diff <(echo "$seen") <(timeout 30 node run.mjs; timeout 30 venv/bin/python run.py)
echo "as described"
