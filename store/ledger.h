/* store/ledger.h - the bookkeeping beside the generations: polls and their outcome, quarantine.
 *
 * Kept in ledger.db, so that equal generations are equal files. Written by the Writer, read through
 * a Snapshot. */
#pragma once
#include "base/clock.h"
#include "model/model.h"
#include "store/store.h"

/* What became of readings: received is the sum of the other six, always. */
typedef struct ReadingCounts {
    int64_t received;
    int64_t fresh; /* new: not known, and its measure's newest */
    int64_t late;  /* not known, and behind its measure's newest */
    int64_t unchanged;
    int64_t corrected;
    int64_t expired;     /* outside its station's window */
    int64_t quarantined; /* refused by the parser, or of a measure that is not known */
} ReadingCounts;

void reading_counts_add(ReadingCounts *to, const ReadingCounts *counts);
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
    Cost fetch, parse, apply; /* kept in whole milliseconds, and without processor time, as ... */
    Cost trim, commit, announce; /* ... these, which are part of apply, ... */
    Cost checkpoint;             /* ... and this are not */
    uint64_t generation;         /* newest when it ended */
    ReadingCounts readings;
} PollReport;
