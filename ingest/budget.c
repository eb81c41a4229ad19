#include "ingest/budget.h"

Budget budget_init(int64_t max_requests, int64_t max_bytes, int64_t interval_s)
{
    return (Budget){.max_requests = max_requests,
                    .max_bytes = max_bytes,
                    .interval_s = interval_s,
                    .began = NO_TIME};
}

void budget_renew(Budget *budget, UnixSec slot)
{
    bool is_under_way = budget->began != NO_TIME && slot >= budget->began &&
                        slot < budget->began + budget->interval_s;
    if (is_under_way) /* a clock that was set back begins anew */
        return;
    budget->began = slot;
    budget->requests = budget->bytes = 0;
}

bool budget_allows(const Budget *budget)
{
    return budget->requests < budget->max_requests && budget->bytes < budget->max_bytes;
}

void budget_spend(Budget *budget, int64_t requests, int64_t bytes)
{
    budget->requests += requests;
    budget->bytes += bytes;
}
