#!/usr/bin/env bash
# A `default` entry in ~/.netrc replaces the signature of Alibaba Cloud's SDKs for OSS in Python, as it replaces each `Authorization` that is given to requests.
#
# Packages: PyPI requests 2.34.2, niquests 3.21.2, httpx 0.28.1, aiohttp 3.14.5, oss2 2.19.1, alibabacloud-oss-v2 1.4.1, aliyun-fc2 2.5.2, alibabacloud_fc20230330 4.8.3;
# Debian 12 curl 7.88.
# One would swear: an `Authorization` that the caller sets is sent, a signature above all; ~/.netrc is for requests that have none, and for ftp.
# Behaviour: requests asks ~/.netrc for every call without an `auth` argument and writes `Basic …` over the header, a session's too. So do the SDKs that are made upon it: every
# call of oss2, alibabacloud-oss-v2 and aliyun-fc2 is refused on a machine whose ~/.netrc has the server's name or `default`. aiohttp with
# `trust_env` raises ValueError. niquests, httpx, the current SDK for Function Compute and `curl --netrc` leave the header alone.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `fc-client` reads no such file. docs/fc-local.md says it beside `fc-local curl --print`, whose headers are for any client. A caller with requests signs in an `auth`
# of its own, or sets `session.trust_env = False`.
set -euo pipefail
work=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check requests==2.34.2 niquests==3.21.2 httpx==0.28.1 aiohttp==3.14.5 oss2==2.19.1 alibabacloud-oss-v2==1.4.1 \
  aliyun-fc2==2.5.2 alibabacloud_fc20230330==4.8.3
mkdir home
printf 'machine build.example\nlogin builder\npassword one\n\ndefault\nlogin user\npassword two\n' > home/.netrc
chmod 600 home/.netrc

cat > server.py <<'PY'
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(BaseHTTPRequestHandler):
    """Says which scheme of authorization came, in a header and in the body."""

    def do_GET(self):
        self.rfile.read(int(self.headers.get('content-length', 0)))
        body = f'"{self.headers.get("authorization", "none").split()[0]}"'
        self.send_response(200)
        self.send_header('x-oss-request-id', body.strip('"'))
        self.send_header('content-type', 'application/json')
        self.send_header('content-length', str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    do_PUT = do_POST = do_GET

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(('127.0.0.1', 0), Server)
print(server.server_port, flush=True)
server.serve_forever()
PY
cat > ask.py <<'PY'
import asyncio
import sys

import aiohttp
import alibabacloud_oss_v2 as oss
import fc2
import httpx
import niquests
import oss2
import requests
from alibabacloud_fc20230330.client import Client
from alibabacloud_fc20230330.models import InvokeFunctionRequest
from alibabacloud_tea_openapi.models import Config

host = f'127.0.0.1:{sys.argv[1]}'
url = f'http://{host}/'
headers = {'Authorization': 'Bearer token'}


def of_session():
    session = requests.Session()
    session.headers.update(headers)
    return session.get(url).json()


async def of_aiohttp(**given):
    async with aiohttp.ClientSession(**given) as session, session.get(url, headers=headers) as reply:
        return await reply.json()


def of_oss():
    config = oss.config.load_default()
    config.credentials_provider = oss.credentials.StaticCredentialsProvider('id', 'secret')
    config.region, config.endpoint, config.use_path_style = 'cn-hangzhou', url, True
    return oss.Client(config).put_object(oss.PutObjectRequest(bucket='bucket', key='key', body=b'x')).request_id


def of_fc():
    config = Config(access_key_id='id', access_key_secret='secret', endpoint=host, protocol='http', region_id='cn-hangzhou')
    return Client(config).invoke_function('name', InvokeFunctionRequest(body=b'x')).body.read().decode()


clients = {
    'requests': lambda: requests.get(url, headers=headers).json(),
    'requests, session': of_session,
    'niquests': lambda: niquests.get(url, headers=headers).json(),
    'httpx': lambda: httpx.get(url, headers=headers).json(),
    'aiohttp': lambda: asyncio.run(of_aiohttp()),
    'aiohttp, trust_env': lambda: asyncio.run(of_aiohttp(trust_env=True)),
    'oss2': lambda: oss2.Bucket(oss2.Auth('id', 'secret'), url, 'bucket', is_cname=True).put_object('key', b'x').request_id,
    'alibabacloud-oss-v2': of_oss,
    'aliyun-fc2': lambda: fc2.Client(endpoint=url, accessKeyID='id', accessKeySecret='secret').invoke_function('s', 'f', payload=b'x').data.decode(),
    'alibabacloud_fc20230330': of_fc,
}
for name, ask in clients.items():
    try:
        print(f'{name}:', ask().strip('"'))
    except Exception as error:
        print(f'{name}: {type(error).__name__}')
PY
python3 server.py > port &
server=$!
until [ -s port ]; do kill -0 "$server"; sleep 0.05; done
unset NETRC
seen='requests: Basic
requests, session: Basic
niquests: Bearer
httpx: Bearer
aiohttp: Bearer
aiohttp, trust_env: ValueError
oss2: Basic
alibabacloud-oss-v2: Basic
aliyun-fc2: Basic
alibabacloud_fc20230330: ACS3-HMAC-SHA256
curl --netrc: Bearer'
got=$(
  HOME=$work/home timeout 60 python/bin/python -W ignore ask.py "$(cat port)"
  echo "curl --netrc: $(HOME=$work/home curl --silent --netrc --header 'Authorization: Bearer token' "http://127.0.0.1:$(cat port)/" | tr -d '"')"
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
