/* server/exported.h - an exported generation, the same object wherever it is told. */
#pragma once
#include "base/json.h"
#include "store/exports.h"

/* Its manifest as it is, with the time of its export in front. */
void put_exported(JsonWriter *json, Str manifest, UnixSec exported);
/* The newest; null: nothing was exported yet. Errors: those of the store. */
MUST_USE ErrCode put_newest_exported(JsonWriter *json, Snapshot *snap, Err *err);
