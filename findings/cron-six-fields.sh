#!/usr/bin/env bash
# croniter reads a cron expression of six fields with the seconds last; most of the valid ones for Function Compute fire, at other times.
#
# Packages: PyPI croniter 7.0.0, cronsim 2.8; npm croner 11.0.1.
# One would swear: a sixth field is seconds, and comes first, as in Quartz, Function Compute and the parsers for Node.js; a parser that has
# them elsewhere would refuse. cronsim, from the same language, has them first.
# Behaviour: croniter takes the last field as seconds. `0 30 4 * * *` (daily at 04:30:00) is read as the 4th of each month, 30 o'clock, and
# refused; but `0 0 12 * * *` (daily at noon) is each second of 00:00 on the 12th, and `0 0 4 * * 1` (Mondays at four) is the 4th of
# each month, a second after midnight. `second_at_beginning=True` reads them right.
# Output seen: `seen` below, the first two times from 2026-03-01. The script ends with status 1 when the output differs.
#
# What our product does about it: fc-runtime and fc-local read no cron expressions; the platform's time trigger does, seconds first. Tools in Python that
# look at the triggers of an `s.yaml` pass `second_at_beginning=True`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts croner@11.0.1
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check croniter==7.0.0 cronsim==2.8

cat > run.py <<'PY'
import sys
from datetime import datetime
from croniter import croniter
from cronsim import CronSim

start = datetime(2026, 3, 1)
for expression in sys.argv[1:]:
    for name, parse in [
        ("croniter", lambda: croniter(expression, start, ret_type=datetime)),
        ("croniter, second_at_beginning", lambda: croniter(expression, start, ret_type=datetime, second_at_beginning=True)),
        ("cronsim", lambda: CronSim(expression, start)),
    ]:
        try:
            times = parse()
            print(f"{expression} {name}:", ", ".join(f"{next(times):%m-%d %H:%M:%S}" for _ in range(2)))
        except ValueError as error:
            print(f"{expression} {name}: {type(error).__name__}")
PY
cat > run.mjs <<'JS'
import { Cron } from 'croner'

for (const expression of process.argv.slice(2)) {
  const runs = new Cron(expression, { timezone: 'UTC' }).nextRuns(2, new Date('2026-03-01T00:00:00Z'))
  console.log(`${expression} croner: ${runs.map((date) => date.toISOString().slice(5, 19).replace('T', ' ')).join(', ')}`)
}
JS
seen='0 30 4 * * * croniter: CroniterBadCronError
0 30 4 * * * croniter, second_at_beginning: 03-01 04:30:00, 03-02 04:30:00
0 30 4 * * * cronsim: 03-01 04:30:00, 03-02 04:30:00
0 0 12 * * * croniter: 03-12 00:00:00, 03-12 00:00:01
0 0 12 * * * croniter, second_at_beginning: 03-01 12:00:00, 03-02 12:00:00
0 0 12 * * * cronsim: 03-01 12:00:00, 03-02 12:00:00
0 0 4 * * 1 croniter: 03-04 00:00:01, 04-04 00:00:01
0 0 4 * * 1 croniter, second_at_beginning: 03-02 04:00:00, 03-09 04:00:00
0 0 4 * * 1 cronsim: 03-02 04:00:00, 03-09 04:00:00
0 0 12 * * * croner: 03-01 12:00:00, 03-02 12:00:00'
got=$(
  timeout 30 venv/bin/python run.py '0 30 4 * * *' '0 0 12 * * *' '0 0 4 * * 1'
  timeout 30 node run.mjs '0 0 12 * * *'
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
