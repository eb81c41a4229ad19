/* Work that is to be given up at a time that is said while it goes on. */
#include "base/clock.h"
#include "base/until.h"
#include "tests/test.h"

TEST(until_passes_when_its_time_has_come)
{
    Until until;
    Err err = {.code = OK};
    until_init(&until);
    CHECK(!until_passed(&until)); /* not yet said */
    CHECK(!until_passed(NULL));
    until_set(&until, clock_elapsed_ms() + 3600000);
    CHECK_OK(until_check(&until, &err));
    until_set(&until, clock_elapsed_ms());
    CHECK(until_passed(&until));
    CHECK_INT(ERR_STOPPED, until_check(&until, &err));
    CHECK_OK(until_check(NULL, &err));
}
