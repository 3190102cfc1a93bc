#!/usr/bin/env bash
# At `NAME=hello world` the crate dotenvy stops: what stands below it in the .env file is not set, and the usual `dotenv().ok()` says nothing.
#
# Packages: crates dotenvy 0.15.7; npm dotenv 18.0.10; PyPI python-dotenv 1.2.4; Node.js 20 (`--env-file`).
# One would swear: a .env file that Node.js, npm's dotenv and python-dotenv read is read by Rust's dotenvy, with the same values.
# Behaviour: to dotenvy a value with a space is an error, and so are a `$` in double quotes of which the variable is not set and a backslash in front of most letters. It sets nothing from
# that line on; what stood above is set. Without an error JSON loses its quotes, and `$word` becomes the variable of this name, here an empty one. The three others take these texts as they are. Node.js
# and npm's dotenv cut `a#b` at the `#`, the other two do not.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: fc-runtime reads no .env file, and `fc-local` gives an instance the variables of the manifest. A program that calls dotenvy writes values in single quotes, and
# reports its error unless no file is there.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts dotenv@18.0.10
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check python-dotenv==1.2.4
mkdir src lines
cat > Cargo.toml <<'TOML'
[package]
name = "read"
version = "0.0.0"
edition = "2021"

[dependencies]
dotenvy = "=0.15.7"
TOML
cat > src/main.rs <<'RUST'
use std::env::{args, var};

fn main() {
    let read = dotenvy::from_path(args().nth(1).expect("a file"));
    let show = |name| var(name).map_or("not set".to_owned(), |value| format!("{value:?}"));
    println!("{}, BELOW {}{}", show("A"), show("BELOW"), if read.is_ok() { "" } else { ", an error" });
}
RUST
cat > read.mjs <<'JS'
import { readFileSync } from 'node:fs'
import dotenv from 'dotenv'

const show = (value) => (value === undefined ? 'not set' : JSON.stringify(value))
const { A, BELOW } = process.argv[3] ? dotenv.parse(readFileSync(process.argv[2])) : process.env
console.log(`${show(A)}, BELOW ${show(BELOW)}`)
JS
cat > read.py <<'PY'
import json
import sys

from dotenv import dotenv_values

values = dotenv_values(sys.argv[1])
print(*(json.dumps(values[name]) if name in values else 'not set' for name in ('A', 'BELOW')), sep=', BELOW ')
PY
CARGO_TARGET_DIR="$work/target" CARGO_BUILD_JOBS=2 timeout 110 cargo build --quiet

unset A BELOW
seen='A=plain
  dotenvy: "plain", BELOW "1"
  Node.js: "plain", BELOW "1"
  dotenv: "plain", BELOW "1"
  python-dotenv: "plain", BELOW "1"
A=hello world
  dotenvy: not set, BELOW not set, an error
  Node.js: "hello world", BELOW "1"
  dotenv: "hello world", BELOW "1"
  python-dotenv: "hello world", BELOW "1"
A={"k":1}
  dotenvy: "{k:1}", BELOW "1"
  Node.js: "{\"k\":1}", BELOW "1"
  dotenv: "{\"k\":1}", BELOW "1"
  python-dotenv: "{\"k\":1}", BELOW "1"
A=pa$word
  dotenvy: "pa", BELOW "1"
  Node.js: "pa$word", BELOW "1"
  dotenv: "pa$word", BELOW "1"
  python-dotenv: "pa$word", BELOW "1"
A="pa$word"
  dotenvy: not set, BELOW not set, an error
  Node.js: "pa$word", BELOW "1"
  dotenv: "pa$word", BELOW "1"
  python-dotenv: "pa$word", BELOW "1"
A=C:\dir
  dotenvy: not set, BELOW not set, an error
  Node.js: "C:\\dir", BELOW "1"
  dotenv: "C:\\dir", BELOW "1"
  python-dotenv: "C:\\dir", BELOW "1"
A=a#b
  dotenvy: "a#b", BELOW "1"
  Node.js: "a", BELOW "1"
  dotenv: "a", BELOW "1"
  python-dotenv: "a#b", BELOW "1"
A='"'"'it\nis'"'"'
  dotenvy: "it\\nis", BELOW "1"
  Node.js: "it\\nis", BELOW "1"
  dotenv: "it\\nis", BELOW "1"
  python-dotenv: "it\\nis", BELOW "1"'
got=$(
  while read -r line; do
    printf '%s\nBELOW=1\n' "$line" > file
    echo "$line"
    echo "  dotenvy: $(target/debug/read file)"
    echo "  Node.js: $(node --env-file=file read.mjs)"
    echo "  dotenv: $(node read.mjs file dotenv)"
    echo "  python-dotenv: $(python/bin/python read.py file)"
  done <<'LINES'
A=plain
A=hello world
A={"k":1}
A=pa$word
A="pa$word"
A=C:\dir
A=a#b
A='it\nis'
LINES
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
