#!/bin/sh
# victoria.sh FOLDER - prints the path of Debian's VictoriaMetrics.
#
# The package is unpacked where none is installed: installing it would start a service.
set -eu
folder=$1

if ! command -v victoria-metrics; then
    if [ ! -x "$folder/package/usr/bin/victoria-metrics" ]; then
        mkdir -p "$folder"
        (cd "$folder" && apt-get -qq download victoria-metrics >&2 && dpkg -x victoria-metrics_*.deb package)
    fi
    echo "$folder/package/usr/bin/victoria-metrics"
fi
