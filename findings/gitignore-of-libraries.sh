#!/usr/bin/env bash
# Eight lines of a .gitignore are read otherwise than by git: `build/` with `!build/keep` brings a file back to pathspec, and `A` leaves out `a` with npm's ignore.
#
# Packages: PyPI pathspec 1.1.1, gitignore_parser 0.1.13, dulwich 1.2.21; npm ignore 7.0.17; git.
# One would swear: "GitIgnoreSpec" and "parse_gitignore" leave out what git does, so that a package made with them has the files that a clone has.
# Behaviour: pathspec and gitignore_parser keep `build/keep`, though git enters no folder that is left out, and know no `[[:digit:]]`; pathspec takes a tab at the end of a line off. npm's ignore
# does not look at case unless `ignorecase: false` says so. To gitignore_parser `[^a]` is an `a` or a caret, `pages/*` is not what lies two folders below, and a backslash in front of a letter is a
# part of the name; as to dulwich, a space at the end of a line is.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `fc-local package` and `deploy` read `.fcignore` as the deployment tool does, and no `.gitignore`; `fc-local doctor` says so when there is only the latter.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts ignore@7.0.17
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check pathspec==1.1.1 gitignore_parser==0.1.13 dulwich==1.2.21

cat > cases.json <<'JSON'
[
  ["build/\n!build/keep", "build/keep"],
  ["build/*\n!build/keep", "build/keep"],
  ["pages/*", "pages/a/b"],
  ["A", "a"],
  ["[^a]x", "bx"],
  ["[[:digit:]]x", "1x"],
  ["x ", "x"],
  ["x\t", "x"],
  ["\\x", "x"],
  ["*.log\n!/a.log", "b/a.log"]
]
JSON
cat > read.mjs <<'JS'
import { readFileSync } from 'node:fs'
import ignore from 'ignore'

console.log(JSON.stringify(JSON.parse(readFileSync('cases.json')).map(([lines, path]) => ignore().add(lines).ignores(path))))
JS
cat > read.py <<'PY'
import json
import os
import subprocess
import sys

import gitignore_parser
import pathspec
from dulwich.ignore import IgnoreFilter

of_npm = json.loads(sys.argv[1])
subprocess.run(['git', 'init', '--quiet', 'repository'], check=True)
os.chdir('repository')


def of_git(lines, path):
    return subprocess.run(['git', '-c', 'core.ignoreCase=false', 'check-ignore', '--quiet', '--no-index', path]).returncode == 0


readers = {
    'pathspec': lambda lines, path: pathspec.GitIgnoreSpec.from_lines(lines.split('\n')).match_file(path),
    'gitignore_parser': lambda lines, path: gitignore_parser.parse_gitignore('.gitignore')(os.path.abspath(path)),
    'dulwich': lambda lines, path: bool(IgnoreFilter([line.encode() for line in lines.split('\n')]).is_ignored(path)),
}
for (lines, path), ignored in zip(json.load(open('../cases.json')), of_npm):
    if '/' in path:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    open(path, 'w').close()
    with open('.gitignore', 'w') as file:
        file.write(lines + '\n')
    right = of_git(lines, path)
    others = [name for name, read in readers.items() if read(lines, path) != right] + (['ignore'] if ignored != right else [])
    print(f'{json.dumps(lines)}: git {"leaves out" if right else "keeps"} {path}; otherwise: {", ".join(others) or "none"}')
    os.remove(path)
PY
seen='"build/\n!build/keep": git leaves out build/keep; otherwise: pathspec, gitignore_parser
"build/*\n!build/keep": git keeps build/keep; otherwise: none
"pages/*": git leaves out pages/a/b; otherwise: gitignore_parser
"A": git keeps a; otherwise: ignore
"[^a]x": git leaves out bx; otherwise: gitignore_parser
"[[:digit:]]x": git leaves out 1x; otherwise: pathspec, gitignore_parser
"x ": git leaves out x; otherwise: gitignore_parser, dulwich
"x\t": git keeps x; otherwise: pathspec
"\\x": git leaves out x; otherwise: gitignore_parser
"*.log\n!/a.log": git leaves out b/a.log; otherwise: none'
got=$(GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null timeout 60 python/bin/python read.py "$(node read.mjs)" 2> /dev/null)
diff <(echo "$seen") <(echo "$got")
echo "as described"
