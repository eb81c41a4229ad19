#include "server/ahead.h"

#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>

/* The announcement waits for it: a second is little against 15 minutes between polls. */
enum { HOT_MAX = 256, AHEAD_MAX_BYTES = 32 << 20, AHEAD_MAX_MS = 1000 };

void render_ahead(void *ctx, uint64_t generation)
{
    const Ahead *ahead = ctx;
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
