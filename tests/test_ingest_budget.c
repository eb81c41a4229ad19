/* A hard limit on what we cost the upstream, interval by interval. */
#include "ingest/budget.h"
#include "tests/test.h"

static bool allows(const Budget *budget)
{
    return budget_requests_left(budget) > 0 && budget_bytes_left(budget) > 0;
}

TEST(budget_is_hard_and_renewed_with_the_slot)
{
    Budget budget = budget_init(2, 1000, 900);
    budget_renew(&budget, 300);
    CHECK(allows(&budget));
    budget_spend(&budget, 1, 10);
    CHECK(allows(&budget));
    budget_spend(&budget, 1, 10);
    CHECK(!allows(&budget));
    budget_renew(&budget, 300); /* a retry within the interval */
    budget_renew(&budget, 1199);
    CHECK(!allows(&budget));
    budget_renew(&budget, 1200);
    CHECK(allows(&budget));
    budget_spend(&budget, 1, 1000);
    CHECK(!allows(&budget)); /* bytes count too */
}

TEST(budget_begins_anew_when_the_clock_was_set_back)
{
    Budget budget = budget_init(1, 1000, 900);
    budget_renew(&budget, 9000);
    budget_spend(&budget, 1, 0);
    budget_renew(&budget, 300);
    CHECK(allows(&budget));
}
