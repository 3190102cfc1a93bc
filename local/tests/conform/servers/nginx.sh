#!/bin/sh
# nginx in front of a function, in one instance: the usual settings of a reverse proxy, and its defaults.
#   nginx.sh PROGRAM [ARGUMENT..]
set -eu
work=$(mktemp -d)
# The workers of a master that is root are nobody.
chmod 711 "$work"
inner=$((FC_SERVER_PORT + 1))
cat >"$work/nginx.conf" <<CONF
daemon off;
pid $work/pid;
error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path $work/body;
  proxy_temp_path $work/proxy;
  fastcgi_temp_path $work/fastcgi;
  uwsgi_temp_path $work/uwsgi;
  scgi_temp_path $work/scgi;
  server {
    listen 0.0.0.0:$FC_SERVER_PORT;
    location / {
      proxy_pass http://127.0.0.1:$inner;
      proxy_http_version 1.1;
      proxy_set_header Host \$http_host;
    }
  }
}
CONF
FC_SERVER_PORT=$inner FC_CUSTOM_LISTEN_PORT=$inner "$@" &
program=$!
nginx -c "$work/nginx.conf" -e stderr &
proxy=$!
# The signal comes to the whole group, so either may have ended already.
trap 'kill -QUIT $proxy || :; wait $proxy || :; kill -TERM $program || :; wait $program || :; rm -rf "$work"; exit 0' TERM
wait $proxy
