#!/bin/bash
# delivery.sh - how answers leave: compressed, unchanged, at random, in bulk, and light ones beside
# heavy ones. Serves the store that run.sh left in build/bench/data; prints a report.
#
#   PAIRS=5 SECONDS_EACH=4 bench/delivery.sh
#
# Servers have core 0 to themselves, the client has core 1. All on loopback.
set -euo pipefail
cd "$(dirname "$0")/.."

PAIRS=${PAIRS:-5}
SECONDS_EACH=${SECONDS_EACH:-4}
RATE=${RATE:-1000} # of the open-loop client, a second
PORT=18082
NGINX_PORT=18083
dir=$PWD/build/bench

pids=()
finish() {
    [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2> /dev/null || true
    wait
}
trap finish EXIT
trap 'exit 1' INT TERM HUP

fail() { printf 'bench: %s\n' "$*" >&2; exit 1; }
get() { curl -fsS --max-time 60 "$@"; }
median() { sort -n | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
await() { # await URL: until it answers 2xx, at most a minute
    local until=$((SECONDS + 60))
    until curl -fsS -o /dev/null "$1" 2> /dev/null; do
        [ $SECONDS -lt $until ] || fail "$1 does not answer; see $dir"
        sleep 0.01
    done
}
cpu_ms() { awk '{ print ($14 + $15) * 10 }' "/proc/$service/stat"; }
memory() { sed -nE "s/^$1:[[:space:]]*([0-9]+) kB/\1/p" "/proc/$service/status" | awk '{ printf "%.1f MB", $1 / 1024 }'; }

rate() { # rate URL WRK-OPTION...
    local out
    out=$(taskset -c 1 wrk -t1 -c32 -d"${SECONDS_EACH}s" "${@:2}" "$1")
    ! grep -qE 'Non-2xx|Socket errors' <<< "$out" || fail "$1: $out"
    sed -nE 's/^Requests\/sec: *([0-9.]+)/\1/p' <<< "$out"
}

pairs() { # pairs TITLE OUR-COMMAND THEIR-COMMAND: each prints a rate
    local our_rates=() their_rates=() ratios=() pair
    for ((pair = 0; pair < PAIRS; pair++)); do
        our_rates+=("$($2)")
        their_rates+=("$($3)")
        ratios+=("$(awk -v a="${our_rates[-1]}" -v b="${their_rates[-1]}" 'BEGIN { printf "%.3f", a / b }')")
    done
    printf '| %s | %.0f | %.0f | %.2f | %s to %s |\n' "$1" "$(printf '%s\n' "${our_rates[@]}" | median)" \
        "$(printf '%s\n' "${their_rates[@]}" | median)" "$(printf '%s\n' "${ratios[@]}" | median)" \
        "$(printf '%s\n' "${ratios[@]}" | sort -n | head -n 1)" "$(printf '%s\n' "${ratios[@]}" | sort -n | tail -n 1)"
}

[ -f "$dir/data/freshet.db" ] || fail "bench/run.sh has left no store"
ours=http://127.0.0.1:$PORT theirs=http://127.0.0.1:$NGINX_PORT
taskset -c 0 build/freshet --listen 127.0.0.1:$PORT --data-dir "$dir/data" --threads 1 --export-url off \
    --upstream http://127.0.0.1:1 --retry-min 1h --retry-max 1h 2> "$dir/delivery.log" &
service=$!
pids+=("$service")
nginx=$(bench/nginx.sh "$dir" $NGINX_PORT)
sed -i 's/open_file_cache max=100/gzip_static on; open_file_cache max=8000/' "$dir/nginx.conf"
await "$ours/ready"
sleep 1 # the first poll fails and makes a generation of it

# ---- the same bytes, in files --------------------------------------------------------------------

get "$ours/v1/latest" > "$dir/www/all"
get -H 'Accept-Encoding: gzip' "$ours/v1/latest" > "$dir/www/all.gz"
get "$ours/v1/latest.csv?parameter=level" | sed -n '2,$p' | cut -d, -f1 | grep -E '^[A-Za-z0-9_]+$' | sort -u > "$dir/stations"
station=$(head -n 1 "$dir/stations")
get "$ours/v1/stations/$station/latest" > "$dir/www/one"
sed "s|.*|url = \"$ours/v1/stations/&/readings\"\noutput = \"$dir/www/&.readings\"|" "$dir/stations" > "$dir/curlrc"
get -K "$dir/curlrc"
for side in ours theirs; do
    { printf 'local ids = {'; sed 's/.*/"&",/' "$dir/stations"; printf '}\n'
      if [ $side = ours ]; then path='"/v1/stations/" .. id .. "/readings"'; else path='"/" .. id .. ".readings"'; fi
      printf 'math.randomseed(1)\nrequest = function()\n local id = ids[math.random(#ids)]\n return wrk.format("GET", %s)\nend\n' "$path"
    } > "$dir/random-$side.lua"
done
taskset -c 0 "$nginx" -c "$dir/nginx.conf" -e "$dir/nginx.log" &
pids+=($!)
await "$theirs/all"

# ---- beside nginx --------------------------------------------------------------------------------

etag_of() { curl -fsSI "$1" | sed -nE 's/^ETag: *([^\r]*).*/\1/ip'; }
our_etag=$(etag_of "$ours/v1/stations/$station/latest") their_etag=$(etag_of "$theirs/one")
our_one() { rate "$ours/v1/stations/$station/latest"; }
their_one() { rate "$theirs/one"; }
our_random() { rate "$ours/" -s "$dir/random-ours.lua"; }
their_random() { rate "$theirs/" -s "$dir/random-theirs.lua"; }
our_gzip() { rate "$ours/v1/latest" -H 'Accept-Encoding: gzip'; }
their_gzip() { rate "$theirs/all" -H 'Accept-Encoding: gzip'; }
our_same() { rate "$ours/v1/stations/$station/latest" -H "If-None-Match: $our_etag"; }
their_same() { rate "$theirs/one" -H "If-None-Match: $their_etag"; }

printf '## Requests a second beside nginx, one core each for server and client, %s pairs of %s s\n\n' "$PAIRS" "$SECONDS_EACH"
printf '| answer | freshet | nginx | ratio, median | ratio, range |\n|---|---|---|---|---|\n'
pairs "one station's latest" our_one their_one
pairs "24 h of a random one of $(wc -l < "$dir/stations") stations" our_random their_random
pairs "latest of all, gzip ($(stat -c %s "$dir/www/all.gz") bytes), nginx: gzip_static" our_gzip their_gzip
pairs '304 to If-None-Match' our_same their_same

# ---- bulk ----------------------------------------------------------------------------------------

bulk() { # bulk N: a question that nobody asked before
    get -o /dev/null "$ours/v1/readings.csv?lat=54&long=-2&dist=1000.$1"
}
begun=$(cpu_ms)
for ((i = 1; i <= 5; i++)); do bulk "$i"; done
bulk_ms=$((($(cpu_ms) - begun) / 5))
sql="SELECT s.id, m.id, m.parameter, m.qualifier, m.unit, strftime('%Y-%m-%dT%H:%M:%SZ', r.time, 'unixepoch'), r.value, NULL FROM station s JOIN measure m ON m.station = s.key JOIN reading r ON r.measure = m.key JOIN station_newest n ON n.station = s.key WHERE r.time > n.time - 86400 ORDER BY s.id, m.id, r.time"
printf '\n## The whole country, 24 h as CSV\n\n| what | |\n|---|---|\n| rows | %s |\n' \
    "$(curl -fsSI "$ours/v1/readings.csv" | sed -nE 's/^Row-Count: *([0-9]+).*/\1/p')"
printf '| freshet, CPU ms, digest included | %s |\n' "$bulk_ms"
if command -v sqlite3 > /dev/null; then
    TIMEFORMAT='%U %S'
    sqlite_ms=$( { time sqlite3 -csv "$dir/data/freshet.db" "$sql" > "$dir/sqlite.csv"; } 2>&1 | awk '{ print ($1 + $2) * 1000 }')
    printf '| sqlite3 -csv of the same rows, CPU ms | %s |\n| ratio | %s |\n' "$sqlite_ms" \
        "$(awk -v a="$bulk_ms" -v b="$sqlite_ms" 'BEGIN { printf "%.2f", a / b }')"
fi
printf '| most ever resident | %s |\n' "$(memory VmHWM)"

# ---- light beside heavy --------------------------------------------------------------------------

openloop() { taskset -c 1 build/release/bench/openloop $PORT "/v1/stations/$station/latest" "$RATE" "$SECONDS_EACH"; }
printf "\n## One station's latest at %s requests a second, open loop, ms\n\n" "$RATE"
printf '| meanwhile | p50 | p90 | p99 | p99.9 | worst |\n|---|---|---|---|---|---|\n'
row() { openloop | awk -v t="$1" '{ printf "| %s | %s | %s | %s | %s | %s |\n", t, $2, $3, $4, $5, $6 }'; }
row 'nothing'
(i=100; while bulk $((i += 1)); do :; done) 2> /dev/null &
storm=$!
pids+=("$storm")
sleep 0.3
row 'whole-country CSVs without pause, each uncached'
kill "$storm"
printf '\nResident at the end, all caches warm: %s.\n' "$(memory VmRSS)"
