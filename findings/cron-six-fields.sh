#!/usr/bin/env bash
# `0 0 4 * * *`, a timer of every day at four, is every second of the month's fourth day to croniter, and midnight of that day to crontab.
#
# Packages: PyPI croniter 7.0.0, crontab 1.0.5, cronsim 2.8, cron-descriptor 2.2.1; npm cron-parser 5.10.6, croner 11.0.1, cron 4.4.0, cronstrue 3.39.0.
# One would swear: with six fields the first is the second, as Function Compute's timers, Quartz and Spring have it, or the reader refuses.
# Behaviour: croniter takes the sixth field for the second, and crontab for the year: without an error as long as the numbers fit, so `0 0 4 * * 1` is the first second of the
# fourth day, or a year out of range, and `0 30 8 * * *` is refused for its hour of 30. The other readers have seconds first. cron-descriptor, which is put beside croniter on pages of Python,
# says "At 04:00 AM" of what croniter runs at midnight. With `second_at_beginning=True` croniter agrees. Of `CRON_TZ=Asia/Shanghai` in front, which Function Compute takes, cron-descriptor makes
# a sentence about "every Shanghai seconds"; all others refuse it.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `fc-local` reads `cronExpression` with seconds first, in the zone of `CRON_TZ=`, and refuses other numbers of fields. A script in Python that computes when a
# timer is due gives croniter `second_at_beginning=True` and the zone of the start.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts cron-parser@5.10.6 croner@11.0.1 cron@4.4.0 cronstrue@3.39.0
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check croniter==7.0.0 crontab==1.0.5 cronsim==2.8 cron-descriptor==2.2.1

cat > read.py <<'PY'
import itertools
import sys
from datetime import datetime, timedelta

from cron_descriptor import get_description
from croniter import croniter
from cronsim import CronSim
from crontab import CronTab

start = datetime(2026, 3, 1)


def of_croniter(text, **options):
    times = croniter(text, start, **options)
    return [times.get_next(datetime) for _ in range(2)]


def of_crontab(text):
    first = start + timedelta(seconds=CronTab(text).next(start, default_utc=True))
    return [first, first + timedelta(seconds=CronTab(text).next(first, default_utc=True))]


readers = {
    'croniter': of_croniter,
    'croniter, second_at_beginning': lambda text: of_croniter(text, second_at_beginning=True),
    'crontab': of_crontab,
    'cronsim': lambda text: list(itertools.islice(CronSim(text, start), 2)),
}
for text in sys.argv[1:]:
    for name, read in readers.items():
        try:
            times = ', '.join(time.strftime('%d %H:%M:%S') if time.month == 3 else time.strftime('%b %d %H:%M:%S') for time in read(text))
        except Exception:
            times = 'an error'
        print(f'{text} {name}: {times}')
    print(f'{text} cron-descriptor: {get_description(text)}')
PY
cat > read.mjs <<'JS'
import { CronTime } from 'cron'
import { CronExpressionParser } from 'cron-parser'
import { Cron } from 'croner'
import cronstrue from 'cronstrue'

const start = new Date('2026-03-01T00:00:00Z')
const readers = {
  'cron-parser': (text) => {
    const times = CronExpressionParser.parse(text, { currentDate: start, tz: 'UTC' })
    return [times.next(), times.next()].map((time) => time.toDate())
  },
  croner: (text) => new Cron(text, { timezone: 'UTC' }).nextRuns(2, start),
  cron: (text) => {
    const time = new CronTime(text, 'UTC')
    const first = time.getNextDateFrom(start)
    return [first, time.getNextDateFrom(first)].map((time) => time.toJSDate())
  },
}
for (const text of process.argv.slice(2)) {
  for (const [name, read] of Object.entries(readers)) {
    let times = 'an error'
    try {
      times = read(text).map((time) => time.toISOString().slice(8, 19).replace('T', ' ')).join(', ')
    } catch {}
    console.log(`${text} ${name}: ${times}`)
  }
  let sentence = 'an error'
  try {
    sentence = cronstrue.toString(text)
  } catch {}
  console.log(`${text} cronstrue: ${sentence}`)
}
JS
seen='0 0 4 * * * croniter: 04 00:00:00, 04 00:00:01
0 0 4 * * * croniter, second_at_beginning: 01 04:00:00, 02 04:00:00
0 0 4 * * * crontab: 04 00:00:00, Apr 04 00:00:00
0 0 4 * * * cronsim: 01 04:00:00, 02 04:00:00
0 0 4 * * * cron-descriptor: At 04:00 AM
0 0 4 * * 1 croniter: 04 00:00:01, Apr 04 00:00:01
0 0 4 * * 1 croniter, second_at_beginning: 02 04:00:00, 09 04:00:00
0 0 4 * * 1 crontab: an error
0 0 4 * * 1 cronsim: 02 04:00:00, 09 04:00:00
0 0 4 * * 1 cron-descriptor: At 04:00 AM, only on Monday
0 30 8 * * * croniter: an error
0 30 8 * * * croniter, second_at_beginning: 01 08:30:00, 02 08:30:00
0 30 8 * * * crontab: an error
0 30 8 * * * cronsim: 01 08:30:00, 02 08:30:00
0 30 8 * * * cron-descriptor: At 08:30 AM
CRON_TZ=Asia/Shanghai 0 0 4 * * * croniter: an error
CRON_TZ=Asia/Shanghai 0 0 4 * * * croniter, second_at_beginning: an error
CRON_TZ=Asia/Shanghai 0 0 4 * * * crontab: an error
CRON_TZ=Asia/Shanghai 0 0 4 * * * cronsim: an error
CRON_TZ=Asia/Shanghai 0 0 4 * * * cron-descriptor: Every Shanghai seconds, starting at CRON_TZ=Asia seconds past the minute, at 0 minutes past the hour, between 12:00 AM and 12:59 AM, on day 4 of the month
0 0 4 * * * cron-parser: 01 04:00:00, 02 04:00:00
0 0 4 * * * croner: 01 04:00:00, 02 04:00:00
0 0 4 * * * cron: 01 04:00:00, 02 04:00:00
0 0 4 * * * cronstrue: At 04:00 AM
0 0 4 * * 1 cron-parser: 02 04:00:00, 09 04:00:00
0 0 4 * * 1 croner: 02 04:00:00, 09 04:00:00
0 0 4 * * 1 cron: 02 04:00:00, 09 04:00:00
0 0 4 * * 1 cronstrue: At 04:00 AM, only on Monday
0 30 8 * * * cron-parser: 01 08:30:00, 02 08:30:00
0 30 8 * * * croner: 01 08:30:00, 02 08:30:00
0 30 8 * * * cron: 01 08:30:00, 02 08:30:00
0 30 8 * * * cronstrue: At 08:30 AM
CRON_TZ=Asia/Shanghai 0 0 4 * * * cron-parser: an error
CRON_TZ=Asia/Shanghai 0 0 4 * * * croner: an error
CRON_TZ=Asia/Shanghai 0 0 4 * * * cron: an error
CRON_TZ=Asia/Shanghai 0 0 4 * * * cronstrue: an error'
expressions=('0 0 4 * * *' '0 0 4 * * 1' '0 30 8 * * *' 'CRON_TZ=Asia/Shanghai 0 0 4 * * *')
got=$(
  timeout 30 python/bin/python -W ignore read.py "${expressions[@]}"
  TZ=UTC timeout 30 node read.mjs "${expressions[@]}"
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
