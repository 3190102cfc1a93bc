#!/usr/bin/env bash
# `s remove web` removes every resource of the manifest, and a mistyped `s deply` or `s wbe deploy` ends with status 0.
#
# Packages: npm @serverless-devs/s 3.1.10 (the deployment tool of Serverless Devs).
# One would swear: a word behind the command narrows it down, as with `docker compose rm web`, or is refused; and a command that no component has is an error.
# Behaviour: a resource counts as the first word alone (`s web remove`). Behind the command its name is passed over, so the command runs for all of them. A
# first word that is no resource is taken for a command of every component: "command was not found" is a tip, then come a tick and status 0.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `fc-local doctor` warns of a resource behind the command in scripts (`resource-behind-command`). `fc-local deploy` and its
# siblings refuse a function or a command that they do not know. After a deployment, look with `s info`: the status says too little.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @serverless-devs/s@3.1.10
export HOME=$work/home
mkdir home component app

echo '{"name":"component","version":"1.0.0","main":"index.js"}' > component/package.json
cat > component/index.js <<'JS'
exports.default = class {
  async deploy({ props }) {
    console.log('DEPLOYED', props.called)
  }
  async remove({ props }) {
    console.log('REMOVED', props.called)
  }
}
JS
cat > app/s.yaml <<'YAML'
edition: 3.0.0
name: app
access: default
resources:
  web:
    component: ../component
    props: {called: web}
  orders:
    component: ../component
    props: {called: orders}
YAML
run() {
  local status=0
  (cd app && timeout 60 ../node_modules/.bin/s "$@" -y < /dev/null > ../out 2>&1) || status=$?
  echo "s $*: status $status" $(grep -oE '(DEPLOYED|REMOVED) [a-z]+' out | sort)
}
seen='s web remove: status 0 REMOVED web
s remove web: status 0 REMOVED orders REMOVED web
s deply: status 0
s wbe deploy: status 0
s deploy: status 0 DEPLOYED orders DEPLOYED web'
got=$(run web remove; run remove web; run deply; run wbe deploy; run deploy)
diff <(echo "$seen") <(echo "$got")
echo "as described"
