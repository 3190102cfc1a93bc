#!/usr/bin/env bash
# Of two cookies that an app sets, a load balancer gets none from serverless-http, the first from serverless-express, the last from apig-wsgi.
#
# Packages: npm serverless-http 4.0.0, @codegenie/serverless-express 4.17.1, @fastify/aws-lambda 6.4.1, express 5.3.0, fastify 5.12.8; PyPI mangum 0.22.0,
# apig-wsgi 2.20.0, serverless-wsgi 3.1.0, starlette 1.10.0, Flask 3.1.3.
# One would swear: an app behind an adapter sets two cookies, as after a login (session and language), and both are in the reply that the adapter returns, in each
# form of event that it reads.
# Behaviour: the event of a load balancer has `headers` alone, unless multi-value headers are switched on for the target group, and its reply has one text for a name. For it
# serverless-http keeps a cookie that is set alone, and returns none of two; serverless-express returns the first, and apig-wsgi the last. mangum and serverless-wsgi
# return the second as `Set-cookie`, which is another key; @fastify/aws-lambda returns both as `multiValueHeaders`, which were not asked for. For an event with
# multi-value headers all six return both. serverless-wsgi writes the names of two letter cases for payload 2.0 too, where a gateway has `cookies`.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: an ALB of Alibaba Cloud calls a function over HTTP, where each cookie is a line of its own. Where a gateway's reply has one text
# for a name, `event_as_http` writes a second `Set-Cookie` in another case, as mangum does (docs/events.md).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts serverless-http@4.0.0 @codegenie/serverless-express@4.17.1 @fastify/aws-lambda@6.4.1 express@5.3.0 \
  fastify@5.12.8
python3 -m venv python
python/bin/pip install --quiet mangum==0.22.0 apig-wsgi==2.20.0 serverless-wsgi==3.1.0 starlette==1.10.0 Flask==3.1.3

cat > events.json <<'JSON'
{
  "load balancer": {
    "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/app/1"}},
    "httpMethod": "GET", "path": "/two", "queryStringParameters": {}, "headers": {"host": "app.example", "x-forwarded-for": "192.0.2.1"},
    "body": "", "isBase64Encoded": false
  },
  "load balancer, one cookie": {
    "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/app/1"}},
    "httpMethod": "GET", "path": "/one", "queryStringParameters": {}, "headers": {"host": "app.example", "x-forwarded-for": "192.0.2.1"},
    "body": "", "isBase64Encoded": false
  },
  "load balancer, multi-value": {
    "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/app/1"}},
    "httpMethod": "GET", "path": "/two", "multiValueQueryStringParameters": {},
    "multiValueHeaders": {"host": ["app.example"], "x-forwarded-for": ["192.0.2.1"]},
    "body": "", "isBase64Encoded": false
  },
  "gateway, 2.0": {
    "version": "2.0", "routeKey": "$default", "rawPath": "/two", "rawQueryString": "", "headers": {"host": "app.example"},
    "requestContext": {
      "stage": "$default", "requestId": "1", "domainName": "app.example",
      "http": {"method": "GET", "path": "/two", "sourceIp": "192.0.2.1", "userAgent": "x", "protocol": "HTTP/1.1"}
    },
    "isBase64Encoded": false
  }
}
JSON
cat > adapt.mjs <<'JS'
import { readFileSync } from 'node:fs'
import awsLambdaFastify from '@fastify/aws-lambda'
import serverlessExpress from '@codegenie/serverless-express'
import express from 'express'
import fastify from 'fastify'
import serverlessHttp from 'serverless-http'

const app = express()
app.get('/one', (_, res) => res.append('set-cookie', 'id=7').send('ok'))
app.get('/two', (_, res) => res.append('set-cookie', 'id=7').append('set-cookie', 'lang=zh').send('ok'))
const other = fastify()
other.get('/one', (_, reply) => reply.header('set-cookie', 'id=7').send('ok'))
other.get('/two', (_, reply) => reply.header('set-cookie', ['id=7', 'lang=zh']).send('ok'))
const adapters = {
  'serverless-http': serverlessHttp(app),
  'serverless-express': serverlessExpress({ app }),
  '@fastify/aws-lambda': awsLambdaFastify(other),
}
export function cookies(reply) {
  const of = (map = {}) => Object.fromEntries(Object.entries(map ?? {}).filter(([name]) => name.toLowerCase() === 'set-cookie'))
  const found = { headers: of(reply.headers), multiValueHeaders: of(reply.multiValueHeaders), cookies: reply.cookies ?? [] }
  const words = Object.entries(found).filter(([, value]) => Object.keys(value).length > 0)
  return words.map(([key, value]) => `${key} ${JSON.stringify(value)}`).join(' ') || 'no cookie'
}
for (const [kind, event] of Object.entries(JSON.parse(readFileSync('events.json'))))
  for (const [name, handle] of Object.entries(adapters)) console.log(`${kind}, ${name}: ${cookies(await handle(structuredClone(event), { awsRequestId: '1' }))}`)
process.exit()
JS
cat > adapt.py <<'PY'
import json

import serverless_wsgi
from apig_wsgi import make_lambda_handler
from flask import Flask, Response
from mangum import Mangum
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

COOKIES = {'one': ['id=7'], 'two': ['id=7', 'lang=zh']}


async def asgi(request):
    reply = PlainTextResponse('ok')
    for cookie in COOKIES[request.path_params['count']]:
        reply.headers.append('set-cookie', cookie)
    return reply


app = Starlette(routes=[Route('/{count}', asgi)])
wsgi = Flask('app')


@wsgi.get('/<count>')
def handle(count):
    return Response('ok', headers=[('Set-Cookie', cookie) for cookie in COOKIES[count]])


adapters = {
    'mangum': Mangum(app, lifespan='off'),
    'apig-wsgi': make_lambda_handler(wsgi.wsgi_app),
    'serverless-wsgi': lambda event, context: serverless_wsgi.handle_request(wsgi, event, context),
}


def cookies(reply):
    words = []
    for key in ('headers', 'multiValueHeaders'):
        found = {name: value for name, value in (reply.get(key) or {}).items() if name.lower() == 'set-cookie'}
        words += [f'{key} {json.dumps(found, separators=(",", ":"))}'] if found else []
    words += [f'cookies {json.dumps(reply["cookies"], separators=(",", ":"))}'] if reply.get('cookies') else []
    return ' '.join(words) or 'no cookie'


for kind, event in json.load(open('events.json')).items():
    for name, handler in adapters.items():
        print(f'{kind}, {name}: {cookies(handler(event, None))}')
PY
seen='load balancer, serverless-http: no cookie
load balancer, serverless-express: headers {"set-cookie":"id=7"}
load balancer, @fastify/aws-lambda: multiValueHeaders {"set-cookie":["id=7","lang=zh"]}
load balancer, one cookie, serverless-http: headers {"set-cookie":"id=7"}
load balancer, one cookie, serverless-express: headers {"set-cookie":"id=7"}
load balancer, one cookie, @fastify/aws-lambda: headers {"set-cookie":"id=7"}
load balancer, multi-value, serverless-http: multiValueHeaders {"set-cookie":["id=7","lang=zh"]}
load balancer, multi-value, serverless-express: multiValueHeaders {"set-cookie":["id=7","lang=zh"]}
load balancer, multi-value, @fastify/aws-lambda: multiValueHeaders {"set-cookie":["id=7","lang=zh"]}
gateway, 2.0, serverless-http: cookies ["id=7","lang=zh"]
gateway, 2.0, serverless-express: cookies ["id=7","lang=zh"]
gateway, 2.0, @fastify/aws-lambda: cookies ["id=7","lang=zh"]
load balancer, mangum: headers {"set-cookie":"id=7","Set-cookie":"lang=zh"}
load balancer, apig-wsgi: headers {"Set-Cookie":"lang=zh"}
load balancer, serverless-wsgi: headers {"set-cookie":"id=7","Set-cookie":"lang=zh"}
load balancer, one cookie, mangum: headers {"set-cookie":"id=7"}
load balancer, one cookie, apig-wsgi: headers {"Set-Cookie":"id=7"}
load balancer, one cookie, serverless-wsgi: headers {"Set-Cookie":"id=7"}
load balancer, multi-value, mangum: multiValueHeaders {"set-cookie":["id=7","lang=zh"]}
load balancer, multi-value, apig-wsgi: multiValueHeaders {"Set-Cookie":["id=7","lang=zh"]}
load balancer, multi-value, serverless-wsgi: multiValueHeaders {"Set-Cookie":["id=7","lang=zh"]}
gateway, 2.0, mangum: cookies ["id=7","lang=zh"]
gateway, 2.0, apig-wsgi: cookies ["id=7","lang=zh"]
gateway, 2.0, serverless-wsgi: headers {"set-cookie":"id=7","Set-cookie":"lang=zh"}'
got=$(timeout 60 node adapt.mjs; timeout 60 python/bin/python adapt.py)
diff <(echo "$seen") <(echo "$got")
echo "as described"
