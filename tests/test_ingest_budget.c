/* A hard limit on what we cost the upstream, interval by interval. */
#include "ingest/budget.h"
#include "tests/test.h"

TEST(budget_is_hard_and_renewed_with_the_slot)
{
    Budget budget = budget_init(2, 1000, 900);
    budget_renew(&budget, 300);
    CHECK(budget_allows(&budget));
    budget_spend(&budget, 1, 10);
    CHECK(budget_allows(&budget));
    budget_spend(&budget, 1, 10);
    CHECK(!budget_allows(&budget));
    budget_renew(&budget, 300); /* a retry within the interval */
    budget_renew(&budget, 1199);
    CHECK(!budget_allows(&budget));
    budget_renew(&budget, 1200);
    CHECK(budget_allows(&budget));
    budget_spend(&budget, 1, 1000);
    CHECK(!budget_allows(&budget)); /* bytes count too */
}

TEST(budget_begins_anew_when_the_clock_was_set_back)
{
    Budget budget = budget_init(1, 1000, 900);
    budget_renew(&budget, 9000);
    budget_spend(&budget, 1, 0);
    budget_renew(&budget, 300);
    CHECK(budget_allows(&budget));
}
