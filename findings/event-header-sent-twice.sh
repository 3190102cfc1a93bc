#!/usr/bin/env bash
# Of a header that was sent twice, serverless-wsgi and, behind an API gateway, serverless-http give the app the last value alone.
#
# Packages: npm serverless-http 4.0.0, @codegenie/serverless-express 4.17.1, @fastify/aws-lambda 6.4.1, express 5.3.0, fastify 5.12.8; PyPI mangum 0.22.0,
# apig-wsgi 2.20.0, serverless-wsgi 3.1.0, starlette 1.10.0, Flask 3.1.3.
# One would swear: `multiValueHeaders` is in a gateway's event so that nothing is lost, and six adapters that read it make the same request of it.
# Behaviour: `X-Tag: a` and `X-Tag: b` are `b` to serverless-wsgi, and to serverless-http if the event is an API gateway's; a load balancer's event it reads
# whole. The others join the values or give both. A `+` in the query of a load balancer, which sends it as the client did, is a plus to
# @fastify/aws-lambda alone, and a space to the five others.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: an event of Function Compute has one text for each header, of an HTTP trigger's the values joined by commas (docs/events.md), and
# fc-runtime's `event_as_http` takes it as it is. A function that comes from one of the two adapters reads the last value of the list where it had that one alone.
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
  "balancer": {
    "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/app/1"}},
    "httpMethod": "GET", "path": "/", "body": "", "isBase64Encoded": false,
    "multiValueQueryStringParameters": {"q": ["c+d"]},
    "multiValueHeaders": {"host": ["localhost"], "x-tag": ["a", "b"]}
  },
  "gateway": {
    "version": "1.0", "resource": "/", "requestContext": {"stage": "prod", "identity": {"sourceIp": "192.0.2.1"}},
    "httpMethod": "GET", "path": "/", "body": null, "isBase64Encoded": false,
    "queryStringParameters": {"q": "c+d"}, "multiValueQueryStringParameters": {"q": ["c+d"]},
    "headers": {"Host": "localhost", "X-Tag": "b"}, "multiValueHeaders": {"Host": ["localhost"], "X-Tag": ["a", "b"]}
  }
}
JSON
cat > run.mjs <<'JS'
import { readFileSync } from 'node:fs'
import codegenie from '@codegenie/serverless-express'
import ofFastify from '@fastify/aws-lambda'
import express from 'express'
import fastify from 'fastify'
import serverlessHttp from 'serverless-http'

const app = express().get('/', (request, reply) => reply.json([request.get('x-tag'), request.query.q]))
const other = fastify()
other.get('/', async (request) => [request.headers['x-tag'], request.query.q])
const adapters = { 'serverless-http': serverlessHttp(app), 'serverless-express': codegenie({ app }), 'fastify/aws-lambda': ofFastify(other) }
for (const [kind, event] of Object.entries(JSON.parse(readFileSync('events.json')))) {
  for (const [name, handle] of Object.entries(adapters)) {
    const [tags, query] = JSON.parse((await handle(structuredClone(event), {})).body)
    console.log(`${kind}: ${name} has ${tags.replace(/, */g, ' and ')}, and "${query}"`)
  }
}
process.exit()
JS
cat > run.py <<'PY'
import copy
import json

import flask
import serverless_wsgi
from apig_wsgi import make_lambda_handler
from mangum import Mangum
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

other = flask.Flask('app')
other.get('/')(lambda: [flask.request.headers['x-tag'], flask.request.args['q']])


async def by_starlette(request):
    return JSONResponse([', '.join(request.headers.getlist('x-tag')), request.query_params['q']])


class Context:
    aws_request_id = '1'


adapters = {
    'mangum': Mangum(Starlette(routes=[Route('/', by_starlette)]), lifespan='off'),
    'apig-wsgi': make_lambda_handler(other),
    'serverless-wsgi': lambda event, context: serverless_wsgi.handle_request(other, event, context),
}
for kind, event in json.load(open('events.json')).items():
    for name, handle in adapters.items():
        tags, query = json.loads(handle(copy.deepcopy(event), Context())['body'])
        print(f'{kind}: {name} has {" and ".join(tag.strip() for tag in tags.split(","))}, and "{query}"')
PY
seen='balancer: serverless-http has a and b, and "c d"
balancer: serverless-express has a and b, and "c d"
balancer: fastify/aws-lambda has a and b, and "c+d"
gateway: serverless-http has b, and "c+d"
gateway: serverless-express has a and b, and "c+d"
gateway: fastify/aws-lambda has a and b, and "c+d"
balancer: mangum has a and b, and "c d"
balancer: apig-wsgi has a and b, and "c d"
balancer: serverless-wsgi has b, and "c d"
gateway: mangum has a and b, and "c+d"
gateway: apig-wsgi has a and b, and "c+d"
gateway: serverless-wsgi has b, and "c+d"'
got=$(timeout 30 node run.mjs; timeout 30 python/bin/python run.py)
diff <(echo "$seen") <(echo "$got")
echo "as described"
