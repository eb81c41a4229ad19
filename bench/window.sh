# shellcheck shell=bash
# window.sh - a full window by SQL, for the benches of large stores; sourced.

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
