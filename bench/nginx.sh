#!/bin/sh
# nginx.sh FOLDER PORT - writes FOLDER/nginx.conf, serving FOLDER/www as nginx does it best with one
# worker, and prints the path of an nginx to run it with.
#
# The package is unpacked where none is installed: installing it would start a service on port 80.
set -eu
folder=$1 port=$2
mkdir -p "$folder/www"

user=
[ "$(id -u)" -ne 0 ] || user='user root root;' # or its worker could not read what only root can

cat > "$folder/nginx.conf" << END
daemon off;
$user
worker_processes 1;
pid $folder/nginx.pid;
error_log $folder/nginx.log;
events { worker_connections 1024; use epoll; }
http {
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_timeout 600s;
    keepalive_requests 1000000000;
    open_file_cache max=100 inactive=600s;
    open_file_cache_valid 600s;
    default_type application/json;
    client_body_temp_path $folder/tmp;
    proxy_temp_path $folder/tmp;
    fastcgi_temp_path $folder/tmp;
    uwsgi_temp_path $folder/tmp;
    scgi_temp_path $folder/tmp;
    server { listen 127.0.0.1:$port; root $folder/www; }
}
END

PATH=$PATH:/usr/sbin
if ! command -v nginx; then
    if [ ! -x "$folder/package/usr/sbin/nginx" ]; then
        (cd "$folder" && apt-get -qq download nginx >&2 && dpkg -x nginx_*.deb package)
    fi
    echo "$folder/package/usr/sbin/nginx"
fi
