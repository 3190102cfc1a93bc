#!/usr/bin/env bash
# qs makes an object of a query key that is repeated more than 20 times; up to 20 it is a list.
#
# Packages: npm qs 6.17.1, express 5.3.0.
# One would swear: `arrayLimit` (20) is about indices as in `id[21]=x`, as its documentation shows it. `id=a&id=b&...` is a list of any length.
# Behaviour: from the 21st value on `id` is `{"0": "a", "1": "b", ...}`. `ids.map` is no function, `for...of` is a TypeError, and `ids.length`
# is undefined, in production with a user who ticked 21 boxes. Express does so with the `extended` query parser, but not with `extended` forms.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: what `ex.query()` and `ex.form()` return depends on the type that the handler names, never on how many values came:
# a `Vec` takes all values, a plain field refuses a key that comes twice, and `Vec<(String, String)>` keeps all pairs in their order.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts qs@6.17.1 express@5.3.0

cat > run.mjs <<'JS'
import express from 'express'
import qs from 'qs'

const show = (ids) => `${Array.isArray(ids) ? 'list' : typeof ids} of ${Object.keys(ids).length}, length ${ids.length}`
const repeated = (key, count) => Array.from({ length: count }, (_, at) => `${key}=${at}`).join('&')
for (const count of [20, 21]) {
  console.log('id, qs:', show(qs.parse(repeated('id', count)).id))
  console.log('id[], qs:', show(qs.parse(repeated('id[]', count)).id))
}
const app = express().set('query parser', 'extended')
app.get('/', (request, reply) => reply.send(show(request.query.id)))
app.post('/', express.urlencoded({ extended: true }), (request, reply) => reply.send(show(request.body.id)))
const server = app.listen(0, '127.0.0.1', async () => {
  const url = `http://127.0.0.1:${server.address().port}/`
  for (const count of [20, 21]) {
    console.log('query, express:', await (await fetch(`${url}?${repeated('id', count)}`)).text())
    const body = new URLSearchParams(repeated('id', count))
    console.log('form, express:', await (await fetch(url, { method: 'POST', body })).text())
  }
  server.close()
})
JS
seen='id, qs: list of 20, length 20
id[], qs: list of 20, length 20
id, qs: object of 21, length undefined
id[], qs: object of 21, length undefined
query, express: list of 20, length 20
form, express: list of 20, length 20
query, express: object of 21, length undefined
form, express: list of 21, length 21'
got=$(timeout 30 node run.mjs)
diff <(echo "$seen") <(echo "$got")
echo "as described"
