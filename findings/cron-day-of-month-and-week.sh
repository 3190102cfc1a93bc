#!/usr/bin/env bash
# A step in the day of the month means "and" to cronsim and "or" to four other cron parsers, and npm's cron takes a full range for a star.
#
# Packages: PyPI croniter 7.0.0, cronsim 2.8; npm croner 11.0.1, cron-parser 5.10.6, cron 4.4.0.
# One would swear: `0 0 */2 * 1` has one meaning. Debian's cron takes a field that begins with a star as unrestricted, so that both fields
# have to match: Mondays that are odd days.
# Behaviour: cronsim fires on odd Mondays. croniter, croner, cron-parser and cron fire on each odd day and on each Monday. With `1-31`, which is
# every day, npm's cron fires on Mondays alone, and all others fire daily, cronsim too.
# Output seen: `seen` below, the first four days from 2026-03-01. The script ends with status 1 when the output differs.
#
# What our product does about it: fc-local takes either of two restricted day fields in schedules of scaling, and fc-runtime leaves schedules to the platform's time trigger. An expression that is to mean
# the same in Function Compute, a crontab and a library restricts one of the two fields only; the handler checks the other.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts croner@11.0.1 cron-parser@5.10.6 cron@4.4.0
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check croniter==7.0.0 cronsim==2.8

cat > run.py <<'PY'
import sys
from datetime import datetime
from croniter import croniter
from cronsim import CronSim

start = datetime(2026, 3, 1)
for expression in sys.argv[1:]:
    for name, times in [("cronsim", CronSim(expression, start)), ("croniter", croniter(expression, start, ret_type=datetime))]:
        print(f"{expression} {name}:", ", ".join(next(times).strftime("%a %d") for _ in range(4)))
PY
cat > run.mjs <<'JS'
import { Cron } from 'croner'
import { CronTime } from 'cron'
import { CronExpressionParser } from 'cron-parser'

const start = new Date('2026-03-01T00:00:00Z')
const day = (date) => `${date.toUTCString().slice(0, 3)} ${date.toISOString().slice(8, 10)}`
for (const expression of process.argv.slice(2)) {
  const parsed = CronExpressionParser.parse(expression, { currentDate: start, tz: 'UTC' })
  const time = new CronTime(expression, 'UTC')
  let last = start
  const days = {
    croner: new Cron(expression, { timezone: 'UTC' }).nextRuns(4, start).map(day),
    'cron-parser': [1, 2, 3, 4].map(() => day(parsed.next().toDate())),
    cron: [1, 2, 3, 4].map(() => day(last = time.getNextDateFrom(last, 'UTC').toJSDate())),
  }
  for (const [name, list] of Object.entries(days)) console.log(`${expression} ${name}: ${list.join(', ')}`)
}
JS
seen='0 0 */2 * 1 cronsim: Mon 09, Mon 23, Mon 13, Mon 27
0 0 */2 * 1 croniter: Mon 02, Tue 03, Thu 05, Sat 07
0 0 1-31 * 1 cronsim: Mon 02, Tue 03, Wed 04, Thu 05
0 0 1-31 * 1 croniter: Mon 02, Tue 03, Wed 04, Thu 05
0 0 */2 * 1 croner: Mon 02, Tue 03, Thu 05, Sat 07
0 0 */2 * 1 cron-parser: Mon 02, Tue 03, Thu 05, Sat 07
0 0 */2 * 1 cron: Mon 02, Tue 03, Thu 05, Sat 07
0 0 1-31 * 1 croner: Mon 02, Tue 03, Wed 04, Thu 05
0 0 1-31 * 1 cron-parser: Mon 02, Tue 03, Wed 04, Thu 05
0 0 1-31 * 1 cron: Mon 02, Mon 09, Mon 16, Mon 23'
got=$(
  timeout 30 venv/bin/python run.py '0 0 */2 * 1' '0 0 1-31 * 1'
  TZ=UTC timeout 30 node run.mjs '0 0 */2 * 1' '0 0 1-31 * 1'
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
