/* The real program, its store lost: what it serves from an export, and what comes after. */
#include "export/manifest.h"
#include "tests/export_kit.h"
#include "tests/freshet.h"
#include "tests/sim_kit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NOBODY "http://127.0.0.1:1/flood-monitoring"

typedef struct Rig {
    char dir[300], data[400], url[400];
    char tag[GENERATION_TAG_SIZE]; /* of what was exported last */
} Rig;

/* What a service that has ended exported last. */
static void find_exported(Rig *rig)
{
    char path[500];
    (void) snprintf(path, sizeof path, "%s/gen/1of1/latest.json", rig->url);
    CLEANUP(buf_release) Buf json = kit_read_file(path);
    CLEANUP(arena_release) Arena arena = arena_init();
    LatestPointer pointer;
    Err err = {.code = OK};
    REQUIRE_OK(latest_pointer_parse(buf_view(&json), &arena, &pointer, &err));
    (void) snprintf(rig->tag, sizeof rig->tag, STR_FMT, STR_ARG(pointer.generation));
}

static void lose_store(const Rig *rig)
{
    static const char *const NAMES[] = {"freshet.db", "ledger.db", "spool.db"};
    for (size_t i = 0; i < countof(NAMES); i++) {
        char path[500];
        (void) snprintf(path, sizeof path, "%s/%s", rig->data, NAMES[i]);
        CHECK_INT(0, unlink(path));
    }
}

static Freshet start(const Rig *rig, const char *upstream)
{
    const char *more[] = {"--export-url", rig->url, "--poll-interval", "1s", "--poll-jitter",
                          "0s",           NULL};
    return freshet_start(rig->data, upstream, NULL, more);
}

static Exchanged ask_csv(const Freshet *service)
{
    char url[200];
    (void) snprintf(url, sizeof url, "%s/v1/readings.csv", service->url);
    Exchanged answer = exchange("GET", url, "", STR_NONE);
    CHECK_INT(200, answer.status);
    return answer;
}

static void check_same(const Exchanged *want, const Freshet *service)
{
    CLEANUP(exchanged_release) Exchanged got = ask_csv(service);
    CHECK_STR(exchanged_field(want, "ETag"), exchanged_field(&got, "ETag"));
    CHECK_STR(exchanged_field(want, "Repr-Digest"), exchanged_field(&got, "Repr-Digest"));
    CHECK(str_eq(buf_view(&want->body), buf_view(&got.body)));
    CHECK(got.body.len > 10000);
}

/* The newest reading of the last measure gets another value. */
static void correct_last(const Simulator *simulator, Str csv)
{
    char target[400];
    Str line = str_after_last(str_trim(csv), '\n');
    (void) snprintf(target, sizeof target,
                    "/sim/value?measure=" STR_FMT "&time=" STR_FMT "&value=77.5",
                    STR_ARG(csv_cell(line, 1)), STR_ARG(csv_cell(line, 5)));
    simulator_do(simulator, "POST", target, STR_NONE);
}

/* freshet restore, as an operator types it. */
static void restore_by_hand(const Rig *rig, const char *generation, int want, const char *said)
{
    const char *const argv[] = {"freshet", "restore",      "--data-dir", rig->data, "--from",
                                rig->url,  "--generation", generation,   NULL};
    Process *process = process_start(argv, NULL);
    (void) process_wait_line(process, said);
    CHECK_INT(want, process_wait(process));
}

TEST(scenario_restore_serves_the_same_and_goes_on_under_a_new_epoch)
{
    static const char *const OPTIONS[] = {"--stations", "30", NULL};
    Rig rig = {.dir = ""};
    (void) snprintf(rig.dir, sizeof rig.dir, "%s", test_dir());
    (void) snprintf(rig.data, sizeof rig.data, "%s/data", rig.dir);
    (void) snprintf(rig.url, sizeof rig.url, "%s/export", rig.dir);
    Simulator simulator = simulator_start(OPTIONS);

    Freshet service = start(&rig, simulator.url);
    (void) process_wait_line(service.process, "event=polled");
    CHECK_TEXT("null", freshet_tell(&service, "restored"));
    CHECK_INT(0, freshet_stop(&service));
    find_exported(&rig);
    lose_store(&rig);

    CASE("the upstream is down");
    service = start(&rig, NOBODY);
    CLEANUP(exchanged_release) Exchanged answer = ask_csv(&service);
    Str etag = exchanged_field(&answer, "ETag");
    CHECK(str_starts((Str){etag.ptr + 1, etag.len - 1}, str_of(rig.tag)));
    freshet_wait(&service, "fault", "network"); /* said, and no generation for that alone */
    CHECK_TEXT("degraded", freshet_tell(&service, "state"));
    CHECK_TEXT(rig.tag, freshet_tell(&service, "generation"));
    CHECK_TEXT(rig.tag, freshet_tell(&service, "restored.generation"));
    CHECK_HAS(rig.url, freshet_tell(&service, "restored.from"));
    check_same(&answer, &service);
    CHECK_INT(0, freshet_stop(&service));

    CASE("by hand, over a store: never");
    restore_by_hand(&rig, rig.tag, 1, "there is a store");
    lose_store(&rig);
    CASE("by hand, what is not there");
    restore_by_hand(&rig, "00000000-1", 1, "not restored");
    CASE("by hand");
    restore_by_hand(&rig, rig.tag, 0, "restored");
    service = start(&rig, NOBODY);
    check_same(&answer, &service);
    CHECK_INT(0, freshet_stop(&service));

    CASE("the upstream is back");
    correct_last(&simulator, buf_view(&answer.body));
    service = start(&rig, simulator.url);
    (void) process_wait_line(service.process, "corrected=1");
    Str tag = freshet_tell(&service, "generation");
    CHECK(strncmp(tag.ptr, rig.tag, 8) != 0);
    int64_t number = 0, before = 0;
    CHECK(str_to_int(str_after_last(tag, '-'), &number));
    CHECK(str_to_int(str_after_last(str_of(rig.tag), '-'), &before));
    CHECK(number > before);

    CASE("cursors of the epoch before hold up to what was restored");
    char target[200];
    (void) snprintf(target, sizeof target, "/v1/changes?since=%s", rig.tag);
    CLEANUP(buf_release) Buf known = freshet_get(&service, target);
    CHECK_HAS("\"reset\":false", buf_view(&known));
    CHECK_HAS("77.5", buf_view(&known));
    (void) snprintf(target, sizeof target, "/v1/changes?since=%.8s-%" PRId64, rig.tag, before + 1);
    CLEANUP(buf_release) Buf unknown = freshet_get(&service, target);
    CHECK_HAS("\"reset\":true", buf_view(&unknown));
    CHECK_INT(0, freshet_stop(&service));
}
