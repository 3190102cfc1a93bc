#!/usr/bin/env bash
# `5 min` is five milliseconds to npm's itty-time, `1h30m` is undefined to ms, and so no time at all to setTimeout; `-5m` is plus five minutes to timestring, `1,5h` fifteen hours.
#
# Packages: npm ms 2.1.3, itty-time 2.0.2, timestring 7.0.0, parse-duration 2.1.9; PyPI pytimeparse 1.1.10, pytimeparse2 1.7.1.
# One would swear: what reads `90s` and `1h` for a setting reads `1h30m`, as Go, systemd and Function Compute's timers write it, or throws; a unit that it does not know is an error.
# Behaviour: ms returns `undefined` for each text of two units, itty-time NaN for each unit without a space, `1h` too, and the bare number, in milliseconds, behind a unit that it does not know: `min`. timestring drops
# signs. A comma is passed over by it and parse-duration, and a decimal comma makes ten times as much. `1:30` is a minute and a half to Python's; pytimeparse knows no `500ms` and no `10`, pytimeparse2 reads
# both. `1M` is a minute to all but itty-time.
# Output seen: `seen` below, in milliseconds. The script ends with status 1 when the output differs.
#
# What our product does about it: `fc-local` reads the interval of `@every 1h30m` by itself, in hours, minutes and seconds, and refuses everything else. The library takes `Duration`s.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts ms@2.1.3 itty-time@2.0.2 timestring@7.0.0 parse-duration@2.1.9
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check pytimeparse==1.1.10 pytimeparse2==1.7.1

cat > read.mjs <<'JS'
import { ms as itty } from 'itty-time'
import ms from 'ms'
import parse from 'parse-duration'
import timestring from 'timestring'

const readers = { ms, 'itty-time': itty, timestring: (text) => timestring(text, 'ms'), 'parse-duration': (text) => parse(text) }
for (const text of process.argv.slice(2)) {
  const words = []
  for (const [name, read] of Object.entries(readers)) {
    let value
    try {
      value = read(text)
    } catch {
      value = 'an error'
    }
    words.push(`${name} ${value}`)
  }
  console.log(`${text}: ${words.join(', ')}`)
}
JS
cat > read.py <<'PY'
import sys

import pytimeparse
import pytimeparse2

for text in sys.argv[1:]:
    values = {module.__name__: module.parse(text) for module in (pytimeparse, pytimeparse2)}
    print(f'{text}:', ', '.join(f'{name} {value if value is None else round(value * 1000)}' for name, value in values.items()))
PY
texts=('1h' '1h30m' '5 min' '-5m' '1,5h' '500ms' '10' '1:30' '1M')
seen='1h: ms 3600000, itty-time NaN, timestring 3600000, parse-duration 3600000
1h30m: ms undefined, itty-time NaN, timestring 5400000, parse-duration 5400000
5 min: ms 300000, itty-time 5, timestring 300000, parse-duration 300000
-5m: ms -300000, itty-time NaN, timestring 300000, parse-duration -300000
1,5h: ms undefined, itty-time NaN, timestring 54000000, parse-duration 54000000
500ms: ms 500, itty-time NaN, timestring 500, parse-duration 500
10: ms 10, itty-time 10, timestring 10, parse-duration 10
1:30: ms undefined, itty-time NaN, timestring an error, parse-duration 1.03
1M: ms 60000, itty-time NaN, timestring 60000, parse-duration 60000
1h: pytimeparse 3600000, pytimeparse2 3600000
1h30m: pytimeparse 5400000, pytimeparse2 5400000
5 min: pytimeparse 300000, pytimeparse2 300000
-5m: pytimeparse -300000, pytimeparse2 -300000
1,5h: pytimeparse None, pytimeparse2 None
500ms: pytimeparse None, pytimeparse2 500
10: pytimeparse None, pytimeparse2 10000
1:30: pytimeparse 90000, pytimeparse2 90000
1M: pytimeparse 60000, pytimeparse2 60000'
got=$(timeout 30 node read.mjs "${texts[@]}"; timeout 30 python/bin/python -W ignore read.py "${texts[@]}")
diff <(echo "$seen") <(echo "$got")
echo "as described"
