#!/usr/bin/env bash
# `s deploy -o json` goes on after a failed hook, and ends with status 0 when the deployment itself fails.
#
# Packages: npm @serverless-devs/s 3.1.10 (the deployment tool of Serverless Devs).
# One would swear: `-o` says how the result is printed, as with other tools, so a pipeline that reads the result adds it and relies on the status.
# Behaviour: plain `s deploy` stops at a `pre-deploy` hook that fails and at an error of the component, with status 101. With `-o json`, `yaml` or `raw` the
# hook's failure is passed over, and what the failed build left is deployed; an error of the component ends with status 0, with a tick, and without its text.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `fc-local doctor` warns of `-o` in scripts and pipelines (`deploy-output-format`); the recipes and templates never use it.
# Who needs the result as JSON runs `s info -o json` after a plain `s deploy`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @serverless-devs/s@3.1.10
export HOME=$work/home
mkdir home component hook failure

echo '{"name":"component","version":"1.0.0","main":"index.js"}' > component/package.json
cat > component/index.js <<'JS'
exports.default = class {
  async deploy({ props }) {
    if (props.broken) throw new Error('no quota is left')
    console.log('DEPLOYED')
    return { deployed: true }
  }
}
JS
manifest() {
  printf 'edition: 3.0.0\nname: app\naccess: default\nresources:\n  web:\n    component: ../component\n    props: {broken: %s}\n' "$1"
}
{ manifest false; printf '    actions:\n      pre-deploy:\n        - run: exit 3\n          path: .\n'; } > hook/s.yaml
manifest true > failure/s.yaml
run() {
  local status=0
  (cd "$1" && timeout 60 ../node_modules/.bin/s deploy -y "${@:2}" < /dev/null > ../out 2>&1) || status=$?
  echo "$*: status $status$(grep -q DEPLOYED out && echo ', deployed')$(grep -q '✔' out && echo ', a tick')$(grep -q 'no quota' out && echo ', the error')"
}
seen='hook: status 101
hook -o json: status 0, deployed, a tick
hook -o yaml: status 0, deployed, a tick
hook -o raw: status 0, deployed, a tick
failure: status 101, the error
failure -o json: status 0, a tick
failure -o yaml: status 0, a tick
failure -o raw: status 0, a tick'
got=$(for folder in hook failure; do run $folder; for format in json yaml raw; do run $folder -o $format; done; done)
diff <(echo "$seen") <(echo "$got")
echo "as described"
