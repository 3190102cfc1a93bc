#!/usr/bin/env bash
# The Link header's next page loses parameters in requests and httpx: an address with a semicolon is cut there.
#
# Packages: PyPI requests 2.34.2, httpx 0.28.1; npm http-link-header 1.1.4, parse-link-header 2.0.0.
# One would swear: what stands between `<` and `>` is the address; RFC 8288 puts it in brackets so that it may hold `;` and `,`.
# Behaviour: `response.links` of both Python clients cuts the address at its first semicolon and makes a parameter of the rest. A semicolon in a
# quoted title ends their reading, so that a `rel` behind the title is lost; npm's parse-link-header cuts the title. `REL=next` is found by
# http-link-header alone, although parameter names have no case.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What follows for fc-runtime: it writes no Link header by itself. Handlers that page write `%3B` for a semicolon, and `rel` in lower case.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts http-link-header@1.1.4 parse-link-header@2.0.0
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check requests==2.34.2 httpx==0.28.1

cat > links.txt <<'TXT'
<https://example.org/?a=1;b=2>; rel=next
<https://example.org/?a=1>; title="a; b"; rel=next
<https://example.org/?a=1>; REL=next
TXT
cat > run.mjs <<'JS'
import fs from 'node:fs'
import LinkHeader from 'http-link-header'
import parse from 'parse-link-header'
for (const line of fs.readFileSync('links.txt', 'utf8').trim().split('\n')) {
  const [link] = LinkHeader.parse(line).rel('next')
  const other = parse(line).next
  console.log(`http-link-header: ${link?.uri} ${link?.title}`)
  console.log(`parse-link-header: ${other?.url} ${other?.title}`)
}
JS
cat > run.py <<'PY'
import requests, httpx
for line in open('links.txt').read().splitlines():
    response = requests.Response()
    response.headers['link'] = line
    for name, links in [('requests', response.links), ('httpx', httpx.Response(200, headers={'link': line}).links)]:
        link = links.get('next', {})
        print(f"{name}: {link.get('url')} {link.get('title')}")
PY
seen='http-link-header: https://example.org/?a=1;b=2 undefined
parse-link-header: https://example.org/?a=1;b=2 undefined
http-link-header: https://example.org/?a=1 a; b
parse-link-header: https://example.org/?a=1 a
http-link-header: https://example.org/?a=1 undefined
parse-link-header: undefined undefined
requests: https://example.org/?a=1 None
httpx: https://example.org/?a=1 None
requests: None None
httpx: None None
requests: None None
httpx: None None'
diff <(echo "$seen") <(timeout 30 node run.mjs; timeout 30 venv/bin/python run.py)
echo "as described"
