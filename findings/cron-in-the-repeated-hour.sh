#!/usr/bin/env bash
# A daily schedule in the hour that autumn has twice runs twice with croniter and APScheduler; in spring four parsers have three times for it.
#
# Packages: PyPI croniter 7.0.0, cronsim 2.8, APScheduler 3.11.3; npm croner 11.0.1, cron-parser 5.10.6, cron 4.4.0.
# One would swear: `30 2 * * *` in a time zone is one run a day, also on the two days on which the clock is changed, as cron has it since Vixie's; and
# libraries that name the time zone themselves agree when that run is.
# Behaviour, Europe/Berlin: on 2026-10-25 croniter and APScheduler give 02:30 twice, at 00:30 and 01:30 UTC; cronsim and the three of npm once. On
# 2026-03-29, which has no 02:30, cron-parser and APScheduler give 03:30, the four others 03:00. Every other hour, `0 */2 * * *`, has one run more
# on that day with croniter, APScheduler, cron-parser and cron (03:00 in place of 02:00) than with cronsim and croner.
# Output seen: `seen` below, times in UTC. The script ends with status 1 when the output differs.
#
# What our product does about it: a schedule of fc-local that names a time zone runs by the Rust croner; docs/fidelity.md says what the two days give.
# A task that a daily schedule starts is idempotent by the day, not by the run.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts croner@11.0.1 cron-parser@5.10.6 cron@4.4.0
python3 -m venv python
python/bin/pip install --quiet croniter==7.0.0 cronsim==2.8 APScheduler==3.11.3 tzdata
cat > cases.txt <<'TXT'
autumn|30 2 * * *|2026-10-24T23:00:00Z|2026-10-25T22:00:00Z
spring|30 2 * * *|2026-03-28T23:00:00Z|2026-03-29T21:00:00Z
spring|0 */2 * * *|2026-03-28T23:30:00Z|2026-03-29T03:30:00Z
TXT
cat > run.mjs <<'JS'
import fs from 'node:fs'
import { CronTime } from 'cron'
import { CronExpressionParser } from 'cron-parser'
import { Cron } from 'croner'

const tz = 'Europe/Berlin'
const libraries = {
  croner: (expression, start) => {
    const schedule = new Cron(expression, { timezone: tz })
    return (from) => schedule.nextRun(from ?? start)
  },
  'cron-parser': (expression, currentDate) => {
    const schedule = CronExpressionParser.parse(expression, { tz, currentDate })
    return () => schedule.next().toDate()
  },
  cron: (expression, start) => {
    const schedule = new CronTime(expression, tz)
    return (from) => schedule.getNextDateFrom(from ?? start, tz).toJSDate()
  },
}
for (const line of fs.readFileSync('cases.txt', 'utf8').trim().split('\n')) {
  const [season, expression, start, end] = line.split('|')
  for (const [name, open] of Object.entries(libraries)) {
    const next = open(expression, new Date(start))
    const times = []
    for (let time = next(); time < new Date(end); time = next(time)) times.push(time.toISOString().slice(11, 16))
    console.log(`${season} ${expression} ${name}: ${times.join(' ')}`)
  }
}
JS
cat > run.py <<'PY'
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger
from croniter import croniter
from cronsim import CronSim

ZONE = ZoneInfo('Europe/Berlin')


def by_croniter(expression, start):
    schedule = croniter(expression, start)
    while True:
        yield schedule.get_next(datetime)


def by_apscheduler(expression, start):
    trigger = CronTrigger.from_crontab(expression, timezone=ZONE)
    time, now = None, start
    while True:
        time = trigger.get_next_fire_time(time, now)
        yield time
        now = (time.astimezone(timezone.utc) + timedelta(seconds=1)).astimezone(ZONE)


for line in open('cases.txt').read().splitlines():
    season, expression, start, end = line.split('|')
    for name, schedule in [('croniter', by_croniter), ('cronsim', CronSim), ('APScheduler', by_apscheduler)]:
        times = []
        for time in schedule(expression, datetime.fromisoformat(start).astimezone(ZONE)):
            time = time.astimezone(timezone.utc)
            if time >= datetime.fromisoformat(end):
                break
            times.append(time.strftime('%H:%M'))
        print(f'{season} {expression} {name}:', *times)
PY
seen='autumn 30 2 * * * croner: 00:30
autumn 30 2 * * * cron-parser: 00:30
autumn 30 2 * * * cron: 00:30
spring 30 2 * * * croner: 01:00
spring 30 2 * * * cron-parser: 01:30
spring 30 2 * * * cron: 01:00
spring 0 */2 * * * croner: 02:00
spring 0 */2 * * * cron-parser: 01:00 02:00
spring 0 */2 * * * cron: 01:00 02:00
autumn 30 2 * * * croniter: 00:30 01:30
autumn 30 2 * * * cronsim: 00:30
autumn 30 2 * * * APScheduler: 00:30 01:30
spring 30 2 * * * croniter: 01:00
spring 30 2 * * * cronsim: 01:00
spring 30 2 * * * APScheduler: 01:30
spring 0 */2 * * * croniter: 01:00 02:00
spring 0 */2 * * * cronsim: 02:00
spring 0 */2 * * * APScheduler: 01:00 02:00'
got=$(timeout 20 node run.mjs; timeout 20 python/bin/python run.py)
diff <(echo "$seen") <(echo "$got")
echo "as described"
