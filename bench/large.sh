#!/bin/bash
# large.sh - what a store of a hundred times the stations answers: the first asker of a list, the next one, and the
# most memory that it took. Prints rows for RESULTS.md.
#
#   SIZE=540000 bench/large.sh
#
# The store is made: lists and newest readings from freshet-sim, the rest of the window by SQL. Some 15 GB of disk
# under build/bench, and ten minutes: lists larger than memory get 12 GB of it (--spool-bytes).
set -euo pipefail
cd "$(dirname "$0")/.."

SIZE=${SIZE:-540000}
PORT=18088

. bench/kit.sh "$PWD/build/bench/large"
. bench/window.sh

ask() { # ask ADDRESS: "status bytes seconds"
    curl -sS -o /dev/null --max-time 600 -w '%{http_code} %{size_download} %{time_total}' "http://127.0.0.1:$PORT$1"
}

row() { # row ADDRESS
    local status bytes first again
    echo 5 > "/proc/$service/clear_refs" # the most resident counts from here
    read -r status bytes first <<< "$(ask "$1")"
    read -r _ _ again <<< "$(ask "$1")"
    printf "| \`%s\` | %s | %s | %s | %s | %s |\n" "$1" "$status" "$bytes" "$first" "$again" "$(memory "$service" VmHWM)"
}

rm -rf "$dir"
mkdir -p "$dir"
need_free $PORT
make_store "$SIZE"
build/freshet --listen 127.0.0.1:$PORT --data-dir "$dir/data" --export-url off --upstream http://127.0.0.1:1 \
    --spool-bytes 12GB 2> "$dir/freshet.log" &
service=$!
pids+=("$service")
await "$service" "http://127.0.0.1:$PORT/v1/status"
printf '\n## %s stations, store of %d MB\n\n| address | status | bytes | first, s | again, s | most resident |\n|---|---|---|---|---|---|\n' \
    "$SIZE" $(($(stat -c %s "$dir/data/freshet.db") >> 20))
for address in /v1/status "/v1/stations/$station/latest" "/v1/stations/$station/readings" \
    '/v1/stations?lat=51.75&long=-1.26&dist=10' '/v1/stations?limit=10' '/v1/stations.csv' '/v1/latest?limit=10' /v1/latest.csv \
    '/v1/latest?state=above&trend=rising&limit=10' '/v1/latest?sort=-value&limit=10' '/v1/measures?limit=10' \
    '/v1/gaps?limit=10' '/v1/changes?since=PT1H&limit=10' '/v1/readings?limit=10' /v1/readings.csv \
    /flood-monitoring/id/stations '/flood-monitoring/data/readings?latest' \
    '/flood-monitoring/data/readings?_sorted&_limit=10' '/flood-monitoring/data/readings?_sorted&today'; do
    row "$address"
done
rm -rf "$dir/data"
