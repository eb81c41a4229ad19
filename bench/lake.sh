#!/bin/bash
# lake.sh [ROWS] - a table of readings as Parquet, by our writer and by DuckDB: seconds, bytes a reading,
# peak memory. Five alternating pairs on one core; each line as it comes. Then what joining a day's files
# takes, of 5,400 stations and of a hundred times as many.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/npm.sh tests/lake
make --no-print-directory build/release/bench/parquet build/release/bench/join > /dev/null
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for pair in 1 2 3 4 5; do
    printf 'freshet %s ' "$pair"
    taskset -c 0 build/release/bench/parquet "$dir/readings.parquet" "${1:-1000000}"
    printf 'duckdb  %s ' "$pair"
    taskset -c 0 node tests/lake/copy.mjs "$dir/readings.parquet"
done
for stations in 5400 540000; do taskset -c 0 build/release/bench/join "$dir" $stations; done
