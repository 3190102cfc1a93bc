#!/usr/bin/env bash
# A body that comes in chunks is empty to Django and Falcon behind gunicorn and cheroot, with status 200, and an error to Bottle; behind waitress it is whole.
#
# Packages: PyPI Django 5.2.19, falcon 4.4.0, bottle 0.13.4, Flask 3.1.3, pyramid 2.1, gunicorn 27.0.1, cheroot 11.1.2, waitress 3.0.2; Debian 12 curl 7.88.
# One would swear: how a body was framed is the server's business, and an app that reads `request.body` has the same bytes with `Content-Length` and without.
# Behaviour: WSGI knows the length of a body or nothing. gunicorn and cheroot take the chunks apart and leave `CONTENT_LENGTH` out: Django and Falcon read no byte and go on, Bottle takes
# the bytes for chunks once more, and refuses them. Flask and Pyramid read to the end. waitress keeps the whole body and says its length, so all five read it.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `fc-local` hands a body on as it comes, in chunks if its length was not said (an upload of a stream, HTTP/2 without `content-length`).
# docs/languages.md says which servers suit which frameworks. To fc-runtime a body is the same in both ways.
set -euo pipefail
work=$(mktemp -d)
servers=()
trap 'kill "${servers[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check Django==5.2.19 falcon==4.4.0 bottle==0.13.4 Flask==3.1.3 pyramid==2.1 gunicorn==27.0.1 cheroot==11.1.2 \
  waitress==3.0.2

cat > apps.py <<'PY'
import bottle
import django
import falcon
import flask
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path
from pyramid.config import Configurator
from pyramid.response import Response

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=['*'], SECRET_KEY='of this script')
django.setup()
urlpatterns = [path('Django', lambda request: HttpResponse(request.body))]

of_flask = flask.Flask(__name__)
of_flask.post('/Flask')(lambda: flask.request.get_data())
of_bottle = bottle.Bottle()
of_bottle.post('/Bottle')(lambda: bottle.request.body.read())


class Echo:
    def on_post(self, request, response):
        response.data = request.bounded_stream.read()


of_falcon = falcon.App()
of_falcon.add_route('/Falcon', Echo())
configurator = Configurator()
configurator.add_route('echo', '/Pyramid')
configurator.add_view(lambda request: Response(request.body), route_name='echo')
apps = {
    '/Django': get_wsgi_application(),
    '/Falcon': of_falcon,
    '/Bottle': of_bottle,
    '/Flask': of_flask,
    '/Pyramid': configurator.make_wsgi_app(),
}


def app(environ, start):
    return apps[environ['PATH_INFO']](environ, start)
PY
cat > serve.py <<'PY'
import sys

from apps import app

if sys.argv[1] == 'waitress':
    import waitress

    waitress.serve(app, host='127.0.0.1', port=int(sys.argv[2]))
else:
    from cheroot.wsgi import Server

    Server(('127.0.0.1', int(sys.argv[2])), app).start()
PY
free() { python3 -c "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1])"; }
# What an app answers to the word, or its status.
ask() {
  local status
  status=$(curl --silent --max-time 10 --output reply --write-out '%{http_code}' --header 'Content-Type: text/plain' "${@:2}" --data word "http://127.0.0.1:$1")
  if [ "$status" = 200 ]; then echo "\"$(cat reply)\""; else echo "$status"; fi
}
seen='gunicorn, Django: with its length "word", in chunks ""
gunicorn, Falcon: with its length "word", in chunks ""
gunicorn, Bottle: with its length "word", in chunks 400
gunicorn, Flask: with its length "word", in chunks "word"
gunicorn, Pyramid: with its length "word", in chunks "word"
cheroot, Django: with its length "word", in chunks ""
cheroot, Falcon: with its length "word", in chunks ""
cheroot, Bottle: with its length "word", in chunks 400
cheroot, Flask: with its length "word", in chunks "word"
cheroot, Pyramid: with its length "word", in chunks "word"
waitress, Django: with its length "word", in chunks "word"
waitress, Falcon: with its length "word", in chunks "word"
waitress, Bottle: with its length "word", in chunks "word"
waitress, Flask: with its length "word", in chunks "word"
waitress, Pyramid: with its length "word", in chunks "word"'
got=$(
  for server in gunicorn cheroot waitress; do
    port=$(free)
    if [ $server = gunicorn ]; then
      python/bin/gunicorn --bind "127.0.0.1:$port" apps:app > log 2>&1 &
    else
      python/bin/python serve.py $server "$port" > log 2>&1 &
    fi
    servers=($!)
    until curl --silent --output /dev/null "http://127.0.0.1:$port/Flask"; do kill -0 "${servers[0]}"; sleep 0.1; done
    for app in Django Falcon Bottle Flask Pyramid; do
      echo "$server, $app: with its length $(ask "$port/$app"), in chunks $(ask "$port/$app" --header 'Transfer-Encoding: chunked')"
    done
    kill "${servers[0]}"
    wait "${servers[0]}" || true
  done
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
