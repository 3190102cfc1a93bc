#!/usr/bin/env bash
# A message that Alibaba Cloud's SDK for Python sends to an MNS queue is base64 on the wire, one to a topic is not; Alibaba's SDK for Node.js sends neither so, and no XML for `a&b`.
#
# Packages: PyPI aliyun-mns-sdk 1.3.0; npm @alicloud/mns 1.2.0, ali-mns 2.6.8.
# One would swear: a text that one SDK sends to a queue is the same text to another one of the same vendor, and to a function that the queue triggers; and a queue and a topic
# treat it alike.
# Behaviour: Python's `Queue.send_message` encodes by itself and `receive_message` decodes, to bytes where a text was sent; `Topic.publish_message` sends the text. npm's @alicloud/mns does neither, and writes the text into
# its XML as it is, so that a text with `&` or `<` makes a document that no reader of XML takes. ali-mns encodes for queues, not for topics. Between them `aGVsbG8=` is read where `hello` was
# sent; the other way Python fails with an error of base64 or, as ali-mns does, returns other characters without one: by the length of the text.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What follows for fc-runtime: `mns::QueueMessage::message_body` is the text on the wire. A function of a queue that senders in Python fill decodes it, or the sender calls
# `queue.set_encoding(False)`; in `fc-local` a test event for such a queue has the base64, too.
set -euo pipefail
work=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @alicloud/mns@1.2.0 ali-mns@2.6.8
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check aliyun-mns-sdk==1.3.0

cat > server.py <<'PY'
import re
from http.server import BaseHTTPRequestHandler, HTTPServer
from xml.etree import ElementTree

HEAD = '<?xml version="1.0"?><Message xmlns="http://mns.aliyuncs.com/doc/v1/">'
log = open('log', 'a')


class Server(BaseHTTPRequestHandler):
    """Notes what is sent. A receiver gets `hello` from the queue `q`, in base64, and from the others their name as it is."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers['content-length'])).decode()
        try:
            ElementTree.fromstring(body)
            kind = 'XML'
        except ElementTree.ParseError:
            kind = 'no XML'
        sent = re.search('<MessageBody>(.*)</MessageBody>', body)[1]
        print(f'{self.path.split("/")[1]}: {sent} ({kind})', file=log, flush=True)
        self.answer(201, f'{HEAD}<MessageId>1</MessageId><MessageBodyMD5>0</MessageBodyMD5></Message>')

    def do_GET(self):
        name = self.path.split('/')[2]
        text = 'aGVsbG8=' if name == 'q' else name
        fields = {name: 1 for name in ('EnqueueTime', 'FirstDequeueTime', 'NextVisibleTime', 'DequeueCount', 'Priority')}
        fields |= {'MessageId': 1, 'ReceiptHandle': 1, 'MessageBody': text, 'MessageBodyMD5': 0}
        self.answer(200, HEAD + ''.join(f'<{name}>{value}</{name}>' for name, value in fields.items()) + '</Message>')

    def answer(self, status, body):
        self.send_response(status)
        for name, value in {'content-type': 'text/xml', 'content-length': len(body), 'x-mns-request-id': 1}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


server = HTTPServer(('127.0.0.1', 0), Server)
print(f'http://127.0.0.1:{server.server_port}', flush=True)
server.serve_forever()
PY
cat > client.py <<'PY'
import sys

from mns.account import Account
from mns.queue import Message
from mns.topic import TopicMessage

account = Account(sys.argv[1], 'id', 'secret')
account.get_queue('q').send_message(Message('a&b'))
account.get_topic('t').publish_message(TopicMessage('a&b'))
for name in ('q', 'hello', 'work'):
    try:
        print(name, account.get_queue(name).receive_message().message_body)
    except ValueError as error:
        print(name, type(error).__name__)
PY
cat > client.cjs <<'JS'
const { Account, MQ, Topic } = require('ali-mns')
const MNS = require('@alicloud/mns')

const [, , which, base] = process.argv
async function alicloud() {
  const client = new MNS('1', { region: 'cn-hangzhou', accessKeyId: 'id', accessKeySecret: 'secret' })
  client.endpoint = base
  await client.sendMessage('q', { MessageBody: 'a&b' })
  await client.publishMessage('t', { MessageBody: 'a&b' })
  for (const name of ['q', 'hello', 'work']) console.log(name, (await client.receiveMessage(name)).body.MessageBody)
}
async function aliMns() {
  const account = new Account('1', 'id', 'secret')
  account.setGA(false)
  const at = (Kind, name) => {
    const door = new Kind(name, account, 'hangzhou')
    for (const [key, value] of Object.entries(door)) if (String(value).startsWith('http')) door[key] = value.replace(/^http:..[^/]+/, base)
    return door
  }
  await at(MQ, 'q').sendP('a&b')
  await at(Topic, 't').publishP('a&b')
  for (const name of ['q', 'hello', 'work']) console.log(name, Buffer.from((await at(MQ, name).recvP(1)).Message.MessageBody).toString('hex'))
}
;(which === 'ali-mns' ? aliMns() : alicloud()).then(() => process.exit())
JS
python3 server.py > url &
server=$!
until [ -s url ]; do kill -0 "$server"; sleep 0.05; done

# ask NAME COMMAND..: what was sent, and what is received.
ask() {
  local name=$1
  shift
  : > log
  "$@" "$(cat url)" > got
  sed "s/^/$name sends to /" log
  sed "s/^/$name receives from /" got
}
seen='Python sends to queues: YSZi (XML)
Python sends to topics: a&amp;b (XML)
Python receives from q b'"'hello'"'
Python receives from hello Error
Python receives from work b'"'\xc2\x8a\xe4'"'
@alicloud sends to queues: a&b (no XML)
@alicloud sends to topics: a&b (no XML)
@alicloud receives from q aGVsbG8=
@alicloud receives from hello hello
@alicloud receives from work work
ali-mns sends to queues: YSZi (XML)
ali-mns sends to topics: a&amp;b (XML)
ali-mns receives from q 68656c6c6f
ali-mns receives from hello efbfbdefbfbd65
ali-mns receives from work c28aefbfbd'
got=$(
  ask Python timeout 30 python/bin/python client.py
  ask @alicloud timeout 30 node client.cjs @alicloud
  ask ali-mns timeout 30 node client.cjs ali-mns
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
