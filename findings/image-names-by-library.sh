#!/usr/bin/env bash
# A container image's name has another registry, repository or tag in each library that reads it.
#
# Packages: PyPI docker 7.2.0, oras 0.2.43, docker-image-py 0.2.0; npm docker-parse-image 3.0.1, parse-docker-image-name 3.0.0.
# One would swear: an image's name is read alike everywhere, as the distribution project's `reference` does: the first part is a registry if it has a dot or a port or is
# `localhost`; behind `@` stands the digest, and a tag may stand before it.
# Behaviour: `localhost/app` is an image of Docker Hub to oras and docker-parse-image. `team/shop/app`, three folders of Docker Hub, has the registry `team` in docker-parse-image.
# With a tag and a digest, Docker's own SDK takes the tag for a part of the repository, and docker-parse-image the digest for a part of the tag.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: nothing is guessed. `fc-local` gives an image's name to podman or docker as it stands in s.yaml.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true,"type":"module"}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts docker-parse-image@3.0.1 parse-docker-image-name@3.0.0
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check docker==7.2.0 oras==0.2.43 docker-image-py==0.2.0

cat > ask.mjs <<'JS'
import image from 'docker-parse-image'
import name from 'parse-docker-image-name'

const show = (...parts) => parts.map((part) => part ?? '-').join(' ')
for (const text of process.argv.slice(2)) {
  const one = image(text)
  const path = [one.namespace, one.repository].filter(Boolean).join('/')
  console.log('docker-parse-image:', show(one.registry, path, one.tag))
  const two = name(text)
  console.log('parse-docker-image-name:', show(two.domain, two.path, two.tag, two.digest))
}
JS
cat > ask.py <<'PY'
import sys

import docker.auth
import docker.utils
from docker_image.reference import Reference
from oras.container import Container


def show(*parts):
    return ' '.join(part or '-' for part in parts)


for text in sys.argv[1:]:
    repository, tag = docker.utils.parse_repository_tag(text)
    print('docker:', show(*docker.auth.resolve_repository_name(repository), tag))
    one = Container(text)
    print('oras:', show(one.registry, '/'.join(filter(None, [one.namespace, one.repository])), one.tag, one.digest))
    two = Reference.parse_normalized_named(text)
    print('docker-image-py:', show(*two.split_hostname(), two['tag'], two['digest']))
PY
digest=sha256:$(printf '0%.0s' {1..64})
seen="docker: localhost app 1
oras: docker.io localhost/app 1 -
docker-image-py: localhost app 1 -
docker: docker.io team/shop/app 1
oras: docker.io team/shop/app 1 -
docker-image-py: docker.io team/shop/app 1 -
docker: registry.example team/app:1 $digest
oras: registry.example team/app 1 $digest
docker-image-py: registry.example team/app 1 $digest
docker-parse-image: - localhost/app 1
parse-docker-image-name: localhost app 1 -
docker-parse-image: team shop/app 1
parse-docker-image-name: - team/shop/app 1 -
docker-parse-image: registry.example team/app 1@$digest
parse-docker-image-name: registry.example team/app 1 $digest"
names=(localhost/app:1 team/shop/app:1 "registry.example/team/app:1@$digest")
got=$(timeout 30 python/bin/python ask.py "${names[@]}"; timeout 30 node ask.mjs "${names[@]}")
diff <(echo "$seen") <(echo "$got")
echo "as described"
