#!/bin/bash
# delivery.sh - how answers leave, beside others: nginx with the same bytes in files, VictoriaMetrics
# with the same series, sqlite3 with the same rows, and ourselves when there is nothing else to do.
# Serves the store that run.sh left in build/bench/data; prints rows for RESULTS.md.
#
#   PAIRS=5 SECONDS_EACH=4 bench/delivery.sh [ROW...]      rows: one random miss gzip same
#                                                             agency csv poll storm
#
# Each figure is the median of PAIRS alternating pairs. Servers have core 0 to themselves, clients
# core 1. All on loopback.
set -euo pipefail
cd "$(dirname "$0")/.."

PAIRS=${PAIRS:-5}
SECONDS_EACH=${SECONDS_EACH:-4}
RATE=${RATE:-1000} # of the open-loop client, a second
ROWS=${*:-one random miss gzip same agency csv poll storm}
STATIONS=5400
PORT=18082 NGINX_PORT=18083 COLD_PORT=18084 VICTORIA_PORT=18085 POLLED_PORT=18086

. bench/kit.sh "$PWD/build/bench"

get() { curl -fsS --max-time 60 "$@"; }
wants() { [[ " $ROWS " == *" $1 "* ]]; }

serve() { # serve PORT OPTION...: the store of run.sh, sets service
    taskset -c 0 build/freshet --listen "127.0.0.1:$1" --data-dir "$dir/data" --threads 1 --export-url off \
        --upstream http://127.0.0.1:1 --retry-min 1h --retry-max 1h "${@:2}" 2>> "$dir/delivery.log" &
    service=$!
    pids+=("$service")
    await "$service" "http://127.0.0.1:$1/ready"
    sleep 1 # the first poll fails and makes a generation of it
}

stop() {
    kill "$1"
    wait "$1" || true
}

head_of_rows() {
    printf '\n%s\n\n| what | freshet | beside | ratio, median | range | ratio per CPU second | aim |\n|---|---|---|---|---|---|---|\n' "$1"
}

# The ratio of each pair, and of the medians: "ours theirs [ours-per-cpu theirs-per-cpu]" a line.
row() { # row TITLE AIM < pairs
    cat > "$dir/pairs"
    awk '{ print $1 / $2 }' "$dir/pairs" > "$dir/ratios"
    local per_cpu=-
    [ "$(awk 'NR == 1 { print NF }' "$dir/pairs")" -lt 4 ] ||
        per_cpu=$(awk '{ print $3 / $4 }' "$dir/pairs" | median | awk '{ printf "%.2f", $1 }')
    printf '| %s | %.5g | %.5g | **%.2f** | %.2f to %.2f | %s | %s |\n' "$1" \
        "$(column 1 < "$dir/pairs" | median)" "$(column 2 < "$dir/pairs" | median)" \
        "$(median < "$dir/ratios")" "$(sort -n "$dir/ratios" | head -n 1)" \
        "$(sort -n "$dir/ratios" | tail -n 1)" "$per_cpu" "$2"
}

rates() { # rates TITLE AIM OURS THEIRS: each a command that prints "rate rate-per-cpu-second"
    local pair our their
    for ((pair = 0; pair < PAIRS; pair++)); do
        our=$($3) their=$($4)
        echo "${our% *} ${their% *} ${our#* } ${their#* }"
    done | row "$1" "$2"
}

lua() { # lua NAME FORMAT: a script for wrk that asks for a random station, %s in FORMAT
    { printf 'local ids = {'; sed 's/.*/"&",/' "$dir/stations"; printf '}\n'
      printf 'math.randomseed(1)\nrequest = function()\n'
      printf ' return wrk.format("GET", (string.format("%s", ids[math.random(#ids)])))\nend\n' "${2//%/%%}"
    } | sed 's/%%s/%s/' > "$dir/$1.lua"
}

# ---- beside nginx: the same bytes, in files --------------------------------------------------------

beside_nginx() {
    local ours=http://127.0.0.1:$PORT theirs=http://127.0.0.1:$NGINX_PORT server nginx parent
    nginx=$(bench/nginx.sh "$dir" $NGINX_PORT)
    sed -i 's/open_file_cache max=100/gzip_static on; open_file_cache max=8000/' "$dir/nginx.conf"
    serve $PORT
    server=$service
    get "$ours/v1/latest" > "$dir/www/all"
    get -H 'Accept-Encoding: gzip' "$ours/v1/latest" > "$dir/www/all.gz"
    get "$ours/v1/stations/$station/latest" > "$dir/www/one"
    get "$ours/flood-monitoring/id/stations" > "$dir/www/agency"
    get -H 'Accept-Encoding: gzip' "$ours/flood-monitoring/id/stations" > "$dir/www/agency.gz"
    get "$ours/flood-monitoring/id/stations/$station/readings" > "$dir/www/agency-day"
    sed "s|.*|url = \"$ours/v1/stations/&/readings\"\noutput = \"$dir/www/&.readings\"|" "$dir/stations" > "$dir/curlrc"
    get -K "$dir/curlrc"
    taskset -c 0 "$nginx" -c "$dir/nginx.conf" -e "$dir/nginx.log" &
    parent=$!
    pids+=("$parent")
    await "$parent" "$theirs/all"
    worker=$(tr -d ' ' < "/proc/$parent/task/$parent/children")
    our_etag=$(etag_of "$ours/v1/stations/$station/latest") their_etag=$(etag_of "$theirs/one")

    our_one() { rate "$server" "$ours/v1/stations/$station/latest"; }
    their_one() { rate "$worker" "$theirs/one"; }
    our_random() { rate "$server" "$ours/" -s "$dir/random-ours.lua"; }
    their_random() { rate "$worker" "$theirs/" -s "$dir/random-theirs.lua"; }
    our_gzip() { rate "$server" "$ours/v1/latest" -H 'Accept-Encoding: gzip'; }
    their_gzip() { rate "$worker" "$theirs/all" -H 'Accept-Encoding: gzip'; }
    our_same() { rate "$server" "$ours/v1/stations/$station/latest" -H "If-None-Match: $our_etag"; }
    their_same() { rate "$worker" "$theirs/one" -H "If-None-Match: $their_etag"; }
    our_agency() { rate "$server" "$ours/flood-monitoring/id/stations"; }
    their_agency() { rate "$worker" "$theirs/agency"; }
    our_agency_gzip() { rate "$server" "$ours/flood-monitoring/id/stations" -H 'Accept-Encoding: gzip'; }
    their_agency_gzip() { rate "$worker" "$theirs/agency" -H 'Accept-Encoding: gzip'; }
    our_agency_day() { rate "$server" "$ours/flood-monitoring/id/stations/$station/readings"; }
    their_agency_day() { rate "$worker" "$theirs/agency-day"; }
    head_of_rows "Requests a second beside nginx with files of the same bytes ($PAIRS pairs of $SECONDS_EACH s, 32 connections)"
    ! wants one || rates "one station's latest" 'at least 1.3' our_one their_one
    ! wants random || rates "24 h of a random one of $(wc -l < "$dir/stations") stations" 'at least 1.0' our_random their_random
    ! wants gzip || rates "latest of all, gzip ($(stat -c %s "$dir/www/all.gz") bytes; nginx: gzip_static)" 'at least 1.2' our_gzip their_gzip
    ! wants same || rates '304 to If-None-Match' 'at least 1.3' our_same their_same
    ! wants agency || rates "the Agency's stations ($(stat -c %s "$dir/www/agency") bytes)" 'at least 1.0' our_agency their_agency
    ! wants agency || rates "the Agency's stations, gzip" 'at least 1.0' our_agency_gzip their_agency_gzip
    ! wants agency || rates "the Agency's readings of one station" 'at least 1.0' our_agency_day their_agency_day
    printf '\nResident, all these answers cached: %s (aim: under 96 MB)' "$(memory "$server" VmRSS)"
    printf '; of files in memory beside it: %s.\n' "$(files_in_memory "$server")"
    stop "$parent"
    stop "$server"
}

etag_of() { curl -fsSI "$1" | sed -nE 's/^ETag: *([^\r]*).*/\1/ip'; }

# Large bodies lie there (server/bytes.h), and what nobody reads of them is resident nowhere else.
files_in_memory() {
    find "/proc/$1/fd" -lname '/memfd:*' -exec stat -L -c '%i %s' {} + 2> /dev/null | sort -u |
        awk '{ sum += $2 } END { printf "%.1f MB", sum / 1048576 }'
}

# ---- beside VictoriaMetrics: the same series, no answer twice --------------------------------------

beside_victoria() {
    local victoria ours=http://127.0.0.1:$COLD_PORT theirs=http://127.0.0.1:$VICTORIA_PORT cold db
    victoria=$(bench/victoria.sh "$dir")
    serve $COLD_PORT --cache-bytes 0
    cold=$service
    rm -rf "$dir/victoria"
    GOMAXPROCS=1 taskset -c 0 "$victoria" -httpListenAddr=127.0.0.1:$VICTORIA_PORT \
        -storageDataPath="$dir/victoria" -retentionPeriod=1 2> "$dir/victoria.log" &
    db=$!
    pids+=("$db")
    await "$db" "$theirs/health"
    get "$ours/v1/readings.csv?timeformat=unixms&fields=measure,station,time,value" | awk -F, '
        function flush() { if (m != "") printf "{\"metric\":{\"__name__\":\"reading\",\"measure\":\"%s\",\"station\":\"%s\"},\"values\":[%s],\"timestamps\":[%s]}\n", m, s, v, t }
        NR > 1 && $1 != m { flush(); m = $1; s = $2; t = $3; v = $4; next }
        NR > 1 { t = t "," $3; v = v "," $4 }
        END { flush() }' > "$dir/series"
    get -X POST --data-binary "@$dir/series" "$theirs/api/v1/import"
    get "$theirs/internal/force_flush"
    [ -n "$(get -G --data-urlencode "match[]=reading{station=\"$station\"}" "$theirs/api/v1/export")" ] ||
        fail 'VictoriaMetrics has no series'
    our_rows() { rate "$cold" "$ours/" -s "$dir/random-ours.lua"; }
    our_columns() { rate "$cold" "$ours/" -s "$dir/random-columns.lua"; }
    their_export() { rate "$db" "$theirs/" -s "$dir/random-export.lua"; }
    head_of_rows 'Requests a second beside the export of VictoriaMetrics, each rendered anew, 24 h of a random station'
    rates 'as it is asked for by default: 16 KB' 'at least 4' our_rows their_export
    rates 'as columns of time and value, which is what the export says: 3 KB' '' our_columns their_export
    stop "$db"
    stop "$cold"
}

# ---- beside sqlite3: CPU time of the whole country -------------------------------------------------

bulk() { # bulk PORT N: a question that nobody asked before
    taskset -c 1 curl -fsS --max-time 60 -o /dev/null "http://127.0.0.1:$1/v1/readings.csv?lat=54&long=-2&dist=1000.$2"
}

beside_sqlite() {
    local sql pair before rows
    sql="SELECT s.id, m.id, m.parameter, m.qualifier, m.unit, strftime('%Y-%m-%dT%H:%M:%SZ', r.time, 'unixepoch'), r.value, NULL FROM station s JOIN measure m ON m.station = s.key JOIN reading r ON r.measure = m.key JOIN station_newest n ON n.station = s.key WHERE r.time > n.time - 86400 ORDER BY s.id, m.id, r.time"
    serve $PORT
    rows=$(curl -fsS -o /dev/null -D - "http://127.0.0.1:$PORT/v1/readings.csv" | sed -nE 's/^Row-Count: *([0-9]+).*/\1/p')
    local TIMEFORMAT='%U %S'
    head_of_rows 'CPU milliseconds of the whole country, beside sqlite3 -csv of the same rows'
    for ((pair = 0; pair < PAIRS; pair++)); do
        before=$(cpu_ns "$service")
        bulk $PORT "$pair"
        echo "$(($(cpu_ns "$service") - before)) $( { time taskset -c 0 sqlite3 -csv "$dir/data/freshet.db" "$sql" > "$dir/sqlite.csv"; } 2>&1 )" |
            awk '{ print $1 / 1e6, ($2 + $3) * 1000 }'
    done | row "24 h as CSV, $rows rows, digest included" 'at most 0.7'
    printf '\nMost ever resident: %s (aim: under 64 MB).\n' "$(memory "$service" VmHWM)"
    stop "$service"
}

# ---- beside ourselves, with nothing else to do -----------------------------------------------------

p99() { # p99 PORT
    taskset -c 1 build/release/bench/openloop "$1" "/v1/stations/$station/latest" "$RATE" "$SECONDS_EACH" | column 4
}

# One station's latest, open loop, in pairs: with what goes on between two commands, and without.
percentiles() { # percentiles TITLE AIM PORT BEGIN END
    local pair busy
    for ((pair = 0; pair < PAIRS; pair++)); do
        $4
        busy=$(p99 "$3")
        $5
        sleep 0.3
        echo "$busy $(p99 "$3")"
    done | row "$1" "$2"
}

beside_polls() {
    rm -rf "$dir/polled"
    cp -r "$dir/data" "$dir/polled"
    start_sim build/clock --clock --start -1h
    FRESHET_CLOCK=$clock taskset -c 0 build/clock/freshet --listen "127.0.0.1:$POLLED_PORT" --threads 1 \
        --data-dir "$dir/polled" --upstream "$upstream" 2> "$dir/polled.log" &
    service=$!
    pids+=("$service")
    await "$service" "http://127.0.0.1:$POLLED_PORT/ready"
    polls() { grep -c 'event=polled' "$dir/polled.log" || true; }
    local until=$((SECONDS + 60))
    until [ "$(polls)" -ge 3 ]; do # what it missed is fetched
        [ $SECONDS -lt $until ] || fail "no polls; see $dir/polled.log"
        sleep 0.1
    done
    resume() { kill -CONT "$sim"; }
    pause() { kill -STOP "$sim"; } # who lends the time and answers the polls: all falls silent
    local before
    before=$(polls)
    percentiles 'polls follow one another without pause' 'at most 1.5' $POLLED_PORT resume pause
    polled=$(($(polls) - before))
    resume
    stop "$service"
    stop "$sim"
}

beside_storm() {
    serve $PORT
    begin_storm() {
        (trap - EXIT; i=$((RANDOM * 100000)); while bulk $PORT $((i += 1)); do :; done) 2> /dev/null &
        storm=$!
        sleep 0.3
    }
    end_storm() { stop "$storm" 2> /dev/null; }
    percentiles 'CSVs of the whole country are asked for without pause, each uncached' 'at most 2' $PORT begin_storm end_storm
    stop "$service"
}

# ---- the report ----------------------------------------------------------------------------------

[ -f "$dir/data/freshet.db" ] || fail "bench/run.sh has left no store"
need_free $PORT $NGINX_PORT $COLD_PORT $VICTORIA_PORT $POLLED_PORT
: > "$dir/delivery.log"
serve $PORT
get "http://127.0.0.1:$PORT/v1/latest.csv" | sed -n '2,$p' | cut -d, -f1 | grep -E '^[A-Za-z0-9_]+$' | sort -u > "$dir/stations"
stop "$service"
station=$(head -n 1 "$dir/stations")
lua random-ours '/v1/stations/%s/readings'
lua random-columns '/v1/stations/%s/readings?shape=columns&fields=measure,time,value&timeformat=unixms'
lua random-theirs '/%s.readings'
lua random-export '/api/v1/export?match%5B%5D=reading%7Bstation%3D%22%s%22%7D'
if wants one || wants random || wants gzip || wants same || wants agency; then beside_nginx; fi
! wants miss || beside_victoria
! wants csv || beside_sqlite
if wants poll || wants storm; then
    keep_awake
    head_of_rows "p99 of one station's latest, ms, $RATE requests a second, open loop, beside the same with nothing else to do"
    ! wants poll || beside_polls
    ! wants storm || beside_storm
    ! wants poll || printf '\nPolls in that time: %s.\n' "$polled"
fi
