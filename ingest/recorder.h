/* ingest/recorder.h - keeps what the upstream was asked and answered, as numbered files that freshet-sim
 * plays back (sim/exchanges.h says their form).
 *
 * For finding out what an upstream really does; nothing of the service depends on it: what cannot be
 * written is said once in the log. Ingest thread. */
#pragma once
#include "base/err.h"
#include "base/str.h"

typedef struct Recorder Recorder;

/* Makes `folder` where it is not there, and goes on behind the numbers in it. All its files together
 * stay within `max_bytes`: what would pass that, and all behind it, is not kept.
 * Owns: *ret ends with recorder_close(). Errors: ERR_STORAGE, ERR_NO_MEMORY. */
MUST_USE ErrCode recorder_open(const char *folder, int64_t max_bytes, Recorder **ret, Err *err);
void recorder_close(Recorder *recorder); /* NULL is fine */

/* `asked`: when; `target`: what follows the base address, encoded as it was sent; `status` 0: no answer
 * came; `body`: decoded. */
void recorder_put(Recorder *recorder, UnixSec asked, Str target, long status, Str body);
