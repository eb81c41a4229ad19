#!/bin/bash
# export.sh - what exporting a whole store does to who asks meanwhile, and how long it takes from a lost
# store to the first answer: fetched from that export, checked, served. Prints rows for RESULTS.md.
#
#   SIZES="5400 540000" ROUNDS=3 bench/export.sh
#
# The store is made: lists and newest readings from freshet-sim, the rest of the window by SQL, a generation
# for each slot. It goes to a directory, so that what is measured is ours and no bucket's: all of it as history, then
# its newest generation as store copy, Parquet, CSV and GeoJSON. freshet has core 0, the open-loop client core
# 1. At 540,000 stations some 15 GB of disk are used under build/bench, and half an hour.
set -euo pipefail
cd "$(dirname "$0")/.."

SIZES=${SIZES:-5400 540000}
ROUNDS=${ROUNDS:-3}
RATE=${RATE:-500} # of the open-loop client, a second
IDLE_S=8          # shorter than the interval, so that it ends before the export begins
INTERVAL_S=20
PORT=18087

. bench/kit.sh "$PWD/build/bench/export"
. bench/window.sh

serve() { # serve DATA EXPORT: sets service
    taskset -c 0 build/freshet --listen 127.0.0.1:$PORT --data-dir "$1" --threads 1 --drain-timeout 60s \
        --export-url "$2" --export-interval ${INTERVAL_S}s --upstream http://127.0.0.1:1 2> "$dir/freshet.log" &
    service=$!
    pids+=("$service")
    await "$service" "http://127.0.0.1:$PORT/v1/stations/$station/latest"
}
p99() { awk '{ print $4 }' "$1"; }
openloop() { exec taskset -c 1 build/release/bench/openloop $PORT "/v1/stations/$station/latest" "$RATE" "$1"; } # in a shell of its own

# One export of everything, with somebody who asks: appends "idle busy milliseconds memory" to rounds.
export_round() {
    rm -rf "$dir/exported" "$dir/data/"spool.db* # history knows of nothing
    local begins client
    serve "$dir/data" "$dir/exported"
    (openloop $IDLE_S) > "$dir/idle"
    begins=$(($(date -d "$(sed -nE 's/.*time=([^ ]+) component=export event=begins.*/\1/p' "$dir/freshet.log")" +%s) + INTERVAL_S))
    while [ "$(date +%s)" -lt $begins ]; do sleep 0.05; done
    openloop 3600 > "$dir/busy" &
    client=$!
    pids+=("$client")
    until grep -q 'event=done' "$dir/freshet.log"; do
        ! grep -q 'component=export event=failed' "$dir/freshet.log" || fail "see $dir/freshet.log"
        sleep 0.1
    done
    kill "$client"
    wait "$client" || true
    printf '%s %s %s %s\n' "$(p99 "$dir/idle")" "$(p99 "$dir/busy")" \
        "$(sed -nE 's/.*event=done .*took_ms=([0-9]+).*/\1/p' "$dir/freshet.log" | head -n 1)" "$(memory "$service" VmHWM)" >> "$dir/rounds"
    end_service
}

restore_round() { # appends milliseconds, and the most memory, to restores
    rm -rf "$dir/restored"
    local begun
    begun=$(now_ms)
    serve "$dir/restored" "$dir/exported"
    printf '%s %s\n' "$(($(now_ms) - begun))" "$(memory "$service" VmHWM)" >> "$dir/restores"
    grep -q 'event=restored' "$dir/freshet.log" || fail "nothing was restored; see $dir/freshet.log"
    kill -KILL "$service" # nothing of it is kept
    wait "$service" 2> /dev/null || true
}

bench_size() { # bench_size STATIONS
    make_store "$1"
    : > "$dir/rounds"
    : > "$dir/restores"
    local i idle busy store object
    for ((i = 0; i < ROUNDS; i++)); do
        say "$1 stations: export $((i + 1))"
        export_round
    done
    say "$1 stations: restore"
    for ((i = 0; i < ROUNDS; i++)); do restore_round; done
    idle=$(column 1 < "$dir/rounds" | median) busy=$(column 2 < "$dir/rounds" | median)
    store=$(stat -c %s "$dir/restored/freshet.db")
    object=$(find "$dir/exported/gen" -name store.db.zst -printf '%s\n' | sort -n | tail -n 1)
    printf '\n## Export and restore at %s stations, store of %d MB, medians of %d\n\n| what | | aim |\n|---|---|---|\n' \
        "$1" $((store >> 20)) "$ROUNDS"
    printf '| all of it as history and a generation, to a directory, s | %s | |\n' "$(column 3 < "$dir/rounds" | median | awk '{ print $1 / 1000 }')"
    printf '| most resident meanwhile | %s MB | |\n' "$(column 4 < "$dir/rounds" | median)"
    printf "| p99 of one station's latest, %s a second, one core for both: idle, meanwhile; ratio | %s, %s ms; **%s** | at most 1.5 |\n" \
        "$RATE" "$idle" "$busy" "$(divide "$busy" "$idle")"
    printf '| a lost store, from %d MB, to the first answer, ms | **%s** | 2000 at 5,400 stations |\n' \
        $((object >> 20)) "$(column 1 < "$dir/restores" | median)"
    printf '| most resident of it | %s MB | |\n' "$(column 2 < "$dir/restores" | median)"
}

rm -rf "$dir"
mkdir -p "$dir"
need_free $PORT
keep_awake
for size in $SIZES; do bench_size "$size"; done
rm -rf "$dir/data" "$dir/restored" "$dir/exported"
