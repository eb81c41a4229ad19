#!/bin/sh
# check_layers.sh [FOLDER] - who may include whom (ARCHITECTURE.md): downwards only, never sideways,
# and each library behind its fence. Tells every include that breaks it.
set -eu
cd "${1:-.}"
status=0
any='[^ ]*'

# One line an include: room/file.c "room/file.h  or  room/file.c <library.h
includes=$(find . -path ./build -prune -o -name '*.[ch]' -print | sort |
    xargs sed -nE 's/^ *# *include *(["<][^">]*).*/\1/;T;F;p' | paste -d ' ' - - | sed 's|^\./||')
allow() { # allow WHY FORBIDDEN EXCEPT: no include may match FORBIDDEN, unless it matches EXCEPT
    found=$(echo "$includes" | grep -E "^($2)\$" | grep -vE "^($3)\$") || return 0
    echo "$found" | sed "s/^/$1: /" >&2
    status=1
}

for room in base sim:base model:base store:base,model ingest:base,model,store server:base,model,store \
            export:base,model,store stream:base,model,store; do
    below=$(echo "$room" | tr ':,' '||')
    room=${room%%:*}
    allow "only ($below) in $room/" "$room/$any \"$any" "$any \"($below)/$any"
done
allow 'only in store/, and to be compared with it' "$any .sqlite3\.h" "(store/|tests/test_store_|bench/insert)$any .*"
allow 'only in server.c, reply.c, cache.c, sse.c' "$any .microhttpd\.h" "(server/(server|reply|cache|sse)\.c|sim/$any) .*"
allow 'only in http_client.c' "$any .curl/$any" 'base/http_client\.c .*'
allow 'only in kafka.c' "$any .librdkafka/$any" '(base/kafka|tests/parts/kafka_broker)\.c .*'
allow 'only in sha256.c' "$any .openssl/$any" 'base/sha256\.c .*'
allow 'only in json.c and parse.c' "$any .(cjson/)?cJSON\.h" "(base/json\.c|ingest/parse\.c|(sim|tests)/$any) .*"
allow 'only in main.c' "$any .config\.h" '(main|config_inside|tests/test_config)\.[ch] .*'
allow 'only in config*.c' "$any .config_inside\.h" '(config|config_table|config_parts)\.c .*'
exit $status
