/* tests/parse_kit.h - a whole list into one batch, as rows: what is short need not come in portions. */
#pragma once
#include "ingest/parse.h"

/* As parse_list() and what follows it. The batch says that it has all. */
MUST_USE ErrCode parse_all_stations(Str json, Batch *batch, Err *err);
MUST_USE ErrCode parse_all_measures(Str json, Batch *batch, Err *err);
