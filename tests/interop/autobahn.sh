#!/usr/bin/env bash
# The Autobahn test suite against a WebSocket echo: autobahn.sh <url> <folder of the report>.
#
# It is a Python 2.7 program: FC_PYTHON27 names the interpreter. The suite is installed from PyPI into target/autobahn.
set -euo pipefail
url=$1 report=$2
python=${FC_PYTHON27:?has to name a Python 2.7}
suite=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/target/autobahn
if [[ ! -e $suite/installed ]]; then
  rm -rf "$suite"
  "$python" -m pip install --quiet --disable-pip-version-check --target "$suite" autobahntestsuite==25.10.1
  # A folder of packages that is on no site path needs the first of these files.
  touch "$suite/zope/__init__.py" "$suite/installed"
fi
# Sections 12 and 13 are about compression. The four others send messages of 8 and 16 MiB.
cat >"$report/spec.json" <<JSON
{
  "outdir": "$report",
  "servers": [{"agent": "fc-runtime", "url": "$url"}],
  "cases": ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*"],
  "exclude-cases": ["9.1.5", "9.1.6", "9.2.5", "9.2.6"],
  "exclude-agent-cases": {}
}
JSON
cd "$report"
PYTHONPATH=$suite exec "$python" -c 'from autobahntestsuite.wstest import run; run()' -m fuzzingclient -s spec.json
