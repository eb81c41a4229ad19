/* export/exporter.h - the worker that exports: history, then the newest generation, at an interval and
 * when the service drains; what is kept of it, and for how long.
 *
 * Its store is read through snapshots; what it keeps for itself stands in spool.db (store/exports.h).
 * While the address cannot be reached everything waits, and nobody else does. */
#pragma once
#include "export/object.h"
#include "store/store.h"

typedef struct ExportOptions {
    ObjectOptions object;
    int64_t interval_s; /* between two exports */
    int64_t keep_s;     /* every generation is kept so long */
    int64_t keep_days;  /* and then one a day, for so many days */
} ExportOptions;

typedef struct Exporter Exporter;

/* Takes `blobs` over; the strings of the options outlive it. Owns: *ret_exporter ends with
 * exporter_stop(). Errors: ERR_STORAGE, ERR_NO_MEMORY; `blobs` is closed then. */
MUST_USE ErrCode exporter_start(Store *store, BlobStore blobs, const ExportOptions *options,
                                Exporter **ret_exporter, Err *err);
/* After the ingest has ended: exports what came since, and ends. What is not done at `until_ms` of
 * clock_elapsed_ms(), or within a second of it, is given up; the next start goes on from there. NULL is fine. */
void exporter_stop(Exporter *exporter, int64_t until_ms);

/* One export now, on the caller's thread, where no Exporter runs. Closes `blobs`.
 * Errors: as of the BlobStore and the store; ERR_NOT_FOUND (the store holds no generation). */
MUST_USE ErrCode exporter_once(Store *store, BlobStore blobs, const ExportOptions *options,
                               Err *err);
