/* ingest/committer.h - batches into the store, at most one generation a second.
 *
 * Every generation costs readers, caches and subscribers their work, and none of them needs more.
 * Ingest thread. */
#pragma once
#include "base/worker.h"
#include "store/writer.h"

typedef struct Committer {
    Writer *writer;        /* borrowed */
    Worker *worker;        /* borrowed: it sleeps on this thread */
    int64_t made_at_ms;    /* wall time of the last generation; 0: none yet */
    int64_t readings_held; /* by the store */
} Committer;

/* Applies `batch` as writer_apply() does, not before a second has passed since the last generation, and
 * adds what became of it to *report and to the metrics. Errors: those of writer_apply(); ERR_STOPPED. */
MUST_USE ErrCode commit_batch(Committer *committer, const Batch *batch, Fault fault,
                              PollReport *report, Applied *ret_applied, Err *err);
