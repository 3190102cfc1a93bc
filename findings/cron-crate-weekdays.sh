#!/usr/bin/env bash
# The cron crate counts weekdays from Sunday as 1, and wants both day fields to match.
#
# Packages: crates cron 0.17.0, chrono 0.4.45; npm croner 11.0.1 to compare.
# One would swear: 1 is Monday, as in each crontab, and in croner, which takes the same fields with seconds first; and a day of the month
# beside a weekday means either of the two.
# Behaviour: `0 0 4 * * 1` fires on Sundays and `1-5` from Sunday to Thursday; 7 is Saturday, and 0 is an error. `0 0 4 13 * FRI` is Friday the
# 13th alone. Nothing warns, since the numbers are valid in both readings.
# Output seen: `seen` below, the first three days from 2026-03-01. The script ends with status 1 when the output differs.
#
# What our product does about it: fc-local's schedules of scaling are read by croner, whose weekdays are the platform's; fc-runtime brings no cron parser. A handler that checks a schedule
# with this crate writes weekdays as names, and restricts one of the two day fields.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts croner@11.0.1
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "weekdays"
version = "0.0.0"
edition = "2021"

[dependencies]
chrono = { version = "=0.4.45", default-features = false }
cron = "=0.17.0"
TOML
cat > src/main.rs <<'RUST'
use chrono::{DateTime, Utc};

fn main() {
    let start: DateTime<Utc> = "2026-03-01T00:00:00Z".parse().expect("a date");
    for expression in std::env::args().skip(1) {
        let days = match expression.parse::<cron::Schedule>() {
            Ok(schedule) => {
                let days = schedule.after(&start).take(3);
                days.map(|day| day.format("%a %m-%d").to_string()).collect::<Vec<_>>().join(", ")
            }
            Err(_) => "an error".to_owned(),
        };
        println!("cron {expression}: {days}");
    }
}
RUST
cat > run.mjs <<'JS'
import { Cron } from 'croner'

for (const expression of process.argv.slice(2)) {
  const runs = new Cron(expression, { timezone: 'UTC' }).nextRuns(3, new Date('2026-03-01T00:00:00Z'))
  console.log(`croner ${expression}: ${runs.map((date) => `${date.toUTCString().slice(0, 3)} ${date.toISOString().slice(5, 10)}`).join(', ')}`)
}
JS
CARGO_TARGET_DIR="$work/target" CARGO_BUILD_JOBS=2 timeout 110 cargo build --quiet
seen='cron 0 0 4 * * 1: Sun 03-01, Sun 03-08, Sun 03-15
cron 0 0 4 * * MON: Mon 03-02, Mon 03-09, Mon 03-16
cron 0 0 4 * * 1-5: Sun 03-01, Mon 03-02, Tue 03-03
cron 0 0 4 * * 7: Sat 03-07, Sat 03-14, Sat 03-21
cron 0 0 4 * * 0: an error
cron 0 0 4 13 * FRI: Fri 03-13, Fri 11-13, Fri 08-13
croner 0 0 4 * * 1: Mon 03-02, Mon 03-09, Mon 03-16
croner 0 0 4 * * MON: Mon 03-02, Mon 03-09, Mon 03-16
croner 0 0 4 * * 1-5: Mon 03-02, Tue 03-03, Wed 03-04
croner 0 0 4 * * 7: Sun 03-01, Sun 03-08, Sun 03-15
croner 0 0 4 * * 0: Sun 03-01, Sun 03-08, Sun 03-15
croner 0 0 4 13 * FRI: Fri 03-06, Fri 03-13, Fri 03-20'
expressions=('0 0 4 * * 1' '0 0 4 * * MON' '0 0 4 * * 1-5' '0 0 4 * * 7' '0 0 4 * * 0' '0 0 4 13 * FRI')
got=$(
  timeout 10 target/debug/weekdays "${expressions[@]}"
  TZ=UTC timeout 30 node run.mjs "${expressions[@]}"
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
