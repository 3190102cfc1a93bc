#!/usr/bin/env bash
# betterproto's times are wrong by a second before 1970, by hours in JSON, and its negative durations by a second.
#
# Packages: PyPI betterproto 1.2.5 (the stable release), protobuf 7.36.2.
# One would swear: a datetime with a time zone and a timedelta survive the wire and JSON.
# Behaviour: seconds are cut towards zero while nanoseconds count upwards, so half a second before 1970 arrives as half a second after.
# A timedelta of -1.5 s arrives as -0.5 s. `to_json` writes the local clock with a `Z`: 08:00+08:00 becomes 08:00Z, while the binary form
# of the same message is right.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: fc-runtime hands on `prost_types::Timestamp` and `Duration` as they came. Clients with betterproto 1 convert to UTC
# first (`.astimezone(timezone.utc)`), and send durations that may be negative as an integer of milliseconds.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check betterproto==1.2.5 protobuf==7.36.2

cat > run.py <<'PY'
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
import betterproto
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

@dataclass
class Job(betterproto.Message):
    at: datetime = betterproto.message_field(1)
    takes: timedelta = betterproto.message_field(2)

def inner(wire):
    # The one field of the message: a tag, a length, the value.
    return wire[2:]

for at in [
    datetime(2026, 1, 1, 8, 0, tzinfo=timezone(timedelta(hours=8))),
    datetime(1969, 12, 31, 23, 59, 59, 500000, tzinfo=timezone.utc),
]:
    google = Timestamp()
    google.FromDatetime(at)
    job = Job(at=at)
    print(f"{at.isoformat()}: protobuf {google.ToJsonString()}, betterproto binary {Timestamp.FromString(inner(bytes(job))).ToJsonString()}, JSON {job.to_dict()['at']}")
for seconds in [1.5, -1.5]:
    google = Duration()
    google.FromTimedelta(timedelta(seconds=seconds))
    back = Job().parse(bytes(Job(takes=timedelta(seconds=seconds)))).takes.total_seconds()
    print(f"{seconds} s: protobuf {google.ToTimedelta().total_seconds()}, betterproto {back}")
PY
seen='2026-01-01T08:00:00+08:00: protobuf 2026-01-01T00:00:00Z, betterproto binary 2026-01-01T00:00:00Z, JSON 2026-01-01T08:00:00Z
1969-12-31T23:59:59.500000+00:00: protobuf 1969-12-31T23:59:59.500Z, betterproto binary 1970-01-01T00:00:00.500Z, JSON 1969-12-31T23:59:59.500Z
1.5 s: protobuf 1.5, betterproto 1.5
-1.5 s: protobuf -1.5, betterproto -0.5'
got=$(timeout 60 venv/bin/python run.py)
diff <(echo "$seen") <(echo "$got")
echo "as described"
