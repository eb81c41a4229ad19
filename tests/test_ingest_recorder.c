/* What is kept of the exchanges with the upstream, and how much. */
#include "ingest/recorder.h"

#include "tests/test.h"

#include <stdio.h>
#include <unistd.h>
#include <zlib.h>

enum { WHEN = 1768910703 }; /* 2026-01-20T12:05:03Z */

/* The plain text of file `number`; none: it is not there. Owned by the caller. */
static Buf read_exchange(const char *folder, int number)
{
    char path[400];
    Buf text = buf_init(1 << 20);
    (void) snprintf(path, sizeof path, "%s/%06d.json.gz", folder, number);
    gzFile file = gzopen(path, "rb");
    for (int got = 1; file != NULL && got > 0;) {
        char *to = buf_reserve(&text, 4096);
        got = gzread(file, to, 4096);
        buf_grew(&text, got > 0 ? (size_t) got : 0);
    }
    if (file != NULL)
        (void) gzclose(file);
    return text;
}

static void check_exchange(const char *folder, int number, const char *want)
{
    CLEANUP(buf_release) Buf text = read_exchange(folder, number);
    CHECK_TEXT(want, text.len > 0 ? buf_view(&text) : STR(""));
}

TEST(recorder_numbers_exchanges_and_goes_on_behind_them)
{
    char folder[400];
    (void) snprintf(folder, sizeof folder, "%s/made", test_dir());
    for (int run = 0; run < 2; run++) {
        Recorder *recorder = NULL;
        Err err = {.code = OK};
        REQUIRE_OK(recorder_open(folder, 1 << 20, &recorder, &err));
        recorder_put(recorder, WHEN, STR("/data/readings?latest"), 200,
                     STR("{ \"items\" : [] }\n"));
        recorder_put(recorder, WHEN + 1, STR("/id/measures/a%20b"), 0, STR(""));
        recorder_close(recorder);
    }
    for (int run = 0; run < 2; run++) {
        check_exchange(folder, 2 * run + 1,
                       "2026-01-20T12:05:03Z /data/readings?latest 200\n{ \"items\" : [] }\n");
        check_exchange(folder, 2 * run + 2, "2026-01-20T12:05:04Z /id/measures/a%20b 0\n");
    }
    check_exchange(folder, 5, "");
}

TEST(recorder_ends_at_its_bytes)
{
    const char *folder = test_dir();
    Recorder *recorder = NULL;
    Err err = {.code = OK};
    REQUIRE_OK(recorder_open(folder, 150, &recorder, &err));
    for (int i = 0; i < 9; i++) /* some 60 bytes each, gzipped */
        recorder_put(recorder, WHEN, STR("/id/stations"), 200, STR("{}"));
    recorder_close(recorder);
    check_exchange(folder, 1, "2026-01-20T12:05:03Z /id/stations 200\n{}");
    check_exchange(folder, 2, "2026-01-20T12:05:03Z /id/stations 200\n{}");
    check_exchange(folder, 3, "");
    REQUIRE_OK(recorder_open(folder, 150, &recorder, &err)); /* what is there counts */
    recorder_put(recorder, WHEN, STR("/id/stations"), 200, STR("{}"));
    recorder_close(recorder);
    check_exchange(folder, 3, "");
}

TEST(recorder_says_what_it_cannot_write)
{
    Recorder *recorder = NULL;
    Err err = {.code = OK};
    CHECK_INT(ERR_STORAGE, recorder_open("/proc/no/record", 1000, &recorder, &err));
    CHECK_HAS("/proc/no/record", str_of(err.text));
}
