#include "server/ahead.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/snapshot.h"

#include <inttypes.h>

/* The announcement waits for it: a second is little against 15 minutes between polls. */
enum { HOT_MAX = 256, AHEAD_MAX_BYTES = 32 << 20, AHEAD_MAX_MS = 1000 };

/* The store keeps it for whoever asks for the counts of this generation: a second of work at half a million
 * stations, for which /v1/status must not wait. */
static void count_ahead(Store *store)
{
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    StoreCounts counts;
    Err err = {.code = OK};
    if (store_snapshot(store, &snap, &err) != OK || snapshot_counts(snap, &counts, &err) != OK)
        log_debug("http nothing counted ahead error=" LOG_TEXT, err.text);
}

void render_ahead(void *ctx, uint64_t generation)
{
    const Ahead *ahead = ctx;
    count_ahead(ahead->site->store);
    CLEANUP(arena_release) Arena arena = arena_init();
    Hot *hot = arena_alloc(&arena, HOT_MAX * sizeof *hot);
    int64_t begun_ms = clock_elapsed_ms();
    size_t count = hot != NULL ? cache_hottest(ahead->cache, &arena, hot, HOT_MAX) : 0;
    size_t bytes = 0, done = 0;
    while (done < count && bytes + hot[done].bytes <= AHEAD_MAX_BYTES &&
           clock_elapsed_ms() - begun_ms < AHEAD_MAX_MS) {
        answer_ahead(ahead->site, ahead->cache, generation, &hot[done].question);
        bytes += hot[done++].bytes;
    }
    log_debug("http ahead generation=%" PRIu64 " hot=%zu rendered=%zu took_ms=%" PRId64, generation,
              count, done, clock_elapsed_ms() - begun_ms);
}
