#!/usr/bin/env bash
# undici's RetryAgent joins the halves of two different replies when the server sends no ETag.
#
# Packages: npm undici 7.30.2; Node.js 20.
# One would swear: a client that resumes a broken download makes sure that the second part belongs to the first, as HTTP demands (RFC 9110 §14.5,
# §15.3.7.3: parts are combined only with the same strong validator), or begins anew.
# Behaviour: after a reply that broke off, RetryAgent asks for the rest by Range. With an ETag it adds If-Match. Without one it adds nothing,
# takes any 206 whose range fits, and hands over the beginning of the old file with the end of the new one under the first reply's 200.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What follows for fc-runtime: a handler that answers ranges sends a strong ETag, and refuses If-Match that does not hold with 412.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts undici@7.30.2

cat > run.cjs <<'JS'
const http = require('node:http')
const { Agent, RetryAgent, request } = require('undici')

async function download(etags) {
  let calls = 0
  const asked = []
  const server = http.createServer((incoming, response) => {
    const version = calls++
    const { range, 'if-match': match } = incoming.headers
    const etag = etags?.[version]
    if (version === 0) {
      response.writeHead(200, { 'content-length': 10, ...(etag && { etag }) })
      return response.write('old old ', () => response.destroy())
    }
    asked.push(`range ${range}, if-match ${match}`)
    if (match && match !== etag) return response.writeHead(412).end()
    response.writeHead(206, { 'content-range': 'bytes 8-9/10', 'content-length': 2 })
    response.end('NEW NEW NE'.slice(8))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const dispatcher = new RetryAgent(new Agent(), { minTimeout: 10, maxRetries: 1 })
  let outcome
  try {
    const reply = await request(`http://127.0.0.1:${server.address().port}/`, { dispatcher })
    outcome = `${reply.statusCode} ${JSON.stringify(await reply.body.text())}`
  } catch (error) {
    outcome = error.name
  }
  server.closeAllConnections()
  server.close()
  return `${asked.join('; ')}: ${outcome}`
}

;(async () => {
  console.log(`no etag: ${await download()}`)
  console.log(`etag: ${await download(['"1"', '"2"'])}`)
  process.exit()
})()
JS
seen='no etag: range bytes=8-9, if-match undefined: 200 "old old NE"
etag: range bytes=8-9, if-match "1": RequestRetryError'
diff <(echo "$seen") <(timeout 60 node run.cjs)
echo "as described"
