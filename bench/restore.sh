#!/bin/bash
# restore.sh - from a lost store to the first answer: fetched from its export, checked, served.
#
#   ROUNDS=5 bench/restore.sh [DATA]
#
# DATA is a data directory that no service has open: by default what run.sh left in build/bench/data, 5,400
# stations with a full window. It is exported to a directory first, so that what is measured is ours and
# no bucket's. Prints a row for RESULTS.md.
set -euo pipefail
cd "$(dirname "$0")/.."

ROUNDS=${ROUNDS:-5}
data=${1:-build/bench/data}
PORT=18087

. bench/kit.sh "$PWD/build/bench"

[ -e "$data/freshet.db" ] || fail "there is no store in $data; bench/run.sh leaves one"
need_free $PORT
rm -rf "$dir/export" "$dir/restored"
build/freshet export --once --data-dir "$data" --export-url "$dir/export" 2> "$dir/export.log" ||
    fail "see $dir/export.log"

for ((round = 0; round < ROUNDS; round++)); do
    rm -rf "$dir/restored"
    begun=$(now_ms)
    taskset -c 0 build/freshet --listen 127.0.0.1:$PORT --data-dir "$dir/restored" --threads 1 \
        --export-url "$dir/export" --upstream http://127.0.0.1:1 2> "$dir/restore.log" &
    service=$!
    pids+=("$service")
    await "$service" "http://127.0.0.1:$PORT/v1/latest?limit=1"
    echo $(($(now_ms) - begun))
    kill "$service"
    wait "$service" || true
done > "$dir/restore.ms"

grep -q 'event=restored' "$dir/restore.log" || fail "nothing was restored; see $dir/restore.log"
object=$(find "$dir/export/gen" -name store.db.zst -printf '%s\n' | sort -n | tail -n 1)
store=$(stat -c %s "$dir/restored/freshet.db")
printf '| restore to first answer, store of %d MB from %d MB | %d ms (%d to %d) | 2 s at 5,400 stations |\n' \
    $((store >> 20)) $((object >> 20)) "$(median < "$dir/restore.ms")" \
    "$(sort -n "$dir/restore.ms" | head -n 1)" "$(sort -n "$dir/restore.ms" | tail -n 1)"
