#!/usr/bin/env bash
# A hook for `remove` stops `s deploy` if a variable in it is not set, and a hook called `pre-deploy-off` runs before `deploy`.
#
# Packages: npm @serverless-devs/s 3.1.10 (the deployment tool of Serverless Devs).
# One would swear: the hooks of a command that is not run are not looked at; and a key that is no hook, such as one that was renamed to switch it off, is either an
# error or never runs.
# Behaviour: the expressions of all hooks are worked out at every command, so a token that only `remove` needs has to be there for `deploy` and `info` too. Of
# a key two words count: `pre-deploy-off` is `pre-deploy`, while `pre-deploy.off` and `pre-deployment` never run. Nothing is said of any of them.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `fc-local` and its `doctor` name the line of such an expression, and say that the tool refuses the file; `doctor` warns of
# keys with more than two words (`hook-key-suffix`). A variable that one command alone needs has a default, `${env('TOKEN', '')}`.
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
  async deploy() {
    console.log('DEPLOYED')
  }
}
JS
run() { # KEY COMMAND
  cat > app/s.yaml <<YAML
edition: 3.0.0
name: app
access: default
resources:
  web:
    component: ../component
    actions:
      $1:
        - run: $2
          path: .
    props: {}
YAML
  local status=0
  (cd app && timeout 60 ../node_modules/.bin/s deploy -y < /dev/null > ../out 2>&1) || status=$?
  echo "$1, $2: status $status" $(grep -oE '^(HOOK|DEPLOYED)|TOKEN.\) not found' out)
}
seen="pre-deploy, echo HOOK: status 0 HOOK DEPLOYED
pre-deploy-off, echo HOOK: status 0 HOOK DEPLOYED
pre-deploy.off, echo HOOK: status 0 DEPLOYED
pre-deployment, echo HOOK: status 0 DEPLOYED
pre-remove, echo HOOK: status 0 DEPLOYED
pre-remove, echo \${env('TOKEN')}: status 1 TOKEN') not found
pre-remove, echo \${env('TOKEN', '')}: status 0 DEPLOYED"
got=$(run pre-deploy 'echo HOOK'; run pre-deploy-off 'echo HOOK'; run pre-deploy.off 'echo HOOK'; run pre-deployment 'echo HOOK'; run pre-remove 'echo HOOK'
  run pre-remove "echo \${env('TOKEN')}"; run pre-remove "echo \${env('TOKEN', '')}")
diff <(echo "$seen") <(echo "$got")
echo "as described"
