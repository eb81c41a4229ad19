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

static int64_t left_of(int64_t most, int64_t spent)
{
    return spent < most ? most - spent : 0;
}

int64_t budget_requests_left(const Budget *budget)
{
    return left_of(budget->max_requests, budget->requests);
}

int64_t budget_bytes_left(const Budget *budget)
{
    return left_of(budget->max_bytes, budget->bytes);
}

void budget_spend(Budget *budget, int64_t requests, int64_t bytes)
{
    budget->requests += requests;
    budget->bytes += bytes;
}
