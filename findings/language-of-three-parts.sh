#!/usr/bin/env bash
# A browser that asks for `zh-Hant, en;q=0.5` gets the English page from Express and Werkzeug when the Chinese one is called `zh-Hant-TW`.
#
# Packages: npm negotiator 1.1.0 (Express, Koa), accept-language-parser 1.5.0, @hapi/accept 6.0.3; PyPI Werkzeug 3.1.9.
# One would swear: a range matches what begins with it and a hyphen (RFC 4647, 3.3.1, which RFC 9110 names), as `en` matches `en-GB` in all four.
# Behaviour: negotiator and Werkzeug compare the whole tag or its first part, nothing between, so `zh-Hant` matches `zh` and `zh-Hant`, not `zh-Hant-TW`; of
# `zh-TW` negotiator takes `zh`, the others go on to English. accept-language-parser picks what `q=0` forbids, and knows no `*`.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: fc-runtime's `ex.accepts_language` matches by prefixes of any number of parts, and a shorter offer too (`zh` for `zh-TW`); the
# tests of `src/negotiate.rs` have these cases. With the others, offer `zh-Hant` and `zh-Hans` beside the longer tags.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts negotiator@1.1.0 accept-language-parser@1.5.0 @hapi/accept@6.0.3
python3 -m venv python
python/bin/pip install --quiet Werkzeug==3.1.9

cat > cases.json <<'JSON'
[
  ["en", ["fr", "en-GB"]],
  ["zh-Hant, en;q=0.5", ["en", "zh-Hant-TW"]],
  ["zh-TW, en;q=0.5", ["en", "zh"]],
  ["en;q=0, *", ["en", "zh"]]
]
JSON
cat > run.mjs <<'JS'
import { readFileSync } from 'node:fs'
import hapi from '@hapi/accept'
import parser from 'accept-language-parser'
import Negotiator from 'negotiator'

for (const [line, offers] of JSON.parse(readFileSync('cases.json'))) {
  const negotiator = new Negotiator({ headers: { 'accept-language': line } }).language(offers)
  console.log(`${line}: negotiator ${negotiator}, accept-language-parser ${parser.pick(offers, line)}, hapi ${hapi.language(line, offers)}`)
}
JS
cat > run.py <<'PY'
import json

from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

for line, offers in json.load(open('cases.json')):
    request = Request(EnvironBuilder(headers={'Accept-Language': line}).get_environ())
    print(f'{line}: Werkzeug {request.accept_languages.best_match(offers)}')
PY
seen='en: negotiator en-GB, accept-language-parser en-GB, hapi en-GB
zh-Hant, en;q=0.5: negotiator en, accept-language-parser en, hapi zh-Hant-TW
zh-TW, en;q=0.5: negotiator zh, accept-language-parser en, hapi en
en;q=0, *: negotiator zh, accept-language-parser en, hapi zh
en: Werkzeug en-GB
zh-Hant, en;q=0.5: Werkzeug en
zh-TW, en;q=0.5: Werkzeug en
en;q=0, *: Werkzeug zh'
got=$(timeout 30 node run.mjs; timeout 30 python/bin/python run.py)
diff <(echo "$seen") <(echo "$got")
echo "as described"
