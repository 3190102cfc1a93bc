#!/usr/bin/env bash
# The form reader of undici 6, which is in Node.js 20, refuses `filename*` and unquoted names.
#
# Packages: npm undici 6.29.1 and 7.30.2.
# One would swear: `await request.formData()` reads what busboy, Python and Go read. .NET's MultipartFormDataContent sends `name=file;
# filename=a.txt; filename*=utf-8''a.txt` by itself; tokens without quotes are valid in RFC 2183, text before the first boundary in RFC 2046.
# Behaviour: undici 6 reads `name="..."` and `filename="..."` in this order, quoted, and nothing else; each other form is a TypeError without
# the reason. undici 7 reads them all. A backslash before a quote, which RFC 2183 allows, is refused by both.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `ex.multipart()` reads all of these, and prefers `filename*`. Clients that are to
# reach functions in Node.js 20, too, write quoted names, and `%22` for a quote in them, as browsers do.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts undici6@npm:undici@6.29.1 undici7@npm:undici@7.30.2

cat > run.mjs <<'JS'
import * as undici6 from 'undici6'
import * as undici7 from 'undici7'

for (const [name, head, before = ''] of [
  ['quoted', 'form-data; name="a"; filename="a.txt"'],
  ['percent', 'form-data; name="a"; filename="%22.txt"'],
  ['filename*', 'form-data; name="a"; filename="a.txt"; filename*=UTF-8\'\'%C3%A9.txt'],
  ['tokens', 'form-data; name=a; filename=a.txt'],
  ['file name first', 'form-data; filename="a.txt"; name="a"'],
  ['preamble', 'form-data; name="a"; filename="a.txt"', 'multipart follows\r\n'],
  ['backslash', 'form-data; name="a"; filename="\\".txt"'],
]) {
  const body = `${before}--B\r\nContent-Disposition: ${head}\r\nContent-Type: text/plain\r\n\r\nhello\r\n--B--\r\n`
  for (const [version, { Response }] of [['6', undici6], ['7', undici7]]) {
    const reply = new Response(body, { headers: { 'content-type': 'multipart/form-data; boundary=B' } })
    const got = await reply.formData().then((form) => form.get('a').name, (error) => error.name)
    console.log(`${name}: undici ${version}: ${got}`)
  }
}
JS
seen='quoted: undici 6: a.txt
quoted: undici 7: a.txt
percent: undici 6: ".txt
percent: undici 7: ".txt
filename*: undici 6: TypeError
filename*: undici 7: é.txt
tokens: undici 6: TypeError
tokens: undici 7: a.txt
file name first: undici 6: TypeError
file name first: undici 7: a.txt
preamble: undici 6: TypeError
preamble: undici 7: a.txt
backslash: undici 6: TypeError
backslash: undici 7: TypeError'
got=$(timeout 30 node run.mjs)
diff <(echo "$seen") <(echo "$got")
echo "as described"
