#!/bin/bash
# ingest.sh - what a release costs where the window is full, at 5,400 stations and at a hundred times as
# many, beside a bare insert of the same rows; and what a day costs the upstream. Prints a report.
#
#   SIZES="5400 540000" CYCLES=3 DAY=1 bench/ingest.sh
#
# Time is freshet-sim's: it stands still until this script lets it go on to the next slot. The window is
# filled by SQL from the newest readings back, as asking for some fifty million would take an hour. Every
# measure delivers with every release. freshet has core 0 to itself; client and simulator have core 1.
# At 540,000 stations some 15 GB of disk are used under build/bench, and ten minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

SIZES=${SIZES:-5400 540000}
CYCLES=${CYCLES:-3}
DAY=${DAY:-1}
RATE=${RATE:-500} # of the open-loop client, a second
PORT=18080
LISTEN=127.0.0.1:$PORT

. bench/kit.sh "$PWD/build/bench/ingest"
log=$dir/freshet.log
. bench/window.sh
trap 'finish; rm -rf "$dir/data" "$dir/copy.db"*' EXIT

# ---- the two programs, and time ------------------------------------------------------------------

start_held_sim() { # start_held_sim STATIONS OPTION...: time stands still from here on; sets now_s
    STATIONS=$1 start_sim build/clock --clock "${@:2}"
    renice -n 19 -p "$sim" > "$dir/renice.out"
    origin=${upstream%/flood-monitoring}
    exec 3<> "/dev/tcp/${clock%:*}/${clock#*:}"
    hear || true # it says what time it is
}
stop_sim() {
    exec 3>&-
    kill "$sim"
}
hear() { # takes one line of the clock; true: it was `go`
    local word value
    read -r word value <&3
    if [ "$word" = now ]; then
        now_s=$((value / 1000))
        echo ack >&3
    fi
    [ "$word" = go ]
}
until_s() { # lets time run up to the moment, through all that others do before it
    echo "sleep $(($1 * 1000))" >&3
    until hear; do :; done
}
next_slot() { echo $(((now_s - 300) / 900 * 900 + 900 + 300)); }

start_freshet() { # start_freshet OPTION...: sets service
    FRESHET_CLOCK=$clock taskset -c 0 build/clock/freshet --listen $LISTEN --data-dir "$dir/data" --threads 1 \
        --upstream "$upstream" --poll-jitter 0s --max-body-bytes 1GB --upstream-budget-bytes 1GB --export-url off "$@" 2>> "$log" &
    service=$!
    pids+=("$service")
}
stop_freshet() {
    kill "$service"
    wait "$service" || fail "freshet did not end in order; see $log"
}
polls() { grep -c 'event=polled' "$log" || true; }
await_polls() { # await_polls COUNT: until the log has so many, at most 15 minutes
    local until=$((SECONDS + 900))
    while [ "$(polls)" -lt "$1" ]; do
        if ! kill -0 "$service" 2> /dev/null || [ $SECONDS -ge $until ]; then
            fail "freshet does not poll; see $log"
        fi
        until_s $((now_s + 1)) # a poll makes at most one generation a second
        sleep 0.1
    done
}
release() { # the next one, to the end of its poll
    local before
    before=$(polls)
    until_s "$(next_slot)"
    await_polls $((before + 1))
}
last() { grep -E 'event=(spent|polled)' "$log" | tail -n 2 | sed -nE "s/.* $1=([0-9]+).*/\\1/p"; } # a member of the last poll's lines
resident() { memory "$service" "$1" | cut -d. -f1; }

# ---- one size ------------------------------------------------------------------------------------

openloop() { taskset -c 1 build/release/bench/openloop $PORT "/v1/stations/$station/latest" "$RATE" "$1" | awk '{ print $4 }'; }

# What is written down of each release, in this order. Processor time of the phases is of their thread.
MEMBERS=(new asks received fetch_ms parse_ms apply_ms wall_trim_ms wall_commit_ms wall_checkpoint_ms
    cpu_fetch_ms cpu_parse_ms cpu_apply_ms cpu_trim_ms cpu_commit_ms cpu_checkpoint_ms)
note_release() {
    local member line=
    for member in "${MEMBERS[@]}"; do line+="$(last "$member") "; done
    echo "$line" >> "$dir/releases"
}
of() { # of MEMBER...: the median of their sum
    local member i columns=
    for member; do
        for ((i = 0; i < ${#MEMBERS[@]}; i++)); do
            [ "${MEMBERS[i]}" != "$member" ] || columns+=" + \$$((i + 1))"
        done
    done
    awk "{ print 0$columns }" "$dir/releases" | median
}

bench_size() { # bench_size STATIONS
    rm -rf "$dir/data"
    : > "$log"
    : > "$dir/releases"
    start_held_sim "$1" --batching 0
    say "$1 stations: lists and newest"
    start_freshet --upstream-budget 9 # that is what they take
    await_polls 1
    local first_peak peak
    first_peak=$(resident VmHWM)
    stop_freshet
    say "$1 stations: filling the window"
    fill_window "$dir/data/freshet.db" generation
    # Its first poll left all of this open: as it is recorded, the next would ask for the window.
    local generation
    generation=$(sqlite3 "$dir/data/freshet.db" 'SELECT generation FROM meta')
    sqlite3 "$dir/data/ledger.db" "UPDATE poll SET fault = 0, detail = NULL, generation = $generation"
    start_freshet --sweep-interval 1d --details-per-poll 0
    local waited=$SECONDS
    until curl -fsS -o /dev/null "http://$LISTEN/ready" 2> /dev/null; do sleep 0.05; done
    waited=$((SECONDS - waited))
    await_polls 2
    station=$(curl -fsS "http://$LISTEN/v1/latest.csv?parameter=level&limit=50" | sed -n '2,$p' | cut -d, -f1 | grep -E '^[A-Za-z0-9_]+$' | head -n 1)
    say "$1 stations: $CYCLES releases"
    release # reads the file for the first time
    echo 5 > "/proc/$service/clear_refs" # the peak counts from here
    local i idle busy took
    for ((i = 0; i < CYCLES; i++)); do
        release
        note_release
    done
    peak=$(resident VmHWM)
    took=$(($(of fetch_ms parse_ms apply_ms | cut -d. -f1) / 1000))
    [ "$took" -ge 2 ] || took=2
    idle=$(openloop "$took")
    openloop "$took" > "$dir/busy" &
    local client=$!
    release
    wait $client
    busy=$(< "$dir/busy")
    local held
    held=$(curl -fsS "http://$LISTEN/v1/status" | sed -nE 's/.*"readings": ?([0-9]+).*/\1/p' | head -n 1)
    stop_freshet
    stop_sim
    say "$1 stations: a bare insert"
    cp "$dir/data/freshet.db" "$dir/copy.db"
    local rows wall cpu ours
    read -r rows wall cpu < <(taskset -c 0 build/release/bench/insert "$dir/copy.db")
    ours=$(of cpu_parse_ms cpu_apply_ms cpu_checkpoint_ms)
    printf '\n## A release at %s stations, window full (%s readings), medians of %s\n\n| what | |\n|---|---|\n' "$1" "$held" "$CYCLES"
    printf '| new readings; received; asked for behind them | %s; %s; %s |\n' "$(of new)" "$(of received)" "$(of asks)"
    printf '| fetch, parse, apply, of it trim and commit, checkpoint: wall ms | %s, %s, %s, %s, %s, %s |\n' "$(of fetch_ms)" "$(of parse_ms)" \
        "$(of apply_ms)" "$(of wall_trim_ms)" "$(of wall_commit_ms)" "$(of wall_checkpoint_ms)"
    printf '| the same: CPU ms | %s, %s, %s, %s, %s, %s |\n' "$(of cpu_fetch_ms)" "$(of cpu_parse_ms)" "$(of cpu_apply_ms)" "$(of cpu_trim_ms)" \
        "$(of cpu_commit_ms)" "$(of cpu_checkpoint_ms)"
    printf '| CPU after the bytes are in, ms | **%s** |\n' "$ours"
    printf '| bare insert of %s rows, one transaction: wall, CPU ms | %s, %s |\n' "$rows" "$wall" "$cpu"
    printf '| ratio of CPU | %s |\n' "$(divide "$ours" "$cpu")"
    printf '| most resident in a release; with the lists, at start | %s MB; %s MB |\n' "$peak" "$first_peak"
    printf "| p99 of one station's latest, %s a second: idle, meanwhile; ratio | %s, %s ms; %s |\n" "$RATE" "$idle" "$busy" "$(divide "$busy" "$idle")"
    printf '| start to ready after a crash, s | %s |\n| store on disk | %s MB |\n' "$waited" "$(($(stat -c %s "$dir/data/freshet.db") / 1000000))"
}

# ---- what a day costs the upstream ---------------------------------------------------------------

traffic() { curl -fsS "$origin/sim/stats" | sed -nE "s/.*\"traffic\":\{[^}]*\"$1\":([0-9]+).*/\1/p"; }

bench_day() {
    rm -rf "$dir/data"
    : > "$log"
    start_held_sim 5400
    say 'a day at 5,400 stations'
    start_freshet
    until_s $((now_s + 3600)) # full
    local requests bytes latest
    requests=$(traffic requests) bytes=$(traffic sent_bytes)
    until_s $((now_s + 86400))
    requests=$(($(traffic requests) - requests)) bytes=$(($(traffic sent_bytes) - bytes))
    latest=$(curl -fsS -H 'Accept-Encoding: gzip' "$upstream/data/readings?latest" | wc -c)
    stop_freshet
    stop_sim
    printf '\n## A day of 5,400 stations, 15 %% of the series in batches\n\n| who | requests | MB received |\n|---|---|---|\n'
    printf '| freshet, everything held | %s | %s |\n' "$requests" "$((bytes / 1000000))"
    printf '| a poller of the newest, every 15 minutes | 96 | %s |\n' "$((latest * 96 / 1000000))"
}

mkdir -p "$dir"
need_free $PORT
keep_awake
for size in $SIZES; do bench_size "$size"; done
[ "$DAY" -eq 0 ] || bench_day
