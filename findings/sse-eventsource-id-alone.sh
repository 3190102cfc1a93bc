#!/usr/bin/env bash
# npm's eventsource forgets an id that comes without data, and gives later events no id at all.
#
# Packages: npm eventsource 4.1.1, eventsource-parser 3.1.1.
# One would swear: an id is state of the stream. A block of `id: 8` alone moves the point to resume from, and `lastEventId` of an event
# without an id is the last one that was sent: both are in the standard, and browsers do both.
# Behaviour: the id of a block without data is dropped, and the client resumes from the event before. An event without an id has the
# `lastEventId` "", though the header of the next connection is right.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `SseEvent` has no event that is an id alone; a checkpoint is an event with data. `ex.last_event_id()` is
# what the header says, so a handler sees the id of the last event with data, and may send what followed it a second time.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts eventsource@4.1.1 eventsource-parser@3.1.1

cat > run.mjs <<'JS'
import http from 'node:http'
import { EventSource } from 'eventsource'

const client = (name, body) => new Promise((done) => {
  const got = []
  let connections = 0
  const server = http.createServer((request, reply) => {
    connections += 1
    if (connections === 1) {
      reply.writeHead(200, { 'content-type': 'text/event-stream' })
      return reply.end(body)
    }
    console.log(name, JSON.stringify(got), 'resumes from', request.headers['last-event-id'] ?? 'the start')
    reply.writeHead(204).end()
    source.close()
    server.close(done)
  })
  let source
  server.listen(0, '127.0.0.1', () => {
    source = new EventSource(`http://127.0.0.1:${server.address().port}/`)
    source.onmessage = (event) => got.push([event.data, event.lastEventId])
  })
})

await client('id with data:', 'retry: 20\n\nid: 7\ndata: a\n\nid: 8\ndata: b\n\n')
await client('id alone:', 'retry: 20\n\nid: 7\ndata: a\n\nid: 8\n\n')
await client('no id:', 'retry: 20\n\nid: 7\ndata: a\n\ndata: b\n\n')
JS
seen='id with data: [["a","7"],["b","8"]] resumes from 8
id alone: [["a","7"]] resumes from 7
no id: [["a","7"],["b",""]] resumes from 7'
got=$(timeout 30 node run.mjs)
diff <(echo "$seen") <(echo "$got")
echo "as described"
