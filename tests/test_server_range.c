/* Parts of answers: a broken download goes on where it broke, or starts anew. */
#include "server/range.h"
#include "tests/site.h"

#include <stdio.h>
#include <string.h>

TEST(a_range_is_read_or_left)
{
    static const struct {
        const char *range;
        size_t len;
        RangeKind want;
        size_t from, part_len;
    } cases[] = {
        {NULL, 10, RANGE_WHOLE, 0, 0},
        {"bytes=0-", 10, RANGE_PART, 0, 10},
        {"bytes=4-", 10, RANGE_PART, 4, 6},
        {"Bytes = 4-", 10, RANGE_PART, 4, 6},
        {"bytes=4-4", 10, RANGE_PART, 4, 1},
        {"bytes=4-99", 10, RANGE_PART, 4, 6},
        {"bytes=-3", 10, RANGE_PART, 7, 3},
        {"bytes=-99", 10, RANGE_PART, 0, 10},
        {"bytes=-0", 10, RANGE_OUTSIDE, 0, 0},
        {"bytes=10-", 10, RANGE_OUTSIDE, 0, 0},
        {"bytes=0-", 0, RANGE_OUTSIDE, 0, 0},
        {"bytes=5-4", 10, RANGE_WHOLE, 0, 0},
        {"bytes=1-2,4-5", 10, RANGE_WHOLE, 0, 0},
        {"bytes=", 10, RANGE_WHOLE, 0, 0},
        {"bytes=-", 10, RANGE_WHOLE, 0, 0},
        {"bytes=x-", 10, RANGE_WHOLE, 0, 0},
        {"bytes=99999999999999999999-", 10, RANGE_WHOLE, 0, 0},
        {"items=1-2", 10, RANGE_WHOLE, 0, 0},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        Slice slice = {.from = 0};
        CASE(cases[i].range != NULL ? cases[i].range : "none");
        CHECK_INT(cases[i].want, range_read(str_of(cases[i].range), cases[i].len, &slice));
        CHECK_INT(cases[i].from, slice.from);
        CHECK_INT(cases[i].part_len, slice.len);
    }
}

static Asked ask_part(Inside *inside, const char *method, const char *range, Str if_range)
{
    const Head head = {.method = str_of(method),
                       .target = STR("/v1/readings.csv"),
                       .is_http_1_1 = true,
                       .host_count = 1,
                       .range = str_of(range),
                       .if_range = if_range};
    return ask_head(inside, &head);
}

TEST(a_part_is_of_what_the_client_has_the_beginning_of)
{
    Inside inside;
    inside_open(&inside, true);
    CLEANUP(asked_release) Asked whole = ask_part(&inside, "GET", NULL, STR_NONE);
    char behind[40];
    (void) snprintf(behind, sizeof behind, "bytes=%zu-", whole.body.len);
    const Str tag = asked_header(&whole, "ETag");
    const struct {
        const char *name, *method, *range;
        Str if_range;
        unsigned status;
    } cases[] = {
        {"a part", "GET", "bytes=100-", STR_NONE, 206},
        {"of this tag", "GET", "bytes=100-", tag, 206},
        {"of this date", "GET", "bytes=100-", asked_header(&whole, "Last-Modified"), 206},
        {"of another", "GET", "bytes=100-", STR("\"other\""), 200},
        {"weak", "GET", "bytes=100-", STR("W/\"other\""), 200},
        {"the head alone", "HEAD", "bytes=100-", STR_NONE, 200},
        {"behind the end", "GET", behind, STR_NONE, 416},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        CLEANUP(asked_release)
        Asked part = ask_part(&inside, cases[i].method, cases[i].range, cases[i].if_range);
        CHECK_INT(cases[i].status, part.status);
        char content_range[60];
        (void) snprintf(content_range, sizeof content_range, "bytes 100-%zu/%zu",
                        whole.body.len - 1, whole.body.len);
        if (part.status == 206) {
            CHECK_TEXT(content_range, asked_header(&part, "Content-Range"));
            CHECK_STR(tag, asked_header(&part, "ETag"));
        }
        if (part.status == 416) {
            CHECK_TEXT("range-not-satisfiable", problem_type(part.body));
            CHECK_HAS("bytes */", asked_header(&part, "Content-Range"));
        }
    }
    inside_close(&inside);
}
