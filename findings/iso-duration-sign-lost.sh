#!/usr/bin/env bash
# npm's iso8601-duration reads `-PT1H` as an hour, not as minus an hour.
#
# Packages: npm iso8601-duration 2.1.4, luxon 3.7.2; PyPI isodate 0.7.2, pendulum 3.3.0.
# One would swear: a sign is read, or the text is refused.
# Behaviour: iso8601-duration drops the sign, and adds where one meant to subtract. luxon and isodate read it, pendulum refuses it; pendulum
# also refuses weeks beside days, which luxon, isodate and iso8601-duration take.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What follows for fc-runtime: durations are numbers with a unit in its API and in s.yaml; no text of this kind is read.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts iso8601-duration@2.1.4 luxon@3.7.2
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check isodate==0.7.2 pendulum==3.3.0

cat > run.mjs <<'JS'
import { Duration } from 'luxon'
import { parse, toSeconds } from 'iso8601-duration'
for (const text of ['PT1H', '-PT1H', 'P1W2D']) {
  console.log(`iso8601-duration ${text}: ${toSeconds(parse(text))}`)
  console.log(`luxon ${text}: ${Duration.fromISO(text).as('seconds')}`)
}
JS
cat > run.py <<'PY'
import isodate, pendulum
from pendulum.parsing.exceptions import ParserError
for text in ['PT1H', '-PT1H', 'P1W2D']:
    print(f'isodate {text}: {isodate.parse_duration(text).total_seconds():.0f}')
    try:
        print(f'pendulum {text}: {pendulum.parse(text).total_seconds():.0f}')
    except ParserError:
        print(f'pendulum {text}: refused')
PY
seen='iso8601-duration PT1H: 3600
luxon PT1H: 3600
iso8601-duration -PT1H: 3600
luxon -PT1H: -3600
iso8601-duration P1W2D: 777600
luxon P1W2D: 777600
isodate PT1H: 3600
pendulum PT1H: 3600
isodate -PT1H: -3600
pendulum -PT1H: refused
isodate P1W2D: 777600
pendulum P1W2D: refused'
diff <(echo "$seen") <(timeout 30 node run.mjs; timeout 30 venv/bin/python run.py)
echo "as described"
