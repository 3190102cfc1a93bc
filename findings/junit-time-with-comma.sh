#!/usr/bin/env bash
# A test of twenty minutes, `time="1,234.5"` in the XML of JUnit, took one second to junit-to-ctrf; xunitparser reads nothing of the file.
#
# Packages: npm junit-to-ctrf 0.0.14, junit2json 4.0.0; PyPI junitparser 5.0.3, xunitparser 1.3.4.
# One would swear: what reads reports of JUnit reads those of Maven, which writes seconds with a comma for thousands.
# Behaviour: junit-to-ctrf takes what stands before the comma for the seconds. xunitparser throws when the file is read. junit2json gives the text where other times are numbers, so that a sum becomes
# a text. junitparser takes the comma off. A case that came right when it was repeated (`flakyFailure`) is flaky to junit-to-ctrf.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `fc-local conform --format junit` writes seconds with a point and no other mark, and one result for each case.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts junit-to-ctrf@0.0.14 junit2json@4.0.0
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check junitparser==5.0.3 xunitparser==1.3.4

cat > report.xml <<'XML'
<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="s" tests="3" failures="0" errors="0" skipped="0" time="1,236">
  <testcase name="long" classname="c" time="1,234.5"/>
  <testcase name="short" classname="c" time="0.5"/>
  <testcase name="second-try" classname="c" time="1"><flakyFailure message="at first"/></testcase>
</testsuite>
XML
cat > read.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { parse } from 'junit2json'

const { testcase } = await parse(readFileSync('report.xml', 'utf8'))
console.log('junit2json:', JSON.stringify(testcase.map(({ time }) => time)))
const { results } = JSON.parse(readFileSync('ctrf.json'))
console.log('junit-to-ctrf, ms:', JSON.stringify(results.tests.map(({ duration }) => duration)), 'flaky', results.summary.flaky)
JS
cat > read.py <<'PY'
import junitparser
import xunitparser

times = []
for suite in junitparser.JUnitXml.fromfile('report.xml'):
    times += [case.time for case in suite]
print('junitparser:', times)
try:
    print('xunitparser:', [case.time for case in xunitparser.parse(open('report.xml'))[0]])
except ValueError as error:
    print('xunitparser:', type(error).__name__)
PY
npx --no-install junit-to-ctrf report.xml -o ctrf.json > log
seen='junit2json: ["1,234.5",0.5,1]
junit-to-ctrf, ms: [1000,500,1000] flaky 1
junitparser: [1234.5, 0.5, 1.0]
xunitparser: ValueError'
got=$(timeout 30 node read.mjs; timeout 30 python/bin/python -W ignore read.py)
diff <(echo "$seen") <(echo "$got")
echo "as described"
