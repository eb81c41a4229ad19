/* What the probes and the status say when the store is in trouble. */
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
