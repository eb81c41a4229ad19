#!/bin/sh
# The layers hold, and the check that says so finds what breaks them.
set -eu
cd "$(dirname "$0")/.."
tools/check_layers.sh

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir "$tree/base" "$tree/model" "$tree/store" "$tree/ingest" "$tree/server" "$tree/sim" "$tree/tests"
failed=0 passed=1

expect() { # expect finds|allows FILE INCLUDE
    echo "#include $3" > "$tree/$2"
    if tools/check_layers.sh "$tree" 2> /dev/null; then got=allows; else got=finds; fi
    rm "$tree/$2"
    if [ "$got" = "$1" ]; then
        passed=$((passed + 1))
    else
        echo "$2 with #include $3: the check $got it"
        failed=$((failed + 1))
    fi
}

expect allows base/a.c '"base/b.h"'
expect allows base/a.c '<stdio.h>'
expect finds  base/a.c '"model/b.h"'
expect finds  base/a.c '"b.h"'
expect finds  base/a.c '<sqlite3.h>'
expect allows model/a.c '"base/b.h"'
expect finds  model/a.h '"store/b.h"'
expect allows store/a.c '<sqlite3.h>'
expect allows store/a.c '"model/b.h"'
expect finds  store/a.c '"ingest/b.h"'
expect allows ingest/a.c '"store/b.h"'
expect finds  ingest/a.c '"server/b.h"'
expect finds  server/a.c '"ingest/b.h"'
expect finds  ingest/a.c '<curl/curl.h>'
expect allows base/http_client.c '<curl/curl.h>'
expect allows ingest/parse.c '<cjson/cJSON.h>'
expect allows tests/scenario_a.c '<cjson/cJSON.h>'
expect finds  ingest/poll.c '<cjson/cJSON.h>'
expect finds  server/route.c '<microhttpd.h>'
expect finds  server/get_latest.c '<sqlite3.h>'
expect allows sim/a.c '<microhttpd.h>'
expect finds  sim/a.c '"model/b.h"'
expect allows tests/test_store_a.c '<sqlite3.h>'
expect finds  tests/test_server_a.c '<sqlite3.h>'
expect allows main.c '"config.h"'
expect finds  server/a.c '"config.h"'

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
