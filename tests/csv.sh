#!/bin/bash
# CSV loads with no options, in python3's csv and SQLite's .import: the same rows, types and values as JSON has.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/shell/serve.sh

loads_in_sqlite() { # loads_in_sqlite LIST TIMES: with as many rows as Row-Count says, whose TIMES are all times
    local rows
    curl -fsS -D "$dir/head" -o "$dir/$1.csv" "$base/v1/$1.csv"
    rows=$(sed -nE 's/^Row-Count: ([0-9]+)\r?$/\1/p' "$dir/head")
    [ "$(sqlite3 :memory: '.mode csv' ".import $dir/$1.csv list" "SELECT count(*), count(*) FILTER (WHERE datetime($2) IS NULL AND $2 <> '') FROM list")" = "$rows,0" ]
}
value_is_a_number() { # of every reading; its sum is the one that python3 found
    [ "$(sqlite3 :memory: '.mode csv' ".import $dir/readings.csv list" \
        "SELECT min(typeof(value + 0)), max(typeof(value + 0)), printf('%.3f', sum(value)) FROM list")" = "real,real,$(cat "$dir/sum")" ]
}

make --no-print-directory -s programs
serve build/release 60
await is_filled
check 'python3 reads what JSON says' python3 tests/shell/csv_loads.py "$base" "$dir/sum"
for list in stations:latest measures:latest latest:time readings:time gaps:asked quarantine:received; do
    check "SQLite imports ${list%:*}" loads_in_sqlite "${list%:*}" "${list#*:}"
done
check 'every value is a number to SQLite' value_is_a_number
conclude
