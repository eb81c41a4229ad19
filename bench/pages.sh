#!/bin/bash
# pages.sh - what the first and a later page of the country's lists cost. Serves the store that run.sh
# left in build/bench/data; prints rows for RESULTS.md.
#
#   TIMES=5 bench/pages.sh
#
# Each figure is the median of TIMES lists that nobody asked for before: their limits differ.
set -euo pipefail
cd "$(dirname "$0")/.."

TIMES=${TIMES:-5}
PORT=18087
BASE=http://127.0.0.1:$PORT

. bench/kit.sh "$PWD/build/bench"

need_free "$PORT"
rm -rf "$dir/paged"
cp -r "$dir/data" "$dir/paged"
taskset -c 0 build/freshet --listen "127.0.0.1:$PORT" --data-dir "$dir/paged" --threads 1 --export-url off \
    --upstream http://127.0.0.1:1 --retry-min 1h --retry-max 1h 2> "$dir/pages.log" &
service=$!
pids+=("$service")
await "$service" "$BASE/ready"
sleep 1 # the first poll fails and makes a generation of it

page() { # page TARGET: "CPU-ms wall-ms"; the body is in $dir/page
    local before after wall
    before=$(cpu_ns "$service")
    wall=$(taskset -c 1 curl -fsS -o "$dir/page" -w '%{time_total}' "$BASE$1")
    after=$(cpu_ns "$service")
    awk -v ns=$((after - before)) -v s="$wall" 'BEGIN { printf "%.2f %.2f\n", ns / 1e6, s * 1e3 }'
}

rows() { # rows PATH LIMIT
    local i
    : > "$dir/first"
    : > "$dir/later"
    for ((i = 0; i < TIMES; i++)); do
        page "$1?limit=$(($2 + i))" >> "$dir/first"
        page "$(grep -o '"next":"[^"]*"' "$dir/page" | cut -d '"' -f 4)" >> "$dir/later"
    done
    printf '| %s?limit=%s | %s | %s | %s | %s |\n' "$1" "$2" \
        "$(column 1 < "$dir/first" | median)" "$(column 2 < "$dir/first" | median)" \
        "$(column 1 < "$dir/later" | median)" "$(column 2 < "$dir/later" | median)"
}

printf '\n| list | first page, CPU ms | clock ms | a later page, CPU ms | clock ms |\n|---|---|---|---|---|\n'
rows /v1/readings 10
rows /v1/readings 9000
rows /v1/latest 100
rows /v1/stations 100
