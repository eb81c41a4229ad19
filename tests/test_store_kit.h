/* tests/test_store_kit.h - what the tests of the store share: a store in a fresh directory, batches
 * written as text, and what is held told as text.
 *
 * Times are minutes after KIT_ZERO. A batch of readings is "level/0=1.5 level/15=2 rain/0=0.2";
 * several values are joined by a bar: "level/30=0.1|9". */
#pragma once
#include "store/snapshot.h"
#include "store/writer.h"
#include "tests/test.h"

enum { KIT_ZERO = 1699999200 }; /* 2023-11-14T22:00:00Z */

typedef struct Kit {
    char dir[300];
    Store *store;
    Writer *writer;
    UnixSec now; /* of the next apply */
} Kit;

StoreOptions kit_options(const char *dir);
/* The test ends when it cannot be opened; something set aside is a failure. */
Kit kit_open(void);
Kit kit_open_in(const char *dir);
Kit kit_open_spooling(const char *dir, int64_t spool_max_bytes); /* one that exports */
void kit_close(Kit *kit);
void kit_reopen(Kit *kit);

Station kit_station(const char *id); /* nothing but its id; its raw text is the id */
Measure kit_measure(const char *id, const char *station); /* the same */
void kit_add_station(Batch *batch, Station station);
void kit_add_measure(Batch *batch, Measure measure);
/* Each "measure@station". */
void kit_add_measures(Batch *batch, const char *text);
void kit_add_readings(Batch *batch, const char *text);

/* Applies and releases. */
Applied kit_apply(Kit *kit, Batch *batch);
Applied kit_readings(Kit *kit, const char *text);
/* "2 new, 1 late"; "nothing" when there was none. Buffer of the kit's, until the next call. */
const char *kit_counts(const ReadingCounts *counts);

/* What snapshot_each_reading() and snapshot_each_latest() say of everything, like a batch is
 * written; ? behind an ambiguous value, ! behind a corrected one with its revision. Owned by the
 * caller. */
Buf kit_held(Store *store);
Buf kit_latest(Store *store);
/* Ids that come back for a filter, joined by blanks. */
Buf kit_station_ids(Store *store, const Filter *filter);
Buf kit_measure_ids(Store *store, const Filter *filter);

/* The first column of the first row that SQLite itself gives, over a connection of its own. */
int64_t kit_sql(const Kit *kit, const char *file, const char *sql);
/* Readings stored that should have left: outside their station's window, and not their measure's
 * newest. */
int64_t kit_strays(const Kit *kit);
