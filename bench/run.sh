#!/bin/bash
# run.sh - measures the real programs and prints a report: polls, memory, start, and requests a
# second beside nginx. RESULTS.md keeps a report worth keeping.
#
#   PAIRS=5 SECONDS_EACH=4 bench/run.sh
#
# First a day of an upstream of 5,400 stations is polled, release by release, with freshet's time lent
# by freshet-sim, so that it passes in seconds. Then the store of that day is served: servers have core
# 0 to themselves, the client has core 1. All on loopback.
set -euo pipefail
cd "$(dirname "$0")/.."

PAIRS=${PAIRS:-5}
SECONDS_EACH=${SECONDS_EACH:-4}
STATIONS=5400
POLLS=105 # the 96 of a window, and some to see it stay as large as it is
LISTEN=127.0.0.1:18080
NGINX_PORT=18081

. bench/kit.sh "$PWD/build/bench"

get() { curl -fsS --max-time 10 "http://$LISTEN$1"; }
member() { sed -nE "s/.*\"$1\": ?([0-9]+).*/\1/p" | head -n 1; } # of the JSON text on stdin

start_freshet() { # start_freshet PROGRAMS: on core 0, sets service
    env ${clock:+"FRESHET_CLOCK=$clock"} taskset -c 0 "$1/freshet" --listen $LISTEN --data-dir "$dir/data" \
        --upstream "$upstream" --threads 1 --export-url off 2>> "$dir/freshet.log" &
    service=$!
    pids+=("$service")
}

stop_freshet() {
    kill "$service"
    wait "$service" || fail "freshet did not end in order"
}

# ---- polls: every release of a day, one after the other ------------------------------------------

# What the log tells of polls that brought readings: "fetch parse apply new", in ms and readings.
polls() { # polls FIRST|LATER: the first poll brings the lists of stations and measures as well
    sed -nE 's/.*event=polled .* new=([0-9]+) .*requests=([0-9]+) .*fetch_ms=([0-9]+) parse_ms=([0-9]+) apply_ms=([0-9]+).*/\3 \4 \5 \1 \2/p' \
        "$dir/freshet.log" | awk -v which="$1" 'NR == 1 ? which == "FIRST" : which == "LATER" && $4 > 1000'
}

bench_polls() {
    say "polling $POLLS releases"
    start_sim build/clock --clock --start -$((POLLS / 4 + 1))h # and so ends a little before now
    start_freshet build/clock
    local until=$((SECONDS + 600))
    while [ "$(grep -c 'event=polled' "$dir/freshet.log")" -lt $POLLS ]; do
        if ! kill -0 "$service" 2> /dev/null || [ $SECONDS -ge $until ]; then
            fail "too few polls; see $dir/freshet.log"
        fi
        sleep 0.1
    done
    peak=$(memory "$service" VmHWM)
    stop_freshet
    kill "$sim"

    printf '| poll | count | fetch ms | parse ms | apply ms | all ms, median | all ms, worst | new readings |\n'
    printf '|---|---|---|---|---|---|---|---|\n'
    local which title
    for which in FIRST LATER; do
        title='a release'
        [ $which = LATER ] || title='the first, with stations and measures'
        printf '| %s | %d | %s | %s | %s | %s | %s | %s |\n' "$title" "$(polls $which | wc -l)" \
            "$(polls $which | column 1 | median)" "$(polls $which | column 2 | median)" \
            "$(polls $which | column 3 | median)" "$(polls $which | column sum | median)" \
            "$(polls $which | column sum | sort -n | tail -n 1)" "$(polls $which | column 4 | median)"
    done
}

# ---- start, memory -------------------------------------------------------------------------------

bench_start() {
    local times=() begun i
    for ((i = 0; i < PAIRS; i++)); do
        begun=$(now_ms)
        start_freshet build
        await "$service" "http://$LISTEN/ready"
        times+=($(($(now_ms) - begun)))
        stop_freshet
    done
    printf '%s\n' "${times[@]}" | median
}

# ---- requests a second, beside nginx -------------------------------------------------------------

# Two ratios: of the rates, which is what a client sees, and of the requests in a second of the server's
# processor time, from which other programs on the machine take less.
bench_path() { # bench_path NAME TITLE PATH
    get "$3" > "$dir/www/$1"
    local pair
    for ((pair = 0; pair < PAIRS; pair++)); do
        echo "$(rate "$service" "http://$LISTEN$3") $(rate "$worker" "http://127.0.0.1:$NGINX_PORT/$1")"
    done | awk '{ print $1, $3, $1 / $3, $2, $4, $2 / $4 }' > "$dir/pairs"
    median_of() { column "$1" < "$dir/pairs" | median; }
    printf '| %s | %d | %.0f | %.0f | **%.2f** | %.2f to %.2f | %.0f | %.0f | **%.2f** |\n' "$2" \
        "$(stat -c %s "$dir/www/$1")" "$(median_of 1)" "$(median_of 2)" "$(median_of 3)" \
        "$(column 3 < "$dir/pairs" | sort -n | head -n 1)" \
        "$(column 3 < "$dir/pairs" | sort -n | tail -n 1)" \
        "$(median_of 4)" "$(median_of 5)" "$(median_of 6)"
}

# ---- the report ----------------------------------------------------------------------------------

[ "$(nproc)" -ge 2 ] || fail "needs two cores, one each for server and client"
need_free "${LISTEN##*:}" $NGINX_PORT
rm -rf "$dir/data" "$dir/www" "$dir"/*.log
mkdir -p "$dir/www"
: > "$dir/freshet.log"
nginx=$(bench/nginx.sh "$dir" $NGINX_PORT)

printf '## Polls at %s stations\n\n' $STATIONS
bench_polls

start_sim build
first=$(bench_start)
start_freshet build
await "$service" "http://$LISTEN/ready"
sleep 2
held=$(get /v1/status | member readings)
resident=$(memory "$service" VmRSS)

taskset -c 0 "$nginx" -c "$dir/nginx.conf" -e "$dir/nginx.log" &
pids+=($!)
measure=$(get '/v1/latest.csv?parameter=level' | sed -n 2p)
station=${measure%%,*}
say "requests a second, $PAIRS pairs of $SECONDS_EACH s for each path; station $station"
printf '\n## Requests a second, one core each for server and client, 32 connections\n\n'
printf '| answer | bytes | freshet | nginx | ratio, median | ratio, range | freshet, per CPU s | nginx, per CPU s | ratio |\n'
printf '|---|---|---|---|---|---|---|---|---|\n'
: > "$dir/www/ready"
await "${pids[-1]}" "http://127.0.0.1:$NGINX_PORT/ready"
worker=$(tr -d ' ' < "/proc/${pids[-1]}/task/${pids[-1]}/children")
bench_path readings "one station's 24 h"   "/v1/stations/$station/readings"
bench_path all      'latest of all'        '/v1/latest'
bench_path csv      'latest of all, CSV'   '/v1/latest.csv'

printf '\n## Memory and start\n\n'
printf '| what | |\n|---|---|\n'
printf '| readings held | %s |\n' "$held"
printf '| resident, started with a full window | %s |\n' "$resident"
printf '| resident, after the requests above | %s |\n' "$(memory "$service" VmRSS)"
printf '| most ever resident, while filling up | %s |\n' "$peak"
printf '| start to ready, with a full window | %s ms |\n' "$first"
printf '| store on disk | %s |\n' "$(du -sh "$dir/data" | cut -f 1)"
stop_freshet
