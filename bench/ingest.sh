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
dir=$PWD/build/bench/ingest
log=$dir/freshet.log

pids=()
finish() {
    [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2> /dev/null || true
    wait
    rm -rf "$dir/data" "$dir/copy.db"*
}
trap finish EXIT
trap 'exit 1' INT TERM HUP

. bench/window.sh

say() { printf 'bench: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
median() { sort -n | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

# ---- the two programs, and time ------------------------------------------------------------------

start_sim() { # start_sim STATIONS OPTION...: sets sim, upstream, origin, clock
    : > "$dir/sim.out"
    taskset -c 1 nice -n 19 build/clock/freshet-sim --listen 127.0.0.1:0 --clock --seed 1 --stations "$@" > "$dir/sim.out" 2> "$dir/sim.log" &
    sim=$!
    pids+=("$sim")
    local tries=0
    until clock=$(sed -nE 's|^clock on (.*)|\1|p' "$dir/sim.out") && [ -n "$clock" ]; do
        [ $((tries += 1)) -lt 600 ] || fail "freshet-sim does not start; see $dir/sim.log"
        sleep 0.1
    done
    upstream=$(sed -nE 's|.*listening on (http://[^ ]*).*|\1|p' "$dir/sim.out")
    origin=${upstream%/flood-monitoring}
}

hold_time() { # time stands still from here on; sets now_s
    exec 3<> "/dev/tcp/${clock%:*}/${clock#*:}"
    hear || true # it says what time it is
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
await_poll() { # await_poll COUNT: until the log has so many, at most 15 minutes
    local until=$((SECONDS + 900))
    while [ "$(polls)" -lt "$1" ]; do
        if ! kill -0 "$service" 2> /dev/null || [ $SECONDS -ge $until ]; then
            fail "freshet does not poll; see $log"
        fi
        until_s $((now_s + 1)) # a poll makes at most one generation a second
        sleep 0.1
    done
}
last() { grep 'event=polled' "$log" | tail -n 1 | sed -nE "s/.* $1=([0-9]+).*/\1/p"; } # a member of the last poll
cpu_ms() { cat /proc/"$service"/task/*/schedstat | awk '{ ns += $1 } END { printf "%d", ns / 1e6 }'; }
memory() { sed -nE "s/^$1:[[:space:]]*([0-9]+) kB/\1/p" "/proc/$service/status" | awk '{ printf "%.0f", $1 / 1024 }'; }

# ---- one size ------------------------------------------------------------------------------------

openloop() { taskset -c 1 build/release/bench/openloop $PORT "/v1/stations/$station/latest" "$RATE" "$1" | awk '{ print $4 }'; }

cycle() { # one release: appends "fetch parse apply cpu new" to cycles
    local begun
    begun=$(cpu_ms)
    until_s $(($(next_slot) + 1))
    printf '%s %s %s %s %s\n' "$(last fetch_ms)" "$(last parse_ms)" "$(last apply_ms)" "$(($(cpu_ms) - begun))" "$(last new)" >> "$dir/cycles"
}
column() { awk -v c="$1" '{ print $c }' "$dir/cycles" | median; }

bench_size() { # bench_size STATIONS
    rm -rf "$dir/data"
    : > "$log"
    : > "$dir/cycles"
    start_sim "$1" --batching 0
    hold_time
    say "$1 stations: lists and newest"
    start_freshet --upstream-budget 9
    await_poll 1
    local first_peak
    first_peak=$(memory VmHWM)
    stop_freshet
    say "$1 stations: filling the window"
    fill_window "$dir/data/freshet.db" generation
    start_freshet --upstream-budget 9
    local waited=$SECONDS
    until curl -fsS -o /dev/null "http://$LISTEN/ready" 2> /dev/null; do sleep 0.05; done
    waited=$((SECONDS - waited))
    await_poll 2
    station=$(curl -fsS "http://$LISTEN/v1/latest.csv?parameter=level&limit=50" | sed -n '2,$p' | cut -d, -f1 | grep -E '^[A-Za-z0-9_]+$' | head -n 1)
    say "$1 stations: $CYCLES releases"
    echo 5 > "/proc/$service/clear_refs" # the peak counts from here
    local i idle busy took
    for ((i = 0; i < CYCLES; i++)); do cycle; done
    local peak
    peak=$(memory VmHWM)
    took=$(awk '{ s = ($1 + $2 + $3) / 1000 } END { print s < 2 ? 2 : int(s) }' "$dir/cycles")
    idle=$(openloop "$took")
    openloop "$took" > "$dir/busy" &
    local client=$!
    until_s $(($(next_slot) + 1))
    wait $client
    busy=$(< "$dir/busy")
    local held
    held=$(curl -fsS "http://$LISTEN/v1/status" | sed -nE 's/.*"readings": ?([0-9]+).*/\1/p' | head -n 1)
    stop_freshet
    exec 3>&-
    kill "$sim"
    say "$1 stations: a bare insert"
    cp "$dir/data/freshet.db" "$dir/copy.db"
    local rows wall cpu
    read -r rows wall cpu < <(taskset -c 0 build/release/bench/insert "$dir/copy.db")
    local ours
    ours=$(column 4)
    printf '\n## A release at %s stations, window full (%s readings), medians of %s\n\n| what | |\n|---|---|\n' "$1" "$held" "$CYCLES"
    printf '| new readings | %s |\n' "$(column 5)"
    printf '| fetch, parse, apply: wall ms | %s, %s, %s |\n' "$(column 1)" "$(column 2)" "$(column 3)"
    printf '| CPU of the process, receiving and unpacking included, ms | **%s** |\n' "$ours"
    printf '| bare insert of %s rows, one transaction: wall, CPU ms | %s, %s |\n' "$rows" "$wall" "$cpu"
    printf '| ratio of CPU | %s |\n' "$(ratio "$ours" "$cpu")"
    printf '| most resident in a release; with the lists, at start | %s MB; %s MB |\n' "$peak" "$first_peak"
    printf "| p99 of one station's latest, %s a second: idle, meanwhile; ratio | %s, %s ms; %s |\n" "$RATE" "$idle" "$busy" "$(ratio "$busy" "$idle")"
    printf '| start to ready after a crash, s | %s |\n| store on disk | %s MB |\n' "$waited" "$(($(stat -c %s "$dir/data/freshet.db") / 1000000))"
}

# ---- what a day costs the upstream ---------------------------------------------------------------

traffic() { curl -fsS "$origin/sim/stats" | sed -nE "s/.*\"traffic\":\{[^}]*\"$1\":([0-9]+).*/\1/p"; }

bench_day() {
    rm -rf "$dir/data"
    : > "$log"
    start_sim 5400
    hold_time
    say 'a day at 5,400 stations'
    start_freshet
    until_s $((now_s + 3600)) # full
    local requests bytes latest
    requests=$(traffic requests) bytes=$(traffic sent_bytes)
    until_s $((now_s + 86400))
    requests=$(($(traffic requests) - requests)) bytes=$(($(traffic sent_bytes) - bytes))
    latest=$(curl -fsS -H 'Accept-Encoding: gzip' "$upstream/data/readings?latest" | wc -c)
    stop_freshet
    exec 3>&-
    kill "$sim"
    printf '\n## A day of 5,400 stations, 15 %% of the series in batches\n\n| who | requests | MB received |\n|---|---|---|\n'
    printf '| freshet, everything held | %s | %s |\n' "$requests" "$((bytes / 1000000))"
    printf '| a poller of the newest, every 15 minutes | 96 | %s |\n' "$((latest * 96 / 1000000))"
}

mkdir -p "$dir"
for size in $SIZES; do bench_size "$size"; done
[ "$DAY" -eq 0 ] || bench_day
