# shellcheck shell=bash disable=SC2154,SC2034
# window.sh - stores with a full window, for the benches of large ones; sourced behind kit.sh. PORT is theirs to set.

# fill_window DB GENERATION: from the newest reading of each measure 95 more, back in time, as asking an
# upstream for some fifty million would take an hour. GENERATION: an expression of `generation` (of the newest) and
# `back` (slots before it). The store must be closed.
fill_window() {
    local index
    index=$(sqlite3 "$1" "SELECT sql || ';' FROM sqlite_schema WHERE tbl_name = 'reading' AND type = 'index' AND sql IS NOT NULL")
    sqlite3 "$1" > /dev/null << SQL
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -400000; PRAGMA locking_mode = EXCLUSIVE;
$(sqlite3 "$1" "SELECT 'DROP INDEX ' || name || ';' FROM sqlite_schema WHERE tbl_name = 'reading' AND type = 'index' AND sql IS NOT NULL")
CREATE TEMP TABLE newest AS SELECT measure, max(time) AS time, value, received, generation FROM reading GROUP BY measure;
WITH RECURSIVE slot(back) AS (SELECT 95 UNION ALL SELECT back - 1 FROM slot WHERE back > 1)
INSERT OR IGNORE INTO reading (measure, time, value, flags, received, revision, generation)
SELECT measure, time - back * 900, value + back % 7 / 100.0, 0, received, 0, $2 FROM newest CROSS JOIN slot;
$index
UPDATE meta SET readings = (SELECT count(*) FROM reading), generation = (SELECT max(generation) FROM reading);
SQL
}

end_service() {
    kill "$service"
    wait "$service" || true
}

# make_store STATIONS: in $dir/data, lists and newest by polling, the rest by SQL; sets station, one with a level.
make_store() {
    STATIONS=$1
    rm -rf "$dir/data"
    say "$1 stations: lists and newest"
    start_sim build --batching 0
    : > "$dir/freshet.log"
    build/freshet --listen "127.0.0.1:$PORT" --data-dir "$dir/data" --upstream "$upstream" --upstream-budget 9 \
        --upstream-budget-bytes 1GB --max-body-bytes 1GB --poll-jitter 0s --export-url off 2> "$dir/freshet.log" &
    service=$!
    pids+=("$service")
    local until=$((SECONDS + 900)) # of 540,000 stations
    until grep -q 'event=polled' "$dir/freshet.log"; do
        if ! kill -0 "$service" 2> /dev/null || [ $SECONDS -ge $until ]; then
            fail "freshet does not poll; see $dir/freshet.log"
        fi
        sleep 0.2
    done
    station=$(curl -fsS "http://127.0.0.1:$PORT/v1/latest.csv?parameter=level&limit=50" | sed -n '2,$p' | cut -d, -f1 | grep -E '^[A-Za-z0-9_]+$' | head -n 1)
    end_service
    kill "$sim"
    say "$1 stations: filling the window"
    fill_window "$dir/data/freshet.db" 'generation + 96 - back'
}
