/* sim/overlay.h - what a test lays over the world: items put into lists, values changed.
 *
 * Guarded by its owner's lock: many may read, one may change. */
#pragma once
#include "base/buf.h"

typedef struct OverlayItem {
    Str path; /* of the lists it stands in: /data/readings */
    Str json; /* raw */
} OverlayItem;

typedef struct OverlayValue {
    uint32_t measure;
    UnixSec time;
    Str value; /* raw JSON */
} OverlayValue;

typedef struct Overlay {
    OverlayItem *items;
    size_t item_count;
    OverlayValue *values; /* ordered by measure and time */
    size_t value_count;
} Overlay;

void overlay_release(Overlay *overlay); /* the Overlay is empty and usable again */

/* `json` stands at the end of every list that is asked for by `path`. Copies both.
 * Errors: ERR_NO_MEMORY. */
MUST_USE ErrCode overlay_add_item(Overlay *overlay, Str path, Str json, Err *err);
void overlay_clear_items(Overlay *overlay);

/* From now on the reading of `measure` at `time` has this value. Errors: ERR_NO_MEMORY. */
MUST_USE ErrCode overlay_set_value(Overlay *overlay, uint32_t measure, UnixSec time, Str value,
                                   Err *err);
/* STR_NONE: not changed. */
Str overlay_value(const Overlay *overlay, uint32_t measure, UnixSec time);
