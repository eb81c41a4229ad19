/* store/ledger.h - the bookkeeping beside the generations: polls and their outcome, quarantine.
 *
 * Kept in ledger.db, so that equal generations are equal files. Written by the Writer, read through
 * a Snapshot. */
#pragma once
#include "model/model.h"
#include "store/store.h"

/* The store was filled from elsewhere. */
typedef struct Restoration {
    UnixSec at;
    Str generation, source;
} Restoration;

typedef struct PollReport {
    UnixSec started, finished;
    Fault fault;     /* FAULT_NONE: it went well */
    Str detail;      /* the sentence of the error; none when it went well */
    bool unmodified; /* every answer was 304 */
    int64_t requests, wire_bytes;
    int64_t fetch_ms, parse_ms, apply_ms;
    uint64_t generation; /* newest when it ended */
    int64_t received, fresh, late, unchanged, corrected, expired, quarantined;
} PollReport;
