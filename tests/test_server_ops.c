/* How the service says that it is: the store in trouble, measures that are late. */
#include "tests/site.h"

#include <signal.h>
#include <sys/resource.h>

/* A limit on the size of files is a full disk for one process; the signal that comes with it must be
 * ignored, as a server would. The log is beyond this size by now. */
static ErrCode apply_on_full_disk(Fixture *fixture, const Batch *batch, Err *err)
{
    struct rlimit old, full;
    Applied applied = {.generation = 0};
    void (*old_handler)(int) = signal(SIGXFSZ, SIG_IGN);
    REQUIRE(getrlimit(RLIMIT_FSIZE, &old) == 0);
    full = (struct rlimit){.rlim_cur = 4096, .rlim_max = old.rlim_max};
    REQUIRE(setrlimit(RLIMIT_FSIZE, &full) == 0);
    fixture->now++;
    ErrCode rc = writer_apply(fixture->writer, batch, FAULT_NONE, fixture->now, &applied, err);
    REQUIRE(setrlimit(RLIMIT_FSIZE, &old) == 0);
    (void) signal(SIGXFSZ, old_handler);
    return rc;
}

static void check_service(Inside *inside, const char *state, const char *fault, const char *since)
{
    static const char *const paths[] = {"/ready", "/v1/status"};
    for (size_t i = 0; i < countof(paths); i++) {
        CASE(paths[i]);
        CLEANUP(asked_release) Asked asked = ask(inside, paths[i]);
        CHECK_INT(200, asked.status);
        CHECK_TEXT(state, json_text_at(asked.body, "state"));
        CHECK_TEXT(fault, json_text_at(asked.body, "fault"));
        CHECK_TEXT(since, json_text_at(asked.body, "since"));
    }
}

TEST(status_names_the_store_while_it_cannot_be_written)
{
    Inside inside;
    Err err = {.code = OK};
    inside_open(&inside, true);
    Fixture *fixture = &inside.fixture;
    check_service(&inside, "ok", "none", "2026-11-22T10:00:01Z");
    CHECK_INT(NO_TIME, store_failing_since(fixture->store));

    Batch batch = batch_init();
    Station station = a_station("NEW");
    REQUIRE(batch_add_station(&batch, &station));
    CHECK_INT(ERR_STORAGE, apply_on_full_disk(fixture, &batch, &err));
    CHECK_INT(ERR_STORAGE, apply_on_full_disk(fixture, &batch, &err)); /* since the first */
    check_service(&inside, "degraded", "store", "2026-11-22T10:00:02Z");

    CASE("what changes nothing proves nothing");
    Batch empty = batch_init();
    CHECK(!fixture_apply(fixture, &empty, FAULT_NONE).changed);
    check_service(&inside, "degraded", "store", "2026-11-22T10:00:02Z");

    CASE("it is written again");
    CHECK(fixture_apply(fixture, &batch, FAULT_NONE).changed);
    check_service(&inside, "ok", "none", "2026-11-22T10:00:01Z");
    batch_release(&batch);
    inside_close(&inside);
}

TEST(latest_and_status_say_how_fresh_measures_are)
{
    Inside inside;
    inside_open(&inside, false);
    Fixture *fixture = &inside.fixture;
    Batch batch = batch_init();
    static const char *const ids[] = {"a", "b", "c"};
    for (size_t i = 0; i < countof(ids); i++) {
        Measure measure = a_measure(ids[i], "S", "level", "Stage");
        measure.period_s = 900;
        REQUIRE(batch_add_measure(&batch, &measure));
    }
    batch.slot = FIXTURE_NOW;
    batch.poll_s = 900;
    add_reading(&batch, "a", FIXTURE_NOW - 900, 1);
    (void) fixture_apply(fixture, &batch, FAULT_NONE);
    batch.slot = FIXTURE_NOW + 3900; /* a is late after 60 minutes, stale after 105 */
    batch.poll_s = 900;
    batch.evaluates = true;
    add_reading(&batch, "b", FIXTURE_NOW + 3000, 1);
    CHECK_INT(1, fixture_apply(fixture, &batch, FAULT_NONE).crossings);

    CLEANUP(asked_release) Asked latest = ask(&inside, "/v1/latest");
    CLEANUP(asked_release) Asked status = ask(&inside, "/v1/status");
    const struct {
        Str body;
        const char *path, *want;
    } members[] = {
        {latest.body, "count", "2"},
        {latest.body, "items.0.freshness", "late"},
        {latest.body, "items.0.late_after", "2026-11-22T11:00:00Z"},
        {latest.body, "items.0.stale_after", "2026-11-22T11:45:00Z"},
        {latest.body, "items.0.expected_next", "null"},
        {latest.body, "items.1.freshness", "fresh"},
        {status.body, "freshness.fresh", "1"},
        {status.body, "freshness.late", "1"},
        {status.body, "freshness.stale", "0"},
        {status.body, "freshness.silent", "1"},
    };
    for (size_t i = 0; i < countof(members); i++) {
        CASE(members[i].path);
        CHECK_TEXT(members[i].want, json_text_at(members[i].body, members[i].path));
    }
    static const struct {
        const char *target, *count;
    } filters[] = {
        {"/v1/latest?freshness=late", "1"},     {"/v1/latest?freshness=fresh,Late", "2"},
        {"/v1/latest?freshness=stale", "0"},    {"/v1/measures?freshness=silent", "1"},
        {"/v1/stations?freshness=silent", "1"}, {"/v1/stations?freshness=stale", "0"},
        {"/v1/readings?freshness=fresh", "1"},
    };
    for (size_t i = 0; i < countof(filters); i++) {
        CASE(filters[i].target);
        CLEANUP(asked_release) Asked asked = ask(&inside, filters[i].target);
        CHECK_INT(200, asked.status);
        CHECK_TEXT(filters[i].count, json_at(asked.body, "count"));
    }
    CLEANUP(asked_release) Asked wrong = ask(&inside, "/v1/latest?freshness=old");
    CHECK_INT(400, wrong.status);
    CHECK_HAS("fresh, late, stale, silent", wrong.body);
    batch_release(&batch);
    inside_close(&inside);
}
