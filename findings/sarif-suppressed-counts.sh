#!/usr/bin/env bash
# A suppressed finding of a SARIF file fails the build with sarif-tools, and a finding without a level of its own passes with sarif-junit.
#
# Packages: PyPI sarif-tools 3.0.5; npm sarif-junit 1.1.4.
# One would swear: what has an accepted suppression is no finding any more (SARIF 2.1.0, 3.27.23), nor is what is `absent` since the baseline; and a result
# without `level` has that of its rule, else it is a warning (3.27.10).
# Behaviour: sarif-tools counts suppressed and absent results as errors, and `--check error` ends with a status other than 0. To leave them out needs a filter, in
# which `default-include: false` has to stand: by default an `exclude` also takes what has no suppression, so that nothing is left and the check is green.
# sarif-junit makes a passed test of each result without `level`, which the rule says is an error, and a failed one of what is suppressed.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `fc-local doctor --format sarif` writes the level into each result. Its own exit status leaves allowed findings out; a
# pipeline that asks sarif-tools needs the second filter below (docs/doctor.md).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts sarif-junit@1.1.4
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check sarif-tools==3.0.5

cat > make.py <<'PY'
import json

def result(text, **more):
    location = {'physicalLocation': {'artifactLocation': {'uri': 's.yaml'}, 'region': {'startLine': 3}}}
    return {'ruleId': 'R', 'message': {'text': text}, 'locations': [location], **more}

rule = {'id': 'R', 'defaultConfiguration': {'level': 'error'}}
accepted = [{'kind': 'external', 'status': 'accepted'}]
for name, results in {
    'suppressed': [result('suppressed', level='error', suppressions=accepted)],
    'absent': [result('absent', level='error', baselineState='absent')],
    'without-level': [result('without level')],
    'open-and-suppressed': [result('open', level='error'), result('suppressed', level='error', suppressions=accepted)],
}.items():
    run = {'tool': {'driver': {'name': 't', 'rules': [rule]}}, 'results': results}
    with open(f'{name}.sarif', 'w') as file:
        json.dump({'version': '2.1.0', 'runs': [run]}, file)
PY
printf 'description: allowed\nexclude:\n  - suppression: external\n' > plain.yaml
printf 'description: allowed\nconfiguration:\n  default-include: false\nexclude:\n  - suppression: external\n' > filter.yaml
python3 make.py

# The exit status, and the number of errors.
tools() {
  local status=0
  venv/bin/sarif --check error summary "${@:2}" "$1.sarif" > summary 2> /dev/null || status=$?
  echo "sarif-tools, $1 ${*:2}: status $status, $(grep '^error' summary)"
}
junit() {
  node node_modules/sarif-junit/bin/sarif-junit.js -i "$1.sarif" -o junit.xml > log
  echo "sarif-junit, $1: $(grep -o 'tests="[0-9]*" failures="[0-9]*"' junit.xml | head -1)"
}
seen='sarif-tools, suppressed : status 1, error: 1
sarif-tools, absent : status 1, error: 1
sarif-tools, without-level : status 1, error: 1
sarif-tools, open-and-suppressed --filter plain.yaml: status 0, error: 0
sarif-tools, open-and-suppressed --filter filter.yaml: status 1, error: 1
sarif-junit, suppressed: tests="1" failures="1"
sarif-junit, absent: tests="1" failures="1"
sarif-junit, without-level: tests="1" failures="0"'
got=$(
  for name in suppressed absent without-level; do tools "$name"; done
  tools open-and-suppressed --filter plain.yaml
  tools open-and-suppressed --filter filter.yaml
  for name in suppressed absent without-level; do junit "$name"; done
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
