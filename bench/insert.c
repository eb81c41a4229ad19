/* insert.c - the least that storing a release can cost: one more reading of every measure, by a bare
 * prepared statement in one transaction.
 *
 *     insert STORE
 *
 * STORE is a copy of freshet.db, and is changed. Its table and indices, log and cache are as freshet
 * has them; nothing is looked up, judged or trimmed. Prints one line: rows, wall ms, CPU ms. */
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct Row {
    int64_t measure, time;
    double value;
} Row;

typedef struct Rows {
    Row *items;
    size_t count, cap;
} Rows;

static void die(sqlite3 *db, const char *what)
{
    fprintf(stderr, "insert: %s: %s\n", what, sqlite3_errmsg(db));
    exit(1);
}

static void run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        die(db, sql);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *st = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
        die(db, sql);
    return st;
}

static int64_t now_ms(clockid_t clock)
{
    struct timespec now;
    (void) clock_gettime(clock, &now);
    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The reading after the newest of each measure that has one. */
static Rows next_rows(sqlite3 *db)
{
    Rows rows = {.count = 0};
    sqlite3_stmt *st =
        prepare(db, "SELECT measure.key, reading.time + 900, reading.value"
                    " FROM measure CROSS JOIN reading ON reading.measure = measure.key"
                    " AND reading.time = (SELECT max(time) FROM reading"
                    " WHERE measure = measure.key)");
    while (sqlite3_step(st) == SQLITE_ROW) {
        if (rows.count == rows.cap) {
            rows.cap = rows.cap * 2 + 1024;
            rows.items = reallocarray(rows.items, rows.cap, sizeof *rows.items);
            if (rows.items == NULL)
                die(db, "no memory");
        }
        rows.items[rows.count++] = (Row){sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1),
                                         sqlite3_column_double(st, 2)};
    }
    (void) sqlite3_finalize(st);
    return rows;
}

static void insert(sqlite3 *db, const Rows *rows)
{
    sqlite3_stmt *st = prepare(db, "INSERT INTO reading (measure, time, value, flags, received,"
                                   " revision, generation) VALUES (?1, ?2, ?3, 0, ?2, 0, ?4)");
    run(db, "BEGIN IMMEDIATE");
    for (size_t i = 0; i < rows->count; i++) {
        sqlite3_bind_int64(st, 1, rows->items[i].measure);
        sqlite3_bind_int64(st, 2, rows->items[i].time);
        sqlite3_bind_double(st, 3, rows->items[i].value);
        sqlite3_bind_int64(st, 4, INT64_C(1) << 40); /* later than any */
        if (sqlite3_step(st) != SQLITE_DONE)
            die(db, "insert");
        (void) sqlite3_reset(st);
    }
    run(db, "COMMIT");
    (void) sqlite3_finalize(st);
}

int main(int argc, char **argv)
{
    sqlite3 *db = NULL;
    if (argc != 2) {
        fprintf(stderr, "usage: insert STORE\n");
        return 2;
    }
    if (sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        die(db, argv[1]);
    run(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
            "PRAGMA cache_size = -16384");
    Rows rows = next_rows(db);
    int64_t wall_ms = now_ms(CLOCK_MONOTONIC), cpu_ms = now_ms(CLOCK_PROCESS_CPUTIME_ID);
    insert(db, &rows);
    printf("%zu %lld %lld\n", rows.count, (long long) (now_ms(CLOCK_MONOTONIC) - wall_ms),
           (long long) (now_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu_ms));
    free(rows.items);
    (void) sqlite3_close(db);
    return 0;
}
