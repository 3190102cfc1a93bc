#!/usr/bin/env bash
# In .fcignore, `build` leaves out `Build` too, `data/` means the top folder alone, and one line with `!` brings a whole folder back.
#
# Packages: npm @serverless-devs/zip 0.0.3-beta.8 (what the component fc3 packs code with); git to compare.
# One would swear: a file of this name, with comments, stars, `/` and `!`, is read as .gitignore is, on a system whose file names have case.
# Behaviour: the packer's patterns are minimatch's with `nocase` and `matchBase`. Case does not count; braces are alternatives; a pattern with its one slash
# at the end matches at the top only; `dir` with `!dir/keep` packs all of `dir`, where git leaves out all of it; spaces at the end of a line belong to
# the pattern; a `.fcignore` in a folder below counts, as in git. Nothing is said of what was left out, so a program fails in the cloud for a file
# that is there on the disk.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `fc-local` leaves out what the packer does (`deploy::ignored`, whose tests have these cases). Patterns that mean the same
# to both name the place: `/build`, `**/data`, `/dir/*` with `!/dir/keep`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @serverless-devs/zip@0.0.3-beta.8

cat > run.cjs <<'JS'
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { default: zip } = require('@serverless-devs/zip')

const silent = new Proxy({}, { get: () => () => {} })
const list = 'import sys, zipfile; print(*sorted(zipfile.ZipFile(sys.argv[1]).namelist()))'
const cases = [
  ['build\n', ['a', 'build/a', 'Build/a', 'src/BUILD/a']],
  ['data/\n', ['a', 'data/a', 'src/data/a']],
  ['**/data\n', ['a', 'data/a', 'src/data/a']],
  ['dir\n!dir/keep\n', ['a', 'dir/b', 'dir/keep']],
  ['/dir/*\n!/dir/keep\n', ['a', 'dir/b', 'dir/keep']],
  ['*.{log,tmp}\n', ['a', 'a.log', 'b.tmp']],
  ['*.md \n', ['a', 'a.md']],
]
;(async () => {
  for (const [number, [rules, files]] of cases.entries()) {
    const folder = path.join(process.cwd(), `case${number}`)
    for (const file of files) {
      fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
      fs.writeFileSync(path.join(folder, file), 'x')
    }
    for (const name of ['.fcignore', '.gitignore']) fs.writeFileSync(path.join(folder, name), rules)
    const options = { codeUri: folder, outputFilePath: process.cwd(), outputFileName: 'code.zip', ignoreFiles: ['.fcignore'], logger: silent }
    const { outputFile } = await zip(options)
    const packed = execFileSync('python3', ['-c', list, outputFile]).toString().trim().split(' ')
    execFileSync('git', ['init', '-q', folder])
    const kept = execFileSync('git', ['-C', folder, 'ls-files', '-co', '--exclude-standard']).toString().trim().split('\n').sort()
    const plain = (names) => names.filter((name) => !name.endsWith('ignore')).join(' ')
    console.error(`${JSON.stringify(rules)}\n  packer: ${plain(packed)}\n  git:    ${plain(kept)}`)
  }
})()
JS
seen='"build\n"
  packer: a
  git:    Build/a a src/BUILD/a
"data/\n"
  packer: a src/data/a
  git:    a
"**/data\n"
  packer: a
  git:    a
"dir\n!dir/keep\n"
  packer: a dir/b dir/keep
  git:    a
"/dir/*\n!/dir/keep\n"
  packer: a dir/keep
  git:    a dir/keep
"*.{log,tmp}\n"
  packer: a
  git:    a a.log b.tmp
"*.md \n"
  packer: a a.md
  git:    a'
timeout 60 node run.cjs > /dev/null 2> got
diff <(echo "$seen") got
echo "as described"
