/* ingest/budget.h - what we may cost the upstream in one poll interval: a hard limit, whatever our
 * clients do and whatever is open. Pure; belongs to the ingest thread. */
#pragma once
#include "base/base.h"

typedef struct Budget {
    int64_t max_requests, max_bytes, interval_s;
    int64_t requests, bytes; /* spent in the interval that began at `began` */
    UnixSec began;           /* NO_TIME: none has */
} Budget;

Budget budget_init(int64_t max_requests, int64_t max_bytes, int64_t interval_s);
/* Makes it whole when the interval that began is over at `slot`. */
void budget_renew(Budget *budget, UnixSec slot);
/* What is left of it; 0: nothing may be asked. */
int64_t budget_requests_left(const Budget *budget);
int64_t budget_bytes_left(const Budget *budget);
/* An answer is cut off where its bytes are spent, which a few more may have passed by then. */
void budget_spend(Budget *budget, int64_t requests, int64_t bytes);
