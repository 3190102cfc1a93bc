#!/usr/bin/env bash
# A `#` in the name of a failed TAP test makes it a skipped one, and escaping it as TAP 14 says does not help in Python.
#
# Packages: npm tap-parser 18.3.4; PyPI tap.py 3.2.1 with more-itertools 10.8.0 and PyYAML 6.0.3; Perl's TAP::Parser (of Debian 12: 3.44).
# One would swear: a test that is called "the link #skip-to-main is first" and fails has failed; and `\#` is a plain `#`, as TAP 14 says, so that a
# producer is safe if it escapes.
# Behaviour: all three readers take `#skip-to-main` for the directive SKIP: `skip` need not end its word. tap.py knows no escapes: `\# skip` is a directive
# too, and the name ends before it. Without a space before the `#`, as in `C# TODO`, Perl and Python see a directive and npm's parser a name.
# `prove` and the others then end with success.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: the names of `fc-local conform`'s cases have neither `#` nor `\`, which a test holds, and both are left out of the reasons
# of skips.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts tap-parser@18.3.4
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check tap.py==3.2.1 more-itertools==10.8.0 PyYAML==6.0.3

cat > in.tap <<'TAP'
TAP version 14
1..4
not ok 1 - the link #skip-to-main is first
not ok 2 - the colour \# skip is no word
not ok 3 - issue \#12 is closed
not ok 4 - C# TODO list
TAP
cat > run.mjs <<'JS'
import { Parser } from 'tap-parser'
import { readFileSync } from 'node:fs'
const parser = new Parser()
parser.on('assert', test => console.log('npm:', test.id, test.name, '=', test.skip ? 'skipped' : test.todo ? 'todo' : 'failed'))
parser.end(readFileSync('in.tap'))
JS
cat > run.py <<'PY'
from tap.parser import Parser
for line in Parser().parse_file("in.tap"):
    if line.category == "test":
        print("python:", line.number, line.description.removeprefix("- "), "=", "skipped" if line.skip else "todo" if line.todo else "failed")
PY
cat > run.pl <<'PERL'
use TAP::Parser;
open my $file, '<', 'in.tap' or die;
my $parser = TAP::Parser->new({ tap => do { local $/; <$file> } });
while (my $line = $parser->next) {
  next unless $line->is_test;
  (my $name = $line->description) =~ s/^- //;
  print "perl: ", $line->number, " $name = ", $line->has_skip ? "skipped" : $line->has_todo ? "todo" : "failed", "\n";
}
PERL
seen='npm: 1 the link = skipped
npm: 2 the colour # skip is no word = failed
npm: 3 issue #12 is closed = failed
npm: 4 C# TODO list = failed
python: 1 the link = skipped
python: 2 the colour \ = skipped
python: 3 issue \ = failed
python: 4 C = todo
perl: 1 the link = skipped
perl: 2 the colour \# skip is no word = failed
perl: 3 issue \#12 is closed = failed
perl: 4 C = todo'
got=$(timeout 30 node run.mjs; timeout 30 venv/bin/python run.py; timeout 30 perl run.pl)
diff <(echo "$seen") <(echo "$got")
echo "as described"
