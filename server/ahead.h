/* server/ahead.h - the bodies most asked for are rendered before a new generation is announced, and what is held is
 * counted, so that a poll is not followed by a rush on the store, nor /v1/status by a walk over all measures. */
#pragma once
#include "server/answer.h"

typedef struct Ahead {
    Site *site;
    Cache *cache;
} Ahead;

/* For store_prepare(), `ctx` an Ahead. At most 32 MB and 1 s, the most used first. */
void render_ahead(void *ctx, uint64_t generation);
