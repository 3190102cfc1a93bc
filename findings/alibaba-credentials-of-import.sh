#!/usr/bin/env bash
# Alibaba Cloud's credentials for Python are the variables as they were at the import: what load_dotenv, a test or a new key sets behind it is never seen.
#
# Packages: PyPI alibabacloud_credentials 1.0.12, alibabacloud-oss-v2 1.4.1, oss2 2.19.1, python-dotenv 1.2.4; npm @alicloud/credentials 2.4.7.
# One would swear: a provider of credentials from the environment reads the environment when it is asked, as its neighbours do, so that `load_dotenv()` below the imports
# works, and so does a test that sets ALIBABA_CLOUD_ACCESS_KEY_ID.
# Behaviour: alibabacloud_credentials copies all its variables when it is imported. A key that is set behind that is "cannot be empty", and the default chain goes on to the next
# source, in the end to the metadata of a machine; a key that was there is kept, whatever replaces it. The settings that turn sources off are read at the
# import as well. alibabacloud-oss-v2 reads when a provider is made, oss2 and Node.js each time.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `fc-client` asks for credentials at each try (`credentials_are_asked_for_at_each_try`), and fc-runtime hands on those of the call. `fc-local`
# sets an instance's variables before its program starts. A function in Python that uses the library loads a .env above its import.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @alicloud/credentials@2.4.7
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check alibabacloud_credentials==1.0.12 alibabacloud-oss-v2==1.4.1 oss2==2.19.1 python-dotenv==1.2.4
unset ALIBABA_CLOUD_ACCESS_KEY_ID ALIBABA_CLOUD_ACCESS_KEY_SECRET ALIBABA_CLOUD_SECURITY_TOKEN OSS_ACCESS_KEY_ID OSS_ACCESS_KEY_SECRET OSS_SESSION_TOKEN

for number in 1 2; do
  for brand in ALIBABA_CLOUD OSS; do printf '%s_ACCESS_KEY_ID=key-%s\n%s_ACCESS_KEY_SECRET=secret\n' $brand $number $brand; done > $number.env
done
cat > read.py <<'PY'
import os
import sys

import alibabacloud_oss_v2
import oss2
from alibabacloud_credentials.provider import EnvironmentVariableCredentialsProvider
from dotenv import load_dotenv
from oss2.credentials import EnvironmentVariableCredentialsProvider as OssProvider

providers = {
    'alibabacloud_credentials': (EnvironmentVariableCredentialsProvider, lambda own: own.get_credentials().get_access_key_id()),
    'alibabacloud-oss-v2': (alibabacloud_oss_v2.credentials.EnvironmentVariableCredentialsProvider, lambda own: own.get_credentials().access_key_id),
    'oss2': (OssProvider, lambda own: own.get_credentials().get_access_key_id()),
}
load_dotenv('1.env', override=True)
made = {name: make() for name, (make, _) in providers.items()}


def say(when, read):
    for name, (make, ask) in providers.items():
        try:
            print(f'{sys.argv[1]}, {when}, {name}:', ask(read(name, make)))
        except Exception as error:
            print(f'{sys.argv[1]}, {when}, {name}:', error)


say('key-1 set behind the import', lambda name, _: made[name])
load_dotenv('2.env', override=True)
say('key-2 set', lambda name, _: made[name])
say('key-2 set, made anew', lambda _, make: make())
PY
cat > read.mjs <<'JS'
import credentials from '@alicloud/credentials'

const { default: Credential } = credentials
const set = (key) => Object.assign(process.env, { ALIBABA_CLOUD_ACCESS_KEY_ID: key, ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'secret' })
const say = async (when, credential) => console.log(`${when}, Node.js:`, (await credential.getCredential()).accessKeyId)
set('key-1')
const made = new Credential()
await say('key-1 set behind the import', made)
set('key-2')
await say('key-2 set', made)
JS
seen='no key before, key-1 set behind the import, alibabacloud_credentials: Environment variable accessKeyId cannot be empty
no key before, key-1 set behind the import, alibabacloud-oss-v2: key-1
no key before, key-1 set behind the import, oss2: key-1
no key before, key-2 set, alibabacloud_credentials: Environment variable accessKeyId cannot be empty
no key before, key-2 set, alibabacloud-oss-v2: key-1
no key before, key-2 set, oss2: key-2
no key before, key-2 set, made anew, alibabacloud_credentials: Environment variable accessKeyId cannot be empty
no key before, key-2 set, made anew, alibabacloud-oss-v2: key-2
no key before, key-2 set, made anew, oss2: key-2
key-0 before, key-1 set behind the import, alibabacloud_credentials: key-0
key-0 before, key-1 set behind the import, alibabacloud-oss-v2: key-1
key-0 before, key-1 set behind the import, oss2: key-1
key-0 before, key-2 set, alibabacloud_credentials: key-0
key-0 before, key-2 set, alibabacloud-oss-v2: key-1
key-0 before, key-2 set, oss2: key-2
key-0 before, key-2 set, made anew, alibabacloud_credentials: key-0
key-0 before, key-2 set, made anew, alibabacloud-oss-v2: key-2
key-0 before, key-2 set, made anew, oss2: key-2
key-1 set behind the import, Node.js: key-1
key-2 set, Node.js: key-2'
got=$(
  timeout 30 python/bin/python read.py 'no key before'
  ALIBABA_CLOUD_ACCESS_KEY_ID=key-0 ALIBABA_CLOUD_ACCESS_KEY_SECRET=secret OSS_ACCESS_KEY_ID=key-0 OSS_ACCESS_KEY_SECRET=secret timeout 30 python/bin/python read.py 'key-0 before'
  timeout 30 node read.mjs
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
